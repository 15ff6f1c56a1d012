import type { GovernanceAction } from "../../api/types";
import { State } from "../../ui/text";

type Stands = GovernanceAction["state"];

const states: Record<Stands, { label: string; meaning?: "good" | "warn" | "bad" | "info"; means: string }> = {
  open: { label: "Waits", meaning: "warn", means: "Nothing has changed yet." },
  approved: { label: "Approved", meaning: "good", means: "The change was made." },
  rejected: { label: "Rejected", meaning: "bad", means: "Nothing was changed." },
  withdrawn: { label: "Withdrawn", means: "Nothing was changed." },
  expired: { label: "Lapsed", means: "Nobody decided in time. Nothing was changed." },
  superseded: { label: "Superseded", means: "Something else changed meanwhile, so this was not what would have been done. Nothing was changed by it." },
};

export const stateOptions = (Object.keys(states) as Stands[]).map((value) => ({ value, label: states[value].label }));

/** As docs/operating.md lists them; the API names each action's kind in words itself. */
export const kindOptions = [
  { value: "recording_off", label: "Recording off" },
  { value: "mfa_lift", label: "No demand for a second factor" },
  { value: "retention_shorten", label: "Kept for a shorter time" },
  { value: "hold_lift", label: "End of a legal hold" },
  { value: "owner_add", label: "New owner" },
  { value: "owner_invite", label: "Invited owner" },
  { value: "organization_delete", label: "End of the organization" },
  { value: "governance_lift", label: "No second person any more" },
  { value: "sso_provider_add", label: "New identity provider" },
  { value: "sso_provider_change", label: "Changed identity provider" },
  { value: "sso_provider_remove", label: "Removed identity provider" },
  { value: "sso_lift", label: "Sign-in without the provider" },
  { value: "audit_export", label: "Export of the audit log" },
];

export function ActionState({ action: a }: { action: GovernanceAction }) {
  if (a.out_of_date) return <State meaning="bad">Out of date</State>;
  return <State meaning={states[a.state].meaning}>{states[a.state].label}</State>;
}

export const meansOf = (a: GovernanceAction) => states[a.state].means;
