import { Link } from "@tanstack/react-router";
import type { AuditEvent } from "../../api/types";
import { useOrg } from "../shell/org";
import { pieces } from "./pieces";

type Told = Pick<AuditEvent, "sentence" | "event" | "actor" | "target">;

/** The event as a sentence; actor and target lead to what else they did or saw. */
export function Sentence({ event, linked = true }: { event: Told; linked?: boolean }) {
  const org = useOrg();
  return (
    <>
      {pieces(event).map((p, i) =>
        p.kind === "text" || !linked ? (
          <span key={i}>{p.text}</span>
        ) : (
          <Link
            key={i}
            className="entity"
            to="/o/$org/audit"
            params={{ org: org.slug }}
            search={p.kind === "actor" ? { actor: event.actor.id } : { target: event.target.id }}
            title={p.kind === "actor" ? `All that ${p.text} did` : `All that happened to ${p.text}`}
          >
            {p.text}
          </Link>
        ),
      )}
    </>
  );
}
