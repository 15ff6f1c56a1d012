import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Building2 } from "lucide-react";
import { LinkButton } from "../../ui/button";
import { useKeptFragment } from "../auth/fragment";
import { AuthFrame } from "../auth/frame";
import { PasswordForm } from "../auth/password-form";
import { signIn } from "../auth/queries";
import { signInProblem } from "../auth/sign-in-problem";
import { forgetGrant, grantKey } from "./grant";
import { redeemRecovery } from "./queries";
import { BrokenLink } from "./verify";

/** The second link of a recovery: with the password once more it lets somebody set up a new factor. */
export default function Redeem() {
  const grant = useKeptFragment(grantKey);
  const navigate = useNavigate();
  const client = useQueryClient();
  const redeem = useMutation({
    mutationFn: async (v: { email: string; password: string }) => {
      const answer = await signIn(v.email, v.password);
      if (answer.mfa) await redeemRecovery(answer.mfa.challenge_id, grant); // without: they have no factor, and are let in to set one up
    },
    onSuccess: () => {
      forgetGrant();
      client.clear();
      void navigate({ to: "/enrol", search: { recovery: "1" }, replace: true });
    },
    gcTime: 0,
  });
  if (grant === "") return <BrokenLink />;
  return (
    <AuthFrame title="Set up a new second factor" lead="Your administrator has said yes. Sign in once more; the link works once, for 15 minutes.">
      <PasswordForm verb="Go on" busy={redeem.isPending} error={signInProblem(redeem.error)} submit={(email, password) => redeem.mutate({ email, password })} />
      <LinkButton full icon={Building2} to="/sign-in" search={{ next: "/recover", way: "sso" }}>
        I sign in by single sign-on
      </LinkButton>
    </AuthFrame>
  );
}
