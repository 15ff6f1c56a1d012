import { describe, expect, it } from "vitest";
import { filtersOf, hasFilters, parseAuditSearch } from "./features/audit/search";
import { safeNext } from "./features/auth/next";
import { parseSessionsSearch } from "./features/sessions/search";
import { optional, parseSearch, stringifySearch } from "./search";
import { customRange, parseRange, rangeLabel, rangeQuery } from "./ui/range";

describe("the address", () => {
  it("keeps text as text and drops what is empty", () => {
    expect(parseSearch("?q=007&x=true&y=%7B%7D")).toEqual({ q: "007", x: "true", y: "{}" });
    expect(stringifySearch({ q: "a b&c", open: undefined, new: "", n: null })).toBe("?q=a+b%26c");
    expect(stringifySearch({})).toBe("");
  });

  it("round-trips filters", () => {
    const search = { severity: "WARN", constant: "SESSION_ESTABLISHED", actor: "usr_1", range: "7d", q: "web prod", event: "evt_1" };
    expect(parseAuditSearch(parseSearch(stringifySearch(search)))).toEqual(search);
    const sessions = { state: "ended", user: "usr_1", from: "2025-03-04T08:00" };
    expect(parseSessionsSearch(parseSearch(stringifySearch(sessions)))).toEqual(sessions);
  });

  it("drops filters that nobody could have set", () => {
    expect(parseAuditSearch({ severity: "LOUD", outcome: "maybe", constant: "lower case", range: "5y", q: 7, evil: "x" })).toEqual({});
    expect(parseSessionsSearch({ state: "paused", user: "", from: "yesterday" })).toEqual({});
    expect(optional("tab")({ tab: "policy", other: "x" })).toEqual({ tab: "policy" });
  });

  it("does not count the open event as a filter", () => {
    expect(filtersOf({ event: "evt_1", q: "x" })).toEqual({ q: "x" });
    expect(hasFilters({ event: "evt_1" })).toBe(false);
  });

  it("goes back only to our own pages after sign-in", () => {
    expect(safeNext("/o/acme/audit?q=1")).toBe("/o/acme/audit?q=1");
    for (const bad of [undefined, "", "https://evil.example", "//evil.example", "/\\evil.example", "/\tx", "/sign-in?next=/", "javascript:alert(1)"]) {
      expect(safeNext(bad)).toBe("/");
    }
  });
});

describe("time ranges", () => {
  const now = new Date("2025-03-04T08:12:51Z");

  it("ends a span now, on the minute", () => {
    expect(rangeQuery({ range: "24h" }, now)).toEqual({ from: "2025-03-03T08:12:00.000Z" });
    expect(rangeQuery({}, now)).toEqual({});
    expect(rangeLabel({ range: "7d" })).toBe("last 7 days");
  });

  it("reads fixed ends as the reader's own time", () => {
    const r = customRange("2025-03-04T08:00", "nonsense");
    expect(r).toEqual({ from: "2025-03-04T08:00" });
    expect(rangeQuery(r, now)).toEqual({ from: new Date("2025-03-04T08:00").toISOString() });
    expect(rangeLabel(r)).toBe("from 2025-03-04 08:00");
  });

  it("lets fixed ends win over a span", () => {
    expect(parseRange({ range: "7d", to: "2025-03-04T08:00" })).toEqual({ to: "2025-03-04T08:00" });
  });
});
