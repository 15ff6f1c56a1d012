import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { del, get, patch, post } from "../../api/client";
import type { GroupMemberWire, GroupSafeWire, GroupWire, Page, SafeRole } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";

export function groupsQuery(org: string, q: string | undefined) {
  return infiniteQueryOptions({
    queryKey: [org, "groups", "list", q ?? ""],
    queryFn: ({ signal, pageParam }) => get<Page<GroupWire>>("/org/groups", { org, signal, query: { q, limit: 100, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: keepPreviousData,
  });
}

export function foundGroupsQuery(org: string, q: string) {
  return queryOptions({
    queryKey: [org, "groups", "found", q],
    queryFn: ({ signal }) => get<Page<GroupWire>>("/org/groups", { org, signal, query: { q, limit: 20 } }),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  });
}

/** The groups that a person is in. */
export function groupsOfQuery(org: string, user: string) {
  return queryOptions({ queryKey: [org, "groups", "of", user], queryFn: ({ signal }) => get<Page<GroupWire>>("/org/groups", { org, signal, query: { user_id: user, limit: 200 } }) });
}

export function groupQuery(org: string, id: string) {
  return queryOptions({ queryKey: [org, "groups", "one", id], queryFn: ({ signal }) => get<GroupWire>(`/org/groups/${id}`, { org, signal }) });
}

export function groupMembersQuery(org: string, id: string, q: string | undefined) {
  return infiniteQueryOptions({
    queryKey: [org, "groups", "one", id, "members", q ?? ""],
    queryFn: ({ signal, pageParam }) => get<Page<GroupMemberWire>>(`/org/groups/${id}/members`, { org, signal, query: { q, limit: 100, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: keepPreviousData,
  });
}

export function groupSafesQuery(org: string, id: string) {
  return queryOptions({ queryKey: [org, "groups", "one", id, "safes"], queryFn: ({ signal }) => get<{ items: GroupSafeWire[] | null }>(`/org/groups/${id}/safes`, { org, signal }) });
}

export interface GroupDraft {
  name: string;
  description: string;
  source?: "local" | "sso";
  provider_id?: string;
  provider_group?: string;
  version?: number;
}

/** Changes of groups and of what they are bound to. Who reaches what follows from them, so safes are asked for again too. */
export function useGroupChanges(id = "") {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const onSuccess = async () => {
    await Promise.all([client.invalidateQueries({ queryKey: [org, "groups"] }), client.invalidateQueries({ queryKey: [org, "safe"] }), client.invalidateQueries({ queryKey: [org, "safes"] })]);
  };
  return {
    save: useMutation({ mutationFn: (body: GroupDraft) => stepUp(() => (id ? patch<GroupWire>(`/org/groups/${id}`, { org, body }) : post<GroupWire>("/org/groups", { org, body }))), onSuccess }),
    remove: useMutation({
      mutationFn: (version: number) => stepUp(() => del(`/org/groups/${id}`, { org, query: { version } })),
      onSuccess: () => client.invalidateQueries({ queryKey: [org, "groups", "list"] }),
    }),
    addMembers: useMutation({ mutationFn: (user_ids: string[]) => stepUp(() => post<{ added: number }>(`/org/groups/${id}/members`, { org, body: { user_ids } })), onSuccess }),
    removeMember: useMutation({ mutationFn: (user: string) => stepUp(() => del(`/org/groups/${id}/members/${user}`, { org })), onSuccess }),
    bind: useMutation({
      mutationFn: (v: { safe: string; group?: string; role: SafeRole; ends_at?: string }) =>
        stepUp(() => post<unknown>(`/safes/${v.safe}/groups`, { org, body: { group_id: v.group ?? id, role: v.role, ...(v.ends_at ? { ends_at: v.ends_at } : {}) } })),
      onSuccess,
    }),
    rebind: useMutation({
      mutationFn: (v: { safe: string; group?: string; role: SafeRole; ends_at: string | undefined; version?: number }) =>
        stepUp(() => patch<unknown>(`/safes/${v.safe}/groups/${v.group ?? id}`, { org, body: { role: v.role, ...(v.ends_at ? { ends_at: v.ends_at } : { no_end: true }), ...(v.version ? { version: v.version } : {}) } })),
      onSuccess,
    }),
    unbind: useMutation({ mutationFn: (v: { safe: string; group?: string }) => stepUp(() => del(`/safes/${v.safe}/groups/${v.group ?? id}`, { org })), onSuccess }),
  };
}
