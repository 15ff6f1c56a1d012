import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Building2 } from "lucide-react";
import { useState } from "react";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { LandingWire } from "../../api/types";
import { Button, LinkButton } from "../../ui/button";
import { FormProblem, Note, Skeleton } from "../../ui/states";
import { Facts, Time } from "../../ui/text";
import { useKeptFragment } from "../auth/fragment";
import { AuthFrame } from "../auth/frame";
import { signOut, ssoChoices, startSso } from "../auth/queries";
import { useStepUp } from "../auth/step-up";
import { suggestHandle } from "../people/suggest-handle";
import { rememberOrg } from "../shell/org";
import { roleWords } from "../shell/rights";
import { forgetLink, inviteKey } from "./kept";
import { personFields, PersonFields, personReady } from "./person-fields";
import { acceptInvitation, lookAtInvitation, whoIsHere } from "./queries";

/** Where the link of an invitation leads: what it offers, then accepting as somebody new or as who one is. */
export default function Invite() {
  const token = useKeptFragment(inviteKey);
  const landing = useQuery({ queryKey: ["invitation", token], queryFn: () => lookAtInvitation(token), enabled: token !== "", retry: false, staleTime: Number.POSITIVE_INFINITY });
  if (token === "") {
    return (
      <AuthFrame title="This link is not whole">
        <Note meaning="warn">The link of an invitation ends in a # and a long token. Copy it again from the message.</Note>
      </AuthFrame>
    );
  }
  if (landing.error) {
    return (
      <AuthFrame title="This invitation cannot be used">
        <FormProblem error={landing.error} />
        <LinkButton full to="/sign-in" search={{}}>
          Sign in
        </LinkButton>
      </AuthFrame>
    );
  }
  if (!landing.data) {
    return (
      <AuthFrame title="Your invitation">
        <div className="stack late" role="status" aria-label="Loading the invitation">
          <Skeleton width="80%" />
          <Skeleton width="60%" />
        </div>
      </AuthFrame>
    );
  }
  return <Landing key={token} token={token} landing={landing.data} />;
}

function Landing({ token, landing: l }: { token: string; landing: Dated<LandingWire> }) {
  const here = useQuery({ queryKey: ["who-is-here"], queryFn: async () => (await whoIsHere()) ?? "", staleTime: 0 });
  const client = useQueryClient();
  const navigate = useNavigate();
  const stepUp = useStepUp();
  const [person, setPerson] = useState({ name: "", handle: suggestHandle(l.email), password: "" });
  const isNew = l.account === "new";
  const accept = useMutation({
    mutationFn: () => stepUp(() => acceptInvitation(token, isNew ? person : undefined)),
    gcTime: 0,
    onSuccess: (joined) => {
      forgetLink(inviteKey);
      rememberOrg(joined.org.slug);
      client.clear();
      void navigate(joined.signed_in ? { to: "/enrol", search: {} } : { to: "/o/$org", params: { org: joined.org.slug } });
    },
  });
  const problem = accept.error ? asProblem(accept.error) : undefined;
  const mine = here.data !== undefined && here.data.toLowerCase() === l.email.toLowerCase();
  return (
    <AuthFrame title={`Join ${l.organization}`} lead={`${l.invited_by} invites you.`} wide>
      <Facts
        rows={[
          ["Address", l.email],
          ["Role", `${roleWords[l.role].label}: ${roleWords[l.role].means}`],
          ["Open until", <Time key="t" at={l.expires_at} />],
        ]}
      />
      {!mine && <BySso landing={l} />}
      {isNew ? (
        <form
          className="stack"
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            if (personReady(person) && !accept.isPending) accept.mutate();
          }}
        >
          <PersonFields person={person} problem={problem} onPerson={setPerson} />
          <FormProblem error={accept.error} fields={personFields} />
          <Button type="submit" kind="primary" full disabled={!personReady(person)} busy={accept.isPending}>
            Accept and make my account
          </Button>
        </form>
      ) : mine ? (
        <div className="stack">
          {l.require_mfa && <Note meaning="plain">This organization asks for a fresh second factor first.</Note>}
          <FormProblem error={accept.error} />
          <Button kind="primary" full busy={accept.isPending} onClick={() => accept.mutate()}>
            Accept
          </Button>
        </div>
      ) : (
        <div className="stack">
          {here.data ? (
            <>
              <Note meaning="warn">
                You are signed in as {here.data}, and this invitation is for {l.email}.
              </Note>
              <Button kind="primary" full onClick={() => void signOut().finally(() => void here.refetch())}>
                Sign out, to sign in as {l.email}
              </Button>
            </>
          ) : (
            <>
              <p className="dim">You have an account. Sign in with it, and you are back here to accept.</p>
              <LinkButton kind="primary" full to="/sign-in" search={{ next: "/invite" }}>
                Sign in
              </LinkButton>
            </>
          )}
        </div>
      )}
    </AuthFrame>
  );
}

/** The organization's own identity providers: who proves there to be the invited address has accepted. */
function BySso({ landing: l }: { landing: Dated<LandingWire> }) {
  const choices = useQuery({ queryKey: ["sso-choices", l.org_slug], queryFn: () => ssoChoices({ organization: l.org_slug }), retry: false, staleTime: Number.POSITIVE_INFINITY });
  const go = useMutation({
    mutationFn: (provider: string) => startSso({ organization: l.org_slug, provider_id: provider, return_to: `/o/${l.org_slug}` }),
    onSuccess: (answer) => {
      rememberOrg(l.org_slug);
      window.location.assign(answer.redirect_url);
    },
  });
  if (!choices.data || choices.data.items.length === 0) return null; // most have none
  return (
    <div className="stack">
      <FormProblem error={go.error} />
      {choices.data.items.map((c) => (
        <Button key={c.provider_id} full icon={Building2} busy={go.isPending || go.isSuccess} onClick={() => go.mutate(c.provider_id)}>
          Accept by signing in with {c.name}
        </Button>
      ))}
      <p className="or">or</p>
    </div>
  );
}
