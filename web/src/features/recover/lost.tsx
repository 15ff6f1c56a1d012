import { useMutation } from "@tanstack/react-query";
import type { Challenge } from "../../api/types";
import { Button } from "../../ui/button";
import { FormProblem, Note } from "../../ui/states";
import { Time } from "../../ui/text";
import { AuthFrame } from "../auth/frame";
import { signInProblem } from "../auth/sign-in-problem";
import { requestRecovery } from "./queries";

/** Somebody has given the password and cannot give a second factor: what happens next, then the request. */
export function LostFactor({ challenge, onAsked, onBack, onOver }: { challenge: Challenge; onAsked: () => void; onBack: () => void; onOver: () => void }) {
  const ask = useMutation({ mutationFn: () => requestRecovery(challenge.challenge_id, challenge.methods), onSuccess: onAsked });
  if (ask.data) {
    return (
      <AuthFrame title="Look into your mail" lead="A link is on its way to the e-mail address of your account.">
        <Note live>
          Open it and confirm. An administrator decides then, and you get a second message. The link ends <Time at={ask.data.expires_at} />.
        </Note>
        <Button full onClick={onOver}>
          Back to sign-in
        </Button>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Lost your second factor?" lead="When you have a backup code, use it: that is faster.">
      <ol className="steps">
        <li>You confirm by a link that is mailed to you.</li>
        <li>An administrator speaks with you, and decides.</li>
        <li>You get a second link, sign in with your password, and set up a new second factor.</li>
      </ol>
      <p className="dim">Your present factors and backup codes work until the new one is set up. Then they are gone, and you are signed out everywhere.</p>
      <FormProblem error={signInProblem(ask.error)} />
      <Button kind="primary" full busy={ask.isPending} onClick={() => ask.mutate()}>
        I have lost them all: send me the link
      </Button>
      <Button kind="ghost" onClick={onBack}>
        I have found one
      </Button>
    </AuthFrame>
  );
}
