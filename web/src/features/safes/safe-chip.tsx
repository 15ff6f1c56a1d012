import { useQuery } from "@tanstack/react-query";
import { Check } from "lucide-react";
import { useState } from "react";
import { Chip, MenuSearch } from "../../ui/filter";
import { MenuItem } from "../../ui/menu";
import { useSettled } from "../../ui/settled";
import { useOrg } from "../shell/org";
import { foundSafesQuery, safeQuery } from "./queries";

interface Props {
  label: string;
  value: string | undefined; // a safe id
  onPick: (v: string | undefined) => void;
}

/** A filter for one safe; the server looks for them, however many there are. */
export function SafeChip({ label, value, onPick }: Props) {
  const org = useOrg();
  const { data: picked } = useQuery({ ...safeQuery(org.id, value ?? ""), enabled: value !== undefined, retry: false });
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
  const { data, error } = useQuery(foundSafesQuery(org.id, { q: useSettled(text.trim()), mine: false }));
  return (
    <>
      <MenuSearch label={`Search ${label.toLowerCase()}`} value={text} onText={setText} />
      {data?.items.map((s) => (
        <MenuItem key={s.id} checked={s.id === value} onPick={() => onPick(s.id === value ? undefined : s.id)}>
          <span className="grow">
            {s.name} <span className="faint small">{`${s.account.username}@${s.resource.host}`}</span>
          </span>
          {s.id === value && <Check className="icon" aria-hidden />}
        </MenuItem>
      ))}
      {data?.items.length === 0 && <p className="menu-head">No safe is like “{text.trim()}”.</p>}
      {data?.next_cursor && <p className="menu-head">There are more: type a part of the name, host or account.</p>}
      {error && <p className="menu-head">The safes could not be asked for.</p>}
    </>
  );
}
