import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, post } from "../../api/client";
import type { CheckoutWire, OpenedCheckout, OpenedCheckoutWire, Page } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";

interface Filter {
  active?: boolean;
  account?: string | undefined;
  user?: string | undefined;
  safe?: string | undefined;
}

/** The reader's own; those of safes that they manage; for owners, admins and auditors all. */
export function checkoutsQuery(org: string, f: Filter) {
  return infiniteQueryOptions({
    queryKey: [org, "checkouts", "list", f],
    queryFn: ({ signal, pageParam }) => get<Page<CheckoutWire>>("/checkouts", { org, signal, query: { active: f.active || undefined, account: f.account, user: f.user, safe: f.safe, limit: 100, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    refetchInterval: 10_000,
  });
}

export function checkoutQuery(org: string, id: string) {
  return queryOptions({ queryKey: [org, "checkouts", "one", id], queryFn: ({ signal }) => get<CheckoutWire>(`/checkouts/${id}`, { org, signal }), refetchInterval: 5_000 });
}

export interface CheckOut {
  safe_id: string;
  reason: string;
  ticket?: string;
  duration_seconds: number;
}

/**
 * A credential goes from the answer to the one dialog that shows it, by `show`: it is
 * what no mutation gives back, so that no cache ever holds it.
 */
export function useCheckoutChanges() {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const onSettled = () => client.invalidateQueries({ queryKey: [org, "checkouts"] });
  return {
    open: useMutation({
      mutationFn: async ({ body, show }: { body: CheckOut; show: (o: OpenedCheckout) => void }) => show(await stepUp(() => post<OpenedCheckoutWire>("/checkouts", { org, body }), { safe: body.safe_id })),
      onSettled,
    }),
    reveal: useMutation({
      mutationFn: async ({ id, safe, show }: { id: string; safe: string; show: (o: OpenedCheckout) => void }) => show(await stepUp(() => post<OpenedCheckoutWire>(`/checkouts/${id}/reveal`, { org }), { safe })),
      onSettled,
    }),
    checkIn: useMutation({ mutationFn: async (v: { id: string; comment: string }) => void (await stepUp(() => post<CheckoutWire>(`/checkouts/${v.id}/check-in`, { org, body: v.comment ? { comment: v.comment } : {} }))), onSettled }),
  };
}
