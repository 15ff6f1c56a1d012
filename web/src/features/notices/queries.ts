import { infiniteQueryOptions, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { get, getAll, post, put } from "../../api/client";
import type { Dated } from "../../api/dated";
import type { NoticePreferenceWire, NoticeWire, Page } from "../../api/types";

export type Notice = Dated<NoticeWire>;

// What is about one's account alone is told without an organization too.
const place = (org: string | undefined) => org ?? "account";

function unreadQuery(org: string | undefined) {
  return queryOptions({ queryKey: ["my", "notices", place(org), "count"], queryFn: ({ signal }) => get<{ unread: number }>("/notices/unread", { org, signal }), staleTime: 30_000 });
}

/**
 * How many notices are not read. It is asked again when somebody does something, at most
 * every 30 seconds, and never by a clock: a console that nobody uses must fall idle.
 */
export function useUnread(org: string | undefined): number {
  const client = useQueryClient();
  const { data } = useQuery(unreadQuery(org));
  useEffect(() => {
    const { queryKey } = unreadQuery(org);
    const onUse = () => {
      const state = client.getQueryState(queryKey);
      if (state && state.fetchStatus === "idle" && Date.now() - Math.max(state.dataUpdatedAt, state.errorUpdatedAt) > 30_000) void client.invalidateQueries({ queryKey: ["my", "notices", place(org)] });
    };
    const kinds = ["pointermove", "pointerdown", "keydown"] as const;
    for (const k of kinds) document.addEventListener(k, onUse, { passive: true });
    return () => {
      for (const k of kinds) document.removeEventListener(k, onUse);
    };
  }, [client, org]);
  return data?.unread ?? 0;
}

export function noticesQuery(org: string | undefined, unread: boolean) {
  return infiniteQueryOptions({
    queryKey: ["my", "notices", place(org), "list", unread],
    queryFn: ({ signal, pageParam }) => get<Page<NoticeWire>>("/notices", { org, signal, query: { limit: 50, unread: unread || undefined, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
  });
}

export const preferencesQuery = queryOptions({ queryKey: ["my", "notice-preferences"], queryFn: ({ signal }) => getAll<NoticePreferenceWire>("/notices/preferences", { signal }) });

/** Marks notices as read: those that are named, or all up to one. */
export function useMarkRead(org: string | undefined) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { ids: string[] } | { until: string }) => post<{ unread: number }>("/notices/read", { org, body }),
    onSuccess: (left) => {
      client.setQueryData(unreadQuery(org).queryKey, left);
      return client.invalidateQueries({ queryKey: ["my", "notices", place(org), "list"] });
    },
  });
}

export function usePrefer() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (p: Pick<NoticePreferenceWire, "kind" | "in_app" | "email">) => put<NoticePreferenceWire>(`/notices/preferences/${p.kind}`, { body: { in_app: p.in_app, email: p.email } }),
    onSuccess: (now) => client.setQueryData(preferencesQuery.queryKey, (was) => was && { items: was.items.map((p) => (p.kind === now.kind ? now : p)) }),
  });
}
