import { useState } from "react";
import { Button } from "../../ui/button";
import { SecretField, TextField } from "../../ui/field";
import { FormProblem } from "../../ui/states";

interface Props {
  busy: boolean;
  error: unknown;
  verb?: string;
  email?: string;
  onEmail?: (email: string) => void;
  submit: (email: string, password: string) => void;
}

/** Address and password, for password managers in one form. */
export function PasswordForm({ busy, error, verb = "Continue", email: first = "", onEmail, submit }: Props) {
  const [email, setEmail] = useState(first);
  const [password, setPassword] = useState("");
  return (
    <form
      className="stack"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (email !== "" && password !== "" && !busy) submit(email.trim(), password);
      }}
    >
      <TextField
        label="Email"
        type="email"
        name="email"
        autoComplete="username"
        autoFocus
        value={email}
        onText={(v) => {
          setEmail(v);
          onEmail?.(v);
        }}
      />
      <SecretField label="Password" name="password" autoComplete="current-password" value={password} onText={setPassword} />
      <FormProblem error={error} />
      <Button type="submit" kind="primary" full disabled={email === "" || password === ""} busy={busy}>
        {verb}
      </Button>
    </form>
  );
}
