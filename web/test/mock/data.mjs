// The world of the mock: one organization with a past, one without anything.
const now = Date.now();
export const ago = (minutes) => new Date(now - minutes * 60_000).toISOString();
export const ahead = (minutes) => new Date(now + minutes * 60_000).toISOString();

let counter = 0;
export function makeId(prefix) {
  const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  let n = BigInt(now) * 100_000n + BigInt(++counter);
  let text = "";
  for (let i = 0; i < 26; i++) {
    text = alphabet[Number(n & 31n)] + text;
    n >>= 5n;
    if (n === 0n) n = BigInt(counter * 7919 + i * 104_729 + 977);
  }
  return `${prefix}_${text}`;
}

export const orgs = {
  acme: { id: "org_01jz8q4n5yf3v9t2c6w0k7m1xa", slug: "acme", name: "Acme Industries" },
  nord: { id: "org_01jz8q4n5yf3v9t2c6w0k7m1xb", slug: "nordwind", name: "Nordwind Energy" },
};

const person = (handle, name, role, mfa, seen) => ({
  id: makeId("usr"),
  handle,
  name,
  email: `${handle}@acme.example`,
  role,
  mfa,
  seen,
});

export const people = [
  person("ada", "Ada Lindqvist", "owner", true, 12),
  person("jonas", "Jonas Weber", "admin", true, 95),
  person("grace", "Grace Okafor", "operator", true, 33),
  person("tomas", "Tomás Varga", "operator", true, 1_440 * 2),
  person("priya", "Priya Raman", "operator", true, 60 * 7),
  person("mei", "Mei Tanaka", "auditor", true, 60 * 26),
  person("luca", "Luca Bianchi", "operator", false, null),
];
export const byHandle = (h) => people.find((p) => p.handle === h);

export const policy = (over = {}) => ({
  recording: true,
  record_input: true,
  session_ttl_seconds: 14_400,
  idle_timeout_seconds: 900,
  valid_hours: null,
  source_networks: [],
  local_forward: false,
  remote_forward: false,
  agent_forward: false,
  x11_forward: false,
  jump: "block",
  file_transfer: "audit",
  clipboard: "allow",
  step_up: false,
  step_up_freshness_seconds: 900,
  max_sessions: 0,
  checkout_timeout_seconds: 3600,
  approvals: 0,
  request_by: "members",
  request_max_seconds: 28_800,
  request_wait_seconds: 86_400,
  approval_once: false,
  cool_down_seconds: 300,
  auto_approve_groups: [],
  break_glass: [],
  delegation: "allow",
  ...over,
});

const key = (n) => ({ fingerprint: `SHA256:${["Vx2kQm3yT9hJ0bFzq8sLwA1nRc7uEoPiGd4tYv6Z5Xk", "p0Lr8Wq2NsVf6YtCm1ZxKj9HbGd3EuAo5QiTz7Rw4Sc", "hT4vB8nMq1wE7rYu3iOp5aSd9fGh2jKl6zXc0vBnMqw"][n % 3]}`, type: "ssh-ed25519", confirmed_at: ago(60 * 24 * 30 + n), confirmed_by: "usr_x", public_key: "ssh-ed25519 AAAA", pinned: true });
const resource = (name, host, description, n, confirmed = true, port = 22) => ({
  id: makeId("res"),
  name,
  protocol: "ssh",
  host,
  port,
  description,
  host_keys: confirmed ? [key(n)] : [],
  version: 1,
  created_at: ago(60 * 24 * 31 + n * 300),
  updated_at: ago(60 * 24 * 30),
});

export const resources = [
  resource("prod-web-01", "web-01.prod.acme.example", "Storefront, first of two", 0),
  resource("prod-web-02", "web-02.prod.acme.example", "Storefront, second of two", 1),
  resource("prod-db-01", "10.20.4.11", "Orders database, primary", 2),
  resource("billing", "billing.internal.acme.example", "Invoices and payouts", 3),
  resource("build-runner", "10.20.9.40", "Builds and releases", 4, true, 2222),
  resource("edge-fra", "edge-fra.acme.example", "Edge router, Frankfurt", 5, false),
];

const account = (name, r, username, kind, state, n) => ({
  id: makeId("acct"),
  name,
  resource_id: r.id,
  username,
  kind,
  state,
  ...(kind === "ssh_key" ? { public_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG7mZ0cQ4wTq1nV8xLr2sKp9eYb3hJd6fUo5iTzRvWkN vaultpam", fingerprint: `SHA256:${"Vx2kQm3yT9hJ0bFzq8sLwA1nRc7uEoPiGd4tYv6Z5Xk"}` } : {}),
  credential_version: 1 + (n % 4),
  rotate_every: n === 3 ? 30 : 0,
  ...(n === 3 ? { last_rotation_at: ago(60 * 24 * 29), next_rotation_at: ahead(60 * 24) } : {}),
  ...(n === 7 ? { rotation_due_since: ago(95), rotation_due_reason: "checkin" } : {}),
  version: 1,
  created_at: ago(60 * 24 * 29),
  updated_at: ago(60 * 24 * (n * 9 + 2)),
});

const rotation = (a, trigger, more) => ({ id: makeId("rot"), account_id: a.id, trigger, credential_kind: a.kind, attempt: 1, created_at: ago(95), started_at: ago(95), ...more });

export const accounts = [
  account("web-01-deploy", resources[0], "deploy", "ssh_key", "enabled", 1),
  account("web-02-deploy", resources[1], "deploy", "ssh_key", "enabled", 2),
  account("db-01-postgres", resources[2], "postgres", "ssh_key", "enabled", 3),
  account("billing-root", resources[3], "root", "password", "enabled", 7),
  account("runner-ci", resources[4], "ci", "ssh_key", "enabled", 0),
  account("runner-old", resources[4], "jenkins", "password", "disabled", 12),
];

/** The latest rotation of an account: one that worked, one that did not. */
export const rotations = new Map([
  [accounts[2].id, [rotation(accounts[2], "schedule", { state: "completed", target_state: "changed", old_key: "removed", attempt: 1, new_version: 4, ended_at: ago(60 * 24 * 29) })]],
  [accounts[3].id, [rotation(accounts[3], "checkin", { state: "waiting", target_state: "unchanged", attempt: 3, reason: "target_policy_rejected", detail: "the target does not let the password be changed again so soon", next_attempt_at: ahead(14) })]],
]);

const safe = (name, description, a, over, members, blocked) => {
  const r = resources.find((x) => x.id === a.resource_id);
  return {
    id: makeId("safe"),
    name,
    description,
    resource: { id: r.id, name: r.name, protocol: "ssh", host: r.host, port: r.port, pinned: true },
    account: { id: a.id, name: a.name, username: a.username, enabled: true },
    policy: policy(over),
    members: members.map(([h, role], i) => ({ user_id: byHandle(h).id, name: byHandle(h).name, email: byHandle(h).email, role, added_at: ago(60 * 24 * (3 + i * 4)) })),
    blocked,
    version: 1,
    created_at: ago(60 * 24 * 28),
    updated_at: ago(60 * 24 * 8),
  };
};

export const safes = [
  safe("web-prod", "Storefront hosts: deploys and log reading", accounts[0], {}, [["ada", "manager"], ["grace", "user"], ["tomas", "user"], ["priya", "user"]]),
  safe("web-prod-2", "Second storefront host", accounts[1], { file_transfer: "block", clipboard: "block" }, [["ada", "user"], ["grace", "user"]]),
  safe("orders-db", "Orders database, for incidents", accounts[2], { step_up: true, step_up_freshness_seconds: 600, session_ttl_seconds: 3600, max_sessions: 2 }, [["ada", "manager"], ["grace", "user"], ["priya", "checkout"]], { grace: "mfa_required" }),
  safe(
    "billing",
    "Payouts host. Two people know why this is narrow",
    accounts[3],
    { valid_hours: { days: ["mon", "tue", "wed", "thu", "fri"], from: "08:00", to: "18:00", time_zone: "Europe/Berlin" }, source_networks: ["10.0.0.0/8"], file_transfer: "block", step_up: true },
    [["jonas", "manager"], ["grace", "user"]],
    { grace: "outside_valid_hours" },
  ),
  safe("build-runner", "", accounts[4], { local_forward: true, file_transfer: "allow", recording: false, record_input: false }, [["priya", "manager"], ["ada", "user"], ["grace", "manager"]]),
];

export const factors = [{ id: makeId("fac"), kind: "totp", name: "Ada's phone", created_at: ago(60 * 24 * 40), last_used_at: ago(12) }, { id: makeId("fac"), kind: "webauthn", name: "Blue YubiKey", passkey: true, created_at: ago(60 * 24 * 12), last_used_at: ago(60 * 26) }];
export const sshKeys = [
  { id: makeId("key"), name: "ada@thinkpad", algorithm: "ssh-ed25519", fingerprint: "SHA256:3QyGk1vN8mWq0RzT5uYb7PcXhJ4sLdFo2EaIiKtMvZw", created_at: ago(60 * 24 * 25), last_used_at: ago(180) },
  { id: makeId("key"), name: "ada@workstation", algorithm: "sk-ssh-ed25519@openssh.com", fingerprint: "SHA256:9BzHn4xQ2vLt6KpWe8YsRc1UdMf3GoJa5TiXqNbVwEk", created_at: ago(60 * 24 * 6) },
];
export const tokens = [
  { id: makeId("tok"), name: "nightly-backup", owner_id: "usr_x", owner: "ada", scopes: ["safes:read", "sessions:launch"], created_at: ago(60 * 24 * 20), expires_at: ahead(60 * 24 * 10), last_used_at: ago(60 * 9) },
  { id: makeId("tok"), name: "audit-archive", owner_id: "usr_x", owner: "ada", scopes: ["audit:read", "audit:export"], created_at: ago(60 * 24 * 90), expires_at: ahead(60 * 24 * 90), last_used_at: ago(42) },
];
