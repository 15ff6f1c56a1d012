import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { del, get, getAll, patch, post } from "../../api/client";
import type { HostKeyWire, ResourceWire } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";

export function resourcesQuery(org: string) {
  return queryOptions({
    queryKey: [org, "resources"],
    queryFn: ({ signal }) => getAll<ResourceWire>("/resources", { org, signal }),
  });
}

export function resourceQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "resource", id],
    queryFn: ({ signal }) => get<ResourceWire>(`/resources/${id}`, { org, signal }),
  });
}

export interface ResourceDraft {
  name: string;
  host: string;
  port: number;
  description: string;
}

export function useResourceChanges(id = "") {
  const org = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const o = { org: org.id };
  const refresh = () => Promise.all([client.invalidateQueries({ queryKey: [org.id, "resources"] }), client.invalidateQueries({ queryKey: [org.id, "resource", id] })]);
  return {
    create: useMutation({
      mutationFn: (body: ResourceDraft) => stepUp(() => post<ResourceWire>("/resources", { ...o, body: { ...body, protocol: "ssh" } })),
      onSuccess: refresh,
    }),
    update: useMutation({
      mutationFn: (body: ResourceDraft & { version: number }) => stepUp(() => patch<ResourceWire>(`/resources/${id}`, { ...o, body })),
      onSuccess: refresh,
    }),
    scan: useMutation({ mutationFn: () => post<HostKeyWire>(`/resources/${id}/host-key/scan`, o) }),
    confirm: useMutation({
      mutationFn: (fingerprint: string) => stepUp(() => post<unknown>(`/resources/${id}/host-key`, { ...o, body: { fingerprint } })),
      onSuccess: refresh,
    }),
    unpin: useMutation({
      mutationFn: (fingerprint: string) => stepUp(() => del(`/resources/${id}/host-key`, { ...o, query: { fingerprint } })),
      onSuccess: refresh,
    }),
    remove: useMutation({
      mutationFn: () => stepUp(() => del(`/resources/${id}`, o)),
      onSuccess: () => client.invalidateQueries({ queryKey: [org.id, "resources"] }),
    }),
  };
}
