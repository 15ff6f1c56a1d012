import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Pick, Picker } from "../../ui/picker";
import { useSettled } from "../../ui/settled";
import { useOrg } from "../shell/org";
import { foundMembersQuery } from "./queries";

interface Props {
  label: string;
  hint?: string;
  error?: string | undefined;
  optional?: boolean;
  picked: readonly Pick[];
  onPicked: (p: readonly Pick[]) => void;
  many?: boolean;
  /** Who can launch: auditors are left out. */
  launchers?: boolean;
}

/** Chooses people; the server searches names, addresses and handles. */
export function PersonPicker({ launchers, ...rest }: Props) {
  const org = useOrg();
  const [text, setText] = useState("");
  const settled = useSettled(text.trim(), 150);
  const { data, error, isPlaceholderData } = useQuery(foundMembersQuery(org.id, settled));
  const found = data?.items.filter((m) => !launchers || m.role !== "auditor").map((m) => ({ value: m.user_id, label: m.name || m.handle, detail: m.email || m.handle }));
  return <Picker {...rest} error={rest.error ?? error?.message} placeholder="Search name, email or handle" text={text} onText={setText} found={found} busy={isPlaceholderData || settled !== text.trim()} />;
}
