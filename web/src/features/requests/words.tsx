import type { AccessRequest } from "../../api/types";
import { plural } from "../../ui/format";
import { State } from "../../ui/text";

const states: Record<AccessRequest["state"], { label: string; meaning?: "good" | "warn" | "bad" | "info" }> = {
  open: { label: "Waits for a decision", meaning: "warn" },
  approved: { label: "Approved", meaning: "good" },
  rejected: { label: "Rejected", meaning: "bad" },
  withdrawn: { label: "Withdrawn" },
  expired: { label: "Lapsed undecided" },
  closed: { label: "Closed" },
};

export const stateOptions = (Object.keys(states) as AccessRequest["state"][]).map((value) => ({ value, label: states[value].label }));

/** Where a request stands; of an approved one, whether what it opened still lasts. */
export function RequestState({ request: r }: { request: AccessRequest }) {
  if (r.state === "approved" && r.grant) {
    if (r.grant.ended_at || r.grant.ends_at.getTime() <= Date.now()) return <State>{r.grant.end_reason === "revoked" ? "Ended early" : "Over"}</State>;
    return <State meaning={r.kind === "emergency" ? "bad" : "good"}>{r.kind === "emergency" ? "Emergency" : "Open"}</State>;
  }
  if (r.state === "open" && r.approvals_have > 0) return <State meaning="warn">{`${r.approvals_have} of ${plural(r.approvals_needed, "approval")}`}</State>;
  return <State meaning={states[r.state].meaning}>{states[r.state].label}</State>;
}

export function lasts(r: AccessRequest): boolean {
  return r.state === "approved" && r.grant !== undefined && r.grant.ended_at === undefined && r.grant.ends_at.getTime() > Date.now();
}

/** What it opened lasts, and has begun. */
export function begun(r: AccessRequest): boolean {
  return lasts(r) && r.grant !== undefined && r.grant.starts_at.getTime() <= Date.now();
}

/** What a request is for, and its grant opens. */
export const usesWords: Record<AccessRequest["uses"], { label: string; asks: string; opens: string }> = {
  session: { label: "Session", asks: "Sessions", opens: "Sessions; the credential stays unseen" },
  checkout: { label: "Checkout", asks: "A checkout: the credential is shown", opens: "A checkout: the credential is shown to them" },
  both: { label: "Session and checkout", asks: "Sessions, and a checkout", opens: "Sessions, and a checkout: the credential is shown to them" },
};

/** What they may do by it, after "they may". */
export function opens(r: AccessRequest): string {
  const session = `open ${r.one_session ? "one session" : "sessions"}`;
  const checkout = "check the credential out, and see it,";
  return r.uses === "session" ? session : r.uses === "checkout" ? checkout : `${session}, and ${checkout}`;
}
