import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, getBlob, post } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { AccessReviewWire, Page, ReviewRight, ReviewRightWire } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";

export function reviewsQuery(org: string, state: string | undefined) {
  return infiniteQueryOptions({
    queryKey: [org, "reviews", "list", { state }],
    queryFn: ({ signal, pageParam }) => get<Page<AccessReviewWire>>("/access-reviews", { org, signal, query: { state, limit: 50, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    refetchInterval: 20_000,
  });
}

export function reviewQuery(org: string, id: string) {
  return queryOptions({ queryKey: [org, "reviews", "one", id], queryFn: ({ signal }) => get<AccessReviewWire>(`/access-reviews/${id}`, { org, signal }), refetchInterval: 20_000 });
}

/** All the rights of a review that the reader sees: 12,000 at most, so that one finds any of them. */
export function rightsQuery(org: string, id: string) {
  return queryOptions({
    queryKey: [org, "reviews", "rights", id],
    queryFn: async ({ signal }) => {
      const all: ReviewRight[] = [];
      for (let cursor: string | undefined; ; ) {
        const p = await get<Page<ReviewRightWire>>(`/access-reviews/${id}/items`, { org, signal, query: { limit: 200, cursor } });
        all.push(...p.items);
        cursor = p.next_cursor || undefined;
        if (!cursor) return all;
      }
    },
  });
}

export function exportReview(org: string, id: string, format: "json" | "csv") {
  return getBlob(`/access-reviews/${id}/export`, { org, query: { format } });
}

export interface NewReview {
  name: string;
  all?: boolean;
  safe_ids?: string[];
  group_ids?: string[];
  reviewer_ids?: string[];
  rule: "keep" | "revoke";
  deadline: string;
}

export interface Decision {
  item: string;
  verdict: "keep" | "revoke";
  reason?: string;
}

const leftOut = new Set(["OWN_RIGHT", "NOT_A_REVIEWER", "ALREADY_DECIDED"]);

export function useReviewChanges(id: string) {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const anew = () => client.invalidateQueries({ queryKey: [org, "reviews"] });
  const progress = () => Promise.all([client.invalidateQueries({ queryKey: reviewQuery(org, id).queryKey }), client.invalidateQueries({ queryKey: [org, "reviews", "list"] })]);
  const put = (done: ReviewRight) => client.setQueryData(rightsQuery(org, id).queryKey, (all) => all?.map((r) => (r.id === done.id ? done : r)));
  const decideOne = async ({ item, ...body }: Decision) => {
    const done = await stepUp(() => post<ReviewRightWire>(`/access-reviews/${id}/items/${item}/decide`, { org, body }));
    put(done);
    return done;
  };
  const keepOne = async (item: string): Promise<boolean> => {
    for (;;) {
      try {
        await decideOne({ item, verdict: "keep" });
        return true;
      } catch (e) {
        const p = asProblem(e);
        if (leftOut.has(p.code)) return false;
        if (p.status !== 429 || !p.retryAfterSeconds || p.retryAfterSeconds > 20) throw e;
        await new Promise((go) => setTimeout(go, (p.retryAfterSeconds ?? 1) * 1000));
      }
    }
  };
  return {
    open: useMutation({ mutationFn: (body: NewReview) => stepUp(() => post<AccessReviewWire>("/access-reviews", { org, body })), onSuccess: anew }),
    /** What was decided is in its answer; the many other rights are not read again for it. */
    decide: useMutation({ mutationFn: decideOne, onSuccess: progress, onError: anew }),
    /** One after the other: the first may ask for a second factor. What is one's own by now, or decided by
        somebody else, is left out; anything else ends it. */
    keepAll: useMutation({
      mutationFn: async (items: readonly string[]) => {
        let kept = 0;
        for (const item of items) if (await keepOne(item)) kept++;
        return { kept, left: items.length - kept };
      },
      onSettled: anew,
    }),
    cancel: useMutation({ mutationFn: (comment: string) => stepUp(() => post<AccessReviewWire>(`/access-reviews/${id}/cancel`, { org, body: comment ? { comment } : {} })), onSettled: anew }),
  };
}
