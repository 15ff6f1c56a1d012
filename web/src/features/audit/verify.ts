import type { AuditEventWire } from "../../api/types";
import { bytesOf, equal, hex, leafHash, leafRecord, parseInclusion, payloadHash, rootFrom, signedBy, unhex } from "./merkle";

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

  let committed = event.payload_hash;
  if (event.payload !== undefined && event.salt !== undefined) {
    const computed = await payloadHash(bytesOf(event.salt), bytesOf(event.payload));
    add("Content", committed === undefined || committed === computed, "The stored bytes hash to what the entry commits to.", "The stored bytes do not hash to what the entry commits to.");
    committed = computed;
  } else {
    skip("Content", "The server sent no stored bytes with this event; the exported bundle has them.");
  }

  let leaf: Uint8Array | undefined;
  if (committed !== undefined) {
    leaf = await leafHash(leafRecord(event, committed));
    const told = event.leaf_hash === undefined || event.leaf_hash === hex(leaf);
    add("Entry", told, "Ledger, number, id, time and kind of the event are what the leaf commits to.", "The leaf commits to another entry than the one shown.");
  } else if (event.leaf_hash !== undefined) {
    leaf = unhex(event.leaf_hash);
    skip("Entry", "Only the leaf's hash is known here; the exported bundle shows that it belongs to this entry.");
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
