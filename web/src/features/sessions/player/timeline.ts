import type { Cast, CastEvent } from "./cast";

/** How busy each slice of the recording was, 0 to 1, for the strip above the slider. */
export function density(events: readonly CastEvent[], duration: number, slices: number): number[] {
  const sums = new Array<number>(slices).fill(0);
  if (duration <= 0) return sums;
  for (const e of events) {
    if (e.kind !== "output" && e.kind !== "input") continue;
    const i = Math.min(slices - 1, Math.floor((e.at / duration) * slices));
    sums[i] = (sums[i] ?? 0) + e.data.length;
  }
  // One big listing must not flatten the rest: a logarithm.
  const top = Math.log1p(Math.max(...sums));
  return top === 0 ? sums : sums.map((s) => Math.log1p(s) / top);
}

export interface Marker {
  at: number;
  kind: "command" | "file" | "forward" | "policy" | "gap" | "other";
  label: string;
}

// How the export names what has no event of its own (internal/recording/asciicast, frames.go).
const forms: { form: RegExp; kind: Marker["kind"] }[] = [
  { form: /^(?:exec|command|subsystem): (.*)$/s, kind: "command" },
  { form: /^policy: (.*)$/s, kind: "policy" },
  { form: /^(not recorded: .*)$/s, kind: "gap" },
  { form: /^((?:local|remote|dynamic|agent|x11)\S* forward .*)$/s, kind: "forward" },
  { form: /^((?:sftp|scp|rsync|file)\b.*: \w+)$/s, kind: "file" },
];

/** Moments that were marked, by kind; what is of no known form keeps its whole label. */
export function markers(events: readonly CastEvent[]): Marker[] {
  const out: Marker[] = [];
  for (const e of events) {
    if (e.kind !== "marker") continue;
    const f = forms.find((x) => x.form.test(e.data));
    out.push({ at: e.at, kind: f?.kind ?? "other", label: printable(f?.form.exec(e.data)?.[1] ?? e.data).slice(0, 300) });
  }
  return out;
}

export function durationOf(cast: Cast): number {
  return cast.events.at(-1)?.at ?? 0;
}

export interface Hit {
  at: number;
  line: string;
}

/** Where the printed text contains what was typed. Escape sequences are not text. */
export function search(events: readonly CastEvent[], typed: string, limit = 200): Hit[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted === "") return [];
  const hits: Hit[] = [];
  let line = "";
  let since = 0; // when the line began to hold something
  const flush = (at: number) => {
    const text = printable(line);
    if (text.toLowerCase().includes(wanted) && hits.length < limit) hits.push({ at: since, line: text.trim().slice(0, 200) });
    line = "";
    since = at;
  };
  for (const e of events) {
    if (e.kind !== "output") continue;
    for (const piece of e.data.split(/(?<=\n)/)) {
      if (line === "") since = e.at;
      line += piece;
      if (piece.endsWith("\n") || line.length > 4000) flush(e.at);
    }
  }
  flush(since);
  return hits;
}

/** Text without control sequences and control characters. */
export function printable(text: string): string {
  return text
    .replace(/\u001b\][^\u0007\u001b]*(\u0007|\u001b\\)/g, "")
    .replace(/\u001b[P^_X][^\u001b]*\u001b\\/g, "")
    .replace(/\u001b\[[0-?]*[ -/]*[@-~]/g, "")
    .replace(/\u001b[ -/]*[0-~]/g, "")
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, "");
}
