import type { AccessReview, ReviewRight } from "../../api/types";
import { State } from "../../ui/text";

export const stateOptions = [
  { value: "open", label: "Open" },
  { value: "closed", label: "Closed" },
  { value: "cancelled", label: "Cancelled" },
];

export function ReviewState({ review: r }: { review: AccessReview }) {
  if (r.state === "open") return <State meaning="warn">Open</State>;
  return r.state === "closed" ? <State meaning="good">Closed</State> : <State>Cancelled</State>;
}

/** How many rights there are, and how many of them are decided. */
export function counted(r: AccessReview): { all: number; done: number } {
  const p = r.progress;
  const done = p.kept + p.revoked + p.stale + p.failed;
  return { all: done + p.undecided, done };
}

export const ruleWords = { keep: "What nobody decides stays", revoke: "What nobody decides is revoked" };

const results: Record<string, { label: string; meaning?: "good" | "warn" | "bad" | "info" }> = {
  kept: { label: "Kept", meaning: "good" },
  revoked: { label: "Revoked", meaning: "bad" },
  stale: { label: "Had changed", meaning: "info" },
  failed: { label: "Not carried out", meaning: "warn" },
};

export function Result({ right: r }: { right: ReviewRight }) {
  const w = results[r.result ?? ""];
  return w ? <State meaning={w.meaning}>{w.label}</State> : <State>Undecided</State>;
}

/** Whose right it is. */
export function whose(r: ReviewRight): string {
  return r.kind === "safe_group" ? `Group ${r.group_name}` : (r.user_name ?? r.user_id ?? "");
}

/** What the right is. */
export function what(r: ReviewRight): string {
  return r.kind === "group_member" ? `in the group ${r.group_name}` : `${r.role} on the safe ${r.safe_name}`;
}

/** Why a revocation could not be carried out here; undefined when it can. */
export function keeper(r: ReviewRight): string | undefined {
  if (r.kind !== "group_member" || !r.group_source || r.group_source === "local") return undefined;
  return `${r.group_source === "scim" ? "Your directory" : "Your identity provider"} keeps this group. Revoke is recorded here; take the person out there.`;
}

/** A note of the server as a sentence. */
export function noted(note: string): string {
  return `${note.charAt(0).toUpperCase()}${note.slice(1)}.`;
}

/** Who decided: a person, or the rule at the deadline. */
export function decider(r: ReviewRight): string {
  return r.decided_by ? (r.decided_by_name ?? r.decided_by) : "the rule of the review";
}
