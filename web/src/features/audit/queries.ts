import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, getExact, getText } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { AuditEventWire, CatalogEntry, Page } from "../../api/types";
import { rangeQuery } from "../../ui/range";
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
  });
}

export function eventsHeadQuery(org: string, search: AuditSearch) {
  const filters = filtersOf(search);
  return queryOptions({
    queryKey: [org, "audit", "head", filters],
    queryFn: ({ signal }) => get<Page<AuditEventWire>>("/audit/events", { org, signal, query: { ...toQuery(filters), limit: 20 } }),
    refetchInterval: 10_000,
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

export function sessionEventsQuery(org: string, session: string, ended: boolean) {
  return queryOptions({
    queryKey: [org, "audit", "session", session],
    queryFn: ({ signal }) => get<Page<AuditEventWire>>("/audit/events", { org, signal, query: { session, limit: 100 } }),
    refetchInterval: ended ? false : 5000,
  });
}

/** The ledger's word about a session's recording; null when it has none yet. */
export function finalizedEventQuery(org: string, session: string) {
  return queryOptions({
    queryKey: [org, "audit", "finalized", session],
    queryFn: async ({ signal }) => {
      const page = await get<Page<AuditEventWire>>("/audit/events", { org, signal, query: { session, constant: "SESSION_RECORDING_FINALIZED", limit: 1 } });
      return page.items[0] ?? null;
    },
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
