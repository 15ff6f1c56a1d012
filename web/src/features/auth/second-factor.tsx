import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Challenge } from "../../api/types";
import { Button } from "../../ui/button";
import { LostFactor } from "../recover/lost";
import { FactorForm } from "./factor-form";
import { AuthFrame } from "./frame";
import { type FactorProof, proveFactor } from "./queries";
import { signInProblem } from "./sign-in-problem";

/** The second step of a sign-in, whichever way the first was taken. */
export function SecondFactor({ challenge, lead, enter, onExpired, onBack }: { challenge: Challenge; lead: string; enter: () => void; onExpired: () => void; onBack: () => void }) {
  const [lost, setLost] = useState<"asking" | "asked">();
  const factor = useMutation({ mutationFn: (proof: FactorProof) => proveFactor(challenge.challenge_id, proof), onSuccess: enter });
  useEffect(() => {
    if (lost === "asked") return; // the challenge has served
    const timer = setTimeout(onExpired, Math.max(0, challenge.expires_at.getTime() - Date.now()));
    return () => clearTimeout(timer);
  }, [challenge, lost, onExpired]);
  if (lost) return <LostFactor challenge={challenge} onAsked={() => setLost("asked")} onBack={() => setLost(undefined)} onOver={onBack} />;
  return (
    <AuthFrame title="Second factor" lead={lead}>
      <FactorForm challenge={challenge} verb="Sign in" busy={factor.isPending} error={signInProblem(factor.error)} submit={(proof) => factor.mutate(proof)} />
      <Button kind="ghost" onClick={() => setLost("asking")}>
        Lost your second factor?
      </Button>
      <Button kind="ghost" onClick={onBack}>
        Start over
      </Button>
    </AuthFrame>
  );
}
