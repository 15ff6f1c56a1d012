import { useMutation } from "@tanstack/react-query";
import { useEffect } from "react";
import { asProblem } from "../../api/problem";
import type { Challenge } from "../../api/types";
import { Button } from "../../ui/button";
import { duration } from "../../ui/format";
import { FactorForm } from "./factor-form";
import { AuthFrame } from "./frame";
import { type FactorProof, proveFactor } from "./queries";

/** The second step of a sign-in, whichever way the first was taken. */
export function SecondFactor({ challenge, lead, enter, onExpired, onBack }: { challenge: Challenge; lead: string; enter: () => void; onExpired: () => void; onBack: () => void }) {
  const factor = useMutation({ mutationFn: (proof: FactorProof) => proveFactor(challenge.challenge_id, proof), onSuccess: enter });
  useEffect(() => {
    const timer = setTimeout(onExpired, Math.max(0, challenge.expires_at.getTime() - Date.now()));
    return () => clearTimeout(timer);
  }, [challenge, onExpired]);
  return (
    <AuthFrame title="Second factor" lead={lead}>
      <FactorForm challenge={challenge} verb="Sign in" busy={factor.isPending} error={signInProblem(factor.error)} submit={(proof) => factor.mutate(proof)} />
      <Button kind="ghost" onClick={onBack}>
        Start over
      </Button>
    </AuthFrame>
  );
}

/** A limit says when it ends; the server's sentence says the rest. */
export function signInProblem(err: unknown): unknown {
  if (err === null) return null;
  const p = asProblem(err);
  if (p.retryAfterSeconds !== undefined && p.retryAfterSeconds > 0) p.message = `${p.message.replace(/\.?$/, ".")} You can try again in ${duration(p.retryAfterSeconds)}.`;
  return p;
}
