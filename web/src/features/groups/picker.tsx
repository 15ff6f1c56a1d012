import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { plural } from "../../ui/format";
import { type Pick, Picker } from "../../ui/picker";
import { useSettled } from "../../ui/settled";
import { useOrg } from "../shell/org";
import { foundGroupsQuery } from "./queries";

/** Chooses groups; the server searches. */
export function GroupPicker(props: { label: string; hint?: string; error?: string | undefined; optional?: boolean; picked: readonly Pick[]; onPicked: (p: readonly Pick[]) => void; many?: boolean }) {
  const org = useOrg();
  const [text, setText] = useState("");
  const settled = useSettled(text.trim(), 150);
  const { data, error, isPlaceholderData } = useQuery(foundGroupsQuery(org.id, settled));
  const found = data?.items.map((g) => ({ value: g.id, label: g.name, detail: plural(g.members, "person", "people") }));
  return <Picker {...props} error={props.error ?? error?.message} placeholder="Search groups" text={text} onText={setText} found={found} busy={isPlaceholderData || settled !== text.trim()} />;
}
