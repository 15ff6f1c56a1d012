import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { del, get, getAll, patch, post } from "../../api/client";
import type { AccountWire, Page, Rotation, RotationWire } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";

export function accountsQuery(org: string) {
  return queryOptions({
    queryKey: [org, "accounts"],
    queryFn: ({ signal }) => getAll<AccountWire>("/accounts", { org, signal }),
  });
}

export function accountQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "account", id],
    queryFn: ({ signal }) => get<AccountWire>(`/accounts/${id}`, { org, signal }),
  });
}

/** Whether a server works on it at this moment, and it has not failed yet. */
export const underWay = (r: Pick<Rotation, "state" | "detail">) => r.state === "running" || (r.state === "tidying" && !r.detail);

export function rotationsQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "account", id, "rotations"],
    queryFn: ({ signal }) => get<Page<RotationWire>>(`/accounts/${id}/rotations`, { org, signal, query: { limit: 1 } }),
    refetchInterval: (q) => (q.state.data?.items.some(underWay) ? 1000 : 30_000),
  });
}

/** A secret goes one way: there is no call that reads one back. */
export interface Secret {
  password?: string;
  private_key?: string;
  passphrase?: string;
}
export interface AccountDraft extends Secret {
  name: string;
  resource_id: string;
  username: string;
  kind: "password" | "ssh_key";
}

export function useAccountChanges(id = "") {
  const org = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const o = { org: org.id };
  const refresh = () =>
    Promise.all([
      client.invalidateQueries({ queryKey: [org.id, "accounts"] }),
      client.invalidateQueries({ queryKey: [org.id, "account", id] }),
      client.invalidateQueries({ queryKey: [org.id, "safes"] }),
    ]);
  return {
    create: useMutation({
      mutationFn: (body: AccountDraft) => stepUp(() => post<AccountWire>("/accounts", { ...o, body })),
      onSuccess: refresh,
      gcTime: 0, // the draft holds a secret: forget it with the form
    }),
    update: useMutation({
      mutationFn: (body: { name?: string; username?: string; rotate_every?: number; version?: number } & Secret) => stepUp(() => patch<AccountWire>(`/accounts/${id}`, { ...o, body })),
      onSuccess: refresh,
      gcTime: 0,
    }),
    setEnabled: useMutation({
      mutationFn: (on: boolean) => stepUp(() => post<unknown>(`/accounts/${id}/${on ? "enable" : "disable"}`, o)),
      onSuccess: refresh,
    }),
    rotate: useMutation({
      mutationFn: () => stepUp(() => post<RotationWire>(`/accounts/${id}/rotate`, o)),
      onSettled: () => client.invalidateQueries({ queryKey: [org.id, "account", id] }),
    }),
    remove: useMutation({
      mutationFn: () => stepUp(() => del(`/accounts/${id}`, o)),
      onSuccess: () => client.invalidateQueries({ queryKey: [org.id, "accounts"] }),
    }),
  };
}
