import type { AuditEventWire } from "../../api/types";
import { bytesOf, equal, hex, leafHash, leafRecord, micros, parseInclusion, payloadHash, rootFrom, signedBy, unhex } from "./merkle";

export interface Step {
  what: string;
  result: "held" | "failed" | "not-checked";
  detail: string;
}

export interface Verdict {
  steps: Step[];
  intact: boolean;
  index?: number;
  size?: number;
  root?: string; // hex
  checkpoint?: string;
  key?: string; // that signed it
}

/**
 * Checks an event against the proof that the server gave for it. Each step says
 * what it showed; a step that could not be done here says so instead of passing.
 */
export async function verifyEvent(event: AuditEventWire, proofText: string, vkeys: readonly string[]): Promise<Verdict> {
  const steps: Step[] = [];
  const add = (what: string, ok: boolean, held: string, failed: string) => steps.push({ what, result: ok ? "held" : "failed", detail: ok ? held : failed });
  const skip = (what: string, detail: string) => steps.push({ what, result: "not-checked", detail });

  const proof = parseInclusion(proofText);
  const c = proof.checkpoint;

  let leaf: Uint8Array | undefined;
  if (event.payload !== undefined && event.salt !== undefined) {
    add("Shown fields", agrees(event, event.payload), "What is shown here is what the stored bytes say.", "What is shown here is not what the stored bytes say.");
    leaf = await leafHash(leafRecord(event, await payloadHash(bytesOf(event.salt), new TextEncoder().encode(event.payload))));
    const told = event.leaf_hash === undefined || event.leaf_hash === hex(leaf);
    add("Content", told, "The stored bytes, with ledger, number, id, time and kind, hash to the entry's leaf.", "The stored bytes do not hash to the leaf that the ledger has for this entry.");
  } else if (event.leaf_hash !== undefined) {
    leaf = unhex(event.leaf_hash);
    skip("Content", "The content was pruned at the end of its retention. Its place in the ledger can still be proved.");
  }

  if (leaf === undefined) {
    skip("Place in the tree", "The server sent no leaf hash.");
  } else {
    const right = proof.index === event.seq && equal(await rootFrom(leaf, proof.index, c.size, proof.hashes), c.root);
    add(
      "Place in the tree",
      right,
      `The event is entry ${event.seq} of the ${c.size} that the checkpoint covers.`,
      `The event is not entry ${event.seq} of the tree that the checkpoint covers.`,
    );
  }

  let key: string | undefined;
  if (vkeys.length === 0) {
    skip("Signature", "The server publishes no key here. Check it offline with the key that you keep.");
  } else {
    try {
      key = await signedBy(c, vkeys);
      add("Signature", key !== undefined, "The checkpoint is signed by the ledger's key.", "None of the ledger's keys signed the checkpoint.");
    } catch (err) {
      // Only a browser that lacks the algorithm is an excuse; a key or signature that cannot be read is not.
      if (err instanceof DOMException && err.name === "NotSupportedError") skip("Signature", "This browser cannot check Ed25519. Check it offline.");
      else add("Signature", false, "", err instanceof Error ? err.message : "The signature could not be read.");
    }
  }

  const failed = steps.some((s) => s.result === "failed");
  const placed = steps.some((s) => s.what === "Place in the tree" && s.result === "held");
  return { steps, intact: placed && !failed, index: proof.index, size: c.size, root: hex(c.root), checkpoint: c.text, ...(key ? { key } : {}) };
}

/** Whether the fields that a reader sees are those of the stored bytes, which alone are proved. */
function agrees(event: AuditEventWire, payload: string): boolean {
  let stored: unknown;
  try {
    stored = JSON.parse(payload);
  } catch {
    return false;
  }
  if (typeof stored !== "object" || stored === null) return false;
  const p = stored as Partial<AuditEventWire>;
  const same = (a: unknown, b: unknown) => canonical(a ?? null) === canonical(b ?? null);
  return (
    same(p.id, event.id) &&
    same(p.constant, event.constant) &&
    same(p.outcome, event.outcome) &&
    same(p.reason || "", event.reason || "") &&
    same(p.actor, event.actor) &&
    same(p.target, event.target) &&
    same(p.source, event.source) &&
    same(p.metadata, event.metadata) &&
    (p.time === undefined || event.time === undefined || micros(p.time) === micros(event.time))
  );
}

/** JSON with sorted keys, for comparing. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`)
      .join(",")}}`;
  }
  return JSON.stringify(value);
}
