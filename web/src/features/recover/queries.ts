import { infiniteQueryOptions } from "@tanstack/react-query";
import { get, post } from "../../api/client";
import type { Dated } from "../../api/dated";
import type { LoginWire, MfaMethod, Page, RecoveryStatusWire, RecoveryWire } from "../../api/types";

export type Recovery = Dated<RecoveryWire>;

/** With the challenge of a sign-in that cannot be answered. */
export function requestRecovery(challenge: string, lost: readonly MfaMethod[]) {
  return post<RecoveryStatusWire>("/auth/recovery", { body: { challenge_id: challenge, lost_methods: lost } });
}

export function verifyRecovery(proof: string) {
  return post<RecoveryStatusWire>("/auth/recovery/verify", { body: { proof } });
}

/** Gives a session, as a cookie, that may only enrol. */
export function redeemRecovery(challenge: string, grant: string): Promise<unknown> {
  return post<LoginWire>("/auth/recovery/redeem", { query: { cookie: true }, body: { challenge_id: challenge, grant } });
}

/** The organization's queue, or the platform's. */
export interface Desk {
  org: string | undefined;
  path: "/org/recoveries" | "/platform/recoveries";
}

export function recoveriesQuery(d: Desk, state: string | undefined) {
  return infiniteQueryOptions({
    queryKey: [d.org ?? "platform", "recoveries", state],
    queryFn: ({ signal, pageParam }) => get<Page<RecoveryWire>>(d.path, { org: d.org, signal, query: { state, limit: 50, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
  });
}

export function seeRecovery(d: Desk, id: string, signal: AbortSignal) {
  return get<RecoveryWire>(`${d.path}/${id}`, { org: d.org, signal });
}

export function decideRecovery(d: Desk, id: string, verb: "approve" | "deny", comment: string): Promise<unknown> {
  return post<RecoveryWire>(`${d.path}/${id}/${verb}`, { org: d.org, body: comment === "" ? {} : { comment } });
}
