import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { del, getAll, post, put } from "../../api/client";
import type { MemberWire, OrgRole } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";

export function membersQuery(org: string) {
  return queryOptions({
    queryKey: [org, "members"],
    queryFn: ({ signal }) => getAll<MemberWire>("/org/members", { org, signal }),
    staleTime: 30_000,
  });
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
  const refresh = () => client.invalidateQueries({ queryKey: [org.id, "members"] });
  return {
    add: useMutation({
      mutationFn: (body: MemberDraft) => stepUp(() => post<MemberWire>("/org/members", { org: org.id, body })),
      onSuccess: refresh,
      gcTime: 0,
    }),
    setRole: useMutation({
      mutationFn: (v: { user: string; role: OrgRole }) => stepUp(() => put<unknown>(`/org/members/${v.user}/role`, { org: org.id, body: { role: v.role } })),
      onSuccess: refresh,
    }),
    remove: useMutation({
      mutationFn: (user: string) => stepUp(() => del(`/org/members/${user}`, { org: org.id })),
      onSuccess: refresh,
    }),
  };
}
