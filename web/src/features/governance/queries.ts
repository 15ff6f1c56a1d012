import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, getBlob, post } from "../../api/client";
import type { GovernanceAction, GovernanceActionWire, Page } from "../../api/types";
import { useStepUp } from "../auth/step-up";

/** The organization's queue, or that of all for operators of the platform. */
export interface Desk {
  org: string | undefined; // id
  slug: string | undefined;
  path: "/org/governance" | "/platform/governance";
}

export interface ActionFilter {
  state?: string | undefined;
  kind?: string | undefined;
  org_id?: string | undefined;
}

const keyOf = (d: Desk) => [d.org ?? "platform", "governance"] as const;

/** Each look across organizations is told in their ledgers: the platform's desk looks when somebody asks, not by a clock. */
const calm = (d: Desk) => (d.org ? { refetchInterval: 20_000 } : { staleTime: 60_000, refetchOnWindowFocus: false, refetchOnReconnect: false });

export function actionsQuery(d: Desk, f: ActionFilter) {
  return infiniteQueryOptions({
    queryKey: [...keyOf(d), "list", f],
    queryFn: ({ signal, pageParam }) => get<Page<GovernanceActionWire>>(`${d.path}/actions`, { org: d.org, signal, query: { ...f, limit: 50, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    ...calm(d),
  });
}

export function actionQuery(d: Desk, id: string) {
  return queryOptions({ queryKey: [...keyOf(d), "one", id], queryFn: ({ signal }) => get<GovernanceActionWire>(`${d.path}/actions/${id}`, { org: d.org, signal }), ...calm(d) });
}

export function exportQueue(d: Desk, format: "json" | "csv", f: ActionFilter) {
  return getBlob(`${d.path}/export`, { org: d.org, query: { ...f, format } });
}

export type Verb = "approve" | "reject" | "withdraw";

/** Decides one action. What it changes may stand anywhere on the organization's pages. */
export function useDecision(d: Desk) {
  const client = useQueryClient();
  const stepUp = useStepUp();
  return useMutation({
    mutationFn: (v: { id: string; verb: Verb; comment: string }) => stepUp(() => post<GovernanceActionWire>(`${d.path}/actions/${v.id}/${v.verb}`, { org: d.org, body: v.comment ? { comment: v.comment } : {} })),
    onSuccess: async (now, v) => {
      if (v.verb === "approve" && now.kind === "organization_delete") return; // nothing of it can be asked for any more
      client.setQueryData(actionQuery(d, v.id).queryKey, (before: GovernanceAction | undefined) => ({ ...before, ...now }));
      if (d.org) await client.invalidateQueries({ queryKey: [d.org] });
      else await client.invalidateQueries({ queryKey: [...keyOf(d), "list"] });
    },
    onError: () => client.invalidateQueries({ queryKey: keyOf(d) }), // it may have ended meanwhile: show what is there
  });
}
