import { FitAddon } from "@xterm/addon-fit";
import { useEffect, useRef, useState } from "react";
import { post, socketURL } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import type { LaunchWire, Safe } from "../../api/types";
import { useStepUp } from "../auth/step-up";
import { useOrg } from "../shell/org";
import { Bar, type Phase } from "./bar";
import { TerminalConnection } from "./protocol";
import { keepFromClipboard, openScreen } from "./screen";
import { Writer } from "./writer";

/** One session from launch to end. A new attempt is a new Run. */
export function Run({ safe, again }: { safe: Safe; again: () => void }) {
  const org = useOrg();
  const stepUp = useStepUp();
  const host = useRef<HTMLDivElement>(null);
  const connection = useRef<TerminalConnection>(undefined);
  const endButton = useRef<HTMLButtonElement>(null);
  const [phase, setPhase] = useState<Phase>({ at: "launching" });
  const [session, setSession] = useState<string>();
  const [notice, setNotice] = useState<string>();

  const asCalled = useRef({ stepUp, org: org.id, safe });
  asCalled.current = { stepUp, org: org.id, safe };

  useEffect(() => {
    if (!host.current) return;
    const { stepUp: guard, org: orgId, safe: s } = asCalled.current;
    let gone = false;
    const screen = openScreen(host.current, { fontSize: 14, scrollback: 10_000, readOnly: false });
    const { term } = screen;
    const fit = new FitAddon();
    term.loadAddon(fit);
    fit.fit();
    const writer = new Writer(term);
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(host.current);
    // The terminal takes all keys; F6 is the way out to the bar, as between panes of a window.
    term.attachCustomKeyEventHandler((e) => {
      if (e.key === "F6") {
        if (e.type === "keydown") endButton.current?.focus();
        return false;
      }
      return true;
    });

    const connect = (grant: string) => {
      const c = new TerminalConnection(socketURL("/sessions/terminal"), grant, { cols: term.cols, rows: term.rows }, {
        onBytes: (data) => writer.write(data),
        onMessage: (m) => {
          if (m.type === "ready") {
            setPhase({ at: "running", since: new Date() });
            if (!m.clipboard && host.current) keepFromClipboard(host.current, (what) => setNotice(`${s.name} does not allow ${what}. Ask a manager of the safe if you need it.`));
            term.focus();
          } else if (m.type === "notice") {
            setNotice(m.message);
          }
        },
        onClose: (end) => {
          setPhase((p) => ({ at: "ended", said: end.said, ran: p.at === "running", broken: end.type === undefined }));
          term.options.disableStdin = true;
          term.options.cursorBlink = false;
        },
      });
      term.onData((text) => c.type(text));
      term.onBinary((data) => c.typeBinary(data));
      term.onResize((size) => c.resize(size));
      connection.current = c;
    };

    // A tick later, so that StrictMode's first, discarded mount launches nothing.
    const begin = setTimeout(() => {
      guard(() => post<LaunchWire>("/sessions/launch", { org: orgId, body: { safe_id: s.id } }), { safe: s.id }).then(
        (launch) => {
          if (gone) return;
          setSession(launch.session_id);
          setPhase({ at: "connecting" });
          connect(launch.grant ?? "");
        },
        (err: unknown) => {
          if (!gone) setPhase({ at: "refused", problem: asProblem(err) satisfies Problem });
        },
      );
    }, 0);

    return () => {
      gone = true;
      clearTimeout(begin);
      observer.disconnect();
      connection.current?.end();
      screen.dispose();
    };
  }, []);

  const running = phase.at === "running";
  useEffect(() => {
    if (!running) return;
    const ask = (e: BeforeUnloadEvent) => e.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [running]);

  return (
    <main className="terminal-page">
      <Bar
        safe={safe}
        phase={phase}
        session={session}
        notice={notice}
        endButton={endButton}
        onEnd={() => connection.current?.end()}
        onAgain={again}
        onDismiss={() => setNotice(undefined)}
      />
      <div className="terminal-host" ref={host} role="group" aria-label={`Terminal of ${safe.name}. F6 leaves it.`} />
    </main>
  );
}
