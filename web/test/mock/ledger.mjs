// A real ledger for the mock: leaves, tree, proofs and a signed checkpoint, so
// that the console's verification runs against something that can be verified.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { accounts, ago, byHandle, makeId, orgs, resources, safes } from "./data.mjs";

const sha = (...parts) => {
  const h = createHash("sha256");
  for (const p of parts) h.update(p);
  return h.digest();
};
const nodeHash = (l, r) => sha(Buffer.of(1), l, r);

const { privateKey } = generateKeyPairSync("ed25519");
const name = "vault.acme.example/audit";
const raw = createPublicKey(createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }))).export({ format: "der", type: "spki" }).subarray(-32);
const keyBytes = Buffer.concat([Buffer.of(1), raw]);
const keyId = sha(`${name}\n`, keyBytes).subarray(0, 4);
export const vkey = `${name}+${keyId.toString("hex")}+${keyBytes.toString("base64")}`;

const logId = "log_01jz8q4n5yf3v9t2c6w0k7m1xa";
export const events = [];
const leaves = [];

function add(minutes, constant, event, category, severity, actor, target, sentence, over = {}) {
  const seq = events.length;
  const time = ago(minutes).replace(/(\d{3})Z$/, "$1417Z");
  const e = {
    schema_version: 1,
    id: makeId("evt"),
    log_id: logId,
    org_id: orgs.acme.id,
    time,
    recorded_at: time,
    constant,
    event,
    category,
    severity,
    actor,
    target,
    source: { ip: "10.20.0.7", user_agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/136.0" },
    session_id: "",
    request_id: makeId("req"),
    reason: "",
    outcome: "success",
    metadata: {},
    ...over,
  };
  const payload = Buffer.from(JSON.stringify(e));
  const salt = randomBytes(16);
  const payloadHash = sha("vaultpam-audit-payload/v1\u0000", salt, payload).toString("hex");
  const micros = BigInt(Date.parse(time)) * 1000n + 417n;
  const leaf = sha(Buffer.of(0), `vaultpam-audit-leaf/v1\n${logId}\n${seq}\n${e.id}\n${micros}\n${constant}\n${payloadHash}\n`);
  leaves.push(leaf);
  events.push({ ...e, seq, sentence, leaf_hash: leaf.toString("hex"), _payload: payload.toString(), _salt: salt.toString("base64"), _hash: payloadHash });
}

const user = (h, type = "User") => ({ type, id: byHandle(h).id, name: byHandle(h).name, authenticated: true });
const system = { type: "System", id: "", name: "system", authenticated: true };
const safeT = (s) => ({ type: "Safe", id: s.id, name: s.name });
const sessT = (id) => ({ type: "Session", id, name: "" });

/** Fills the ledger; sessions are told oldest first. */
export function fill(sessions) {
  const [web, , db, billing] = safes;
  const conn = "Connections / Sessions";
  const ident = "Identity / Access / Sharing";
  add(60 * 24 * 30, "CONNECTION_DEFINITION_CREATED", "Connection Definition Created", conn, "INFO", user("jonas", "TenantAdmin"), { type: "Connection", id: resources[0].id, name: "prod-web-01" }, "Jonas Weber added the resource prod-web-01.", { metadata: { protocol: "ssh", host: resources[0].host, port: 22 } });
  add(60 * 24 * 29, "PRIVILEGED_ACCOUNT_CREATED", "Privileged Account Created", "Accounts / Secrets / Credentials", "INFO", user("jonas", "TenantAdmin"), { type: "Account", id: accounts[0].id, name: "web-01-deploy" }, "Jonas Weber added the account web-01-deploy.", { metadata: { username: "deploy", credential_kind: "ssh_key" } });
  add(60 * 24 * 28, "POLICY_ASSIGNMENT_CHANGED", "Policy Assignment Changed", ident, "WARN", user("ada", "TenantAdmin"), { type: "Policy", id: makeId("pol"), name: "web-prod" }, "Ada Lindqvist made the safe web-prod with its policy.", { metadata: { safe_id: web.id, assignment_change: "attached", changes: [], weakened_controls: [] } });
  add(60 * 24 * 12, "SAFE_MEMBER_ADDED", "Safe Member Added", "Groups / Safe Access", "INFO", user("ada", "OrgAdmin"), safeT(web), "Ada Lindqvist added Grace Okafor to web-prod as user.", { metadata: { subject_user_id: byHandle("grace").id, role: "user" } });
  add(60 * 26, "AUTH_SIGN_IN_FAILED", "Auth Sign In Failed", ident, "WARN", { type: "User", id: "", name: "luca@acme.example", authenticated: false }, { type: "Tenant", id: orgs.acme.id, name: "Acme Industries" }, "A sign-in as luca@acme.example failed.", { outcome: "failure", reason: "wrong_password", source: { ip: "203.0.113.44" } });
  for (const s of [...sessions].sort((a, b) => a.started_at.localeCompare(b.started_at))) {
    const m = (Date.now() - Date.parse(s.started_at)) / 60_000;
    const who = { type: "User", id: s.user.id, name: s.user.name, authenticated: true };
    const more = { session_id: s.id, source: { ip: s.source_ip, user_agent: s.client === "openssh" ? "SSH-2.0-OpenSSH_9.6" : "Mozilla/5.0" } };
    add(m + 0.05, "SESSION_START_REQUESTED", "Session Start Requested", conn, "INFO", who, { type: "Connection", id: s.resource.id, name: s.resource.name }, `${s.user.name} asked for a session on ${s.safe.name} and got it.`, { ...more, metadata: { protocol: "ssh", safe_id: s.safe.id, account_id: s.account.id, grant_id: makeId("grant") } });
    add(m + 0.02, "SECRET_ACCESSED", "Secret Accessed", "Accounts / Secrets / Credentials", "INFO", who, { type: "Secret", id: s.account.id, name: s.account.username }, `The secret of ${s.account.username} was used for ${s.user.name}.`, { ...more, metadata: { access_kind: "injection", credential_version: 2 } });
    add(m, "SESSION_ESTABLISHED", "Session Established", conn, "INFO", who, sessT(s.id), `${s.user.name} opened a session on ${s.safe.name} as ${s.account.username}.`, { ...more, metadata: { protocol: "ssh", safe_id: s.safe.id, resumed: false, recording_mode: "required" } });
    if (s.state !== "ended") continue;
    const end = (Date.now() - Date.parse(s.ended_at)) / 60_000;
    if (s.id === sessions.find((x) => x.state === "ended")?.id)
      add(end + 1, "SESSION_POLICY_ENFORCED", "Session Policy Enforced", conn, "WARN", system, sessT(s.id), `A port forward of ${s.user.name} was blocked on ${s.safe.name}.`, { ...more, outcome: "denied", reason: "port_forward_blocked", metadata: { control: "port_forward", data_direction: "to_target", coalesced: 1 } });
    const [constant, text] = { user: ["SESSION_TERMINATED_BY_USER", `${s.user.name} ended the session on ${s.safe.name}.`], admin: ["SESSION_TERMINATED_BY_ADMIN", `Jonas Weber ended the session of ${s.user.name} on ${s.safe.name}.`], system: ["SESSION_TERMINATED_BY_SYSTEM", `The session of ${s.user.name} on ${s.safe.name} ended: ${s.end_reason}.`] }[s.ended_by];
    add(end, constant, `Session Terminated by ${s.ended_by === "user" ? "User" : s.ended_by === "admin" ? "Admin" : "System"}`, conn, s.ended_by === "admin" ? "WARN" : "INFO", s.ended_by === "admin" ? user("jonas", "TenantAdmin") : s.ended_by === "user" ? who : system, sessT(s.id), text, { ...more, metadata: { protocol: "ssh", duration_seconds: s.duration_seconds } });
    if (s.recording) add(end - 0.02, "SESSION_RECORDING_FINALIZED", "Session Recording Finalized", conn, "INFO", system, sessT(s.id), `The recording of ${s.user.name} on ${s.safe.name} is sealed and verified.`, { ...more, source: {}, metadata: { recording_id: s.recording.id, size_bytes: s.recording.size_bytes, duration_seconds: s.duration_seconds, root_hash: s.recording.root_hash, parts: 1 } });
  }
  add(9, "POLICY_ASSIGNMENT_CHANGED", "Policy Assignment Changed", ident, "WARN", user("ada", "TenantAdmin"), { type: "Policy", id: makeId("pol"), name: "orders-db" }, "Ada Lindqvist changed the policy of orders-db and weakened session_ttl.", { metadata: { safe_id: db.id, assignment_change: "edited", changes: [{ field: "session_ttl_seconds", old: "1800", new: "3600" }, { field: "max_sessions", old: "0", new: "2" }], weakened_controls: ["session_ttl"] } });
  add(7, "SESSION_START_REQUESTED", "Session Start Requested", conn, "INFO", user("grace"), { type: "Connection", id: resources[3].id, name: "billing" }, "Grace Okafor asked for a session on billing and was refused.", { outcome: "denied", reason: "outside_valid_hours", severity: "WARN", metadata: { protocol: "ssh", safe_id: billing.id } });
  add(4, "SECURITY_INCIDENT_FLAGGED", "Security Incident Flagged", "Admin / Platform / Audit", "CRITICAL", system, { type: "Tenant", id: orgs.acme.id, name: "Acme Industries" }, "A used launch grant was presented again, from another address.", { source: { ip: "198.51.100.23" }, metadata: { incident: "grant_replayed" } });
  add(2, "API_TOKEN_CREATED", "API Token Created", "Admin / Platform / Audit", "INFO", user("ada"), { type: "API Token", id: makeId("tok"), name: "nightly-backup" }, "Ada Lindqvist made the API token nightly-backup.", { metadata: { scopes: ["safes:read", "sessions:launch"], expires_in_days: 30 } });
  add(0.4, "AUDIT_LOG_VIEWED", "Audit Log Viewed", "Admin / Platform / Audit", "INFO", user("mei"), { type: "AuditLog", id: logId, name: "Acme Industries" }, "Mei Tanaka looked at the audit log of Acme Industries.");
}

const root = (l) => {
  if (l.length === 1) return l[0];
  const k = 2 ** Math.floor(Math.log2(l.length - 1));
  return nodeHash(root(l.slice(0, k)), root(l.slice(k)));
};
const path = (m, l) => {
  if (l.length === 1) return [];
  const k = 2 ** Math.floor(Math.log2(l.length - 1));
  return m < k ? [...path(m, l.slice(0, k)), root(l.slice(k))] : [...path(m - k, l.slice(k)), root(l.slice(0, k))];
};

export function checkpoint() {
  const text = `${name}/${logId}\n${leaves.length}\n${root(leaves).toString("base64")}\n`;
  const signature = Buffer.concat([keyId, sign(null, Buffer.from(text), privateKey)]).toString("base64");
  return `${text}\n— ${name} ${signature}\n`;
}

export function inclusion(id) {
  const e = events.find((x) => x.id === id);
  if (!e) return undefined;
  const hashes = path(e.seq, leaves).map((h) => `${h.toString("base64")}\n`);
  return `c2sp.org/tlog-proof@v1\nindex ${e.seq}\n${hashes.join("")}\n${checkpoint()}`;
}
