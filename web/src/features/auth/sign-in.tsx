import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { asProblem } from "../../api/problem";
import type { Challenge, MfaMethod } from "../../api/types";
import { Button } from "../../ui/button";
import { SecretField, TextField } from "../../ui/field";
import { duration } from "../../ui/format";
import { FormProblem, Note } from "../../ui/states";
import { CodeForm } from "./code-form";
import { AuthFrame } from "./frame";
import { proveFactor, signIn } from "./queries";
import { safeNext } from "./next";

/** First the password, then the second factor. The address that was asked for is kept. */
export default function SignIn() {
  const { next } = useSearch({ from: "/sign-in" });
  const navigate = useNavigate();
  const client = useQueryClient();
  const router = useRouter();
  const [challenge, setChallenge] = useState<Challenge>();
  const [expired, setExpired] = useState(false);

  const enter = () => {
    client.clear();
    router.history.replace(safeNext(next)); // an address with its search, as it was asked for
  };

  const password = useMutation({
    mutationFn: (v: { email: string; password: string }) => signIn(v.email, v.password),
    onSuccess: async (answer) => {
      setExpired(false);
      if (answer.mfa) setChallenge(answer.mfa);
      else if (answer.enrolment_required) await navigate({ to: "/enrol", search: { next }, replace: true });
      else enter();
    },
  });

  const factor = useMutation({
    mutationFn: (v: { method: MfaMethod; code: string }) => proveFactor(challenge?.challenge_id ?? "", v.method, v.code),
    onSuccess: enter,
  });

  useEffect(() => {
    if (!challenge) return;
    const timer = setTimeout(() => {
      setChallenge(undefined);
      setExpired(true);
    }, Math.max(0, challenge.expires_at.getTime() - Date.now()));
    return () => clearTimeout(timer);
  }, [challenge]);

  if (challenge) {
    return (
      <AuthFrame title="Second factor" lead="Your password is right. One more proof, then you are in.">
        <CodeForm
          methods={challenge.methods}
          verb="Sign in"
          busy={factor.isPending}
          error={signInProblem(factor.error)}
          submit={(method, code) => factor.mutate({ method, code })}
        />
        <Button kind="ghost" onClick={() => setChallenge(undefined)}>
          Start over
        </Button>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Sign in" lead="Privileged access to your organization's systems.">
      {expired && (
        <Note meaning="warn" live>
          The second step waited too long. Sign in again.
        </Note>
      )}
      <PasswordForm busy={password.isPending} error={signInProblem(password.error)} submit={(email, pw) => password.mutate({ email, password: pw })} />
    </AuthFrame>
  );
}

function PasswordForm({ busy, error, submit }: { busy: boolean; error: unknown; submit: (email: string, password: string) => void }) {
  const [email, setEmail] = useState("");
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
      <TextField label="Email" type="email" name="email" autoComplete="username" autoFocus value={email} onText={setEmail} />
      <SecretField label="Password" name="password" autoComplete="current-password" value={password} onText={setPassword} />
      <FormProblem error={error} />
      <Button type="submit" kind="primary" full disabled={email === "" || password === ""} busy={busy}>
        Continue
      </Button>
    </form>
  );
}

/** A limit says when it ends; the server's sentence says the rest. */
function signInProblem(err: unknown): unknown {
  if (err === null) return null;
  const p = asProblem(err);
  if (p.retryAfterSeconds !== undefined && p.retryAfterSeconds > 0) p.message = `${p.message.replace(/\.?$/, ".")} You can try again in ${duration(p.retryAfterSeconds)}.`;
  return p;
}
