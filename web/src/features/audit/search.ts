import type { Outcome, Severity } from "../../api/types";
import { parseRange, type Range } from "../../ui/range";

export const severities: readonly Severity[] = ["DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"];
export const outcomes: readonly Outcome[] = ["success", "failure", "denied"];

/** The audit page's whole state: what its address holds. */
export interface AuditSearch extends Range {
  constant?: string | undefined;
  category?: string | undefined;
  severity?: Severity | undefined;
  outcome?: Outcome | undefined;
  actor?: string | undefined;
  target?: string | undefined;
  session?: string | undefined;
  q?: string | undefined;
  event?: string | undefined; // open in the panel
}

export function parseAuditSearch(search: Record<string, unknown>): AuditSearch {
  const out: AuditSearch = parseRange(search);
  const text = (key: "category" | "actor" | "target" | "session" | "q" | "event") => {
    const v = search[key];
    if (typeof v === "string" && v !== "") out[key] = v.slice(0, 256);
  };
  text("category");
  text("actor");
  text("target");
  text("session");
  text("q");
  text("event");
  const constant = search["constant"];
  if (typeof constant === "string" && /^[A-Z][A-Z0-9_]{2,80}$/.test(constant)) out.constant = constant;
  out.severity = severities.find((s) => s === search["severity"]);
  out.outcome = outcomes.find((o) => o === search["outcome"]);
  for (const key of Object.keys(out) as (keyof AuditSearch)[]) if (out[key] === undefined) delete out[key];
  return out;
}

/** The filters without what is open: what the list depends on. */
export function filtersOf({ event: _, ...filters }: AuditSearch): AuditSearch {
  return filters;
}

export function hasFilters(s: AuditSearch): boolean {
  return Object.values(filtersOf(s)).some((v) => v !== undefined);
}
