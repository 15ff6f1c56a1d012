import { Check, ChevronDown, Plus, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Button } from "./button";
import { type Option, TextField } from "./field";
import { Menu, MenuItem } from "./menu";
import { customRange, type Range, rangeLabel, ranges } from "./range";

interface ChipProps {
  label: string;
  value: string | undefined; // as shown; undefined: not set
  onClear: () => void;
  popover?: boolean;
  children: (close: () => void) => ReactNode;
}

/** A filter: dashed while unset, filled with its value when set. */
export function Chip({ label, value, onClear, popover, children }: ChipProps) {
  return (
    <Menu
      label={label}
      popover={popover ?? false}
      trigger={(p) =>
        value === undefined ? (
          <button type="button" className="chip" {...p}>
            <Plus className="icon" aria-hidden /> {label}
          </button>
        ) : (
          <span className="chip on">
            <button type="button" className="chip-edit" {...p} aria-label={`${label}: ${value}. Change`}>
              {label}: <strong>{value}</strong>
            </button>
            <button type="button" className="chip-x" aria-label={`Remove filter ${label}`} onClick={onClear}>
              <X className="icon" aria-hidden />
            </button>
          </span>
        )
      }
    >
      {children}
    </Menu>
  );
}

export function PickChip({ label, value, options, onPick }: { label: string; value: string | undefined; options: readonly Option[]; onPick: (v: string | undefined) => void }) {
  const [typed, setTyped] = useState("");
  const shown = options.filter((o) => typed === "" || o.label.toLowerCase().includes(typed.toLowerCase()));
  const long = options.length > 10;
  return (
    <Chip label={label} value={value === undefined ? undefined : (options.find((o) => o.value === value)?.label ?? value)} onClear={() => onPick(undefined)}>
      {(close) => (
        <>
          {long && <MenuSearch label={`Search ${label.toLowerCase()}`} value={typed} onText={setTyped} />}
          {shown.map((o) => (
            <MenuItem
              key={o.value}
              checked={o.value === value}
              onPick={() => {
                setTyped("");
                close();
                onPick(o.value === value ? undefined : o.value);
              }}
            >
              <span className="grow">{o.label}</span>
              {o.value === value && <Check className="icon" aria-hidden />}
            </MenuItem>
          ))}
          {shown.length === 0 && <p className="menu-head">Nothing to choose from.</p>}
        </>
      )}
    </Chip>
  );
}

/** The field at the head of a long menu: it has the focus when the menu opens; arrows go on to the items. */
export function MenuSearch({ label, value, onText }: { label: string; value: string; onText: (v: string) => void }) {
  return (
    <div className="menu-search">
      <input
        className="input"
        aria-label={label}
        placeholder="Search"
        value={value}
        ref={(el) => {
          if (el && value === "") setTimeout(() => el.focus(), 0);
        }}
        onChange={(e) => onText(e.target.value)}
      />
    </div>
  );
}

export function TextChip({ label, value, hint, mono, onText }: { label: string; value: string | undefined; hint?: string; mono?: boolean; onText: (v: string | undefined) => void }) {
  const [text, setText] = useState(value ?? "");
  return (
    <Chip label={label} value={value} onClear={() => onText(undefined)} popover>
      {(close) => (
        <form
          className="popover-form"
          onSubmit={(e) => {
            e.preventDefault();
            close();
            onText(text.trim() || undefined);
          }}
        >
          <TextField label={label} hint={hint} mono={mono ?? false} value={text} onText={setText} />
          <Button type="submit" kind="primary" small>
            Apply
          </Button>
        </form>
      )}
    </Chip>
  );
}

export function RangeChip({ value, onRange }: { value: Range; onRange: (r: Range) => void }) {
  const [from, setFrom] = useState(value.from ?? "");
  const [to, setTo] = useState(value.to ?? "");
  const label = rangeLabel(value);
  return (
    <Chip label="Time" value={label} onClear={() => onRange({})} popover>
      {(close) => (
        <form
          className="popover-form"
          onSubmit={(e) => {
            e.preventDefault();
            close();
            onRange(customRange(from, to));
          }}
        >
          <div className="range-picks">
            {ranges.map((r) => (
              <Button
                key={r.value}
                small
                kind={value.range === r.value ? "primary" : "plain"}
                onClick={() => {
                  close();
                  onRange({ range: r.value });
                }}
              >
                {r.label}
              </Button>
            ))}
          </div>
          <TextField label="From" type="datetime-local" value={from} onText={setFrom} />
          <TextField label="To" type="datetime-local" value={to} onText={setTo} />
          <Button type="submit" small kind="primary" disabled={from === "" && to === ""}>
            Apply
          </Button>
        </form>
      )}
    </Chip>
  );
}

export function ClearFilters({ shown, onClear }: { shown: boolean; onClear: () => void }) {
  return shown ? (
    <Button kind="ghost" small onClick={onClear}>
      Clear all
    </Button>
  ) : null;
}

/** New rows above are announced, not pushed in: the list never jumps while one reads. */
export function NewAbove({ count, what, many = `${what}s`, show }: { count: number; what: string; many?: string; show: () => void }) {
  return (
    <div role="status" aria-live="polite">
      {count > 0 && (
        <button type="button" className="new-above" onClick={show}>
          {count} new {count === 1 ? what : many} <ChevronDown className="icon" aria-hidden />
        </button>
      )}
    </div>
  );
}
