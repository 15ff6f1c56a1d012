import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { del, get, getAll, patch, post, put } from "../../api/client";
import type { AccessPolicyForm, AccessPolicyWire, CheckedPolicyWire, Page, PolicyTemplateWire, PolicyVersionWire, SimulationBody, SimulationWire } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";

/** All policies, or those that are on a safe; there are at most hundreds. */
export function policiesQuery(org: string, safe?: string) {
  return queryOptions({ queryKey: [org, "policies", "list", safe ?? ""], queryFn: ({ signal }) => getAll<AccessPolicyWire>("/org/policies", { org, signal, query: { safe } }) });
}

export function policyQuery(org: string, id: string) {
  return queryOptions({ queryKey: [org, "policies", "one", id], queryFn: ({ signal }) => get<AccessPolicyWire>(`/org/policies/${id}`, { org, signal }) });
}

export function versionsQuery(org: string, id: string) {
  return infiniteQueryOptions({
    queryKey: [org, "policies", "one", id, "versions"],
    queryFn: ({ signal, pageParam }) => get<Page<PolicyVersionWire>>(`/org/policies/${id}/versions`, { org, signal, query: { limit: 50, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: keepPreviousData,
  });
}

export function templatesQuery(org: string) {
  return queryOptions({ queryKey: [org, "policies", "templates"], queryFn: ({ signal }) => getAll<PolicyTemplateWire>("/org/policies/templates", { org, signal }), staleTime: Number.POSITIVE_INFINITY });
}

export function languageQuery(org: string) {
  return queryOptions({ queryKey: [org, "policies", "language"], queryFn: ({ signal }) => get<{ schema: string; builtin: string }>("/org/policies/language", { org, signal }), staleTime: Number.POSITIVE_INFINITY });
}

/** A policy that somebody is about to save, in one of its two shapes. */
export interface Draft {
  name?: string;
  description?: string;
  form?: AccessPolicyForm;
  text?: string;
  enabled?: boolean;
  everywhere?: boolean;
  safes?: string[];
  priority?: number;
  comment?: string;
  version?: number;
}

export type Proposed = Draft & { id?: string; delete?: boolean };

/** Decides past launches again under a proposal. It is a question: nothing is changed, so it may be asked as often as one likes. */
/** What would be changed, of policies and of who is what. */
export type Proposal = Pick<SimulationBody, "members" | "group_members" | "group_roles" | "deleted_groups"> & { policies?: readonly Proposed[] };

export function simulationQuery(org: string, days: number, proposal: Proposal) {
  return queryOptions({
    queryKey: [org, "simulation", days, proposal],
    queryFn: ({ signal }) => post<SimulationWire>("/org/access/simulate", { org, signal, body: { days, ...proposal } }),
    retry: false,
  });
}

export function usePolicyChanges(id = "") {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const onSuccess = async () => {
    await Promise.all([client.invalidateQueries({ queryKey: [org, "policies"] }), client.invalidateQueries({ queryKey: [org, "safes"] }), client.invalidateQueries({ queryKey: [org, "safe"] })]);
  };
  return {
    refresh: () => client.invalidateQueries({ queryKey: [org, "policies"] }), // somebody else changed it: show what is there
    check: useMutation({ mutationFn: (body: { form?: AccessPolicyForm; text?: string }) => post<CheckedPolicyWire>("/org/policies/check", { org, body }) }),
    save: useMutation({ mutationFn: (body: Draft) => stepUp(() => (id ? patch<AccessPolicyWire>(`/org/policies/${id}`, { org, body }) : post<AccessPolicyWire>("/org/policies", { org, body }))), onSuccess }),
    restore: useMutation({ mutationFn: (body: { version: number; comment?: string }) => stepUp(() => post<AccessPolicyWire>(`/org/policies/${id}/restore`, { org, body })), onSuccess }),
    remove: useMutation({ mutationFn: (version: number) => stepUp(() => del(`/org/policies/${id}`, { org, query: { version } })), onSuccess: () => client.invalidateQueries({ queryKey: [org, "policies", "list"] }) }),
    assign: useMutation({ mutationFn: (v: { policy: string; safe: string }) => stepUp(() => put<unknown>(`/org/policies/${v.policy}/safes/${v.safe}`, { org })), onSuccess }),
    unassign: useMutation({ mutationFn: (v: { policy: string; safe: string }) => stepUp(() => del(`/org/policies/${v.policy}/safes/${v.safe}`, { org })), onSuccess }),
  };
}

/** The ids that a form names. */
export function idsIn(f: AccessPolicyForm | null | undefined): string[] {
  return [...(f?.people ?? []), ...(f?.groups ?? []), ...(f?.safes ?? []), ...(f?.approvers ?? []).map((a) => a.replace(/^(group|person):/, ""))];
}
