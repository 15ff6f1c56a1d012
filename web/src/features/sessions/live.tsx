import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Activity, Octagon } from "lucide-react";
import { useEffect, useState } from "react";
import { getEvents } from "../../api/client";
import type { Session } from "../../api/types";
import { Button } from "../../ui/button";
import { duration } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, useNow } from "../../ui/text";
import { useOrg, useRights } from "../shell/org";
import { liveQuery } from "./queries";
import { Lasted, RecordingWord } from "./table";
import { TerminateDialog } from "./terminate";
import { clientWords } from "./words";

export default function LivePage() {
  const org = useOrg();
  const r = useRights();
  const { data, error, refetch } = useQuery(liveQuery(org.id));
  const [ending, setEnding] = useState<Session>();
  const connected = useLiveEvents(org.id);
  const navigate = useNavigate();

  const columns: Column<Session>[] = [
    {
      name: "Person",
      skeleton: 120,
      cell: (s) => (
        <Link className="row-open plain-link" to="/o/$org/sessions/$session" params={{ org: org.slug, session: s.id }} search={{}}>
          {s.user.name}
        </Link>
      ),
    },
    { name: "Safe", skeleton: 110, cell: (s) => s.safe.name },
    {
      name: "Target",
      from: "tablet",
      skeleton: 150,
      cell: (s) => (
        <code>
          {s.account.username}@{s.resource.name}
        </code>
      ),
    },
    { name: "From", from: "tablet", cell: (s) => <code>{s.source_ip}</code> },
    { name: "Client", from: "desk", cell: (s) => clientWords(s.client) },
    { name: "Running for", from: "phone", right: true, cell: (s) => <Lasted session={s} /> },
    { name: "Time left", from: "desk", right: true, cell: (s) => <TimeLeft session={s} /> },
    { name: "Recording", from: "tablet", cell: (s) => <RecordingWord session={s} /> },
  ];
  if (r.terminate) {
    columns.push({
      name: "Actions",
      right: true,
      quiet: true,
      cell: (s) => (
        <Button small kind="danger" icon={Octagon} aria-label={`End the session of ${s.user.name} on ${s.safe.name}`} onClick={() => setEnding(s)}>
          End
        </Button>
      ),
    });
  }
  return (
    <>
      <PageHead
        title="Live"
        lead="Sessions that run now."
        meta={<span className="small dim">{connected ? <State meaning="good">Updates as it happens</State> : <State>Updates every 10 s</State>}</span>}
      />
      {error ? (
        <Failed error={error} what="the running sessions" retry={() => void refetch()} />
      ) : data && data.items.length === 0 ? (
        <div className="card">
          <Empty icon={Activity} title="Nothing runs now">
            A session appears here within a second of its start. Ended ones are under Sessions.
          </Empty>
        </div>
      ) : (
        <Table
          label="Running sessions"
          columns={columns}
          rows={data?.items}
          id={(s) => s.id}
          onOpen={(s) => void navigate({ to: "/o/$org/sessions/$session", params: { org: org.slug, session: s.id }, search: {} })}
        />
      )}
      {ending && <TerminateDialog session={ending} onClose={() => setEnding(undefined)} />}
    </>
  );
}

function TimeLeft({ session }: { session: Session }) {
  const now = useNow();
  if (!session.expires_at) return <span className="faint">unknown</span>;
  const seconds = (session.expires_at.getTime() - now.getTime()) / 1000;
  return <span className="num nowrap">{duration(Math.max(0, seconds))}</span>;
}

/** Listens to starts and ends; reconnects by itself. Tells whether it listens now. */
function useLiveEvents(org: string): boolean {
  const client = useQueryClient();
  const [connected, setConnected] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    const listen = async () => {
      for (let wait = 1000; !stop.signal.aborted; wait = Math.min(wait * 2, 30_000)) {
        try {
          const onOpen = () => {
            setConnected(true);
            wait = 1000;
          };
          for await (const _ of getEvents("/sessions/live/events", { org, signal: stop.signal, onOpen })) {
            void client.invalidateQueries({ queryKey: liveQuery(org).queryKey });
          }
        } catch {
          // the list is asked every 10 s all the same
        }
        if (stop.signal.aborted) return;
        setConnected(false);
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    };
    void listen();
    return () => stop.abort();
  }, [org, client]);
  return connected;
}
