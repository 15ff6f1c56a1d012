import { Check, Copy } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { exact, relative, shortId } from "./format";

// One clock for all relative times on the page.
let now = new Date();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(fn: () => void): () => void {
  listeners.add(fn);
  if (!timer) now = new Date(); // it stood still while nobody looked
  timer ??= setInterval(() => {
    now = new Date();
    for (const l of listeners) l();
  }, 10_000);
  return () => {
    listeners.delete(fn);
    if (listeners.size === 0 && timer) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

export function useNow(): Date {
  return useSyncExternalStore(subscribe, () => now);
}

/** A relative time; exact and UTC on hover. What is seconds ahead of our slow clock is now. */
export function Time({ at }: { at: Date }) {
  const reference = useNow();
  return (
    <time className="nowrap" dateTime={at.toISOString()} title={exact(at)}>
      {relative(at, at > reference && at.getTime() - reference.getTime() < 30_000 ? at : reference)}
    </time>
  );
}

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState(false);
  const timeout = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timeout.current), []);
  const copy = async () => {
    await writeClipboard(text);
    setDone(true);
    clearTimeout(timeout.current);
    timeout.current = setTimeout(() => setDone(false), 1500);
  };
  const Icon = done ? Check : Copy;
  return (
    <button
      type="button"
      className="copy-btn"
      aria-label={`Copy ${what}`}
      title={done ? "Copied" : `Copy ${what}`}
      onClick={(e) => {
        e.stopPropagation();
        void copy();
      }}
    >
      <Icon className="icon" aria-hidden />
      <span className="sr-only" role="status">
        {done ? "Copied" : ""}
      </span>
    </button>
  );
}

export async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Without a secure context there is no clipboard API: select and copy.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr-only";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** An id or hash, shortened in the middle, copied whole. */
export function Id({ value, what = "id", whole = false }: { value: string; what?: string; whole?: boolean }) {
  return (
    <span className="copyable">
      <code className="truncate" title={value}>
        {whole ? value : shortId(value)}
      </code>
      <CopyButton text={value} what={what} />
    </span>
  );
}

/** A command to paste into a terminal. */
export function Command({ text, what = "command", prompt = true }: { text: string; what?: string; prompt?: boolean }) {
  return (
    <div className="command">
      <code>
        {prompt && <span className="prompt">$ </span>}
        {text}
      </code>
      <CopyButton text={text} what={what} />
    </div>
  );
}

export type Meaning = "good" | "warn" | "bad" | "info";

export function State({ meaning, children }: { meaning?: Meaning | "live" | "rec" | undefined; children: ReactNode }) {
  return <span className={meaning ? `state ${meaning}` : "state"}>{children}</span>;
}

export function Badge({ meaning, children, title }: { meaning?: Meaning | "accent" | undefined; children: ReactNode; title?: string }) {
  return (
    <span className={meaning ? `badge ${meaning}` : "badge"} title={title}>
      {children}
    </span>
  );
}

/** Pairs of a label and a value. */
export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode] | false | "" | null | undefined)[] }) {
  return (
    <dl className="facts">
      {rows.map((row) =>
        row ? (
          <div key={row[0]} className="contents">
            <dt>{row[0]}</dt>
            <dd>{row[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}
