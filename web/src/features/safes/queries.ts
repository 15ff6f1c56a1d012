import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { del, get, getAll, patch, post, put } from "../../api/client";
import type { AccessWire, Page, Safe, SafeGroupWire, SafeMemberWire, SafePolicy, SafeRole, SafeWire } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";

export interface SafeFilter {
  q?: string;
  mine?: boolean;
  resource?: string;
  account?: string;
}

/** Safes a page at a time, in the order of their names; the server searches. */
export function safesQuery(org: string, f: SafeFilter) {
  return infiniteQueryOptions({
    queryKey: [org, "safes", "pages", f],
    queryFn: ({ signal, pageParam }) =>
      get<Page<SafeWire>>("/safes", { org, signal, query: { q: f.q || undefined, mine: f.mine || undefined, resource: f.resource, account: f.account, limit: 60, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: keepPreviousData,
  });
}

/** The safe of exactly this name: none or one. */
export function namedSafeQuery(org: string, name: string) {
  return queryOptions({
    queryKey: [org, "safes", "named", name],
    queryFn: ({ signal }) => get<Page<SafeWire>>("/safes", { org, signal, query: { name, limit: 1 } }),
    staleTime: 30_000,
  });
}

/** Whether there is any. */
export function anySafeQuery(org: string) {
  return queryOptions({
    queryKey: [org, "safes", "any"],
    queryFn: async ({ signal }) => (await get<Page<SafeWire>>("/safes", { org, signal, query: { limit: 1 } })).items.length > 0,
    staleTime: 60_000,
  });
}

/** The first of the safes with a text in them; the server searches. */
export function foundSafesQuery(org: string, o: { q: string; mine: boolean }) {
  return queryOptions({
    queryKey: [org, "safes", "found", o],
    queryFn: ({ signal }) => get<Page<SafeWire>>("/safes", { org, signal, query: { q: o.q || undefined, mine: o.mine || undefined, limit: 20 } }),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  });
}

export function safeQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "safe", id],
    queryFn: ({ signal }) => get<SafeWire>(`/safes/${id}`, { org, signal }),
  });
}

export function safeMembersQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "safe", id, "members"],
    queryFn: ({ signal }) => getAll<SafeMemberWire>(`/safes/${id}/members`, { org, signal }),
  });
}

export function safeGroupsQuery(org: string, id: string) {
  return queryOptions({ queryKey: [org, "safe", id, "groups"], queryFn: ({ signal }) => getAll<SafeGroupWire>(`/safes/${id}/groups`, { org, signal }) });
}

/** Everybody with a role, by whatever way. */
export function safeAccessQuery(org: string, id: string) {
  return infiniteQueryOptions({
    queryKey: [org, "safe", id, "access"],
    queryFn: ({ signal, pageParam }) => get<Page<AccessWire>>(`/safes/${id}/access`, { org, signal, query: { limit: 100, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
  });
}

export interface SafeDraft {
  name: string;
  description: string;
  resource_id: string;
  account_id: string;
  policy: SafePolicy;
}

/** "At any time" is the absence of hours. */
function toWire({ valid_hours, ...policy }: SafePolicy): Partial<SafePolicy> {
  return valid_hours === null ? policy : { ...policy, valid_hours };
}

/** Changes of safes. Each refreshes what it touched. */
export function useSafeChanges(id = "") {
  const org = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const refresh = async () => {
    await Promise.all([client.invalidateQueries({ queryKey: [org.id, "safes"] }), client.invalidateQueries({ queryKey: [org.id, "safe", id] })]);
  };
  const o = { org: org.id };
  return {
    create: useMutation({
      mutationFn: (body: SafeDraft): Promise<Safe> => stepUp(() => post<SafeWire>("/safes", { ...o, body: { ...body, policy: toWire(body.policy) } })),
      onSuccess: refresh,
    }),
    update: useMutation({
      mutationFn: (body: { name: string; description: string; version: number }) => stepUp(() => patch<SafeWire>(`/safes/${id}`, { ...o, body })),
      onSuccess: refresh,
    }),
    setPolicy: useMutation({
      mutationFn: (v: { policy: SafePolicy; version: number }) => stepUp(() => put<unknown>(`/safes/${id}/policy`, { ...o, query: { version: v.version }, body: toWire(v.policy) })),
      onSuccess: refresh,
    }),
    remove: useMutation({
      mutationFn: () => stepUp(() => del(`/safes/${id}`, o)),
      onSuccess: () => client.invalidateQueries({ queryKey: [org.id, "safes"] }),
    }),
    addMember: useMutation({
      mutationFn: (body: { user_id: string; role: SafeRole; ends_at?: string }) => stepUp(() => post<unknown>(`/safes/${id}/members`, { ...o, body })),
      onSuccess: refresh,
    }),
    setMemberRole: useMutation({
      mutationFn: (v: { user_id: string; role: SafeRole }) => stepUp(() => put<unknown>(`/safes/${id}/members/${v.user_id}`, { ...o, body: { role: v.role } })),
      onSuccess: refresh,
    }),
    removeMember: useMutation({
      mutationFn: (user: string) => stepUp(() => del(`/safes/${id}/members/${user}`, o)),
      onSuccess: refresh,
    }),
  };
}
