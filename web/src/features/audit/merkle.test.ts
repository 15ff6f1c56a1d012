import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { AuditEventWire } from "../../api/types";
import { leafHash, micros, parseCheckpoint, parseInclusion, parseVerifierKey, payloadHash, rootFrom } from "./merkle";
import { verifyEvent } from "./verify";

// A tree made by the textbook's recursive definition, to hold against ours.
const sha = (...parts: (string | Uint8Array)[]) => parts.reduce((h, p) => h.update(p), createHash("sha256")).digest();
const node = (l: Buffer, r: Buffer) => sha(Uint8Array.of(1), l, r);
const split = (n: number) => 2 ** Math.floor(Math.log2(n - 1));
function root(l: Buffer[]): Buffer {
  if (l.length === 1) return l[0] as Buffer;
  const k = split(l.length);
  return node(root(l.slice(0, k)), root(l.slice(k)));
}
function path(m: number, l: Buffer[]): Buffer[] {
  if (l.length === 1) return [];
  const k = split(l.length);
  return m < k ? [...path(m, l.slice(0, k)), root(l.slice(k))] : [...path(m - k, l.slice(k)), root(l.slice(0, k))];
}

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const name = "vault.example/audit";
const rawKey = Buffer.concat([Buffer.of(1), publicKey.export({ format: "der", type: "spki" }).subarray(-32)]);
const keyId = sha(`${name}\n`, rawKey).subarray(0, 4);
const vkey = `${name}+${keyId.toString("hex")}+${rawKey.toString("base64")}`;

const salt = Buffer.alloc(16, 7);
const event = (seq: number): AuditEventWire => ({
  schema_version: 1,
  id: `evt_${seq}`,
  log_id: "log_1",
  org_id: "org_1",
  seq,
  time: "2025-03-04T08:12:51.123456Z",
  recorded_at: "2025-03-04T08:12:51.123456Z",
  constant: "SESSION_ESTABLISHED",
  event: "Session Established",
  category: "Connections / Sessions",
  severity: "INFO",
  actor: { type: "User", id: "usr_1", name: "Ada", authenticated: true },
  target: { type: "Session", id: "sess_1", name: "" },
  source: { ip: "10.0.0.1" },
  session_id: "sess_1",
  request_id: "req_1",
  reason: "",
  sentence: "Ada opened a session.",
  outcome: "success",
  metadata: {},
});

/** A ledger of n events, and event i of it as the API tells it, with its proof. */
function ledger(n: number, i: number) {
  const payload = (seq: number) => Buffer.from(JSON.stringify(event(seq)));
  const hash = (seq: number) => sha("vaultpam-audit-payload/v1\u0000", salt, payload(seq)).toString("hex");
  const leaves = Array.from({ length: n }, (_, seq) => sha(Uint8Array.of(0), `vaultpam-audit-leaf/v1\nlog_1\n${seq}\nevt_${seq}\n1741075971123456\nSESSION_ESTABLISHED\n${hash(seq)}\n`));
  const text = `${name}/log_1\n${n}\n${root(leaves).toString("base64")}\n`;
  const signature = Buffer.concat([keyId, sign(null, Buffer.from(text), privateKey)]).toString("base64");
  const proof = `c2sp.org/tlog-proof@v1\nindex ${i}\n${path(i, leaves).map((h) => `${h.toString("base64")}\n`).join("")}\n${text}\n— ${name} ${signature}\n`;
  const told = { ...event(i), payload: payload(i).toString(), salt: salt.toString("base64"), leaf_hash: (leaves[i] as Buffer).toString("hex") };
  return { leaves, proof, told };
}

describe("inclusion", () => {
  it("leads from every leaf of every small tree to its root, and from no other place", async () => {
    for (let n = 1; n <= 20; n++) {
      for (let i = 0; i < n; i++) {
        const { leaves, proof } = ledger(n, i);
        const p = parseInclusion(proof);
        expect(Buffer.from(await rootFrom(leaves[i] as Buffer, i, n, p.hashes))).toEqual(root(leaves));
        if (n > 1) {
          const other = (i + 1) % n;
          const elsewhere = await rootFrom(leaves[i] as Buffer, other, n, p.hashes).catch(() => Buffer.alloc(32));
          expect(Buffer.from(elsewhere)).not.toEqual(root(leaves));
        }
      }
    }
  });

  it("refuses a proof that is too long, too short or for a tree that is too small", async () => {
    const leaf = await leafHash(new Uint8Array([1]));
    await expect(rootFrom(leaf, 0, 1, [leaf])).rejects.toThrow("longer");
    await expect(rootFrom(leaf, 0, 4, [leaf])).rejects.toThrow("shorter");
    await expect(rootFrom(leaf, 4, 4, [])).rejects.toThrow("does not cover");
  });
});

describe("verifyEvent", () => {
  it("proves an event that is intact, each step of it", async () => {
    const { told, proof } = ledger(13, 6);
    const v = await verifyEvent(told, proof, [vkey]);
    expect(v.steps.map((s) => s.result)).toEqual(["held", "held", "held", "held"]);
    expect(v.intact).toBe(true);
    expect(v.key).toBe(vkey);
    expect(v.size).toBe(13);
  });

  it.each<[string, (e: AuditEventWire) => AuditEventWire]>([
    ["changed content", (e) => ({ ...e, payload: (e.payload ?? "").replace("Ada", "Eve") })],
    ["content that is no JSON", (e) => ({ ...e, payload: "{" })],
    ["another actor shown than stored", (e) => ({ ...e, actor: { ...e.actor, name: "Eve" } })],
    ["another outcome shown than stored", (e) => ({ ...e, outcome: "denied" })],
    ["metadata shown that is not stored", (e) => ({ ...e, metadata: { comment: "harmless" } })],
    ["another salt", (e) => ({ ...e, salt: Buffer.alloc(16, 8).toString("base64") })],
    ["another number", (e) => ({ ...e, seq: 7 })],
    ["another time", (e) => ({ ...e, recorded_at: "2025-03-04T08:12:51.123457Z" })],
    ["another kind", (e) => ({ ...e, constant: "SESSION_SUSPENDED" })],
    ["another id", (e) => ({ ...e, id: "evt_99" })],
    ["another ledger", (e) => ({ ...e, log_id: "log_2" })],
    ["another leaf", (e) => ({ ...e, leaf_hash: "00".repeat(32) })],
  ])("does not prove an event with %s", async (_, change) => {
    const { told, proof } = ledger(13, 6);
    expect((await verifyEvent(change(told), proof, [vkey])).intact).toBe(false);
  });

  it("does not prove by a checkpoint that somebody else signed or changed", async () => {
    const { told, proof } = ledger(13, 6);
    const foreign = Buffer.concat([Buffer.of(1), generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }).subarray(-32)]);
    const sameId = `${name}+${keyId.toString("hex")}+${foreign.toString("base64")}`;
    for (const key of [sameId, vkey.replace(/.{6}$/, "AAAAA="), vkey.replace("+", "x+"), "nonsense"]) {
      expect((await verifyEvent(told, proof, [key])).intact, key).toBe(false);
    }
    const grown = proof.replace("\n13\n", "\n14\n");
    expect((await verifyEvent(told, grown, [vkey])).intact).toBe(false);
  });

  it("says what it could not check", async () => {
    const { told, proof } = ledger(5, 2);
    const { payload: _p, salt: _s, ...bare } = told;
    const v = await verifyEvent(bare, proof, []);
    expect(v.steps.map((s) => s.result)).toEqual(["not-checked", "held", "not-checked"]);
    expect(v.intact).toBe(true);
    const { leaf_hash: _l, ...nothing } = bare;
    expect((await verifyEvent(nothing, proof, [])).intact).toBe(false);
  });

  it("refuses text that is no proof", async () => {
    const { told } = ledger(2, 0);
    for (const text of ["", "index 0\n\nx", "c2sp.org/tlog-proof@v1\nindex -1\n\nx\n1\ny\n\n", "c2sp.org/tlog-proof@v1\nindex 0\n", `c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx\n1\n${Buffer.alloc(32).toString("base64")}\n\n`]) {
      await expect(verifyEvent(told, text, [])).rejects.toThrow();
    }
  });
});

it("reads times to the microsecond", () => {
  expect(micros("2025-03-04T08:12:51.123456Z")).toBe(1741075971123456n);
  expect(micros("2025-03-04T08:12:51Z")).toBe(1741075971000000n);
  expect(micros("2025-03-04T08:12:51.5Z")).toBe(1741075971500000n);
  expect(() => micros("2025-03-04T08:12:51+02:00")).toThrow();
});

it("reads keys and checkpoints, and nothing like them", async () => {
  expect(parseVerifierKey(vkey).name).toBe(name);
  expect(() => parseVerifierKey(`${name}+zz+AAAA`)).toThrow();
  expect(() => parseCheckpoint("a\n1\nb")).toThrow();
  expect(await payloadHash(salt, new Uint8Array())).toMatch(/^[0-9a-f]{64}$/);
});
