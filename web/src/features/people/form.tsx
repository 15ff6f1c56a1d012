import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { OrgRole } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { RadioList, SecretField, TextField } from "../../ui/field";
import { FormProblem } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { emailProblem, handleProblem, passwordProblem } from "../auth/password-rules";
import { useRights } from "../shell/org";
import { roleWords } from "../shell/rights";
import { useMemberChanges } from "./queries";
import { suggestHandle } from "./suggest-handle";

const known = ["name", "email", "handle", "password", "role"];

export function MemberForm({ onClose }: { onClose: () => void }) {
  const r = useRights();
  const { add } = useMemberChanges();
  const toasts = useToasts();
  const [form, setForm] = useState({ name: "", email: "", handle: "", password: "" });
  const [handleTouched, setHandleTouched] = useState(false);
  const [role, setRole] = useState<OrgRole>("operator");
  const set = (part: Partial<typeof form>) => setForm((f) => ({ ...f, ...part }));
  const problem = add.error ? asProblem(add.error) : undefined;
  const ready = form.email.trim() !== "" && form.handle !== "" && !emailProblem(form.email) && !handleProblem(form.handle) && !passwordProblem(form.password);
  const options = (Object.keys(roleWords) as OrgRole[]).filter((v) => r.makeOwner || v !== "owner").map((value) => ({ value, ...roleWords[value] }));
  return (
    <Dialog
      title="Add person"
      onClose={onClose}
      sticky
      onSubmit={() =>
        ready &&
        !add.isPending &&
        add.mutate(
          { email: form.email.trim(), handle: form.handle, role, ...(form.name.trim() ? { name: form.name.trim() } : {}), ...(form.password ? { password: form.password } : {}) },
          {
            onSuccess: () => {
              toasts.say(`${form.name.trim() || form.handle} is added.${form.password ? " Give them the password on a safe path; they set up their second factor at first sign-in." : ""}`);
              onClose();
            },
          },
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={add.isPending}>
            Add person
          </Button>
        </>
      }
    >
      <TextField label="Name" autoFocus value={form.name} error={problem?.field("name")} onText={(name) => set({ name })} />
      <TextField
        label="Email"
        type="email"
        value={form.email}
        check={emailProblem}
        error={problem?.field("email")}
        onText={(email) => set(handleTouched ? { email } : { email, handle: suggestHandle(email) })}
      />
      <TextField
        label="Handle"
        mono
        hint="Short name for SSH: ssh handle+safe@gateway."
        value={form.handle}
        check={handleProblem}
        error={problem?.field("handle")}
        onText={(handle) => {
          setHandleTouched(true);
          set({ handle });
        }}
      />
      <SecretField label="First password" optional hint="At least 12 characters. Leave it empty for somebody who signs in to this installation already." autoComplete="new-password" value={form.password} check={passwordProblem} error={problem?.field("password")} onText={(password) => set({ password })} />
      <RadioList legend="Role" value={role} options={options} onPick={setRole} />
      <FormProblem error={add.error} fields={known} />
    </Dialog>
  );
}
