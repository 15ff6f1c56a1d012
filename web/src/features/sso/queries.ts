import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { del, get, getAll, post, put } from "../../api/client";
import type { SsoDomainWire, SsoFindingWire, SsoLinkWire, SsoProviderWire, SsoRule } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";

export interface ProviderDraft {
  name: string;
  enabled: boolean;
  issuer: string;
  client_id: string;
  client_secret?: string; // absent: as it is
  scopes: string[];
  groups_claim: string;
  ca_pem: string;
  metadata: string;
  protocol?: "oidc" | "saml"; // of a new one
  trust_mfa: boolean;
  provision: boolean;
  default_role?: string;
  roles: SsoRule[];
  version?: number;
}

export function providersQuery(org: string) {
  return queryOptions({ queryKey: [org, "sso", "providers"], queryFn: ({ signal }) => get<{ items: SsoProviderWire[] }>("/org/sso/providers", { org, signal }) });
}

export function domainsQuery(org: string) {
  return queryOptions({ queryKey: [org, "sso", "domains"], queryFn: ({ signal }) => get<{ items: SsoDomainWire[] }>("/org/sso/domains", { org, signal }) });
}

export function requirementQuery(org: string) {
  return queryOptions({ queryKey: [org, "sso", "requirement"], queryFn: ({ signal }) => get<{ required: boolean }>("/org/sso", { org, signal }) });
}

export function linksQuery(org: string, provider: string) {
  return queryOptions({ queryKey: [org, "sso", "people", provider], queryFn: ({ signal }) => getAll<SsoLinkWire>(`/org/sso/providers/${provider}/people`, { org, signal }) });
}

export function useSsoChanges() {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const onSuccess = () => client.invalidateQueries({ queryKey: [org, "sso"] });
  return {
    addDomain: useMutation({ mutationFn: (domain: string) => stepUp(() => post<SsoDomainWire>("/org/sso/domains", { org, body: { domain } })), onSuccess }),
    verifyDomain: useMutation({ mutationFn: (domain: string) => stepUp(() => post<SsoDomainWire>(`/org/sso/domains/${encodeURIComponent(domain)}/verify`, { org })), onSuccess }),
    removeDomain: useMutation({ mutationFn: (domain: string) => stepUp(() => del(`/org/sso/domains/${encodeURIComponent(domain)}`, { org })), onSuccess }),
    save: useMutation({
      mutationFn: (v: { id: string | undefined; draft: ProviderDraft }) =>
        stepUp(() => (v.id ? put<SsoProviderWire>(`/org/sso/providers/${v.id}`, { org, body: v.draft }) : post<SsoProviderWire>("/org/sso/providers", { org, body: v.draft }))),
      onSuccess,
      gcTime: 0,
    }),
    test: useMutation({ mutationFn: (id: string) => post<{ usable: boolean; findings: SsoFindingWire[] }>(`/org/sso/providers/${id}/test`, { org }) }),
    removeProvider: useMutation({ mutationFn: (id: string) => stepUp(() => del(`/org/sso/providers/${id}`, { org })), onSuccess }),
    require: useMutation({ mutationFn: (required: boolean) => stepUp(() => put<unknown>("/org/sso", { org, body: { required } })), onSuccess }),
    unlink: useMutation({ mutationFn: (user: string) => stepUp(() => del(`/org/sso/people/${user}`, { org })), onSuccess }),
  };
}
