import type { Session } from "../../api/types";
import type { Phase } from "../audit/queries";

/** How a session ended, as a short phrase. */
export function endWords(s: Pick<Session, "state" | "ended_by" | "end_reason" | "exit_status" | "ended_by_name">): string {
  if (s.state !== "ended") return s.state === "live" ? "Running" : "Starting";
  switch (s.ended_by) {
    case "user":
      return s.exit_status !== undefined && s.exit_status !== 0 ? `Closed by the user, exit status ${s.exit_status}` : "Closed by the user";
    case "admin":
      return s.ended_by_name ? `Ended by ${s.ended_by_name}` : "Ended by an admin";
    default:
      return systemReason(s.end_reason ?? "");
  }
}

function systemReason(reason: string): string {
  switch (reason) {
    case "ttl":
      return "Reached its longest time";
    case "idle":
      return "Was idle too long";
    case "valid_hours_end":
      return "The open hours ended";
    case "access_revoked":
      return "The right to it was withdrawn";
    case "account_disabled":
      return "The account was disabled";
    case "recording_failed":
      return "Recording failed";
    case "audit_unavailable":
      return "The audit log could not be written";
    case "policy_violation":
      return "Broke its policy";
    case "upstream_closed":
      return "The target closed it";
    case "upstream_unreachable":
      return "The target did not answer";
    case "upstream_auth_failed":
      return "The target refused the credential";
    case "host_key_mismatch":
      return "The target showed another host key";
    case "shutdown":
      return "The server stopped";
    case "":
      return "Ended by the system";
    default:
      return `Ended by the system (${reason.replaceAll("_", " ")})`;
  }
}

/** Forced ends deserve a look; planned ones do not. */
export function endMeaning(s: Pick<Session, "state" | "ended_by" | "end_reason">): "live" | "warn" | "bad" | undefined {
  if (s.state !== "ended") return "live";
  if (s.ended_by === "admin") return "warn";
  const forced = ["access_revoked", "account_disabled", "recording_failed", "audit_unavailable", "policy_violation", "upstream_closed", "upstream_unreachable", "upstream_auth_failed", "host_key_mismatch"];
  return s.ended_by === "system" && forced.includes(s.end_reason ?? "") ? "bad" : undefined;
}

export function phaseOf(s: Pick<Session, "state" | "recording">): Phase {
  if (s.state !== "ended" || s.recording?.state === "recording") return "running";
  return s.recording ? "closed" : "over";
}

/** When it began; when it was asked for, as long as the target is being reached. */
export function startOf(s: Pick<Session, "started_at" | "requested_at">): Date {
  return s.started_at ?? s.requested_at;
}

const clients: Record<string, string> = { browser: "Browser", openssh: "OpenSSH", vaultpam: "vaultpam" };

export function clientWords(client: string): string {
  return clients[client] ?? (client || "Unknown");
}
