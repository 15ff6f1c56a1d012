import { ChevronDown, ChevronUp, Maximize, Pause, Play, RotateCcw } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { IconButton } from "../../../ui/button";
import { SearchInput } from "../../../ui/field";
import { clock, duration as words } from "../../../ui/format";
import type { Cast } from "./cast";
import { Player, type PlayerState } from "./engine";
import { Timeline } from "./timeline-strip";
import { durationOf, type Marker, markers, search } from "./timeline";

const speeds = [0.5, 1, 2, 4, 8, 16];

/** The recording on a screen, with what one needs to find a moment in it. */
export function PlayerView({ cast, startAt, onMoment }: { cast: Cast; startAt: number; onMoment: (seconds: number) => void }) {
  const frame = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const player = useRef<Player>(undefined);
  const [state, setState] = useState<PlayerState>({ at: startAt, playing: false, ended: false, skipped: 0 });
  const [speed, setSpeed] = useState(1);
  const [skipIdle, setSkipIdle] = useState(true);
  const [typed, setTyped] = useState("");
  const [hit, setHit] = useState(0);
  const length = durationOf(cast);
  const marks = useMemo(() => markers(cast.events), [cast]);
  const hits = useMemo(() => search(cast.events, typed), [cast, typed]);
  const first = useRef(startAt);

  useEffect(() => {
    if (!host.current) return;
    const p = new Player(host.current, cast, setState);
    player.current = p;
    const box = host.current;
    const fit = () => p.fit(box.clientWidth - 16, document.fullscreenElement ? window.innerHeight - 180 : 560);
    fit();
    const observer = new ResizeObserver(fit);
    observer.observe(box);
    void p.seek(first.current).then(() => first.current === 0 && p.play());
    return () => {
      observer.disconnect();
      p.dispose();
    };
  }, [cast]);

  const seek = (to: number) => {
    void player.current?.seek(to);
    onMoment(to);
  };
  const goToHit = (n: number) => {
    const at = (n + hits.length) % hits.length;
    setHit(at);
    const h = hits[at];
    if (h) {
      player.current?.pause();
      seek(h.at + 0.05);
    }
  };
  const changeSpeed = (s: number) => {
    setSpeed(s);
    if (player.current) player.current.speed = s;
  };
  const changeSkip = (on: boolean) => {
    setSkipIdle(on);
    if (player.current) player.current.skipIdle = on;
  };
  const onKeyDown = (e: KeyboardEvent) => {
    const on = e.target instanceof HTMLElement ? e.target : undefined;
    if (on?.closest("input:not([type=range]), select")) return;
    if (on?.closest("button") && (e.key === " " || e.key === "Enter")) return; // the button's own
    const i = speeds.indexOf(speed);
    const act: Record<string, () => void> = {
      " ": () => player.current?.toggle(),
      k: () => player.current?.toggle(),
      ArrowLeft: () => seek(state.at - 5),
      ArrowRight: () => seek(state.at + 5),
      Home: () => seek(0),
      End: () => seek(length),
      "<": () => changeSpeed(speeds[Math.max(0, i - 1)] ?? 1),
      ">": () => changeSpeed(speeds[Math.min(speeds.length - 1, i + 1)] ?? 1),
      f: () => void frame.current?.requestFullscreen(),
    };
    const fn = act[e.key];
    if (fn && !e.ctrlKey && !e.metaKey && !e.altKey) {
      e.preventDefault();
      fn();
    }
  };

  return (
    <div className={cast.cols > 110 ? "player wide" : "player"} ref={frame} onKeyDown={onKeyDown} role="group" aria-label="Player of the recording. Space plays and pauses, arrows jump five seconds.">
      <div className="player-screen" ref={host} aria-hidden="true" inert />
      {state.skipped > 1 && state.playing && <div className="player-skip">Skipped {words(state.skipped)} of idle time</div>}
      <div className="player-controls">
        <Timeline cast={cast} at={state.at} length={length} marks={marks} hits={hits} seek={seek} />
        <div className="row wrap">
          <IconButton
            icon={state.playing ? Pause : state.ended ? RotateCcw : Play}
            label={state.playing ? "Pause" : state.ended ? "Play again" : "Play"}
            onClick={() => player.current?.toggle()}
          />
          <span className="num nowrap">
            {clock(state.at)} <span className="faint">/ {clock(length)}</span>
          </span>
          <label className="row speed">
            <span className="dim">Speed</span>
            <select className="input" value={speed} onChange={(e) => changeSpeed(Number(e.target.value))}>
              {speeds.map((s) => (
                <option key={s} value={s}>
                  {s}×
                </option>
              ))}
            </select>
          </label>
          <label className="check inline">
            <input type="checkbox" checked={skipIdle} onChange={(e) => changeSkip(e.target.checked)} />
            <span>Skip idle time</span>
          </label>
          <span className="grow" />
          <SearchInput
            label="Search what was printed"
            value={typed}
            onText={(t) => {
              setTyped(t);
              setHit(0);
            }}
          />
          {typed.trim() !== "" && (
            <span className="row" role="status">
              <span className="small dim nowrap">{hits.length === 0 ? "Not found" : `${hit + 1} of ${hits.length}`}</span>
              <IconButton icon={ChevronUp} small label="Previous match" disabled={hits.length === 0} onClick={() => goToHit(hit - 1)} />
              <IconButton icon={ChevronDown} small label="Next match" disabled={hits.length === 0} onClick={() => goToHit(hit + 1)} />
            </span>
          )}
          <IconButton icon={Maximize} label="Full screen" onClick={() => void frame.current?.requestFullscreen()} />
        </div>
      </div>
      {hits.length > 0 && typed.trim() !== "" && <HitList hits={hits} current={hit} go={goToHit} />}
      {marks.length > 0 && typed.trim() === "" && <MarkerList marks={marks} at={state.at} seek={seek} />}
    </div>
  );
}

function HitList({ hits, current, go }: { hits: readonly { at: number; line: string }[]; current: number; go: (n: number) => void }) {
  return (
    <ul className="player-list" aria-label="Matches">
      {hits.slice(0, 100).map((h, i) => (
        <li key={`${h.at}-${i}`}>
          <button type="button" aria-current={i === current || undefined} onClick={() => go(i)}>
            <span className="num faint">{clock(h.at)}</span>
            <code className="truncate">{h.line}</code>
          </button>
        </li>
      ))}
    </ul>
  );
}

const kindWords: Record<Marker["kind"], string> = { command: "Command", file: "File", forward: "Forward", policy: "Policy", gap: "Gap", other: "Mark" };

function MarkerList({ marks, at, seek }: { marks: readonly Marker[]; at: number; seek: (to: number) => void }) {
  const last = marks.findLastIndex((m) => m.at <= at);
  return (
    <ul className="player-list" aria-label="Marked moments">
      {marks.map((m, i) => (
        <li key={`${m.at}-${i}`}>
          <button type="button" aria-current={i === last || undefined} onClick={() => seek(m.at)}>
            <span className="num faint">{clock(m.at)}</span>
            <span className={`badge ${m.kind === "policy" ? "warn" : m.kind === "gap" ? "bad" : ""}`}>{kindWords[m.kind]}</span>
            <code className="truncate">{m.label}</code>
          </button>
        </li>
      ))}
    </ul>
  );
}
