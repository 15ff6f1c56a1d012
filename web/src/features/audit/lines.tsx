import { ChevronRight } from "lucide-react";
import type { AuditEvent } from "../../api/types";
import { moveBetweenRows, openFromClick } from "../../ui/rows";
import { Badge, Time } from "../../ui/text";
import { Skeleton } from "../../ui/states";
import { Sentence } from "./sentence";

interface Props {
  rows: readonly AuditEvent[] | undefined;
  selected?: string | undefined;
  onOpen: (e: AuditEvent) => void;
  label: string;
}

const outcomeBadge = { success: undefined, failure: "bad", denied: "warn" } as const;
const severityWords = { DEBUG: "Debug", INFO: "Info", WARN: "Warning", ERROR: "Error", CRITICAL: "Critical" } as const;

/**
 * Events as lines: when, how grave, what happened, from where. A click anywhere in a
 * line opens it; by keyboard its button does, with arrow keys between the lines.
 */
export function EventLines({ rows, selected, onOpen, label }: Props) {
  if (!rows) {
    return (
      <div className="table-wrap late" role="status" aria-label={`Loading ${label.toLowerCase()}`}>
        {[0, 1, 2, 3, 4, 5, 6, 7].map((n) => (
          <div className="event-line" key={n}>
            <Skeleton width={70} />
            <Skeleton width={240 + ((n * 53) % 160)} />
          </div>
        ))}
      </div>
    );
  }
  return (
    <ol className="table-wrap events" aria-label={label} onKeyDown={moveBetweenRows}>
      {rows.map((e) => (
        <li key={e.id} className={`event-line sev-${e.severity.toLowerCase()}`} data-selected={selected === e.id || undefined} onClick={(click) => openFromClick(click, () => onOpen(e))}>
          <span className="event-time faint">
            <Time at={e.time} />
          </span>
          <span className="event-text">
            <span className="sr-only">{severityWords[e.severity]}: </span>
            <Sentence event={e} />
            {e.severity !== "INFO" && e.severity !== "DEBUG" && (
              <span className={`sev-word ${e.severity.toLowerCase()}`} aria-hidden="true">
                {severityWords[e.severity]}
              </span>
            )}
          </span>
          <span className="event-end">
            {outcomeBadge[e.outcome] && <Badge meaning={outcomeBadge[e.outcome]}>{e.outcome === "denied" ? "Denied" : "Failed"}</Badge>}
            <code className="event-ip faint small wide-only">{e.source.ip}</code>
            <button type="button" className="event-open row-open" aria-label={`Details of entry ${e.seq}: ${e.event}`} aria-pressed={selected === e.id} onClick={() => onOpen(e)}>
              <span className="event-name">{e.event}</span>
              <ChevronRight className="icon" aria-hidden />
            </button>
          </span>
        </li>
      ))}
    </ol>
  );
}
