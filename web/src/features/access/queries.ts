import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get } from "../../api/client";
import type { ExplanationWire, Page, ReachWire } from "../../api/types";

/** When, from where and with what proof: the moment that a question is about. Absent: now, from nowhere in particular, with a proof just made. */
export interface Moment {
  at?: string | undefined; // local time, as a field has it
  from?: string | undefined;
  mfa?: string | undefined;
  ticket?: string | undefined;
  use?: string | undefined; // absent: a session
}

const query = (m: Moment) => ({ at: m.at && !Number.isNaN(Date.parse(m.at)) ? new Date(m.at).toISOString() : undefined, from: m.from, mfa: m.mfa, ticket: m.ticket, use: m.use === "checkout" ? m.use : undefined });

export function explainQuery(org: string, user: string, safe: string, m: Moment) {
  return queryOptions({ queryKey: [org, "access", "explain", user, safe, m], queryFn: ({ signal }) => get<ExplanationWire>("/org/access/explain", { org, signal, query: { user, safe, ...query(m) } }), retry: false });
}

function reachQuery(org: string, path: "who-can" | "what-can", of: { safe: string } | { user: string }, m: Moment) {
  return infiniteQueryOptions({
    queryKey: [org, "access", path, of, m],
    queryFn: ({ signal, pageParam }) => get<Page<ReachWire>>(`/org/access/${path}`, { org, signal, query: { ...of, ...query(m), limit: 50, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: keepPreviousData,
    retry: false,
  });
}

export function whoCanQuery(org: string, safe: string, m: Moment) {
  return reachQuery(org, "who-can", { safe }, m);
}

export function whatCanQuery(org: string, user: string, m: Moment) {
  return reachQuery(org, "what-can", { user }, m);
}
