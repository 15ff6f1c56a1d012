import { infiniteQueryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, post } from "../../api/client";
import type { LoanWire, Page } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";

/** What is lent, by and to the reader; owners, admins and auditors see all of the organization. */
export function loansQuery(org: string, active: boolean) {
  return infiniteQueryOptions({
    queryKey: [org, "loans", { active }],
    queryFn: ({ signal, pageParam }) => get<Page<LoanWire>>("/access/delegations", { org, signal, query: { active: active || undefined, limit: 100, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    refetchInterval: 20_000,
  });
}

export interface Lend {
  safe_id: string;
  user_id: string;
  right: LoanWire["right"];
  reason?: string;
  ends_at: string;
}

export function useLoanChanges() {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const onSuccess = async () => {
    await Promise.all([client.invalidateQueries({ queryKey: [org, "loans"] }), client.invalidateQueries({ queryKey: [org, "safes"] }), client.invalidateQueries({ queryKey: [org, "safe"] })]);
  };
  return {
    lend: useMutation({ mutationFn: (body: Lend) => stepUp(() => post<LoanWire>("/access/delegations", { org, body })), onSuccess }),
    end: useMutation({ mutationFn: (id: string) => stepUp(() => post<unknown>(`/access/delegations/${id}/revoke`, { org })), onSuccess, onError: onSuccess }),
  };
}
