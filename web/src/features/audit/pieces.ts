import type { AuditEvent } from "../../api/types";

export interface Piece {
  kind: "text" | "actor" | "target";
  text: string;
}

/** Cuts a sentence at the first mention of its actor and of its target. */
export function pieces(e: Pick<AuditEvent, "sentence" | "event" | "actor" | "target">): Piece[] {
  const sentence = e.sentence || fallback(e);
  const found: { at: number; piece: Piece }[] = [];
  const mark = (name: string, id: string, kind: "actor" | "target") => {
    if (name === "" || id === "") return;
    let at = sentence.indexOf(name);
    while (at >= 0 && found.some((f) => at < f.at + f.piece.text.length && f.at < at + name.length)) at = sentence.indexOf(name, at + 1);
    if (at >= 0) found.push({ at, piece: { kind, text: name } });
  };
  mark(e.actor.name, e.actor.id, "actor");
  mark(e.target.name, e.target.id, "target");
  found.sort((a, b) => a.at - b.at);

  const out: Piece[] = [];
  let from = 0;
  for (const f of found) {
    if (f.at > from) out.push({ kind: "text", text: sentence.slice(from, f.at) });
    out.push(f.piece);
    from = f.at + f.piece.text.length;
  }
  if (from < sentence.length) out.push({ kind: "text", text: sentence.slice(from) });
  return out;
}

function fallback(e: Pick<AuditEvent, "event" | "actor" | "target">): string {
  const who = e.actor.name || e.actor.type;
  return e.target.name ? `${e.event}: ${who}, ${e.target.name}` : `${e.event}: ${who}`;
}
