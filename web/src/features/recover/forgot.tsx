import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "../../api/client";
import { asProblem } from "../../api/problem";
import { Button, LinkButton } from "../../ui/button";
import { TextField } from "../../ui/field";
import { FormProblem, Note } from "../../ui/states";
import { AuthFrame } from "../auth/frame";
import { emailProblem } from "../auth/password-rules";
import { signInProblem } from "../auth/sign-in-problem";

/** Asks for a link that sets a password. The answer does not tell whether there is an account. */
export default function Forgot() {
  const [email, setEmail] = useState("");
  const ask = useMutation({ mutationFn: () => post("/auth/password-reset", { body: { email: email.trim() } }) });
  const ready = email.trim() !== "" && !emailProblem(email.trim());
  if (ask.isSuccess) {
    return (
      <AuthFrame title="Look into your mail">
        <Note live>If there is an account with {email.trim()}, a link is on its way there. It works once, for 30 minutes.</Note>
        <Button full onClick={() => ask.reset()}>
          Use another address
        </Button>
        <LinkButton kind="ghost" to="/sign-in" search={{}}>
          Back to sign-in
        </LinkButton>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Set a new password" lead="Your second factor stays as it is: you need it when you sign in with the new password.">
      <form
        className="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (ready && !ask.isPending) ask.mutate();
        }}
      >
        <TextField label="Email" type="email" autoComplete="username" autoFocus hint="You get a link there." value={email} check={emailProblem} error={ask.error ? asProblem(ask.error).field("email") : undefined} onText={setEmail} />
        <FormProblem error={signInProblem(ask.error)} fields={["email"]} />
        <Button type="submit" kind="primary" full disabled={!ready} busy={ask.isPending}>
          Send me the link
        </Button>
        <LinkButton kind="ghost" to="/sign-in" search={{}}>
          Back to sign-in
        </LinkButton>
      </form>
    </AuthFrame>
  );
}
