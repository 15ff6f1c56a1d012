import type { Problem } from "../../api/problem";
import { SecretField, TextField } from "../../ui/field";
import { handleProblem, passwordProblem } from "../auth/password-rules";
import type { NewPerson } from "./queries";

export const personFields = ["name", "handle", "password"];

export function personReady(p: NewPerson): boolean {
  return p.name.trim() !== "" && p.handle !== "" && p.password !== "" && !handleProblem(p.handle) && !passwordProblem(p.password);
}

/** What somebody new says about themselves. */
export function PersonFields({ person: p, problem, onPerson }: { person: NewPerson; problem: Problem | undefined; onPerson: (p: NewPerson) => void }) {
  return (
    <>
      <TextField label="Your name" autoComplete="name" value={p.name} error={problem?.field("name")} onText={(name) => onPerson({ ...p, name })} />
      <TextField label="Handle" mono hint="Short name for SSH: ssh handle+safe@gateway." value={p.handle} check={handleProblem} error={problem?.field("handle")} onText={(handle) => onPerson({ ...p, handle })} />
      <SecretField label="Password" autoComplete="new-password" hint="At least 12 characters." value={p.password} check={passwordProblem} error={problem?.field("password")} onText={(password) => onPerson({ ...p, password })} />
    </>
  );
}
