import { queryOptions } from "@tanstack/react-query";
import { get } from "../../api/client";
import type { SettingsWire } from "../../api/types";

export function settingsQuery(org: string) {
  return queryOptions({ queryKey: [org, "settings"], queryFn: ({ signal }) => get<SettingsWire>("/org/settings", { org, signal }), staleTime: Number.POSITIVE_INFINITY });
}
