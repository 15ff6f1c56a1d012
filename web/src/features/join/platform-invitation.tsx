import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { PlatformLandingWire } from "../../api/types";
import { Button, LinkButton } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { FormProblem, Note, Skeleton } from "../../ui/states";
import { Facts, Time } from "../../ui/text";
import { useKeptFragment } from "../auth/fragment";
import { AuthFrame } from "../auth/frame";
import { signOut } from "../auth/queries";
import { useStepUp } from "../auth/step-up";
import { suggestHandle } from "../people/suggest-handle";
import { forgetLink, platformInviteKey } from "./kept";
import { personFields, PersonFields, personReady } from "./person-fields";
import { acceptPlatformInvitation, declinePlatformInvitation, lookAtPlatformInvitation, whoIsHere } from "./queries";

const roles: Record<PlatformLandingWire["role"], string> = {
  platform_admin: "Platform administrator: lets organizations in, names operators, rotates keys. No right inside any organization.",
  platform_auditor: "Platform auditor: sees the organizations, the operators and the platform's log. Changes nothing.",
};

/** Where the link of an invitation to operate the platform leads: accept it, or turn it down. */
export default function PlatformInvitation() {
  const token = useKeptFragment(platformInviteKey);
  const landing = useQuery({ queryKey: ["platform-invitation", token], queryFn: () => lookAtPlatformInvitation(token), enabled: token !== "", retry: false, staleTime: Number.POSITIVE_INFINITY });
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

function Landing({ token, landing: l }: { token: string; landing: Dated<PlatformLandingWire> }) {
  const here = useQuery({ queryKey: ["who-is-here"], queryFn: async () => (await whoIsHere()) ?? "", staleTime: 0 });
  const client = useQueryClient();
  const navigate = useNavigate();
  const stepUp = useStepUp();
  const [person, setPerson] = useState({ name: "", handle: suggestHandle(l.email), password: "" });
  const [refusing, setRefusing] = useState(false);
  const isNew = !l.account_exists;
  const accept = useMutation({
    mutationFn: () => stepUp(() => acceptPlatformInvitation(token, isNew ? person : undefined)),
    gcTime: 0,
    onSuccess: () => {
      forgetLink(platformInviteKey);
      client.clear();
      void navigate(isNew ? { to: "/enrol", search: { next: "/platform/organizations" } } : { to: "/platform/organizations", search: {} });
    },
  });
  const decline = useMutation({ mutationFn: () => declinePlatformInvitation(token), onSuccess: () => forgetLink(platformInviteKey) });
  if (decline.isSuccess) {
    return (
      <AuthFrame title="You have turned it down" lead={`${l.inviter} sees that. The link works no more; should you change your mind, ask for a new invitation.`}>
        <LinkButton full to="/sign-in" search={{}}>
          Sign in
        </LinkButton>
      </AuthFrame>
    );
  }
  const problem = accept.error ? asProblem(accept.error) : undefined;
  const mine = here.data !== undefined && here.data.toLowerCase() === l.email.toLowerCase();
  return (
    <AuthFrame title="Operate this installation" lead={`${l.inviter} invites you.`} wide>
      <Facts
        rows={[
          ["Address", l.email],
          ["Role", roles[l.role]],
          ["Open until", <Time key="t" at={l.expires_at} />],
        ]}
      />
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
          <FormProblem error={accept.error} />
          <Button kind="primary" full busy={accept.isPending} onClick={() => accept.mutate()}>
            Accept
          </Button>
        </div>
      ) : here.data ? (
        <div className="stack">
          <Note meaning="warn">
            You are signed in as {here.data}, and this invitation is for {l.email}.
          </Note>
          <Button kind="primary" full onClick={() => void signOut().finally(() => void here.refetch())}>
            Sign out, to sign in as {l.email}
          </Button>
        </div>
      ) : (
        <div className="stack">
          <p className="dim">You have an account. Sign in with it, and you are back here to accept.</p>
          <LinkButton kind="primary" full to="/sign-in" search={{ next: "/platform/invitation" }}>
            Sign in
          </LinkButton>
        </div>
      )}
      <Button kind="ghost" full onClick={() => setRefusing(true)}>
        Turn it down
      </Button>
      {refusing && (
        <Confirm title="Turn the invitation down" verb="Turn it down" busy={decline.isPending} error={decline.error} onClose={() => setRefusing(false)} onConfirm={() => decline.mutate()}>
          The link stops working for good, and {l.inviter} sees that you said no.
        </Confirm>
      )}
    </AuthFrame>
  );
}
