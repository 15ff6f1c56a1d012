import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Button, LinkButton } from "../../ui/button";
import { SecretField, TextField } from "../../ui/field";
import { FormProblem, Note } from "../../ui/states";
import { asProblem } from "../../api/problem";
import { useFragment } from "./fragment";
import { AuthFrame } from "./frame";
import { emailProblem, handleProblem, passwordProblem } from "./password-rules";
import { setupPlatform } from "./queries";

const known = ["email", "handle", "name", "password"];

/** The first person of an installation. */
export default function Setup() {
  const token = useFragment();
  const [form, setForm] = useState({ name: "", email: "", handle: "", password: "" });
  const set = (part: Partial<typeof form>) => setForm((f) => ({ ...f, ...part }));
  const setup = useMutation({ mutationFn: () => setupPlatform({ token, ...form }) });
  const problem = setup.error ? asProblem(setup.error) : undefined;

  if (setup.isSuccess) {
    return (
      <AuthFrame title="The platform is yours" lead="You are the first platform admin. Sign in to set up your second factor and the first organization.">
        <LinkButton kind="primary" full to="/sign-in" search={{}}>
          Sign in
        </LinkButton>
      </AuthFrame>
    );
  }
  if (token === "") {
    return (
      <AuthFrame title="This link is not whole">
        <Note meaning="warn">The set-up link ends in a # and a long token. Copy it again from the server's log; it works for 24 hours and once.</Note>
      </AuthFrame>
    );
  }
  const errors = {
    name: problem?.field("name"),
    email: problem?.field("email"),
    handle: problem?.field("handle"),
    password: problem?.field("password"),
  };
  const ready =
    Object.values(form).every((v) => v.trim() !== "") && !emailProblem(form.email) && !handleProblem(form.handle) && !passwordProblem(form.password);
  return (
    <AuthFrame title="Set up this installation" lead="Make the first platform admin. The link works once." wide>
      <form
        className="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (ready && !setup.isPending) setup.mutate();
        }}
      >
        <TextField label="Your name" autoComplete="name" autoFocus value={form.name} error={errors.name} onText={(name) => set({ name })} />
        <TextField label="Email" type="email" autoComplete="username" value={form.email} check={emailProblem} error={errors.email} onText={(email) => set({ email })} />
        <TextField label="Handle" mono hint="Short name for SSH: ssh handle+safe@gateway." value={form.handle} check={handleProblem} error={errors.handle} onText={(handle) => set({ handle })} />
        <SecretField label="Password" autoComplete="new-password" value={form.password} check={passwordProblem} error={errors.password} onText={(password) => set({ password })} />
        <FormProblem error={setup.error} fields={known} />
        <Button type="submit" kind="primary" full disabled={!ready} busy={setup.isPending}>
          Create platform admin
        </Button>
      </form>
    </AuthFrame>
  );
}
