import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { AuditEvent, AuditEventWire } from "../../api/types";
import { Panel } from "../../ui/dialog";
import { exact } from "../../ui/format";
import { Failed, Note, Skeleton } from "../../ui/states";
import { Badge, CopyButton, Facts, Id } from "../../ui/text";
import { useOrg } from "../shell/org";
import { Proof } from "./proof";
import { eventQuery } from "./queries";
import { Sentence } from "./sentence";

const severityMeaning = { DEBUG: undefined, INFO: "info", WARN: "warn", ERROR: "bad", CRITICAL: "bad" } as const;

/** One entry of the ledger: fields, what changed, proof, raw JSON. */
export function EventPanel({ id, known, onClose }: { id: string; known: AuditEvent | undefined; onClose: () => void }) {
  const org = useOrg();
  const { data: e, error, refetch } = useQuery(eventQuery(org.id, id));
  return (
    <Panel title={known?.event ?? e?.event ?? "Event"} subtitle={known && <Sentence event={known} linked={false} />} onClose={onClose}>
      {error ? (
        <Failed error={error} what="this event" retry={() => void refetch()} />
      ) : !e ? (
        <div className="stack late">
          <Skeleton width="70%" />
          <Skeleton width="50%" />
          <Skeleton width="60%" />
        </div>
      ) : (
        <>
          {e.pruned_at ? <PrunedFields event={e} pruned={new Date(e.pruned_at)} /> : <Fields event={e} />}
          <Changes metadata={e.metadata} />
          <Metadata metadata={e.metadata} />
          <Proof event={e} />
          <Raw event={e} />
        </>
      )}
    </Panel>
  );
}

/** What is still known of an event whose content is gone. */
function PrunedFields({ event: e, pruned }: { event: AuditEventWire; pruned: Date }) {
  return (
    <section className="stack">
      <Note meaning="plain">The content of this event was pruned on {exact(pruned)}, at the end of its retention. Its place in the ledger is proved below as before, and an export from before still verifies.</Note>
      <Facts
        rows={[
          ["Constant", <code key="c">{e.constant}</code>],
          ["Category", e.category],
          ["Recorded", exact(new Date(e.recorded_at))],
          ["Entry", `number ${e.seq} of its ledger`],
        ]}
      />
    </section>
  );
}

function Fields({ event: e }: { event: AuditEventWire }) {
  const org = useOrg();
  return (
    <section>
      <Facts
        rows={[
          [
            "Constant",
            <span key="c" className="copyable">
              <code>{e.constant}</code>
              <CopyButton text={e.constant} what="constant" />
            </span>,
          ],
          ["Category", e.category],
          ["Severity", <Badge key="s" meaning={severityMeaning[e.severity]}>{e.severity}</Badge>],
          [
            "Outcome",
            <span key="o">
              {e.outcome}
              {e.reason && (
                <>
                  {" "}
                  because of <code>{e.reason}</code>
                </>
              )}
            </span>,
          ],
          ["Time", exact(new Date(e.time))],
          [
            "Actor",
            <span key="a" className="row wrap">
              {e.actor.name || "nobody"} <span className="dim">{e.actor.type}</span> {e.actor.id && <Id value={e.actor.id} what="actor id" />}
            </span>,
          ],
          [
            "Target",
            <span key="t" className="row wrap">
              {e.target.name || e.target.type} <span className="dim">{e.target.name ? e.target.type : ""}</span> {e.target.id && <Id value={e.target.id} what="target id" />}
            </span>,
          ],
          e.source.ip && ["From", <code key="ip">{e.source.ip}</code>],
          e.source.user_agent && ["Client", <span key="ua" className="small">{e.source.user_agent}</span>],
          e.session_id.startsWith("ses_") && [
            "Session",
            <Link key="sess" to="/o/$org/sessions/$session" params={{ org: org.slug, session: e.session_id }} search={{}}>
              Open the session
            </Link>,
          ],
          e.request_id && ["Request", <Id key="r" value={e.request_id} what="request id" />],
          ["Entry", `number ${e.seq} of its ledger`],
        ]}
      />
    </section>
  );
}

interface Change {
  field: string;
  old: string;
  new: string;
}

function isChanges(v: unknown): v is Change[] {
  return Array.isArray(v) && v.length > 0 && v.every((c) => typeof c === "object" && c !== null && "field" in c);
}

function Changes({ metadata }: { metadata: Record<string, unknown> }) {
  const changes = metadata["changes"];
  if (!isChanges(changes)) return null;
  return (
    <section>
      <h3>Before and after</h3>
      <table className="diff">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((c) => (
            <tr key={c.field}>
              <th scope="row">
                <code>{c.field}</code>
              </th>
              <td className="dim">{String(c.old ?? "") || "empty"}</td>
              <td>{String(c.new ?? "") || "empty"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Metadata({ metadata }: { metadata: Record<string, unknown> }) {
  const rows = Object.entries(metadata).filter(([key]) => key !== "changes");
  if (rows.length === 0) return null;
  return (
    <section>
      <h3>What it carries</h3>
      <Facts rows={rows.map(([key, value]) => [key.replaceAll("_", " "), <Value key={key} value={value} />] as const)} />
    </section>
  );
}

function Value({ value }: { value: unknown }) {
  if (typeof value === "string") return /^[a-z]{2,6}_[0-9a-z]{26}$/.test(value) || /^[0-9a-f]{64}$/.test(value) ? <Id value={value} /> : <span>{value}</span>;
  if (typeof value === "number") return <span className="num">{value.toLocaleString()}</span>;
  if (typeof value === "boolean") return <span>{value ? "yes" : "no"}</span>;
  if (Array.isArray(value) && value.every((v) => typeof v === "string")) return <span>{value.length === 0 ? "none" : value.join(", ")}</span>;
  return <code>{JSON.stringify(value)}</code>;
}

function Raw({ event }: { event: AuditEventWire }) {
  const text = JSON.stringify(event, null, 2);
  return (
    <section>
      <details>
        <summary>
          <h3>Raw JSON</h3>
        </summary>
        <div className="raw">
          <CopyButton text={text} what="JSON" />
          <pre tabIndex={0} aria-label="Raw JSON of the event">
            {text}
          </pre>
        </div>
      </details>
    </section>
  );
}
