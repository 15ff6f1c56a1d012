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
