import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Octagon } from "lucide-react";
import { useState } from "react";
import type { Session } from "../../api/types";
import { Button } from "../../ui/button";
import { bytes } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Failed, PageSkeleton } from "../../ui/states";
import { Facts, Id, State, Time } from "../../ui/text";
import { useMe, useOrg, useRights } from "../shell/org";
import { SessionEvents } from "../audit/session-events";
import { Integrity } from "./integrity";
import { sessionQuery } from "./queries";
import { Recording } from "./recording";
import { Lasted } from "./table";
import { TerminateDialog } from "./terminate";
import { clientWords, endMeaning, endWords, phaseOf, startOf } from "./words";

export default function SessionPage() {
  const org = useOrg();
  const r = useRights();
  const me = useMe();
  const { session: id } = useParams({ from: "/in/shell/o/$org/sessions/$session" });
  const { t } = useSearch({ from: "/in/shell/o/$org/sessions/$session" });
  const navigate = useNavigate({ from: "/o/$org/sessions/$session" });
  const { data: s, error, refetch } = useQuery(sessionQuery(org.id, id));
  const [ending, setEnding] = useState(false);

  if (error) return <Failed page error={error} what="this session" retry={() => void refetch()} />;
  if (!s) return <PageSkeleton label="the session" />;
  const mayEnd = s.state !== "ended" && (r.terminate || s.user.id === me.user.id);
  const startAt = t !== undefined && /^\d{1,7}(\.\d)?$/.test(t) ? Number(t) : undefined;

  return (
    <>
      <PageHead
        title={`${s.user.name} on ${s.safe.name}`}
        meta={<State meaning={endMeaning(s)}>{endWords(s)}</State>}
        lead={
          <>
            <code>
              {s.account.username}@{s.resource.name}
            </code>
            , started <Time at={startOf(s)} />, {s.state === "ended" ? "lasted" : "running for"} <Lasted session={s} />
          </>
        }
        back={
          r.oversee ? (
            <Link to="/o/$org/sessions" params={{ org: org.slug }} search={{}}>
              Sessions
            </Link>
          ) : (
            <Link to="/o/$org/my-sessions" params={{ org: org.slug }}>
              My sessions
            </Link>
          )
        }
        action={
          mayEnd && (
            <Button kind="danger" icon={Octagon} onClick={() => setEnding(true)}>
              End session
            </Button>
          )
        }
      />
      <div className="session-columns">
        <div className="stack wide">
          <Recording session={s} startAt={startAt} onMoment={(at) => void navigate({ search: { t: at.toFixed(1) }, replace: true })} />
          {r.oversee && <SessionEvents session={s.id} phase={phaseOf(s)} />}
        </div>
        <div className="stack wide">
          <SessionFacts session={s} />
          {s.recording && <Integrity session={s} />}
        </div>
      </div>
      {ending && <TerminateDialog session={s} onClose={() => setEnding(false)} />}
    </>
  );
}

function SessionFacts({ session: s }: { session: Session }) {
  const org = useOrg();
  return (
    <section className="card">
      <header>
        <h2>Facts</h2>
      </header>
      <div className="body">
        <Facts
          rows={[
            ["Person", `${s.user.name} (${s.user.email})`],
            [
              "Safe",
              <Link key="safe" to="/o/$org/safes/$safe" params={{ org: org.slug, safe: s.safe.id }} search={{}}>
                {s.safe.name}
              </Link>,
            ],
            ["Resource", s.resource.name],
            ["Signed in as", <code key="u">{s.account.username}</code>],
            ["Client", clientWords(s.client)],
            s.client_version && s.client !== "browser" && ["Version", <code key="v">{s.client_version}</code>],
            ["From", <code key="ip">{s.source_ip}</code>],
            ["Started", startOf(s).toLocaleString()],
            s.ended_at && ["Ended", s.ended_at.toLocaleString()],
            s.ended_by_name && ["Ended by", s.ended_by_name],
            s.end_comment && ["Reason given", s.end_comment],
            s.exit_status !== undefined && ["Exit status", String(s.exit_status)],
            ["To the target", bytes(s.bytes_to_target)],
            ["From the target", bytes(s.bytes_from_target)],
            ["Id", <Id key="id" value={s.id} what="session id" />],
          ]}
        />
      </div>
    </section>
  );
}
