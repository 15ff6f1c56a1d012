import type { LucideIcon } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";

interface TriggerProps {
  onClick: () => void;
  "aria-expanded": boolean;
  "aria-haspopup": "menu" | "dialog";
}

interface Props {
  trigger: (p: TriggerProps) => ReactNode;
  label: string;
  right?: boolean;
  /** A menu holds items; a popover holds a small form. */
  popover?: boolean;
  children: (close: () => void) => ReactNode;
}

/** A list of actions below its button: arrows move, Escape and a click elsewhere close. */
export function Menu({ trigger, label, right, popover, children }: Props) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLSpanElement>(null);
  const list = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return;
    const box = list.current;
    if (box) {
      const over = box.getBoundingClientRect().right - (window.innerWidth - 8);
      if (over > 0) box.style.marginLeft = `${-over}px`; // stays on the screen
    }
    list.current?.querySelector<HTMLElement>(popover ? "input, select, button" : ".menu-item")?.focus();
    const outside = (e: PointerEvent) => {
      if (e.target instanceof Node && !root.current?.contains(e.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open, popover]);

  const close = () => {
    setOpen(false);
    root.current?.querySelector<HTMLElement>("button, a")?.focus();
  };

  const onKeyDown = (e: KeyboardEvent) => {
    if (!open) return;
    if (e.key === "Escape") {
      e.preventDefault();
      e.stopPropagation();
      close();
      return;
    }
    if (popover) return;
    const items = [...(list.current?.querySelectorAll<HTMLElement>(".menu-item") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = e.key === "ArrowDown" ? at + 1 : e.key === "ArrowUp" ? at - 1 : e.key === "Home" ? 0 : e.key === "End" ? items.length - 1 : undefined;
    if (to !== undefined) {
      e.preventDefault();
      items[(to + items.length) % items.length]?.focus();
    } else if (e.key === "Tab") {
      setOpen(false);
    }
  };

  return (
    <span className="menu-anchor" ref={root} onKeyDown={onKeyDown}>
      {trigger({ onClick: () => setOpen(!open), "aria-expanded": open, "aria-haspopup": popover ? "dialog" : "menu" })}
      {open && (
        <div className={right ? "menu right" : "menu"} role={popover ? "dialog" : "menu"} aria-label={label} ref={list}>
          {children(close)}
        </div>
      )}
    </span>
  );
}

export function MenuItem({ icon: Icon, children, onPick, bad, checked, toggle }: { icon?: LucideIcon; children: ReactNode; onPick: () => void; bad?: boolean; checked?: boolean; toggle?: boolean }) {
  return (
    <button
      type="button"
      className={bad ? "menu-item bad" : "menu-item"}
      role={checked === undefined ? "menuitem" : toggle ? "menuitemcheckbox" : "menuitemradio"}
      aria-checked={checked}
      tabIndex={-1}
      onClick={onPick}
    >
      {Icon && <Icon className="icon" aria-hidden />}
      {children}
    </button>
  );
}
