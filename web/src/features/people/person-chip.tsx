import { useQuery } from "@tanstack/react-query";
import { Check } from "lucide-react";
import { useState } from "react";
import { Chip, MenuSearch } from "../../ui/filter";
import { MenuItem } from "../../ui/menu";
import { useSettled } from "../../ui/settled";
import { useOrg } from "../shell/org";
import { foundMembersQuery, memberQuery } from "./queries";

interface Props {
  label: string;
  value: string | undefined; // a user id
  onPick: (v: string | undefined) => void;
}

/** A filter for one person; the server looks for them, however many there are. */
export function PersonChip({ label, value, onPick }: Props) {
  const org = useOrg();
  const { data: picked } = useQuery({ ...memberQuery(org.id, value ?? ""), enabled: value !== undefined });
  return (
    <Chip label={label} value={value === undefined ? undefined : (picked?.name ?? value)} onClear={() => onPick(undefined)}>
      {(close) => (
        <Found
          label={label}
          value={value}
          onPick={(v) => {
            close();
            onPick(v);
          }}
        />
      )}
    </Chip>
  );
}

function Found({ label, value, onPick }: Props) {
  const org = useOrg();
  const [text, setText] = useState("");
  const { data, error } = useQuery(foundMembersQuery(org.id, useSettled(text.trim())));
  return (
    <>
      <MenuSearch label={`Search ${label.toLowerCase()}`} value={text} onText={setText} />
      {data?.items.map((m) => (
        <MenuItem key={m.user_id} checked={m.user_id === value} onPick={() => onPick(m.user_id === value ? undefined : m.user_id)}>
          <span className="grow">
            {m.name || m.handle} <span className="faint small">{m.email || m.handle}</span>
          </span>
          {m.user_id === value && <Check className="icon" aria-hidden />}
        </MenuItem>
      ))}
      {data?.items.length === 0 && <p className="menu-head">Nobody here is like “{text.trim()}”.</p>}
      {data?.next_cursor && <p className="menu-head">There are more: type a part of the name, email or handle.</p>}
      {error && <p className="menu-head">The people could not be asked for.</p>}
    </>
  );
}
