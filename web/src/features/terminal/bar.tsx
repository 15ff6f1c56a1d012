import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowLeft, Octagon, RotateCcw, X } from "lucide-react";
import { type Ref, useEffect, useState } from "react";
import type { Problem } from "../../api/problem";
import type { Safe } from "../../api/types";
import { Button, IconButton, LinkButton } from "../../ui/button";
import { clock } from "../../ui/format";
import { State } from "../../ui/text";
import { PolicyBadges } from "../safes/badges";
import { sessionQuery } from "../sessions/queries";
import { useOrg } from "../shell/org";

export type Phase =
  | { at: "launching" }
  | { at: "connecting" }
  | { at: "running"; since: Date }
  | { at: "ended"; said: string | undefined; ran: boolean; broken: boolean }
  | { at: "refused"; problem: Problem };

interface Props {
  safe: Safe;
  phase: Phase;
  session: string | undefined;
  notice: string | undefined;
  endButton: Ref<HTMLButtonElement>;
  onEnd: () => void;
  onAgain: () => void;
  onDismiss: () => void;
}

/** The thin bar above the terminal, and below it a sentence when there is something to say. */
export function Bar({ safe, phase, session, notice, endButton, onEnd, onAgain, onDismiss }: Props) {
  const org = useOrg();
  const known = useQuery({ ...sessionQuery(org.id, session ?? ""), enabled: session !== undefined && phase.at === "running", refetchInterval: 30_000 });
  const expiresAt = known.data?.expires_at;
  const over = phase.at === "ended" || phase.at === "refused";
  return (
    <header className="term-bar" data-theme="dark">
      <div className="term-line">
        {over ? (
          <LinkButton kind="ghost" small icon={ArrowLeft} to="/o/$org/safes" params={{ org: org.slug }} search={{}}>
            Safes
          </LinkButton>
        ) : null}
        <h1 className="term-title truncate">{safe.name}</h1>
        <code className="dim truncate wide-only">
          {safe.account.username}@{safe.resource.host}
        </code>
        <span className="grow" />
        {phase.at === "running" && safe.policy.recording && <State meaning="rec">Recording</State>}
        <span className="wide-only">
          <PolicyBadges policy={safe.policy} live={phase.at === "running"} />
        </span>
        {phase.at === "running" && <TimeLeft until={expiresAt ?? new Date(phase.since.getTime() + safe.policy.session_ttl_seconds * 1000)} />}
        {phase.at === "launching" && <span className="dim">Asking for access</span>}
        {phase.at === "connecting" && <span className="dim">Connecting</span>}
        {!over && (
          <Button ref={endButton} small kind="danger" icon={Octagon} onClick={onEnd} disabled={phase.at !== "running"}>
            End
          </Button>
        )}
      </div>
      <div role="status" aria-live="polite">
        {notice && !over && (
          <div className="term-say">
            <span className="grow">{notice}</span>
            <IconButton icon={X} small label="Dismiss" onClick={onDismiss} />
          </div>
        )}
        {over && (
          <div className={phase.at === "refused" || !phase.ran ? "term-say bad" : "term-say"}>
            <span className="grow">
              {phase.at === "refused" ? phase.problem.message : endSentence(phase)}
              {phase.at === "refused" && phase.problem.requestId && <span className="small dim"> Reference {phase.problem.requestId}</span>}
            </span>
            {session && (
              <Link className="btn small" to="/o/$org/sessions/$session" params={{ org: org.slug, session }} search={{}}>
                Session and recording
              </Link>
            )}
            <Button small kind="primary" icon={RotateCcw} autoFocus onClick={onAgain}>
              {phase.at === "ended" && phase.ran ? "Start a new session" : "Try again"}
            </Button>
          </div>
        )}
      </div>
    </header>
  );
}

function endSentence(phase: { said: string | undefined; ran: boolean; broken: boolean }): string {
  if (phase.said) return phase.said;
  if (phase.ran) return phase.broken ? "The connection broke, and the session has ended with it. What was done stays done." : "The session has ended.";
  return "The terminal could not connect to the server. Check your network, then try again.";
}

function TimeLeft({ until }: { until: Date }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, (until.getTime() - now) / 1000);
  const soon = seconds < 300;
  return (
    <span className={soon ? "badge warn num" : "num dim"} title={`Ends at ${until.toLocaleTimeString()}`}>
      {clock(seconds)} left
    </span>
  );
}
