import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, post } from "../../api/client";
import type { Page, SessionWire } from "../../api/types";
import { rangeQuery } from "../../ui/range";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";
import type { SessionsSearch } from "./search";

type Query = Record<string, string | number | undefined>;

function list(org: string, query: Query, signal: AbortSignal) {
  return get<Page<SessionWire>>("/sessions", { org, signal, query });
}

function toQuery(s: SessionsSearch): Query {
  return { state: s.state, user: s.user, safe: s.safe, ...rangeQuery(s, new Date()) };
}

export function sessionsQuery(org: string, search: SessionsSearch) {
  return infiniteQueryOptions({
    queryKey: [org, "sessions", "list", search],
    queryFn: ({ signal, pageParam }) => list(org, { ...toQuery(search), limit: 50, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    staleTime: Number.POSITIVE_INFINITY, // new ones are announced, not pushed in
  });
}

/** The head of the same list, asked again and again, to count what is new above. */
export function sessionsHeadQuery(org: string, search: SessionsSearch) {
  return queryOptions({
    queryKey: [org, "sessions", "head", search],
    queryFn: ({ signal }) => list(org, { ...toQuery(search), limit: 20 }, signal),
    refetchInterval: 15_000,
  });
}

export function recentSessionsQuery(org: string) {
  return queryOptions({
    queryKey: [org, "sessions", "recent"],
    queryFn: ({ signal }) => list(org, { limit: 20 }, signal),
    staleTime: 30_000,
  });
}

export function mySessionsQuery(org: string, user: string) {
  return infiniteQueryOptions({
    queryKey: [org, "sessions", "mine", user],
    queryFn: ({ signal, pageParam }) => list(org, { user, limit: 50, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    refetchInterval: 15_000,
  });
}

export function sessionsOfSafeQuery(org: string, safe: string) {
  return queryOptions({
    queryKey: [org, "sessions", "safe", safe],
    queryFn: ({ signal }) => list(org, { safe, limit: 50 }, signal),
  });
}

export function liveQuery(org: string) {
  return queryOptions({
    queryKey: [org, "sessions", "live"],
    queryFn: ({ signal }) => list(org, { state: "live", limit: 200 }, signal),
    refetchInterval: 10_000, // the event stream is faster; this is its net
  });
}

export function sessionQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "session", id],
    queryFn: ({ signal }) => get<SessionWire>(`/sessions/${id}`, { org, signal }),
    refetchInterval: (q) => {
      const s = q.state.data;
      if (!s) return false;
      // Until it has ended and its recording is closed, things still change.
      return s.state !== "ended" || s.recording?.state === "recording" ? 3000 : false;
    },
  });
}

export function useTerminate() {
  const org = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  return useMutation({
    mutationFn: (v: { id: string; comment: string }) => stepUp(() => post<unknown>(`/sessions/${v.id}/terminate`, { org: org.id, body: { comment: v.comment } })),
    onSuccess: (_, v) => Promise.all([client.invalidateQueries({ queryKey: [org.id, "sessions"] }), client.invalidateQueries({ queryKey: [org.id, "session", v.id] })]),
  });
}
