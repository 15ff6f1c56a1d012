// Verifies in the reader's own browser what the ledger claims: that an event's
// leaf stands at its place in a tree whose root was signed. RFC 6962 hashing,
// the text forms of C2SP tlog-proof and tlog-checkpoint, Ed25519 signed notes.
import type { AuditEventWire } from "../../api/types";

export interface Inclusion {
  index: number;
  hashes: Uint8Array[];
  checkpoint: Checkpoint;
}

export interface Checkpoint {
  origin: string;
  size: number;
  root: Uint8Array;
  /** What was signed, with its final newline. */
  text: string;
  signatures: { name: string; keyId: Uint8Array; signature: Uint8Array }[];
}

const header = "c2sp.org/tlog-proof@v1\n";

/** Reads "header, index line, hashes, empty line, checkpoint". Throws a sentence on anything else. */
export function parseInclusion(text: string): Inclusion {
  if (!text.startsWith(`${header}index `)) throw new Error("The answer is not an inclusion proof.");
  const rest = text.slice(header.length);
  const cut = rest.indexOf("\n\n");
  if (cut < 0) throw new Error("The proof carries no checkpoint.");
  const lines = rest.slice(0, cut).split("\n");
  const index = natural(lines[0]?.slice("index ".length) ?? "");
  const hashes = lines.slice(1).map(hash);
  if (hashes.length > 64) throw new Error("The proof is longer than any tree needs.");
  return { index, hashes, checkpoint: parseCheckpoint(rest.slice(cut + 2)) };
}

/** Reads a signed note of three lines: origin, size, root. */
export function parseCheckpoint(note: string): Checkpoint {
  const cut = note.indexOf("\n\n");
  if (cut < 0) throw new Error("The checkpoint is not signed.");
  const text = note.slice(0, cut + 1);
  const [origin, size, root] = text.split("\n");
  if (!origin || size === undefined || root === undefined) throw new Error("The checkpoint is not complete.");
  const signatures = note
    .slice(cut + 2)
    .split("\n")
    .filter((l) => l !== "")
    .map((l) => {
      const m = /^— (\S+) (\S+)$/.exec(l);
      const raw = m?.[2] === undefined ? undefined : bytesOf(m[2]);
      if (!m?.[1] || !raw || raw.length < 5) throw new Error("A signature of the checkpoint is malformed.");
      return { name: m[1], keyId: raw.slice(0, 4), signature: raw.slice(4) };
    });
  return { origin, size: natural(size), root: hash(root), text, signatures };
}

/** SHA-256(0x00 || record), the hash of a leaf. */
export function leafHash(record: Uint8Array): Promise<Uint8Array> {
  return sha256(concat(Uint8Array.of(0), record));
}

function nodeHash(left: Uint8Array, right: Uint8Array): Promise<Uint8Array> {
  return sha256(concat(Uint8Array.of(1), left, right));
}

/** The root that follows from a leaf at index in a tree of size, by RFC 9162 section 2.1.3.2. */
export async function rootFrom(leaf: Uint8Array, index: number, size: number, hashes: readonly Uint8Array[]): Promise<Uint8Array> {
  if (index >= size) throw new Error("The checkpoint does not cover this event yet.");
  let fn = BigInt(index);
  let sn = BigInt(size) - 1n;
  let r = leaf;
  for (const p of hashes) {
    if (sn === 0n) throw new Error("The proof is longer than its tree.");
    if ((fn & 1n) === 1n || fn === sn) {
      r = await nodeHash(p, r);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      r = await nodeHash(r, p);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n) throw new Error("The proof is shorter than its tree.");
  return r;
}

/** The record that the tree commits to for an event: seven lines. */
export function leafRecord(e: Pick<AuditEventWire, "log_id" | "seq" | "id" | "recorded_at" | "constant">, payloadHash: string): Uint8Array {
  return utf8(`vaultpam-audit-leaf/v1\n${e.log_id}\n${e.seq}\n${e.id}\n${micros(e.recorded_at)}\n${e.constant}\n${payloadHash}\n`);
}

/** SHA-256 of domain, salt and the payload's exact bytes, in hex. */
export async function payloadHash(salt: Uint8Array, payload: Uint8Array): Promise<string> {
  return hex(await sha256(concat(utf8("vaultpam-audit-payload/v1\u0000"), salt, payload)));
}

/** RFC 3339 with microseconds to microseconds since 1970; a Date would lose the last three digits. */
export function micros(time: string): bigint {
  const m = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(time);
  if (!m) throw new Error(`${time} is not a UTC time.`);
  const seconds = BigInt(Date.parse(`${m[1]}Z`)) / 1000n;
  return seconds * 1_000_000n + BigInt((m[2] ?? "").padEnd(6, "0").slice(0, 6));
}

/** A note verifier key: name, key id and Ed25519 public key. */
export function parseVerifierKey(vkey: string): { name: string; keyId: Uint8Array; key: Uint8Array } {
  const m = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey);
  const raw = m?.[3] === undefined ? undefined : bytesOf(m[3]);
  if (!m?.[1] || !m[2] || raw?.[0] !== 1 || raw.length !== 33) throw new Error("The server's public key is malformed.");
  return { name: m[1], keyId: unhex(m[2]), key: raw.slice(1) };
}

/** Whether one of the keys signed the checkpoint. Throws when this browser has no Ed25519. */
export async function signedBy(c: Checkpoint, vkeys: readonly string[]): Promise<string | undefined> {
  for (const vkey of vkeys) {
    const k = parseVerifierKey(vkey);
    const s = c.signatures.find((x) => x.name === k.name && equal(x.keyId, k.keyId));
    if (!s) continue;
    const key = await crypto.subtle.importKey("raw", buffer(k.key), { name: "Ed25519" }, false, ["verify"]);
    if (await crypto.subtle.verify("Ed25519", key, buffer(s.signature), buffer(utf8(c.text)))) return vkey;
  }
  return undefined;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}

export function hex(b: Uint8Array): string {
  return Array.from(b, (v) => v.toString(16).padStart(2, "0")).join("");
}

export function unhex(text: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error("Not lower-case hex.");
  return Uint8Array.from(text.match(/../g) ?? [], (p) => Number.parseInt(p, 16));
}

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

function hash(line: string): Uint8Array {
  const b = bytesOf(line);
  if (b.length !== 32) throw new Error("A hash in the proof has the wrong length.");
  return b;
}

function natural(text: string): number {
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) throw new Error(`“${text.slice(0, 40)}” is not an index or size.`);
  return Number(text);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function sha256(data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", buffer(data)));
}

function buffer(b: Uint8Array): ArrayBuffer {
  return b.slice().buffer as ArrayBuffer;
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
