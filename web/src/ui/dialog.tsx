import { X } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { asProblem } from "../api/problem";
import { Button, IconButton } from "./button";
import { TextField } from "./field";
import { FormProblem } from "./states";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  footer?: ReactNode;
  onSubmit?: () => void;
  wide?: boolean;
  /** A click outside does not close: something would be lost. */
  sticky?: boolean;
}

/** A modal on the browser's own <dialog>: focus is kept inside, given back at the end, Escape closes. */
export function Dialog({ title, onClose, children, footer, onSubmit, wide, sticky }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const d = ref.current;
    const before = document.activeElement;
    if (d && !d.open) {
      d.showModal();
      // To the first thing to fill in; without one, to the first button of the foot, which changes nothing.
      const first = d.querySelector<HTMLElement>(".body :is(input:not([hidden]), select, textarea):not(:disabled)") ?? d.querySelector<HTMLElement>("footer button");
      first?.focus();
    }
    return () => {
      d?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    onSubmit?.();
  };
  const inner = (
    <>
      <div className="body stack">{children}</div>
      {footer && <footer>{footer}</footer>}
    </>
  );
  return (
    <dialog
      ref={ref}
      className={wide ? "dialog wide" : "dialog"}
      aria-labelledby={titleId}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onMouseDown={(e) => {
        if (e.target === e.currentTarget && !sticky) onClose();
      }}
    >
      <header>
        <h2 id={titleId}>{title}</h2>
        <IconButton icon={X} label="Close" small onClick={onClose} />
      </header>
      {onSubmit ? (
        <form onSubmit={submit} noValidate>
          {inner}
        </form>
      ) : (
        inner
      )}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  verb: string;
  /** An act that takes nothing away: primary. */
  kind?: "danger solid" | "primary";
  /** What will stop working, and for whom. */
  children: ReactNode;
  /** When given, this must be typed before the button works. */
  typeName?: string;
  busy: boolean;
  error: unknown;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before a destructive act. */
export function Confirm({ title, verb, kind = "danger solid", children, typeName, busy, error, onConfirm, onClose }: ConfirmProps) {
  const [typed, setTyped] = useState("");
  const ready = typeName === undefined || typed === typeName;
  if (error && asProblem(error).isWaiting) {
    return (
      <Dialog title={title} onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
        <FormProblem error={error} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={() => ready && !busy && onConfirm()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind={kind} disabled={!ready} busy={busy}>
            {verb}
          </Button>
        </>
      }
    >
      <div className="dim">{children}</div>
      {typeName !== undefined && <TextField label={`Type ${typeName} to confirm`} mono value={typed} onText={setTyped} autoFocus />}
      <FormProblem error={error} />
    </Dialog>
  );
}

const wideScreen = "(min-width: 1000px)";

/**
 * The side panel: beside the list on a desk (the list stays usable), over it on
 * a phone (modal). Escape closes; focus returns to where it came from.
 */
export function Panel({ title, subtitle, onClose, children, footer }: { title: ReactNode; subtitle?: ReactNode; onClose: () => void; children: ReactNode; footer?: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const d = ref.current;
    const before = document.activeElement;
    if (d && !d.open) {
      if (window.matchMedia(wideScreen).matches) d.show();
      else d.showModal();
    }
    const onKey = (e: KeyboardEvent) => {
      if (e.key === "Escape" && !e.defaultPrevented && !document.querySelector("dialog:modal")) close.current();
    };
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("keydown", onKey);
      d?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      className="panel"
      aria-labelledby={titleId}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
    >
      <header>
        <div className="stack tight grow">
          <h2 id={titleId} tabIndex={-1}>
            {title}
          </h2>
          {subtitle && <div className="dim">{subtitle}</div>}
        </div>
        <IconButton icon={X} label="Close panel" small onClick={onClose} />
      </header>
      <div className="body" tabIndex={0} role="group" aria-labelledby={titleId}>
        {children}
      </div>
      {footer && <footer>{footer}</footer>}
    </dialog>
  );
}
