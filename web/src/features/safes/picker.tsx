import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Pick, Picker } from "../../ui/picker";
import { useOrg } from "../shell/org";
import { safesQuery } from "./queries";

/** Chooses safes, of those that the reader may see. */
export function SafePicker(props: { label: string; hint?: string; error?: string | undefined; optional?: boolean; picked: readonly Pick[]; onPicked: (p: readonly Pick[]) => void; many?: boolean }) {
  const org = useOrg();
  const [text, setText] = useState("");
  const { data, error } = useQuery({ ...safesQuery(org.id, { mine: false }), staleTime: 30_000 });
  const typed = text.trim().toLowerCase();
  const found = data?.items
    .filter((s) => `${s.name} ${s.description} ${s.resource.name}`.toLowerCase().includes(typed))
    .slice(0, 20)
    .map((s) => ({ value: s.id, label: s.name, detail: `${s.account.username}@${s.resource.host}` }));
  return <Picker {...props} error={props.error ?? error?.message} placeholder="Search safes" text={text} onText={setText} found={found} />;
}
