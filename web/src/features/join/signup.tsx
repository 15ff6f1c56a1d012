import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { SignupWire } from "../../api/types";
import { Button, LinkButton } from "../../ui/button";
import { TextArea, TextField } from "../../ui/field";
import { FormProblem, Note } from "../../ui/states";
import { Facts, Time } from "../../ui/text";
import { useFragment } from "../auth/fragment";
import { AuthFrame } from "../auth/frame";
import { emailProblem } from "../auth/password-rules";
import { suggestHandle } from "../people/suggest-handle";
import { personFields, PersonFields, personReady } from "./person-fields";
import { SignupPhone } from "./signup-phone";
import { askSignup, seeSignup, startSignup, submitSignup } from "./queries";

/** What lets this tab see its registration again; a new link gives a new one. */
interface Hold {
  access: string;
  isNew: boolean;
  needsPhone: boolean; // before it can be sent
}

const holdKey = "vaultpam.signup";

function readHold(): Hold | undefined {
  try {
    const v: unknown = JSON.parse(window.sessionStorage.getItem(holdKey) ?? "null");
    if (typeof v === "object" && v !== null && "access" in v && typeof v.access === "string" && "isNew" in v) return { access: v.access, isNew: v.isNew === true, needsPhone: "needsPhone" in v && v.needsPhone === true };
  } catch {
    // none, then
  }
  return undefined;
}

function keepHold(h: Hold): void {
  try {
    window.sessionStorage.setItem(holdKey, JSON.stringify(h));
  } catch {
    // a new link will do
  }
}

/** Registering an organization: address, link, form, waiting for the decision. */
export default function Signup() {
  const token = useFragment();
  const [hold, setHold] = useState(readHold);
  const start = useMutation({
    mutationFn: startSignup,
    onSuccess: (s) => {
      const h = { access: s.access, isNew: s.account === "new", needsPhone: s.phone_required };
      keepHold(h);
      setHold(h);
      window.history.replaceState(window.history.state, "", "/signup"); // the link is used
    },
  });
  const used = useRef("");
  const { mutate } = start;
  useEffect(() => {
    if (token === "" || used.current === token) return; // a link is good once, also under StrictMode
    used.current = token;
    mutate(token);
  }, [token, mutate]);

  if (start.isPending) return <AuthFrame title="Register an organization">{<p className="dim" role="status">Opening your registration.</p>}</AuthFrame>;
  if (start.error) {
    return (
      <AuthFrame title="This link cannot be used">
        <FormProblem error={start.error} />
        <Button
          kind="primary"
          full
          onClick={() => {
            window.history.replaceState(window.history.state, "", "/signup");
            start.reset();
          }}
        >
          Ask for a new one
        </Button>
      </AuthFrame>
    );
  }
  if (!hold) return <AskLink />;
  return (
    <Case
      hold={hold}
      onPhone={(needsPhone) => {
        const h = { ...hold, needsPhone };
        keepHold(h);
        setHold(h);
      }}
      onLost={() => {
        window.sessionStorage.removeItem(holdKey);
        setHold(undefined);
      }}
    />
  );
}

function AskLink() {
  const [email, setEmail] = useState("");
  const ask = useMutation({ mutationFn: () => askSignup(email.trim()) });
  const ready = email.trim() !== "" && !emailProblem(email.trim());
  if (ask.isSuccess) {
    return (
      <AuthFrame title="Look into your mail">
        <p className="dim">If organizations can be registered with {email.trim()}, a link is on its way there. It works once, for an hour.</p>
        <Button full onClick={() => ask.reset()}>
          Use another address
        </Button>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Register an organization" lead="An operator of this installation looks at it and lets you in.">
      <form
        className="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (ready && !ask.isPending) ask.mutate();
        }}
      >
        <TextField label="Email" type="email" autoComplete="email" autoFocus hint="You get a link there, to go on, or to see how far your registration is." value={email} check={emailProblem} error={ask.error ? asProblem(ask.error).field("email") : undefined} onText={setEmail} />
        <FormProblem error={ask.error} fields={["email"]} />
        <Button type="submit" kind="primary" full disabled={!ready} busy={ask.isPending}>
          Send me the link
        </Button>
        <LinkButton kind="ghost" to="/sign-in" search={{}}>
          Sign in instead
        </LinkButton>
      </form>
    </AuthFrame>
  );
}

function Case({ hold, onPhone, onLost }: { hold: Hold; onPhone: (needed: boolean) => void; onLost: () => void }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["signup", hold.access],
    queryFn: () => seeSignup(hold.access),
    refetchInterval: (q) => (q.state.data?.state === "submitted" ? 15_000 : false),
    retry: false,
  });
  if (error) {
    return (
      <AuthFrame title="Your registration">
        <FormProblem error={error} />
        <Button full onClick={onLost}>
          Begin again
        </Button>
      </AuthFrame>
    );
  }
  if (!data) return <AuthFrame title="Your registration">{<p className="dim" role="status">Looking it up.</p>}</AuthFrame>;
  switch (data.state) {
    case "draft":
    case "returned":
      if (hold.needsPhone) return <SignupPhone access={hold.access} done={() => onPhone(false)} />;
      return <Form hold={hold} found={data} sent={() => void refetch()} onPhone={() => onPhone(true)} />;
    case "submitted":
      return (
        <AuthFrame title="Waiting for the operator" lead="You get a message when it is decided. This page looks by itself too." wide>
          <Told found={data} />
        </AuthFrame>
      );
    case "approved":
      return (
        <AuthFrame title={`${data.org_name} is open`} lead="You are its owner. Sign in to set up your second factor and invite your people.">
          <LinkButton kind="primary" full to="/sign-in" search={{}}>
            Sign in
          </LinkButton>
        </AuthFrame>
      );
    default:
      return (
        <AuthFrame title="It was turned down" wide>
          {data.comment && <Note meaning="warn">{data.comment}</Note>}
          <Told found={data} />
          <Button full onClick={onLost}>
            Register another
          </Button>
        </AuthFrame>
      );
  }
}

function Told({ found: s }: { found: Dated<SignupWire> }) {
  return (
    <Facts
      rows={[
        ["Organization", s.org_name],
        ["Short name", <code key="s">{s.slug}</code>],
        ["Your address", s.email],
        s.submitted_at && ["Sent", <Time key="t" at={s.submitted_at} />],
        s.decided_at && ["Decided", <Time key="d" at={s.decided_at} />],
      ]}
    />
  );
}

function slugProblem(slug: string): string | undefined {
  return slug === "" || (/^[a-z0-9]+(-[a-z0-9]+)*$/.test(slug) && slug.length >= 3 && slug.length <= 40) ? undefined : "3 to 40 small letters, digits and single hyphens.";
}

function Form({ hold, found, sent, onPhone }: { hold: Hold; found: Dated<SignupWire>; sent: () => void; onPhone: () => void }) {
  const [org, setOrg] = useState({ org_name: found.org_name ?? "", slug: found.slug ?? "", note: found.note ?? "" });
  const [person, setPerson] = useState({ name: found.name ?? "", handle: found.handle || suggestHandle(found.email), password: "" });
  const submit = useMutation({ mutationFn: () => submitSignup(hold.access, { ...org, ...(hold.isNew ? person : {}) }), onSuccess: sent, gcTime: 0 });
  const problem = submit.error ? asProblem(submit.error) : undefined;
  const ready = org.org_name.trim() !== "" && org.slug !== "" && !slugProblem(org.slug) && (!hold.isNew || personReady(person));
  return (
    <AuthFrame title="Register an organization" lead={`For ${found.email}, who becomes its owner.`} wide>
      {found.state === "returned" && <Note meaning="warn">It was returned to you{found.comment ? `: ${found.comment}` : ". Correct it and send it again."}</Note>}
      <form
        className="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (ready && !submit.isPending) submit.mutate();
        }}
      >
        <TextField label="Organization" autoComplete="organization" autoFocus value={org.org_name} error={problem?.field("org_name")} onText={(org_name) => setOrg({ ...org, org_name })} />
        <TextField label="Short name" mono hint="In addresses. It cannot be changed later." value={org.slug} check={slugProblem} error={problem?.field("slug")} onText={(slug) => setOrg({ ...org, slug })} />
        <TextArea label="For those who decide" optional value={org.note} error={problem?.field("note")} onText={(note) => setOrg({ ...org, note })} />
        {hold.isNew ? <PersonFields person={person} problem={problem} onPerson={setPerson} /> : <p className="dim">You keep your account of this address.</p>}
        <FormProblem error={submit.error} fields={["org_name", "slug", "note", ...personFields]} />
        {problem?.code === "PHONE_REQUIRED" && (
          <Button full onClick={onPhone}>
            Verify a telephone number
          </Button>
        )}
        <Button type="submit" kind="primary" full disabled={!ready} busy={submit.isPending}>
          {found.state === "returned" ? "Send again" : "Send"}
        </Button>
      </form>
    </AuthFrame>
  );
}
