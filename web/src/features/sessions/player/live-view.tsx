import { useEffect, useRef, useState } from "react";
import { getLines } from "../../../api/client";
import { asProblem } from "../../../api/problem";
import { Button } from "../../../ui/button";
import { FormProblem, Note } from "../../../ui/states";
import { State } from "../../../ui/text";
import { useOrg } from "../../shell/org";
import { fitScreen, openScreen } from "../../terminal/screen";
import { CastReader, parseSize } from "./cast";

/** The screen of a session that runs, as its recording grows. Nothing can be typed into it. */
export function LiveView({ session, onStop }: { session: string; onStop: () => void }) {
  const org = useOrg();
  const host = useRef<HTMLDivElement>(null);
  const [phase, setPhase] = useState<"connecting" | "watching" | "over">("connecting");
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    const box = host.current;
    if (!box) return;
    const screen = openScreen(box, { fontSize: 14, scrollback: 0, readOnly: true });
    const fit = () => fitScreen(screen, box.clientWidth - 16, 560);
    const observer = new ResizeObserver(fit);
    observer.observe(box);
    const stop = new AbortController();
    const show = async () => {
      const reader = new CastReader();
      const { cast } = reader;
      let sized = false;
      const onOpen = () => setPhase("watching");
      for await (const line of getLines(`/sessions/${session}/recording`, { org: org.id, signal: stop.signal, query: { live: true, version: 3 }, onOpen })) {
        reader.line(line);
        if (!sized) {
          screen.term.resize(cast.cols, cast.rows);
          fit();
          sized = true;
        }
        for (const e of cast.events.splice(0)) {
          const size = e.kind === "resize" ? parseSize(e.data) : undefined;
          if (size) {
            screen.term.resize(size.cols, size.rows);
            fit();
          }
          // Waits until it is drawn: a flood slows the reading down instead of filling memory.
          if (e.kind === "output") await new Promise<void>((resolve) => screen.term.write(e.data, resolve));
        }
      }
    };
    // A tick later: each opening is an event, and StrictMode mounts twice.
    const begin = setTimeout(() => {
      show().then(
        () => setPhase("over"),
        (err: unknown) => {
          if (stop.signal.aborted) return;
          setPhase("over");
          setError(asProblem(err));
        },
      );
    }, 0);
    return () => {
      clearTimeout(begin);
      stop.abort();
      observer.disconnect();
      screen.dispose();
    };
  }, [session, org.id]);

  return (
    <div className="player" role="group" aria-label="Live view of the session">
      <div className="player-screen" ref={host} aria-hidden="true" inert />
      <div className="player-controls">
        <FormProblem error={error} />
        <div className="row wrap">
          {phase === "connecting" && <span className="dim">Connecting</span>}
          {phase === "watching" && <State meaning="live">You are watching. The audit log says so.</State>}
          {phase === "over" && error === null && <Note meaning="plain">The session has ended.</Note>}
          <span className="grow" />
          <Button onClick={onStop}>Stop watching</Button>
        </div>
      </div>
    </div>
  );
}
