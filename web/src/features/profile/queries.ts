import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { del, get, getAll, post } from "../../api/client";
import type { BackupCodes, FactorsWire, OwnReachWire, Page, SshKeyWire, TokenWire } from "../../api/types";
import { nameFactor, removeFactor } from "../auth/queries";
import { useStepUp } from "../auth/step-up";

export const factorsQuery = queryOptions({
  queryKey: ["my", "factors"],
  queryFn: ({ signal }) => get<FactorsWire>("/mfa/factors", { signal }),
});

export const sshKeysQuery = queryOptions({
  queryKey: ["my", "ssh-keys"],
  queryFn: ({ signal }) => get<Page<SshKeyWire>>("/ssh-keys", { signal }),
});

/** Through what one reaches the safes of an organization. */
export function reachQuery(org: string, user: string) {
  return queryOptions({
    queryKey: ["my", "reach", org],
    queryFn: ({ signal }) => getAll<OwnReachWire>(`/org/members/${user}/access`, { org, signal }),
  });
}

export function tokensQuery(org: string | undefined) {
  return queryOptions({
    queryKey: ["my", "tokens", org],
    queryFn: ({ signal }) => getAll<TokenWire>("/tokens", { org, signal }),
  });
}

export function useProfileChanges(org?: string) {
  const client = useQueryClient();
  const stepUp = useStepUp();
  const refresh = (part: string) => () => client.invalidateQueries({ queryKey: ["my", part] });
  return {
    removeFactor: useMutation({ mutationFn: (id: string) => stepUp(() => removeFactor(id)), onSuccess: refresh("factors") }),
    renameFactor: useMutation({ mutationFn: (v: { id: string; name: string }) => stepUp(() => nameFactor(v.id, v.name)), onSuccess: refresh("factors") }),
    newBackupCodes: useMutation({
      mutationFn: () => stepUp(() => post<BackupCodes>("/mfa/backup-codes")),
      onSuccess: refresh("factors"),
      gcTime: 0,
    }),
    changePassword: useMutation({
      mutationFn: (v: { current: string; new: string }) => stepUp(() => post<unknown>("/auth/password", { body: v })),
      gcTime: 0,
    }),
    addKey: useMutation({
      mutationFn: (v: { name: string; public_key: string }) => stepUp(() => post<SshKeyWire>("/ssh-keys", { body: v })),
      onSuccess: refresh("ssh-keys"),
    }),
    removeKey: useMutation({ mutationFn: (id: string) => stepUp(() => del(`/ssh-keys/${id}`)), onSuccess: refresh("ssh-keys") }),
    addToken: useMutation({
      mutationFn: (v: { name: string; scopes: string[]; expires_in_days: number; networks: string[] }) => stepUp(() => post<TokenWire>("/tokens", { org, body: v })),
      onSuccess: refresh("tokens"),
      gcTime: 0,
    }),
    revokeToken: useMutation({ mutationFn: (id: string) => stepUp(() => del(`/tokens/${id}`, { org })), onSuccess: refresh("tokens") }),
  };
}
