import { Search, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { Field } from "./field";

export interface Pick {
  value: string;
  label: string;
  detail?: string | undefined;
}

interface Props {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  optional?: boolean;
  placeholder?: string;
  /** What is typed, kept by the caller, who searches for it. */
  text: string;
  onText: (v: string) => void;
  /** What was found; undefined while it is looked for. */
  found: readonly Pick[] | undefined;
  /** What is shown was found for an earlier text: Enter waits, so that nobody chooses what they did not mean. */
  busy?: boolean;
  picked: readonly Pick[];
  onPicked: (p: readonly Pick[]) => void;
  many?: boolean;
}

/** Chooses from what a search finds: type, arrows, Enter. What is chosen stands above, each to be taken away. */
export function Picker({ label, hint, error, optional, placeholder, text, onText, found, busy, picked, onPicked, many }: Props) {
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const listId = useId();
  const free = found?.filter((f) => !picked.some((p) => p.value === f.value));
  const asks = many || picked.length === 0;
  const [waiting, setWaiting] = useState(false); // Enter was struck, and what is typed is still looked for
  useEffect(() => {
    setAt(0);
    setWaiting(false);
  }, [text]);
  // Not at the loss of focus: what is below would move away under the pointer that is about to click it.
  useEffect(() => {
    if (!open) return;
    const elsewhere = (e: Event) => e.target instanceof Node && !box.current?.contains(e.target) && setOpen(false);
    document.addEventListener("click", elsewhere);
    return () => document.removeEventListener("click", elsewhere);
  }, [open]);
  useEffect(() => {
    if (open) document.getElementById(`${listId}-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [at, open, listId]);

  const pick = (p: Pick | undefined) => {
    if (!p) return;
    onPicked(many ? [...picked, p] : [p]);
    onText("");
    setOpen(false);
  };
  useEffect(() => {
    if (!waiting || busy) return;
    setWaiting(false);
    pick(free?.[at]);
  }, [waiting, busy]);
  const onKeyDown = (e: KeyboardEvent) => {
    const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      e.preventDefault();
      setOpen(true);
      if (free && free.length > 0) setAt((at + (open ? step : 0) + free.length) % free.length);
    } else if (e.key === "Enter" && open) {
      e.preventDefault(); // it chooses; it does not send the form
      if (busy) setWaiting(true);
      else pick(free?.[at]);
    } else if (e.key === "Escape" && open) {
      e.preventDefault();
      e.stopPropagation();
      setOpen(false);
    } else if (e.key === "Tab") {
      setOpen(false);
    }
  };
  const shown = open && free !== undefined && free.length > 0;
  return (
    <div ref={box} className="picker">
      <Field label={label} hint={hint} error={error} optional={optional ?? false}>
        {(w) => (
          <>
            {picked.length > 0 && (
              <ul className="picks" aria-label={`${label}, chosen`}>
                {picked.map((p) => (
                  <li key={p.value} className="pick">
                    <span className="truncate" title={p.detail}>
                      {p.label}
                    </span>
                    <button type="button" className="chip-x" aria-label={`Remove ${p.label}`} onClick={() => onPicked(picked.filter((x) => x.value !== p.value))}>
                      <X className="icon" aria-hidden />
                    </button>
                  </li>
                ))}
              </ul>
            )}
            {asks && (
              <div className="input-wrap search">
                <Search className="icon" aria-hidden />
                <input
                  {...w}
                  role="combobox"
                  className="input"
                  autoComplete="off"
                  spellCheck={false}
                  aria-autocomplete="list"
                  aria-expanded={shown}
                  aria-controls={shown ? listId : undefined}
                  aria-activedescendant={shown ? `${listId}-${at}` : undefined}
                  placeholder={placeholder ?? "Type to search"}
                  value={text}
                  onClick={() => setOpen(true)}
                  onKeyDown={onKeyDown}
                  onChange={(e) => {
                    onText(e.target.value);
                    setOpen(true);
                  }}
                />
              </div>
            )}
          </>
        )}
      </Field>
      {shown && (
        <div className="picker-list" role="listbox" id={listId} aria-label={`${label}, found`}>
          {free.map((p, i) => (
            <div key={p.value} role="option" id={`${listId}-${i}`} aria-selected={i === at} className="picker-item" onMouseMove={() => setAt(i)} onMouseDown={(e) => e.preventDefault()} onClick={() => pick(p)}>
              <span className="truncate">{p.label}</span>
              {p.detail && <span className="faint small truncate">{p.detail}</span>}
            </div>
          ))}
        </div>
      )}
      {open && free?.length === 0 && (
        <p className="small dim" role="status">
          {text.trim() === "" ? "There is nothing more to choose from." : `Nothing here is like “${text.trim()}”.`}
        </p>
      )}
    </div>
  );
}
