import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Pick, Picker } from "../../ui/picker";
import { useSettled } from "../../ui/settled";
import { useOrg } from "../shell/org";
import { foundSafesQuery } from "./queries";

interface Props {
  label: string;
  hint?: string;
  error?: string | undefined;
  optional?: boolean;
  picked: readonly Pick[];
  onPicked: (p: readonly Pick[]) => void;
  many?: boolean;
  /** Only what the reader may open themselves. */
  mine?: boolean;
}

/** Chooses safes, of those that the reader may see; the server searches. */
export function SafePicker({ mine, ...rest }: Props) {
  const org = useOrg();
  const [text, setText] = useState("");
  const settled = useSettled(text.trim(), 150);
  const { data, error, isPlaceholderData } = useQuery(foundSafesQuery(org.id, { q: settled, mine: mine ?? false }));
  const found = data?.items.map((s) => ({ value: s.id, label: s.name, detail: `${s.account.username}@${s.resource.host}` }));
  return <Picker {...rest} error={rest.error ?? error?.message} placeholder="Search safes" text={text} onText={setText} found={found} busy={isPlaceholderData || settled !== text.trim()} />;
}
