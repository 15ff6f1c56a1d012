import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, getExact, getText } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { AuditEventWire, CatalogEntry, Page } from "../../api/types";
import { rangeQuery } from "../../ui/range";
import { parseCheckpoint } from "./merkle";
import { type AuditSearch, filtersOf } from "./search";

function toQuery(s: AuditSearch): Record<string, string | undefined> {
  const { range: _r, from: _f, to: _t, ...rest } = filtersOf(s);
  return { ...rest, ...rangeQuery(s, new Date()) };
}

export function eventsQuery(org: string, search: AuditSearch) {
  const filters = filtersOf(search);
  return infiniteQueryOptions({
    queryKey: [org, "audit", "list", filters],
    queryFn: ({ signal, pageParam }) => get<Page<AuditEventWire>>("/audit/events", { org, signal, query: { ...toQuery(filters), limit: 100, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    staleTime: Number.POSITIVE_INFINITY, // what is new is announced, not pushed in
    refetchOnWindowFocus: false,
  });
}

/**
 * How many entries the last signed checkpoint covers. Asking for it is not a
 * reading of the log, so it may be asked again and again; searching is an entry
 * of its own each time.
 */
export function ledgerSizeQuery(org: string) {
  return queryOptions({
    queryKey: [org, "audit", "size"],
    queryFn: async ({ signal }) => parseCheckpoint(await getText("/audit/checkpoint", { org, signal })).size,
    refetchInterval: 30_000,
    retry: false,
  });
}

/** One event as stored: times keep their microseconds, which the proof needs. */
export function eventQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "audit", "event", id],
    queryFn: ({ signal }) => getExact<AuditEventWire>(`/audit/events/${id}`, { org, signal }),
    staleTime: Number.POSITIVE_INFINITY, // a committed event never changes
  });
}

/** Of a session: it runs, or is over without a recording, or its recording is closed. */
export type Phase = "running" | "over" | "closed";

/**
 * Read once and on demand, because each reading of the log is itself an entry of it:
 * while the session runs, and once more when its recording is closed. The last entry
 * may get its number a moment later than that; then it is asked for a few times.
 */
export function sessionEventsQuery(org: string, session: string, phase: Phase) {
  return queryOptions({
    queryKey: [org, "audit", "session", session, phase],
    queryFn: ({ signal }) => get<Page<AuditEventWire>>("/audit/events", { org, signal, query: { session, limit: 100 } }),
    refetchInterval: (q) => (phase === "closed" && q.state.dataUpdateCount < 4 && !q.state.data?.items.some((e) => e.constant === "SESSION_RECORDING_FINALIZED") ? 1500 : false),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
}

export function catalogQuery(org: string) {
  return queryOptions({
    queryKey: ["audit-catalog"],
    queryFn: ({ signal }) => get<Page<CatalogEntry>>("/audit/catalog", { org, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function inclusionProof(org: string, id: string): Promise<string> {
  return getText("/audit/proof/inclusion", { org, query: { id } });
}

/** The public keys that sign this ledger, as note verifier keys; none when the server does not tell. */
export async function ledgerKeys(org: string): Promise<string[]> {
  try {
    const { items } = await getExact<Page<{ vkey: string }>>("/audit/keys", { org });
    return items.map((k) => k.vkey);
  } catch (err) {
    if (asProblem(err).isNotFound) return [];
    throw err;
  }
}
