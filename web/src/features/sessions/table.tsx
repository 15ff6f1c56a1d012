import { Link, useNavigate } from "@tanstack/react-router";
import { Clapperboard } from "lucide-react";
import type { ReactNode } from "react";
import type { Session } from "../../api/types";
import { duration } from "../../ui/format";
import { Empty } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, Time, useNow } from "../../ui/text";
import { useOrg } from "../shell/org";
import { clientWords, endMeaning, endWords, startOf } from "./words";

interface Props {
  label: string;
  rows: readonly Session[] | undefined;
  hide?: readonly ("user" | "safe")[];
  empty: ReactNode;
  more?: { load: () => void; busy: boolean } | undefined;
}

/** One row a session; its name is who and where. */
export function SessionTable({ label, rows, hide = [], empty, more }: Props) {
  const org = useOrg();
  const navigate = useNavigate();
  const link = (s: Session, text: string) => (
    <Link className="row-open plain-link" to="/o/$org/sessions/$session" params={{ org: org.slug, session: s.id }} search={{}}>
      {text}
    </Link>
  );
  const columns: Column<Session>[] = [];
  if (!hide.includes("user")) {
    columns.push({
      name: "Person",
      skeleton: 120,
      cell: (s) => (
        <>
          {link(s, s.user.name)}
          {!hide.includes("safe") && <span className="until-phone small dim">{s.safe.name}</span>}
        </>
      ),
    });
  }
  if (!hide.includes("safe")) {
    if (hide.includes("user")) columns.push({ name: "Safe", skeleton: 110, cell: (s) => link(s, s.safe.name) });
    else columns.push({ name: "Safe", from: "phone", skeleton: 110, cell: (s) => s.safe.name });
  }
  columns.push(
    {
      name: "Target",
      from: "tablet",
      skeleton: 150,
      cell: (s) => (
        <code className="truncate">
          {s.account.username}@{s.resource.name}
        </code>
      ),
    },
    { name: "State", skeleton: 130, cell: (s) => <State meaning={endMeaning(s)}>{endWords(s)}</State> },
    { name: "Started", from: "phone", cell: (s) => <Time at={startOf(s)} /> },
    { name: "Lasted", from: "tablet", right: true, cell: (s) => <Lasted session={s} /> },
    { name: "Client", from: "desk", cell: (s) => clientWords(s.client) },
    { name: "Recording", from: "desk", cell: (s) => <RecordingWord session={s} /> },
  );
  if (rows && rows.length === 0) {
    return (
      <div className="card">
        <Empty icon={Clapperboard} title="No sessions">
          {empty}
        </Empty>
      </div>
    );
  }
  return (
    <Table
      label={label}
      columns={columns}
      rows={rows}
      id={(s) => s.id}
      more={more}
      onOpen={(s) => void navigate({ to: "/o/$org/sessions/$session", params: { org: org.slug, session: s.id }, search: {} })}
    />
  );
}

export function Lasted({ session: s }: { session: Session }) {
  const now = useNow();
  const seconds = s.state === "ended" ? s.duration_seconds : (now.getTime() - startOf(s).getTime()) / 1000;
  return <span className="num nowrap">{duration(seconds)}</span>;
}

export function RecordingWord({ session: s }: { session: Session }) {
  if (!s.recording) return <span className="faint">None</span>;
  if (s.recording.state === "recording") return <State meaning="rec">Recording</State>;
  if (s.recording.state === "pruned") return <State>Deleted</State>;
  if (s.recording.state === "error") return <State meaning="bad">Damaged</State>;
  return <State meaning="good">Complete</State>;
}
