import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { asSentence } from "../../api/problem";
import type { Challenge } from "../../api/types";
import { LinkButton } from "../../ui/button";
import { FormProblem, Note } from "../../ui/states";
import { forgetGrant, keptGrant } from "../recover/grant";
import { redeemRecovery } from "../recover/queries";
import { AuthFrame } from "./frame";
import { safeNext } from "./next";
import { completeSso } from "./queries";
import { SecondFactor } from "./second-factor";
import { signInProblem } from "./sign-in-problem";

/** Back from the identity provider, with a ticket in the fragment or with the reason why not. */
export default function SsoReturn() {
  const [told] = useState(() => new URLSearchParams(window.location.hash.slice(1)));
  const ticket = told.get("ticket");
  const navigate = useNavigate();
  const client = useQueryClient();
  const router = useRouter();
  const [challenge, setChallenge] = useState<{ asks: Challenge; next: string }>();

  const enter = (next: string | undefined) => {
    client.clear();
    router.history.replace(safeNext(next));
  };
  const again = () => void navigate({ to: "/sign-in", search: {}, replace: true });
  const complete = useMutation({
    mutationFn: async (t: string) => {
      const answer = await completeSso(t);
      // Who came by the link of a recovery has lost what they would be asked for now.
      const recovers = answer.mfa !== undefined && answer.return_to === "/recover" && keptGrant() !== "";
      if (recovers) await redeemRecovery(answer.mfa?.challenge_id ?? "", keptGrant());
      return { ...answer, recovers };
    },
    onSuccess: (answer) => {
      const next = answer.return_to || undefined;
      if (answer.recovers) {
        forgetGrant();
        client.clear();
        void navigate({ to: "/enrol", search: { recovery: "1" }, replace: true });
      } else if (answer.mfa) setChallenge({ asks: answer.mfa, next: next ?? "/" });
      else if (answer.enrolment_required) void navigate({ to: "/enrol", search: { next }, replace: true });
      else enter(next);
    },
  });

  const begun = useRef(false);
  const { mutate } = complete;
  useEffect(() => {
    if (ticket === null || begun.current) return; // a ticket is good once, also under StrictMode
    begun.current = true;
    mutate(ticket);
  }, [ticket, mutate]);

  if (challenge) return <SecondFactor challenge={challenge.asks} lead="Your identity provider knows you. One more proof, then you are in." enter={() => enter(challenge.next)} onExpired={again} onBack={again} />;
  if (ticket !== null && !complete.error) return <AuthFrame title="Signing in">{<p className="dim" role="status">Your identity provider sent you back. One moment.</p>}</AuthFrame>;
  return (
    <AuthFrame title="You are not signed in">
      {complete.error ? (
        <FormProblem error={signInProblem(complete.error)} />
      ) : (
        <Note meaning="bad" live>
          {asSentence(told.get("message") || "the identity provider gave no answer that can be used")}
        </Note>
      )}
      {told.get("error") && (
        <p className="dim small">
          For your administrator: <code>{told.get("error")}</code>
        </p>
      )}
      <LinkButton kind="primary" full to="/sign-in" search={{}}>
        Try again
      </LinkButton>
    </AuthFrame>
  );
}
