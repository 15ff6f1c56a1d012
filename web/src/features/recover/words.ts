import type { MfaMethod, RecoveryWire } from "../../api/types";
import type { Meaning } from "../../ui/text";

export const recoveryStates: Record<RecoveryWire["state"], { label: string; meaning?: Meaning }> = {
  requested: { label: "Waits for their mailbox" },
  pending: { label: "Waits for a decision", meaning: "warn" },
  approved: { label: "Approved, link sent", meaning: "info" },
  consumed: { label: "Setting up", meaning: "info" },
  completed: { label: "Done", meaning: "good" },
  denied: { label: "Turned down", meaning: "bad" },
  expired: { label: "Lapsed" },
  failed: { label: "Proof guessed at", meaning: "bad" },
};

const methods: Record<MfaMethod, string> = { totp: "authenticator app", webauthn: "security keys and passkeys", backup_code: "backup codes" };

export function lostWords(lost: readonly string[]): string {
  const words = lost.map((m) => methods[m as MfaMethod] ?? m);
  return words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
