import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { asSentence } from "../../api/problem";
import type { GovernanceAction } from "../../api/types";
import { PageHead } from "../../ui/page";
import { Failed, Note, PageSkeleton } from "../../ui/states";
import { Facts, Id, Time } from "../../ui/text";
import { Decide } from "./decide";
import { actionQuery, type Desk, type Verb } from "./queries";
import { ActionState, meansOf } from "./words";

/** One change that waits for a second person, or did: what it changes exactly, who asked, what became of it. */
export function GovernancePage({ desk, id, mayDecide, mayWithdraw }: { desk: Desk; id: string; mayDecide: boolean; mayWithdraw: boolean }) {
  const { data: a, error, refetch } = useQuery(actionQuery(desk, id));
  if (error) return <Failed page error={error} what="this change" retry={() => void refetch()} />;
  if (!a) return <PageSkeleton label="the change" />;
  const verbs: Verb[] = a.state !== "open" ? [] : a.mine ? (mayWithdraw ? ["withdraw"] : []) : mayDecide ? (a.out_of_date ? ["reject"] : ["approve", "reject"]) : [];
  return (
    <>
      <PageHead
        title={a.title}
        lead={`${a.mine ? "You ask" : `${a.requested_by.name} asks`} to ${a.summary}.`}
        meta={<ActionState action={a} />}
        back={
          desk.slug ? (
            <Link to="/o/$org/governance" params={{ org: desk.slug }} search={{}}>
              Sensitive changes
            </Link>
          ) : (
            <Link to="/platform/governance" search={{}}>
              Sensitive changes
            </Link>
          )
        }
        action={verbs.length > 0 && <Decide action={a} desk={desk} verbs={verbs} />}
      />
      <div className="two-columns">
        <div className="stack">
          {a.out_of_date && (
            <Note meaning="warn">
              This is out of date: {a.out_of_date}. Approving it would change nothing. {a.mine ? "Withdraw it and ask anew." : "Reject it, so that it can be asked for anew."}
            </Note>
          )}
          {a.state === "open" && !a.out_of_date && <Note meaning="plain">{a.mine ? "You asked for it: somebody else decides, another owner or admin. " : ""}Nothing has changed yet.</Note>}
          {a.state !== "open" && <Ended action={a} desk={desk} />}
          <section className="card">
            <header>
              <h2>{a.state === "open" ? "What would change" : a.state === "approved" ? "What changed" : "What would have changed"}</h2>
            </header>
            <div className="body">
              {a.changes.length === 0 ? (
                <p className="dim">{asSentence(a.summary)}</p>
              ) : (
                <table className="diff">
                  <thead>
                    <tr>
                      <th scope="col">What</th>
                      <th scope="col">Before</th>
                      <th scope="col">After</th>
                    </tr>
                  </thead>
                  <tbody>
                    {a.changes.map((c) => (
                      <tr key={c.field}>
                        <th scope="row">
                          <code>{c.field}</code>
                        </th>
                        <td className="dim breaks">{c.from || "empty"}</td>
                        <td className="breaks">{c.to || "empty"}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </div>
          </section>
        </div>
        <section className="card">
          <header>
            <h2>What is asked</h2>
          </header>
          <div className="body stack">
            <Facts
              rows={[
                a.org_name && ["Organization", a.org_name],
                ["About", a.subject_name],
                ["Asked by", `${a.requested_by.name}${a.mine ? " (you)" : ""}${a.token_id ? ", by an API token" : ""}`],
                ["Asked", <Time key="a" at={a.created_at} />],
                a.state === "open" && ["Lapses", <Time key="e" at={a.expires_at} />],
                ["Id", <Id key="i" value={a.id} what="id of the change" />],
                ["Digest", <Id key="d" value={a.payload_digest} what="digest of what is applied" />],
              ]}
            />
          </div>
        </section>
      </div>
    </>
  );
}

/** How it ended and by whom. */
function Ended({ action: a, desk }: { action: GovernanceAction; desk: Desk }) {
  return (
    <section className="card">
      <header>
        <h2>How it ended</h2>
      </header>
      <div className="body stack">
        <p>
          <ActionState action={a} /> {a.decided_by && <>by {a.decided_by.name} </>}
          {a.decided_at && <Time at={a.decided_at} />}
        </p>
        <p className="dim">{meansOf(a)}</p>
        {a.superseded_because && <p>What had changed: {a.superseded_because}.</p>}
        {a.comment && <blockquote className="quote">{a.comment}</blockquote>}
        {a.kind === "audit_export" && a.state === "approved" && a.mine && desk.slug && (
          <p>
            <Link to="/o/$org/audit" params={{ org: desk.slug }} search={{}}>
              Export it from the audit log
            </Link>{" "}
            within 72 hours of the approval, at most three times.
          </p>
        )}
        {a.effect_event && desk.slug && (
          <p>
            <Link to="/o/$org/audit" params={{ org: desk.slug }} search={{ event: a.effect_event }}>
              See it in the audit log
            </Link>
          </p>
        )}
      </div>
    </section>
  );
}
