import type { Safe } from "../../api/types";

const hour = 3_600_000;

/** For how long something is lent. The server takes thirty days at most. */
const lengths = [
  { value: "1h", label: "An hour", ms: hour },
  { value: "4h", label: "4 hours", ms: 4 * hour },
  { value: "8h", label: "8 hours", ms: 8 * hour },
  { value: "1d", label: "A day", ms: 24 * hour },
  { value: "3d", label: "3 days", ms: 72 * hour },
  { value: "1w", label: "A week", ms: 168 * hour },
  { value: "2w", label: "2 weeks", ms: 336 * hour },
  { value: "4w", label: "4 weeks", ms: 672 * hour },
];

/** As long as oneself: what is lent on ends with what one has it from. */
const whole = "own";

/** The lengths that the reader may lend a safe for: never longer than they have it. */
export function lengthsOf(safe: Pick<Safe, "lent"> | undefined, now: number): { value: string; label: string }[] {
  const until = safe?.lent?.ends_at.getTime();
  const fit = lengths.filter((l) => until === undefined || now + l.ms <= until);
  return until === undefined ? fit : [...fit, { value: whole, label: "As long as I have it" }];
}

export function endAfter(length: string, safe: Pick<Safe, "lent"> | undefined, now: number): Date {
  const ms = lengths.find((l) => l.value === length)?.ms;
  return ms === undefined ? (safe?.lent?.ends_at ?? new Date(now)) : new Date(now + ms);
}

/** Why the reader cannot lend this safe; undefined when they can. */
export function lendProblem(safe: Pick<Safe, "my_role" | "lent" | "policy">): string | undefined {
  if (safe.policy.delegation === "block") return "This safe does not let its members lend their access.";
  if (safe.my_role) return undefined;
  if (!safe.lent) return "You have no access of your own to lend.";
  return safe.policy.delegation === "onward" ? undefined : "What was lent to you, this safe does not let you lend on.";
}

/** The rights that the reader has and may lend. */
export function mayLendDeciding(safe: Pick<Safe, "my_role"> | undefined): boolean {
  return safe?.my_role === "approver" || safe?.my_role === "manager";
}
