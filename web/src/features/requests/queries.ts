import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, post } from "../../api/client";
import type { AccessRequestWire, Page } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";
import { heldLink } from "./links";

export interface RequestFilter {
  state?: string | undefined;
  safe_id?: string | undefined;
  mine?: boolean;
  to_decide?: boolean;
}

export function requestsQuery(org: string, f: RequestFilter) {
  return infiniteQueryOptions({
    queryKey: [org, "requests", "list", f],
    queryFn: ({ signal, pageParam }) => get<Page<AccessRequestWire>>("/access/requests", { org, signal, query: { ...f, limit: 50, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    refetchInterval: 20_000,
  });
}

/** Whether anything waits for the reader: one is enough to know. */
export function waitingQuery(org: string) {
  return queryOptions({ queryKey: [org, "requests", "waiting"], queryFn: ({ signal }) => get<Page<AccessRequestWire>>("/access/requests", { org, signal, query: { to_decide: true, limit: 1 } }), staleTime: 10_000 });
}

export function requestQuery(org: string, id: string) {
  return queryOptions({ queryKey: [org, "requests", "one", id], queryFn: ({ signal }) => get<AccessRequestWire>(`/access/requests/${id}`, { org, signal }), refetchInterval: 20_000 });
}

export interface Ask {
  safe_id?: string;
  safe?: string;
  reason: string;
  ticket?: string;
  duration_seconds: number;
  starts_at?: string;
  uses?: "session" | "checkout" | "both";
}

export function useRequestChanges() {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const onSuccess = async () => {
    await Promise.all([client.invalidateQueries({ queryKey: [org, "requests"] }), client.invalidateQueries({ queryKey: [org, "safes"] }), client.invalidateQueries({ queryKey: [org, "safe"] }), client.invalidateQueries({ queryKey: [org, "checkouts"] })]);
  };
  const at = (id: string, act: string) => `/access/requests/${id}/${act}`;
  return {
    ask: useMutation({ mutationFn: (body: Ask) => stepUp(() => post<AccessRequestWire>("/access/requests", { org, body })), onSuccess }),
    emergency: useMutation({ mutationFn: (body: Ask) => stepUp(() => post<AccessRequestWire>("/access/emergency", { org, body })), onSuccess }),
    decide: useMutation({
      mutationFn: (v: { id: string; verdict: "approve" | "reject"; comment: string; version: number }) => stepUp(() => post<AccessRequestWire>(at(v.id, v.verdict), { org, body: { version: v.version, ...(v.comment ? { comment: v.comment } : {}), ...(heldLink(v.id) ? { link: heldLink(v.id) } : {}) } })),
      onSuccess,
      onError: onSuccess, // it may have changed meanwhile: show what is there
    }),
    withdraw: useMutation({ mutationFn: (id: string) => stepUp(() => post<unknown>(at(id, "withdraw"), { org })), onSuccess }),
    comment: useMutation({ mutationFn: (v: { id: string; text: string }) => stepUp(() => post<unknown>(at(v.id, "comments"), { org, body: { text: v.text } })), onSuccess }),
    revoke: useMutation({ mutationFn: (v: { grant: string; comment: string }) => stepUp(() => post<unknown>(`/access/grants/${v.grant}/revoke`, { org, body: v.comment ? { comment: v.comment } : {} })), onSuccess }),
  };
}
