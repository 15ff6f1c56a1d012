/**
 * What stands between the reader and a launch, as a sentence that says what to
 * do. A code that this console does not know yet still gets an honest sentence.
 */
export function blockedSentence(code: string | undefined): string {
  switch (code) {
    case undefined:
    case "":
      return "You are not a member of this safe. A manager of it can add you.";
    case "mfa_required":
      return "Asks for a fresh code first.";
    case "outside_valid_hours":
      return "Closed at this hour.";
    case "not_a_member":
      return "You are not a member of this safe. A manager of it can add you.";
    case "no_approval":
      return "Needs an approved request first.";
    case "policy_denied":
      return "A policy of your organization does not let you in now.";
    case "account_disabled":
      return "Its account is disabled. An admin can enable it.";
    case "host_key_unconfirmed":
      return "The host key is not confirmed yet. An admin confirms it on the resource.";
    case "source_not_allowed":
      return "Not open from your network.";
    case "concurrency_limit":
      return "All its sessions are in use. Try again when one ends.";
    case "recording_unavailable":
      return "Recording does not work now, and this safe asks for it.";
    case "audit_unavailable":
      return "The audit log cannot be written, so nothing starts.";
    default:
      return `Not open now (${code.replaceAll("_", " ")}).`;
  }
}

/** A block that the reader can lift by themselves, in the course of the launch. */
export function liftable(code: string | undefined): boolean {
  return code === "mfa_required";
}
