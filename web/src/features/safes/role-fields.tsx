import type { SafeRole } from "../../api/types";
import { RadioList, SelectField, TextField } from "../../ui/field";
import { safeRoleWords } from "../shell/rights";

export const safeRoleOptions = (Object.keys(safeRoleWords) as SafeRole[]).map((value) => ({ value, ...safeRoleWords[value] }));

/** A role on a safe, and when it ends by itself. `ends` is as the field has it: local time, or empty. */
export function RoleFields({ role, ends, onRole, onEnds, error }: { role: SafeRole; ends: string; onRole: (r: SafeRole) => void; onEnds: (v: string) => void; error?: string | undefined }) {
  return (
    <>
      <RadioList legend="Role on this safe" value={role} options={safeRoleOptions} onPick={onRole} />
      <EndField value={ends} error={error} onText={onEnds} />
    </>
  );
}

/** The same in one line, where a form has more to it. */
export function RoleSelect({ role, onRole }: { role: SafeRole; onRole: (r: SafeRole) => void }) {
  return <SelectField label="Role on the safe" value={role} options={safeRoleOptions} hint={safeRoleWords[role].means} onPick={onRole} />;
}

export function EndField({ value, error, onText }: { value: string; error?: string | undefined; onText: (v: string) => void }) {
  return <TextField label="Ends" type="datetime-local" optional hint="The clock ends it then, and live sessions that rest on it. Empty: until somebody takes it away." value={value} error={error ?? endProblem(value)} onText={onText} />;
}

export function endProblem(value: string): string | undefined {
  return value !== "" && !(new Date(value).getTime() > Date.now()) ? "It must lie ahead." : undefined;
}

/** As the API takes it. */
export function endOf(value: string): string | undefined {
  return value === "" ? undefined : new Date(value).toISOString();
}

/** As the field has it: local time, to the minute. */
export function endText(at: Date | undefined): string {
  if (!at) return "";
  const two = (n: number) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
