import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { Building2, KeyRound } from "lucide-react";
import { useCallback, useState } from "react";
import type { Challenge } from "../../api/types";
import { Button, LinkButton } from "../../ui/button";
import { FormProblem, Note } from "../../ui/states";
import { AuthFrame } from "./frame";
import { PasswordForm } from "./password-form";
import { signIn, signInByPasskey } from "./queries";
import { safeNext } from "./next";
import { SecondFactor } from "./second-factor";
import { signInProblem } from "./sign-in-problem";
import { SsoForm } from "./sso-form";
import { hasWebAuthn } from "./webauthn";

/** A password and a second factor, a passkey, or single sign-on. The address that was asked for is kept. */
export default function SignIn() {
  const { next, org, way } = useSearch({ from: "/sign-in" });
  const navigate = useNavigate();
  const client = useQueryClient();
  const router = useRouter();
  const [challenge, setChallenge] = useState<Challenge>();
  const [expired, setExpired] = useState(false);
  const [sso, setSso] = useState(org !== undefined || way === "sso");
  const [email, setEmail] = useState("");

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

  const passkey = useMutation({ mutationFn: signInByPasskey, onSuccess: enter });

  const over = useCallback(() => {
    setChallenge(undefined);
    setExpired(true);
  }, []);

  if (challenge) {
    return <SecondFactor challenge={challenge} lead="Your password is right. One more proof, then you are in." enter={enter} onExpired={over} onBack={() => setChallenge(undefined)} />;
  }
  if (sso) {
    return (
      <AuthFrame title="Single sign-on" lead="Your organization's identity provider signs you in.">
        {org && <Note meaning="info">{`The organization ${org} lets its members in through its identity provider only.`}</Note>}
        <SsoForm org={org} email={email.trim()} next={next} onBack={() => setSso(false)} />
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
      <PasswordForm email={email} onEmail={setEmail} busy={password.isPending} error={signInProblem(password.error)} submit={(email, pw) => password.mutate({ email, password: pw })} />
      <LinkButton kind="ghost" to="/forgot">
        Forgot your password?
      </LinkButton>
      <p className="or">or</p>
      <FormProblem error={signInProblem(passkey.error)} />
      <div className="stack">
        {hasWebAuthn() && (
          <Button icon={KeyRound} full busy={passkey.isPending} onClick={() => passkey.mutate()}>
            {passkey.isPending ? "Waiting for your passkey" : "Sign in with a passkey"}
          </Button>
        )}
        <Button icon={Building2} full onClick={() => setSso(true)}>
          Single sign-on
        </Button>
        <LinkButton kind="ghost" to="/signup">
          Register an organization
        </LinkButton>
      </div>
    </AuthFrame>
  );
}
