import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { AccessRequest } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { TextArea, TextField } from "../../ui/field";
import { PageHead } from "../../ui/page";
import { Failed, FormProblem, Note, PageSkeleton } from "../../ui/states";
import { Id, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useMe, useOrg } from "../shell/org";
import { CheckOutLink } from "../checkouts/link";
import { checkoutWords } from "../checkouts/words";
import { LaunchLink } from "../terminal/launch-link";
import { Decide } from "./decide";
import { Before, RequestFacts } from "./facts";
import { requestQuery, useRequestChanges } from "./queries";
import { begun, lasts, RequestState } from "./words";

export default function RequestPage() {
  const org = useOrg();
  const me = useMe();
  const { request: id } = useParams({ from: "/in/shell/o/$org/requests/$request" });
  const { data: r, error, refetch } = useQuery(requestQuery(org.id, id));
  const [dialog, setDialog] = useState<"withdraw" | "revoke">();
  if (error) return <Failed page error={error} what="this request" retry={() => void refetch()} />;
  if (!r) return <PageSkeleton label="the request" />;
  const own = r.requester.id === me.user.id;
  return (
    <>
      <PageHead
        title={own ? `Your request for ${r.safe.name}` : `${r.requester.name} asks for ${r.safe.name}`}
        meta={<RequestState request={r} />}
        back={
          <Link to={own ? "/o/$org/my-requests" : "/o/$org/approvals"} params={{ org: org.slug }} search={{}}>
            {own ? "My requests" : "Approvals"}
          </Link>
        }
        action={
          <>
            {r.may_decide && <Decide request={r} keys />}
            {own && r.state === "open" && <Button onClick={() => setDialog("withdraw")}>Withdraw</Button>}
            {lasts(r) && (
              <Button kind="danger" onClick={() => setDialog("revoke")}>
                End the access
              </Button>
            )}
            {own && begun(r) && r.uses !== "session" && <CheckOutLink safe={r.safe.id} name={r.safe.name} kind={r.uses === "checkout" ? "primary" : "plain"} />}
            {own && begun(r) && r.uses !== "checkout" && <LaunchLink safe={r.safe.id} name={r.safe.name} />}
          </>
        }
      />
      <div className="two-columns">
        <div className="stack">
          {r.kind === "emergency" && <Note meaning="bad">Emergency access: nobody was asked. Every owner and admin was told.</Note>}
          {r.kind === "rule" && <Note meaning="info">Approved at once, by a rule of the safe.</Note>}
          {r.may_decide && <p className="small dim">By keyboard: A approves, R rejects.</p>}
          <section className="card">
            <header>
              <h2>Why</h2>
            </header>
            <div className="body stack">
              <blockquote className="quote">{r.reason}</blockquote>
              {!own && <Before request={r} />}
            </div>
          </section>
          <Said request={r} />
          <Sessions request={r} />
          <Checkouts request={r} />
        </div>
        <section className="card">
          <header>
            <h2>What is asked</h2>
          </header>
          <div className="body stack">
            <RequestFacts request={r} />
            {r.grant && (
              <p>
                Open from <Time at={r.grant.starts_at} />, {r.grant.ended_at ? "ended" : "ends"} <Time at={r.grant.ended_at ?? r.grant.ends_at} />
                {r.grant.end_reason ? ` (${r.grant.end_reason.replaceAll("_", " ")})` : ""}.
              </p>
            )}
            <Id value={r.id} what="request id" />
          </div>
        </section>
      </div>
      {dialog === "withdraw" && <Withdraw request={r} onClose={() => setDialog(undefined)} />}
      {dialog === "revoke" && r.grant && <Revoke request={r} grant={r.grant.id} own={own} onClose={() => setDialog(undefined)} />}
    </>
  );
}

/** What was decided and what was written, in the order of time. */
function Said({ request: r }: { request: AccessRequest }) {
  const { comment } = useRequestChanges();
  const [text, setText] = useState("");
  const said = [
    ...(r.decisions ?? []).map((d) => ({ key: `d${d.by.id}`, at: d.at, by: d.by.name, text: d.comment, verdict: d.verdict })),
    ...(r.comments ?? []).map((c) => ({ key: c.id, at: c.at, by: c.by.name, text: c.text, verdict: undefined })),
  ].sort((a, b) => a.at.getTime() - b.at.getTime());
  return (
    <section className="card">
      <header>
        <h2>Decisions and comments</h2>
      </header>
      <ul className="item-list">
        {said.length === 0 && <li className="dim">Nothing yet.</li>}
        {said.map((s) => (
          <li key={s.key} className="top">
            <div className="grow stack tight">
              <span className="small dim">
                {s.by}, <Time at={s.at} />
              </span>
              {s.text && <span className="break">{s.text}</span>}
            </div>
            {s.verdict && <State meaning={s.verdict === "approve" ? "good" : "bad"}>{s.verdict === "approve" ? "Approved" : "Rejected"}</State>}
          </li>
        ))}
      </ul>
      <form
        className="body stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (text.trim() !== "" && !comment.isPending) comment.mutate({ id: r.id, text: text.trim() }, { onSuccess: () => setText("") });
        }}
      >
        <TextArea label="Write a comment" rows={2} maxLength={500} value={text} error={comment.error ? asProblem(comment.error).field("text") : undefined} onText={setText} />
        <FormProblem error={comment.error} fields={["text"]} />
        <div>
          <Button type="submit" disabled={text.trim() === ""} busy={comment.isPending}>
            Comment
          </Button>
        </div>
      </form>
    </section>
  );
}

function Sessions({ request: r }: { request: AccessRequest }) {
  const org = useOrg();
  if (!r.sessions?.length) return null;
  return (
    <section className="card">
      <header>
        <h2>Sessions that it opened</h2>
      </header>
      <ul className="item-list">
        {r.sessions.map((s) => (
          <li key={s.id}>
            <Link className="grow" to="/o/$org/sessions/$session" params={{ org: org.slug, session: s.id }} search={{}}>
              {s.started_at ? <Time at={s.started_at} /> : "Session"}
            </Link>
            <span className="small dim">{s.recording_id ? "recorded" : ""}</span>
            <State meaning={s.state === "ended" ? undefined : "live"}>{s.state === "ended" ? "Ended" : "Live"}</State>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Checkouts({ request: r }: { request: AccessRequest }) {
  const org = useOrg();
  if (!r.checkouts?.length) return null;
  return (
    <section className="card">
      <header>
        <h2>Checkouts that it opened</h2>
      </header>
      <ul className="item-list">
        {r.checkouts.map((c) => (
          <li key={c.id}>
            <Link className="grow" to="/o/$org/checkouts" params={{ org: org.slug }} search={{ ...(c.ended_at ? { show: "all" } : {}), open: c.id }}>
              <Time at={c.started_at} />
            </Link>
            <State meaning={c.ended_at ? undefined : "live"}>{c.ended_at ? checkoutWords[c.ended_by ?? ""] ?? "Over" : "Checked out"}</State>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Withdraw({ request: r, onClose }: { request: AccessRequest; onClose: () => void }) {
  const { withdraw } = useRequestChanges();
  const toasts = useToasts();
  return (
    <Confirm
      title={`Withdraw your request for ${r.safe.name}`}
      verb="Withdraw request"
      busy={withdraw.isPending}
      error={withdraw.error}
      onClose={onClose}
      onConfirm={() =>
        withdraw.mutate(r.id, {
          onSuccess: () => {
            toasts.say("Withdrawn.");
            onClose();
          },
        })
      }
    >
      Nobody decides about it any more. You may ask again.
    </Confirm>
  );
}

function Revoke({ request: r, grant, own, onClose }: { request: AccessRequest; grant: string; own: boolean; onClose: () => void }) {
  const { revoke } = useRequestChanges();
  const toasts = useToasts();
  const [comment, setComment] = useState("");
  return (
    <Confirm
      title={own ? `End your access to ${r.safe.name}` : `End the access of ${r.requester.name} to ${r.safe.name}`}
      verb="End it"
      busy={revoke.isPending}
      error={revoke.error}
      onClose={onClose}
      onConfirm={() =>
        revoke.mutate(
          { grant, comment: comment.trim() },
          {
            onSuccess: () => {
              toasts.say("The access is over.");
              onClose();
            },
          },
        )
      }
    >
      <div className="stack">
        <p>{r.uses === "session" ? "Live sessions" : r.uses === "checkout" ? "Its checkout" : "Live sessions and the checkout"} on it end{r.uses === "checkout" && "s"} within two seconds.</p>
        {!own && <TextField label="Why" optional maxLength={500} hint="They are told it." value={comment} onText={setComment} />}
      </div>
    </Confirm>
  );
}
