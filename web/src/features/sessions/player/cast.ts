// Reads asciicast v2 and v3 (JSON lines: a header, then events). v2 gives times
// since the start, v3 since the event before.

export type CastKind = "output" | "input" | "marker" | "resize" | "exit";

export interface CastEvent {
  at: number; // seconds since the start
  kind: CastKind;
  data: string;
}

export interface Cast {
  cols: number;
  rows: number;
  events: CastEvent[];
}

const kinds: Record<string, CastKind> = { o: "output", e: "output", i: "input", m: "marker", r: "resize", x: "exit" };

/** Takes the file line by line; `cast` is complete after the last one. */
export class CastReader {
  readonly cast: Cast = { cols: 80, rows: 24, events: [] };
  /** Lines that were not events: a hint that the file is damaged. */
  bad = 0;
  private version: 2 | 3 | undefined;
  private clock = 0;

  line(text: string): void {
    if (text.trim() === "" || text.startsWith("#")) return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.bad++;
      return;
    }
    if (this.version === undefined) this.header(value);
    else this.event(value);
  }

  private header(value: unknown): void {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("The recording does not begin with an asciicast header.");
    const h = value as Record<string, unknown>;
    if (h["version"] !== 2 && h["version"] !== 3) throw new Error(`The recording is asciicast version ${String(h["version"])}; this player reads 2 and 3.`);
    this.version = h["version"];
    const term = this.version === 3 && typeof h["term"] === "object" && h["term"] !== null ? (h["term"] as Record<string, unknown>) : undefined;
    this.cast.cols = size(term ? term["cols"] : h["width"], 80);
    this.cast.rows = size(term ? term["rows"] : h["height"], 24);
  }

  private event(value: unknown): void {
    if (!Array.isArray(value) || typeof value[0] !== "number" || typeof value[1] !== "string") {
      this.bad++;
      return;
    }
    const time = Math.max(0, value[0]);
    this.clock = this.version === 3 ? this.clock + time : Math.max(this.clock, time);
    const kind = kinds[value[1]];
    if (kind === undefined) return; // later versions may add kinds
    this.cast.events.push({ at: this.clock, kind, data: typeof value[2] === "string" ? value[2] : String(value[2] ?? "") });
  }
}

export function parseSize(data: string): { cols: number; rows: number } | undefined {
  const m = /^(\d{1,5})x(\d{1,5})$/.exec(data);
  if (!m) return undefined;
  return { cols: size(Number(m[1]), 80), rows: size(Number(m[2]), 24) };
}

// A recording may say anything; what is drawn stays within reason.
function size(v: unknown, fallback: number): number {
  return typeof v === "number" && v >= 1 ? Math.min(Math.floor(v), 500) : fallback;
}
