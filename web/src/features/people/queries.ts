import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { del, get, post, put } from "../../api/client";
import type { MemberWire, OrgRole, Page, PhoneWire, SignInWire } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";

/** Whom a search finds, service accounts too: the server looks, however many there are. */
export function foundMembersQuery(org: string, q: string) {
  return queryOptions({
    queryKey: [org, "members", "found", q],
    queryFn: ({ signal }) => get<Page<MemberWire>>("/org/members", { org, signal, query: { q: q || undefined, limit: 20 } }),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  });
}

export interface MemberFilter {
  q?: string | undefined;
  role?: string | undefined;
}

export function peopleQuery(org: string, f: MemberFilter) {
  return infiniteQueryOptions({
    queryKey: [org, "members", "people", f],
    queryFn: ({ signal, pageParam }) => get<Page<MemberWire>>("/org/members", { org, signal, query: { kind: "person", q: f.q, role: f.role, limit: 100, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: keepPreviousData,
  });
}

/** One member, by id: for an address that names somebody who is not on the page. */
export function memberQuery(org: string, user: string) {
  return queryOptions({
    queryKey: [org, "members", "one", user],
    queryFn: async ({ signal }) => (await get<Page<MemberWire>>("/org/members", { org, signal, query: { q: user, limit: 2 } })).items.find((m) => m.user_id === user) ?? null,
  });
}

/** Two are enough to know whether somebody is the last owner. */
export function ownersQuery(org: string) {
  return queryOptions({ queryKey: [org, "members", "owners"], queryFn: ({ signal }) => get<Page<MemberWire>>("/org/members", { org, signal, query: { role: "owner", limit: 2 } }) });
}

export function memberPhoneQuery(org: string, user: string) {
  return queryOptions({ queryKey: [org, "members", "phone", user], queryFn: ({ signal }) => get<PhoneWire>(`/org/members/${user}/phone`, { org, signal }) });
}

export function memberSignInsQuery(org: string, user: string) {
  return queryOptions({ queryKey: [org, "members", "sign-ins", user], queryFn: ({ signal }) => get<Page<SignInWire>>(`/org/members/${user}/sign-ins`, { org, signal }) });
}

export interface MemberDraft {
  email: string;
  handle: string;
  name?: string;
  role: OrgRole;
  password?: string;
}

export function useMemberChanges() {
  const org = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const onSuccess = () => client.invalidateQueries({ queryKey: [org.id, "members"] });
  return {
    add: useMutation({ mutationFn: (body: MemberDraft) => stepUp(() => post<MemberWire>("/org/members", { org: org.id, body })), onSuccess, gcTime: 0 }),
    setRole: useMutation({ mutationFn: (v: { user: string; role: OrgRole }) => stepUp(() => put<unknown>(`/org/members/${v.user}/role`, { org: org.id, body: { role: v.role } })), onSuccess }),
    remove: useMutation({ mutationFn: (user: string) => stepUp(() => del(`/org/members/${user}`, { org: org.id })), onSuccess }),
    signOut: useMutation({
      mutationFn: (v: { user: string; comment: string }) =>
        stepUp(() => post<{ sign_ins_ended: number; sessions_ended?: number }>(`/org/members/${v.user}/sign-out`, { org: org.id, body: v.comment ? { comment: v.comment } : {} })),
      onSuccess,
    }),
    endSignIn: useMutation({
      mutationFn: (v: { user: string; signIn: string; comment: string }) =>
        stepUp(() => post<{ sign_ins_ended: number; sessions_ended?: number }>(`/org/members/${v.user}/sign-ins/${v.signIn}/end`, { org: org.id, body: v.comment ? { comment: v.comment } : {} })),
      onSuccess,
    }),
    suspend: useMutation({ mutationFn: (v: { user: string; comment: string }) => stepUp(() => post<unknown>(`/org/members/${v.user}/suspend`, { org: org.id, body: v.comment ? { comment: v.comment } : {} })), onSuccess }),
    resume: useMutation({ mutationFn: (user: string) => stepUp(() => post<unknown>(`/org/members/${user}/resume`, { org: org.id })), onSuccess }),
    askPhone: useMutation({ mutationFn: (v: { user: string; number: string }) => stepUp(() => post<PhoneWire>(`/org/members/${v.user}/phone/changes`, { org: org.id, body: { number: v.number } })), onSuccess }),
    cancelPhone: useMutation({
      mutationFn: (v: { user: string; change: string; version: number }) => stepUp(() => del(`/org/members/${v.user}/phone/changes/${v.change}`, { org: org.id, query: { version: v.version } })),
      onSuccess,
    }),
  };
}
