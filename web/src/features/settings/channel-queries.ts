import { infiniteQueryOptions, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { del, get, getAll, patch, post, put } from "../../api/client";
import type { Dated } from "../../api/dated";
import type { ChannelWire, DeliveryWire, NoticeKindWire, Page } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";
import { underWay } from "./course";
import { settingsQuery } from "./queries";

export type Channel = Dated<ChannelWire>;
export type Delivery = Dated<DeliveryWire>;

const base = "/org/notifications";

export function channelsQuery(org: string) {
  return queryOptions({ queryKey: [org, "channels"], queryFn: ({ signal }) => getAll<ChannelWire>(`${base}/channels`, { org, signal }) });
}

export function kindsQuery(org: string) {
  return queryOptions({ queryKey: [org, "notice-kinds"], queryFn: ({ signal }) => getAll<NoticeKindWire>(`${base}/kinds`, { org, signal }), staleTime: Number.POSITIVE_INFINITY });
}

export interface DeliveryFilter {
  channel?: string | undefined;
  state?: string | undefined;
}

export function deliveriesQuery(org: string, f: DeliveryFilter) {
  return infiniteQueryOptions({
    queryKey: [org, "deliveries", "list", f.channel ?? "", f.state ?? ""],
    queryFn: ({ signal, pageParam }) => get<Page<DeliveryWire>>(`${base}/deliveries`, { org, signal, query: { limit: 50, channel: f.channel, state: f.state, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    refetchInterval: (q) => (q.state.data?.pages.some((p) => p.items.some(underWay)) ? 5_000 : false),
  });
}

function deliveryQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "deliveries", id],
    queryFn: ({ signal }) => get<DeliveryWire>(`${base}/deliveries/${id}`, { org, signal }),
    refetchInterval: (q) => (q.state.data && underWay(q.state.data) ? 2_000 : false),
  });
}

/** A delivery as it goes; when it has ended, how its channel is has changed too. */
export function useDelivery(id: string) {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const found = useQuery(deliveryQuery(org, id));
  const ended = found.data && !underWay(found.data);
  useEffect(() => {
    if (ended) void client.invalidateQueries({ queryKey: [org, "channels"] });
  }, [client, org, ended]);
  return found;
}

export interface ChannelForm {
  kind?: ChannelWire["kind"];
  name?: string;
  url?: string;
  kinds?: string[];
  enabled?: boolean;
  ca_pem?: string;
  version?: number;
}

export function useChannelChanges() {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  // Channels are settings: their changes are in the same history, and make a new version.
  const onSuccess = () =>
    Promise.all([[org, "channels"], settingsQuery(org).queryKey, [org, "settings-history"]].map((queryKey) => client.invalidateQueries({ queryKey })));
  const ordered = { queryKey: [org, "deliveries"] };
  return {
    add: useMutation({ mutationFn: (body: ChannelForm) => stepUp(() => post<ChannelWire>(`${base}/channels`, { org, body })), onSuccess, gcTime: 0 }),
    change: useMutation({ mutationFn: (c: { id: string; body: ChannelForm }) => stepUp(() => patch<ChannelWire>(`${base}/channels/${c.id}`, { org, body: c.body })), onSuccess, gcTime: 0 }),
    remove: useMutation({
      mutationFn: (id: string) => stepUp(() => del(`${base}/channels/${id}`, { org })),
      onSuccess: () => {
        void onSuccess(); // who asked goes away with the channel, and must hear of it before
      },
    }),
    rotate: useMutation({
      mutationFn: (c: { id: string; hours: number }) => stepUp(() => post<ChannelWire>(`${base}/channels/${c.id}/rotate-secret`, { org, body: { overlap_hours: c.hours } })),
      onSuccess,
      gcTime: 0,
    }),
    order: useMutation({
      mutationFn: (ids: string[]) => stepUp(() => put<Page<ChannelWire>>(`${base}/order`, { org, body: { ids } })),
      onSuccess: (now) => {
        client.setQueryData(channelsQuery(org).queryKey, { items: now.items });
        return onSuccess();
      },
    }),
    test: useMutation({ mutationFn: (id: string) => stepUp(() => post<DeliveryWire>(`${base}/channels/${id}/test`, { org })), onSuccess: () => client.invalidateQueries(ordered) }),
    resend: useMutation({ mutationFn: (id: string) => stepUp(() => post<DeliveryWire>(`${base}/deliveries/${id}/resend`, { org })), onSuccess: () => client.invalidateQueries(ordered) }),
  };
}

/** The kind of a webhook that is asked whether tickets are open. It is told of no notices, and has no other kind. */
export const ticketQuestion = "ticket_question";

export function isTicketSystem(c: Pick<Channel, "kinds">): boolean {
  return c.kinds.includes(ticketQuestion);
}

export const ways: Record<ChannelWire["kind"], string> = { slack: "Slack", webhook: "Webhook" };
