import { useMemo } from "react";
import { clock } from "../../../ui/format";
import type { Cast } from "./cast";
import { density, type Hit, type Marker } from "./timeline";

const slices = 160;

interface Props {
  cast: Cast;
  at: number;
  length: number;
  marks: readonly Marker[];
  hits: readonly Hit[];
  seek: (to: number) => void;
}

/** Where something happened, and the slider that goes there. */
export function Timeline({ cast, at, length, marks, hits, seek }: Props) {
  const bars = useMemo(() => density(cast.events, length, slices), [cast, length]);
  const x = (t: number) => (length > 0 ? (t / length) * slices : 0);
  const path = bars.map((d, i) => (d > 0 ? `M${i} 24V${(24 - d * 20).toFixed(1)}h.8V24z` : "")).join("");
  return (
    <div className="timeline">
      <svg viewBox={`0 0 ${slices} 28`} preserveAspectRatio="none" aria-hidden="true">
        <path d={path} className="tl-bars" />
        <rect x="0" y="26" width={slices} height="2" className="tl-track" />
        <rect x="0" y="26" width={x(at)} height="2" className="tl-done" />
        {marks.map((m, i) => (
          <rect key={`${m.at}-${i}`} x={x(m.at)} y="0" width=".5" height="24" className={`tl-mark ${m.kind}`} />
        ))}
        {hits.map((h, i) => (
          <rect key={`h${h.at}-${i}`} x={x(h.at)} y="0" width=".5" height="28" className="tl-hit" />
        ))}
      </svg>
      <input
        type="range"
        aria-label="Position in the recording"
        aria-valuetext={`${clock(at)} of ${clock(length)}`}
        min={0}
        max={Math.max(length, 0.01)}
        step={0.1}
        value={at}
        onChange={(e) => seek(Number(e.target.value))}
      />
    </div>
  );
}
