import { useQuery } from "@tanstack/react-query";
import { Download, Eye, FileWarning, Play } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { getBlob, getLines } from "../../api/client";
import { Problem } from "../../api/problem";
import type { Session } from "../../api/types";
import { Button } from "../../ui/button";
import { bytes, duration } from "../../ui/format";
import { saveFile } from "../../ui/save-file";
import { Empty, FormProblem, Note } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { safeQuery } from "../safes/queries";
import { useOrg, useRights } from "../shell/org";
import { type Cast, CastReader } from "./player/cast";

const LiveView = lazy(() => import("./player/live-view").then((m) => ({ default: m.LiveView })));
const PlayerView = lazy(() => import("./player/player").then((m) => ({ default: m.PlayerView })));

interface Props {
  session: Session;
  startAt: number | undefined;
  onMoment: (seconds: number) => void;
}

/** The recording of a session: nothing is fetched before one asks, because each opening is an event. */
export function Recording({ session, startAt, onMoment }: Props) {
  const org = useOrg();
  const r = useRights();
  const safe = useQuery({ ...safeQuery(org.id, session.safe.id), enabled: !r.oversee, retry: false });
  const allowed = r.oversee || safe.data?.my_role === "manager";
  const [cast, setCast] = useState<Cast>();
  const [read, setRead] = useState<number>();
  const [error, setError] = useState<unknown>(null);
  const [watching, setWatching] = useState(false);
  const stop = useRef<AbortController>(undefined);
  const toasts = useToasts();
  useEffect(() => () => stop.current?.abort(), []);

  if (!session.recording) {
    return (
      <div className="card">
        <Empty icon={FileWarning} title="This session was not recorded">
          The policy of {session.safe.name} had recording switched off when it began. The audit log says who, when and how long.
        </Empty>
      </div>
    );
  }
  const open = async () => {
    setError(null);
    setRead(0);
    stop.current = new AbortController();
    try {
      const reader = new CastReader();
      let count = 0;
      for await (const line of getLines(`/sessions/${session.id}/recording`, { org: org.id, signal: stop.current.signal, query: { version: 3 } })) {
        reader.line(line);
        count += line.length;
        if (reader.cast.events.length % 2000 === 0) setRead(count);
      }
      if (reader.bad > 0) toasts.fail(new Problem({ status: 0, code: "DAMAGED", message: `${reader.bad} lines of the recording could not be read. The rest is shown.` }));
      setCast(reader.cast);
    } catch (err) {
      if (!stop.current.signal.aborted) setError(err);
    } finally {
      setRead(undefined);
    }
  };

  if (cast) {
    return (
      <Suspense fallback={<div className="player-wait" />}>
        <PlayerView cast={cast} startAt={startAt ?? 0} onMoment={onMoment} />
      </Suspense>
    );
  }
  const running = session.recording.state === "recording" && session.state !== "ended";
  if (watching) {
    return (
      <Suspense fallback={<div className="player-wait" />}>
        <LiveView session={session.id} onStop={() => setWatching(false)} />
      </Suspense>
    );
  }
  if (session.recording.state === "pruned") {
    return (
      <div className="card">
        <Empty icon={FileWarning} title="The recording was deleted">
          Its time was over. The ledger still proves that it existed and what its root hash was.
        </Empty>
      </div>
    );
  }
  return (
    <div className="player-poster">
      {error !== null && <FormProblem error={error} />}
      {session.recording.state === "error" && <Note meaning="bad">The stored recording does not match what was written. What can be read is still shown.</Note>}
      {allowed ? (
        <>
          {running ? (
            <Button kind="primary" icon={Eye} onClick={() => setWatching(true)}>
              Watch
            </Button>
          ) : (
            <Button kind="primary" icon={Play} busy={read !== undefined} onClick={() => void open()}>
              {read !== undefined ? `Reading ${bytes(read)}` : "Play recording"}
            </Button>
          )}
          <p className="dim">
            {running
              ? "The session runs. Watching shows its screen as it is; it leaves an event in the audit log."
              : `${duration(session.duration_seconds)}, ${bytes(session.recording.size_bytes)}. Opening it leaves an event in the audit log.`}
          </p>
          {!running && (
            <Button
              kind="ghost"
              small
              icon={Download}
              onClick={() => {
                getBlob(`/sessions/${session.id}/recording`, { org: org.id, query: { download: true, version: 3 } }).then((b) => saveFile(`${session.id}.cast`, b), toasts.fail);
              }}
            >
              Download as asciicast
            </Button>
          )}
        </>
      ) : (
        <p className="dim prose">Recordings are watched by owners, admins, auditors and the safe's managers. Ask one of them when you need to see this one.</p>
      )}
    </div>
  );
}
