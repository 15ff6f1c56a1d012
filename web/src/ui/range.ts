// A time range in the address: either a span that ends now (range=7d) or fixed
// ends in the reader's own time (from=2026-01-05T08:00).

export interface Range {
  range?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export const ranges = [
  { value: "1h", label: "1 hour", seconds: 3600 },
  { value: "24h", label: "24 hours", seconds: 86_400 },
  { value: "7d", label: "7 days", seconds: 7 * 86_400 },
  { value: "30d", label: "30 days", seconds: 30 * 86_400 },
] as const;

const localTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/;

/** Keeps only what is well formed; fixed ends win over a span. */
export function parseRange(search: Record<string, unknown>): Range {
  const from = text(search["from"]);
  const to = text(search["to"]);
  if (from || to) return customRange(from ?? "", to ?? "");
  const range = text(search["range"]);
  return ranges.some((r) => r.value === range) ? { range } : {};
}

export function customRange(from: string, to: string): Range {
  const out: Range = {};
  if (localTime.test(from)) out.from = from;
  if (localTime.test(to)) out.to = to;
  return out;
}

/** The range as the API takes it: RFC 3339 in UTC. */
export function rangeQuery(r: Range, now: Date): { from?: string; to?: string } {
  const span = ranges.find((x) => x.value === r.range);
  if (span) {
    // Whole minutes, so that a list keeps its query (and its cursor) for a while.
    const at = Math.floor(now.getTime() / 60_000) * 60_000;
    return { from: new Date(at - span.seconds * 1000).toISOString() };
  }
  const out: { from?: string; to?: string } = {};
  if (r.from) out.from = new Date(r.from).toISOString();
  if (r.to) out.to = new Date(r.to).toISOString();
  return out;
}

export function rangeLabel(r: Range): string | undefined {
  const span = ranges.find((x) => x.value === r.range);
  if (span) return `last ${span.label}`;
  const show = (t: string) => t.replace("T", " ");
  if (r.from && r.to) return `${show(r.from)} to ${show(r.to)}`;
  if (r.from) return `from ${show(r.from)}`;
  if (r.to) return `until ${show(r.to)}`;
  return undefined;
}

function text(v: unknown): string | undefined {
  return typeof v === "string" && v !== "" ? v : undefined;
}
