import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "../../api/client";
import { asProblem } from "../../api/problem";
import { Button, LinkButton } from "../../ui/button";
import { SecretField } from "../../ui/field";
import { FormProblem } from "../../ui/states";
import { useFragment } from "../auth/fragment";
import { AuthFrame } from "../auth/frame";
import { passwordProblem } from "../auth/password-rules";
import { signInProblem } from "../auth/sign-in-problem";
import { BrokenLink } from "./verify";

/** Sets a password by the link that was mailed. It signs nobody in. */
export default function Reset() {
  const token = useFragment();
  return token === "" ? <BrokenLink /> : <NewPassword key={token} token={token} />;
}

function NewPassword({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const client = useQueryClient();
  const set = useMutation({ mutationFn: () => post("/auth/password-reset/complete", { body: { token, password } }), onSuccess: () => client.clear(), gcTime: 0 });
  const problem = set.error ? asProblem(set.error) : undefined;
  if (set.isSuccess) {
    return (
      <AuthFrame title="Your password is set" lead="All your sign-ins have ended. Sign in with the new password and your second factor.">
        <LinkButton kind="primary" full to="/sign-in" search={{}}>
          Sign in
        </LinkButton>
      </AuthFrame>
    );
  }
  if (problem?.code.startsWith("RESET_LINK_")) {
    return (
      <AuthFrame title="This link cannot be used">
        <FormProblem error={problem} />
        <LinkButton kind="primary" full to="/forgot">
          Ask for a new one
        </LinkButton>
      </AuthFrame>
    );
  }
  const differs = (v: string) => (v === "" || v === password ? undefined : "The two are not the same.");
  const ready = password !== "" && again === password && !passwordProblem(password);
  return (
    <AuthFrame title="Choose a new password" lead="All your sign-ins end with it. Your second factor stays as it is.">
      <form
        className="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (ready && !set.isPending) set.mutate();
        }}
      >
        <SecretField label="New password" autoComplete="new-password" autoFocus hint="At least 12 characters." value={password} check={passwordProblem} error={problem?.field("password")} onText={setPassword} />
        <SecretField label="The same again" autoComplete="new-password" value={again} check={differs} onText={setAgain} />
        <FormProblem error={signInProblem(set.error)} fields={["password"]} />
        <Button type="submit" kind="primary" full disabled={!ready} busy={set.isPending}>
          Set the password
        </Button>
      </form>
    </AuthFrame>
  );
}
