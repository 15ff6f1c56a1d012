import { useMutation } from "@tanstack/react-query";
import { Button, LinkButton } from "../../ui/button";
import { FormProblem, Note } from "../../ui/states";
import { Time } from "../../ui/text";
import { useFragment } from "../auth/fragment";
import { AuthFrame } from "../auth/frame";
import { signInProblem } from "../auth/sign-in-problem";
import { verifyRecovery } from "./queries";

/** The first link of a recovery: somebody proves that they read their mail. By a click, because mail scanners open links too. */
export default function VerifyRecovery() {
  const proof = useFragment();
  return <Verify key={proof} proof={proof} />;
}

function Verify({ proof }: { proof: string }) {
  const verify = useMutation({ mutationFn: () => verifyRecovery(proof) });
  if (proof === "") return <BrokenLink />;
  if (verify.data) {
    return (
      <AuthFrame title="An administrator decides now" lead="They were told, and will want to speak with you first.">
        <Note live>
          You get a message when it is decided. The request lapses <Time at={verify.data.expires_at} />.
        </Note>
      </AuthFrame>
    );
  }
  if (verify.error) {
    return (
      <AuthFrame title="This link cannot be used">
        <FormProblem error={signInProblem(verify.error)} />
        <LinkButton full to="/sign-in" search={{}}>
          Sign in
        </LinkButton>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Have you lost your second factor?" lead="Somebody signed in with your name and password and said so.">
      <Button kind="primary" full busy={verify.isPending} onClick={() => verify.mutate()}>
        Yes, I have lost it
      </Button>
      <p className="dim">If it was not you, close this page and change your password: somebody knows it. Nothing happens without your yes.</p>
    </AuthFrame>
  );
}

export function BrokenLink() {
  return (
    <AuthFrame title="This link is not whole">
      <Note meaning="warn">The link ends in a # and a long token. Copy it again from the message, or ask for a new one where you sign in.</Note>
      <LinkButton full to="/sign-in" search={{}}>
        Sign in
      </LinkButton>
    </AuthFrame>
  );
}
