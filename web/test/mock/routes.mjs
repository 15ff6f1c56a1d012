import { accounts, ago, ahead, byHandle, factors, makeId, orgs, people, resources, rotations, safes, sshKeys, tokens } from "./data.mjs";
import { accessRoutes } from "./access.mjs";
import { adminRoutes } from "./admin.mjs";
import { cast } from "./cast.mjs";
import { governanceRoutes } from "./governance.mjs";
import { reviewRoutes } from "./reviews.mjs";
import { checkpoint, events, fill, inclusion, vkey } from "./ledger.mjs";
import { sessions } from "./sessions.mjs";

fill(sessions);

export function problem(res, status, code, detail, errors) {
  res.writeHead(status, { "Content-Type": "application/problem+json", ...(status === 429 ? { "Retry-After": "840" } : {}) });
  res.end(JSON.stringify({ type: "about:blank", title: code, status, detail, code, errors, request_id: makeId("req") }));
}

class Refusal extends Error {
  constructor(status, code, detail, errors) {
    super(detail);
    Object.assign(this, { status, code, detail, errors });
  }
}
const refuse = (status, code, detail, errors) => {
  throw new Refusal(status, code, detail, errors);
};
const missing = (what) => refuse(404, "NOT_FOUND", `there is no such ${what}`);

function page(items, url) {
  const limit = Number(url.searchParams.get("limit") ?? 50);
  const from = Number(url.searchParams.get("cursor") ?? 0);
  return { items: items.slice(from, from + limit), ...(items.length > from + limit ? { next_cursor: String(from + limit) } : {}) };
}

const cookieOf = (req) => /vaultpam_session=([\w-]+)/.exec(req.headers.cookie ?? "")?.[1];
const member = (p) => ({ user_id: p.id, email: p.email, handle: p.handle, name: p.name, role: p.role, active: p.handle !== "luca", mfa_enrolled: p.handle !== "luca", joined_at: ago(60 * 24 * 40 + (p.seen ?? 0)) });

function safeFor(s, me) {
  const role = s.members.find((m) => m.user_id === me.id)?.role ?? "";
  const blocked = s.blocked?.[me.handle];
  const { members: _m, blocked: _b, ...rest } = s;
  return { ...rest, my_role: role, can_launch: role !== "" && !blocked && me.role !== "auditor", ...(blocked ? { blocked_by: blocked, blocked: { mfa_required: "this safe asks for a fresh second factor: verify again, then launch", outside_valid_hours: "this safe cannot be used at this hour: try again within its valid hours, or ask a manager of the safe" }[blocked] } : {}), ssh_command: `ssh -p 2222 ${me.handle}+${s.name}@vault.acme.example` };
}

const table = [];
const on = (method, pattern, fn) => table.push({ method, pattern: new RegExp(`^/api/v1${pattern.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`), fn });

export async function route(req, res, url, body) {
  const hit = table.find((r) => r.method === req.method && r.pattern.test(url.pathname));
  if (!hit) return problem(res, 404, "NOT_FOUND", `there is no ${req.method} ${url.pathname}`);
  const params = hit.pattern.exec(url.pathname).groups ?? {};
  const open = url.pathname.startsWith("/api/v1/auth/login") || url.pathname.startsWith("/api/v1/auth/mfa") || url.pathname.startsWith("/api/v1/platform/setup") || url.pathname.startsWith("/api/v1/auth/sso") || url.pathname.startsWith("/api/v1/auth/passkey") || /^\/api\/v1\/(invitations\/|signup|auth\/recovery|auth\/password-reset|platform\/invitations\/(look|start|accept|decline))\b/.test(url.pathname);
  const handle = cookieOf(req);
  const me = byHandle(handle);
  if (!open && !me) return problem(res, 401, "AUTH_FAILED", "sign in first");
  const empty = req.headers["x-active-org-id"] === orgs.nord.id;
  const out = await hit.fn({ req, res, url, body, params, me, empty });
  if (out === undefined || res.headersSent) {
    if (!res.headersSent) res.writeHead(204).end();
    return;
  }
  if (typeof out === "string") {
    res.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" });
    return res.end(out);
  }
  res.writeHead(200, { "Content-Type": "application/json" });
  res.end(JSON.stringify(out));
}

const setCookie = (res, value) => res.setHeader("Set-Cookie", `vaultpam_session=${value}; HttpOnly; SameSite=Strict; Path=/`);
let pending = "ada";

on("POST", "/auth/login", ({ body, res }) => {
  const handle = body.email.split("@")[0];
  if (body.password === "locked") refuse(429, "RATE_LIMITED", "too many failed attempts: this account is locked");
  const p = byHandle(handle);
  if (!p || body.password === "wrong") refuse(401, "AUTH_FAILED", "email or password is wrong");
  pending = handle;
  if (!p.mfa) {
    setCookie(res, handle);
    return { expires_in: 600, enrolment_required: true };
  }
  return { mfa: { challenge_id: "chal_1", methods: ["totp", "backup_code"], expires_at: ahead(5) } };
});
on("POST", "/auth/mfa", ({ body, res }) => {
  if (body.method === "totp" && body.code !== "123456") refuse(401, "AUTH_FAILED", "this code is wrong or was used already; wait for the next one");
  setCookie(res, pending);
  return { expires_in: 28_800 };
});
on("POST", "/auth/logout", ({ res }) => setCookie(res, "none"));
on("POST", "/auth/step-up", ({ me }) => {
  pending = me.handle;
  return { challenge_id: "chal_2", methods: ["totp", "backup_code"], expires_at: ahead(5) };
});
on("POST", "/auth/step-up/answer", ({ body }) => {
  if (body.code !== "123456") refuse(401, "AUTH_FAILED", "this code is wrong or was used already; wait for the next one");
});
on("POST", "/auth/password", ({ body }) => {
  if (body.current === "wrong") refuse(422, "INVALID", "the password was not changed", [{ path: "body.current", message: "is not your password" }]);
});
on("GET", "/auth/me", ({ me }) => ({ user: { id: me.id, email: me.email, handle: me.handle, name: me.name }, org: null, platform_role: me.handle === "ada" ? "platform_admin" : "", mfa: { enrolled: me.mfa, verified_at: ago(3), backup_codes_left: 7 }, via: "session", ssh: { addr: "vault.acme.example:2222" } }));
on("GET", "/org/memberships", ({ me }) => ({ active_org_id: orgs.acme.id, memberships: [{ org_id: orgs.acme.id, slug: "acme", name: orgs.acme.name, role: me.role }, ...(me.handle === "ada" ? [{ org_id: orgs.nord.id, slug: "nordwind", name: orgs.nord.name, role: "admin" }] : [])] }));
on("GET", "/org/members", ({ url, empty, me }) => page((empty ? [me] : people).map(member).filter((m) => `${m.name} ${m.email} ${m.handle} ${m.user_id}`.toLowerCase().includes((url.searchParams.get("q") ?? "").toLowerCase()) && (!url.searchParams.get("role") || m.role === url.searchParams.get("role"))), url));
on("POST", "/org/members", ({ body }) => {
  if (people.some((p) => p.handle === body.handle)) refuse(409, "CONFLICT", `the handle ${body.handle} is taken`, [{ path: "body.handle", message: "is taken" }]);
  const p = { id: makeId("usr"), handle: body.handle, name: body.name, email: body.email, role: body.role, mfa: false, seen: null };
  people.push(p);
  return member(p);
});
on("PUT", "/org/members/{user}/role", ({ params, body }) => {
  const p = people.find((x) => x.id === params.user) ?? missing("member");
  p.role = body.role;
});

on("GET", "/mfa/factors", () => ({ items: factors, backup_codes_left: 7 }));
on("POST", "/mfa/totp", ({ me }) => ({ factor_id: "fac_new", secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", otpauth_uri: `otpauth://totp/VaultPAM:${me.email}?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=VaultPAM` }));
const codes = () => ["k7f2-9qxm", "w3hd-5tzc", "p8nr-2jvy", "b6ys-7mdk", "x4gq-8wfa", "t9cz-3nhe", "m2vk-6rbp", "q5jw-4dxs", "h8ta-9fyg", "z3me-7kcn"];
on("POST", "/mfa/totp/{id}/confirm", ({ body, me }) => {
  if (body.code !== "123456") refuse(422, "INVALID", "this code does not fit; check that your phone's clock is right");
  me.mfa = true;
  return { backup_codes: codes() };
});
on("DELETE", "/mfa/factors/{id}", () => undefined);
on("POST", "/mfa/backup-codes", () => ({ backup_codes: codes() }));
on("GET", "/ssh-keys", ({ url }) => page(sshKeys, url));
on("POST", "/ssh-keys", ({ body }) => {
  const k = { id: makeId("key"), name: body.name, algorithm: body.public_key.split(" ")[0], fingerprint: "SHA256:5XkVx2kQm3yT9hJ0bFzq8sLwA1nRc7uEoPiGd4tYv6Z", created_at: ago(0) };
  sshKeys.push(k);
  return k;
});
on("DELETE", "/ssh-keys/{id}", ({ params }) => void sshKeys.splice(sshKeys.findIndex((k) => k.id === params.id), 1));
on("GET", "/tokens", ({ url }) => page(tokens, url));
on("POST", "/tokens", ({ body }) => {
  const t = { id: makeId("tok"), name: body.name, owner_id: "x", owner: "ada", scopes: body.scopes, created_at: ago(0), expires_at: ahead(body.expires_in_days * 1440) };
  tokens.push(t);
  return { ...t, token: "vpat_Zq81mT4xV9kL2nB7cR5wY0hJ3fD6gS8pA1eU" };
});
on("DELETE", "/tokens/{id}", ({ params }) => void tokens.splice(tokens.findIndex((k) => k.id === params.id), 1));

on("GET", "/resources", ({ url, empty }) => page(empty ? [] : resources, url));
on("POST", "/resources", ({ body }) => {
  if (resources.some((r) => r.name === body.name)) refuse(409, "NAME_TAKEN", `resource "${body.name}" exists already; choose another name`, [{ path: "name", message: "is taken" }]);
  const r = { id: makeId("res"), ...body, host_keys: [], version: 1, created_at: ago(0), updated_at: ago(0) };
  resources.push(r);
  return r;
});
on("GET", "/resources/{id}", ({ params }) => resources.find((r) => r.id === params.id) ?? missing("resource"));
on("PATCH", "/resources/{id}", ({ params, body }) => Object.assign(resources.find((r) => r.id === params.id) ?? missing("resource"), body));
on("DELETE", "/resources/{id}", ({ params }) => {
  if (safes.some((s) => s.resource.id === params.id)) refuse(409, "RESOURCE_IN_USE", "the resource is used by safes; take it out of them first");
  resources.splice(resources.findIndex((r) => r.id === params.id), 1);
});
on("POST", "/resources/{id}/host-key/scan", ({ params }) => {
  const r = resources.find((x) => x.id === params.id) ?? missing("resource");
  return { fingerprint: r.host_keys[0]?.fingerprint ?? "SHA256:uNq7Rk2vXw9bTf4yLm8cZs1HgJd6PoEa3IiKtVxQ5Wn", type: "ssh-ed25519", public_key: "ssh-ed25519 AAAA" };
});
on("DELETE", "/resources/{id}/host-key", ({ params, url }) => {
  const r = resources.find((x) => x.id === params.id) ?? missing("resource");
  r.host_keys = r.host_keys.filter((k) => k.fingerprint !== url.searchParams.get("fingerprint"));
  return r;
});
on("DELETE", "/org/members/{user}", ({ params }) => void people.splice(people.findIndex((p) => p.id === params.user), 1));
on("POST", "/resources/{id}/host-key", ({ params, body }) => {
  const r = resources.find((x) => x.id === params.id) ?? missing("resource");
  r.host_keys = [{ fingerprint: body.fingerprint, type: "ssh-ed25519", confirmed_at: ago(0) }];
  return r;
});

on("GET", "/accounts", ({ url, empty }) => page(empty ? [] : accounts, url));
on("POST", "/accounts", ({ body }) => {
  const r = resources.find((x) => x.id === body.resource_id) ?? missing("resource");
  const a = { id: makeId("acct"), name: body.name, resource_id: r.id, username: body.username, kind: body.kind, state: "enabled", credential_version: 1, version: 1, created_at: ago(0), updated_at: ago(0) };
  accounts.push(a);
  return a;
});
on("GET", "/accounts/{id}", ({ params }) => accounts.find((a) => a.id === params.id) ?? missing("account"));
on("PATCH", "/accounts/{id}", ({ params }) => accounts.find((a) => a.id === params.id) ?? missing("account"));
on("GET", "/accounts/{id}/rotations", ({ params, url }) => page(rotations.get(params.id) ?? [], url));
on("POST", "/accounts/{id}/rotate", ({ params }) => {
  const a = accounts.find((x) => x.id === params.id) ?? missing("account");
  const r = { id: makeId("rot"), account_id: a.id, trigger: "manual", credential_kind: a.kind, state: "running", target_state: "unchanged", attempt: 1, created_at: ago(0), started_at: ago(0) };
  rotations.set(a.id, [r, ...(rotations.get(a.id) ?? [])]);
  return r;
});
on("DELETE", "/accounts/{id}", ({ params }) => void accounts.splice(accounts.findIndex((a) => a.id === params.id), 1));
on("POST", "/accounts/{id}/disable", ({ params }) => Object.assign(accounts.find((a) => a.id === params.id), { state: "disabled" }));
on("POST", "/accounts/{id}/enable", ({ params }) => Object.assign(accounts.find((a) => a.id === params.id), { state: "enabled" }));

on("GET", "/safes", ({ url, me, empty }) => {
  if (empty) return { items: [] };
  const q = (url.searchParams.get("q") ?? "").toLowerCase();
  const all = safes.map((s) => safeFor(s, me)).filter((s) => `${s.name} ${s.description} ${s.resource.name} ${s.account.username}`.toLowerCase().includes(q)).filter((s) => {
    const is = (key, value) => (url.searchParams.get(key) ?? value) === value;
    return is("name", s.name) && is("resource", s.resource.id) && is("account", s.account.id);
  });
  return page(url.searchParams.get("mine") ? all.filter((s) => s.my_role) : all, url);
});
const findSafe = (id) => safes.find((s) => s.id === id) ?? missing("safe");
on("POST", "/safes", ({ body, me }) => {
  const r = resources.find((x) => x.id === body.resource_id);
  const a = accounts.find((x) => x.id === body.account_id);
  const s = { id: makeId("safe"), name: body.name, description: body.description, resource: { id: r.id, name: r.name, protocol: "ssh", host: r.host, port: r.port }, account: { id: a.id, name: a.name, username: a.username }, policy: { valid_hours: null, ...body.policy }, members: [], version: 1, created_at: ago(0) };
  safes.push(s);
  return safeFor(s, me);
});
on("GET", "/safes/{id}", ({ params, me }) => safeFor(findSafe(params.id), me));
on("PATCH", "/safes/{id}", ({ params, body, me }) => safeFor(Object.assign(findSafe(params.id), body), me));
on("DELETE", "/safes/{id}", ({ params }) => void safes.splice(safes.indexOf(findSafe(params.id)), 1));
on("PUT", "/safes/{id}/policy", ({ params, body, me }) => {
  const s = findSafe(params.id);
  s.policy = { valid_hours: null, ...body };
  return safeFor(s, me);
});
on("GET", "/safes/{id}/members", ({ params, url }) => page(findSafe(params.id).members, url));
on("POST", "/safes/{id}/members", ({ params, body }) => {
  const p = people.find((x) => x.id === body.user_id) ?? missing("person");
  findSafe(params.id).members.push({ user_id: p.id, name: p.name, email: p.email, role: body.role, added_at: ago(0) });
});
on("PUT", "/safes/{id}/members/{user}", ({ params, body }) => Object.assign(findSafe(params.id).members.find((m) => m.user_id === params.user) ?? missing("member"), { role: body.role }));
on("DELETE", "/safes/{id}/members/{user}", ({ params }) => {
  const s = findSafe(params.id);
  s.members = s.members.filter((m) => m.user_id !== params.user);
});

on("POST", "/sessions/launch", ({ body, me }) => {
  const s = findSafe(body.safe_id);
  if (s.blocked?.[me.handle] === "mfa_required") refuse(403, "MFA_REQUIRED", "this safe asks for a fresh second factor: verify again, then launch");
  if (s.blocked?.[me.handle]) refuse(403, "OUTSIDE_VALID_HOURS", "this safe cannot be used at this hour: try again within its valid hours, or ask a manager of the safe");
  return { session_id: sessions[0].id, grant_id: makeId("grant"), grant: "one-time", expires_at: ahead(1) };
});
on("GET", "/sessions", ({ url, me, empty }) => {
  if (empty) return { items: [] };
  const q = url.searchParams;
  const list = sessions
    .filter((s) => me.role !== "operator" || s.user.id === me.id)
    .filter((s) => !q.get("state") || s.state === q.get("state"))
    .filter((s) => !q.get("user") || s.user.id === q.get("user"))
    .filter((s) => !q.get("safe") || s.safe.id === q.get("safe"))
    .filter((s) => !q.get("from") || s.started_at >= q.get("from"))
    .filter((s) => !q.get("to") || s.started_at <= q.get("to"));
  return page(list.sort((a, b) => b.started_at.localeCompare(a.started_at)), url);
});
on("GET", "/sessions/live/events", ({ res, req }) => {
  res.writeHead(200, { "Content-Type": "text/event-stream" });
  res.write(": hello\n\n");
  return new Promise((resolve) => req.on("close", resolve));
});
const findSession = (id) => sessions.find((s) => s.id === id) ?? missing("session");
on("GET", "/sessions/{id}", ({ params }) => findSession(params.id));
on("POST", "/sessions/{id}/terminate", ({ params }) => Object.assign(findSession(params.id), { state: "ended", ended_at: ago(0), ended_by: "admin", end_reason: "admin_order", ended_by_name: "Ada Lindqvist" }));
on("GET", "/sessions/{id}/recording", ({ url, res, req }) => {
  if (url.searchParams.get("live") !== "true") return cast();
  res.writeHead(200, { "Content-Type": "application/x-asciicast" });
  res.write(cast().split("\n").slice(0, 120).join("\n") + "\n");
  return new Promise((resolve) => req.on("close", resolve));
});
on("GET", "/sessions/{id}/recording/info", ({ params }) => findSession(params.id).recording ?? missing("recording"));

on("GET", "/audit/events", ({ url, empty, me }) => {
  if (empty) return { items: [] };
  if (me.role === "operator") refuse(403, "NOT_PERMITTED", "you may not read the audit log");
  const q = url.searchParams;
  const has = (key, fn) => !q.get(key) || fn(q.get(key));
  const list = events
    .filter((e) => has("constant", (v) => e.constant === v) && has("category", (v) => e.category === v) && has("severity", (v) => e.severity === v) && has("outcome", (v) => e.outcome === v))
    .filter((e) => has("actor", (v) => e.actor.id === v) && has("target", (v) => e.target.id === v) && has("session", (v) => e.session_id === v))
    .filter((e) => has("from", (v) => e.time >= v) && has("to", (v) => e.time <= v) && has("q", (v) => JSON.stringify(e).toLowerCase().includes(v.toLowerCase())));
  return page([...list].reverse().map(({ _payload, _salt, _hash, ...e }) => e), url);
});
on("GET", "/audit/events/{id}", ({ params }) => {
  const { _payload, _salt, _hash, ...e } = events.find((x) => x.id === params.id) ?? missing("event");
  return { ...e, payload: _payload, salt: _salt };
});
on("GET", "/audit/catalog", () => ({ items: [...new Map(events.map((e) => [e.constant, { constant: e.constant, wire: e.event, category: e.category, severity: e.severity }])).values()] }));
on("GET", "/audit/checkpoint", () => checkpoint());
on("GET", "/audit/keys", () => ({ items: [{ vkey }] }));
on("GET", "/audit/proof/inclusion", ({ url }) => inclusion(url.searchParams.get("id")) ?? missing("event"));
on("GET", "/audit/export", () => "bundle\n");

on("POST", "/platform/setup", ({ body }) => {
  if (body.token === "used") refuse(401, "SETUP_TOKEN_INVALID", "this set-up link was used already or is older than 24 hours; restart the server to get a new one");
});
on("POST", "/platform/organizations", ({ body }) => ({ id: makeId("org"), ...body, active: true, created_at: ago(0) }));

on("GET", "/org/members/{user}/access", ({ params, url, empty }) =>
  page(
    safes.flatMap((s, i) => {
      const role = s.members.find((m) => m.user_id === params.user)?.role;
      const team = { role, group_id: "grp_1", group_name: "Platform team", ends_at: ahead(60 * 24 * 9) };
      const ways = [[{ role }], [team], [{ role }, { ...team, role: "user", group_name: "On call" }]][i % 3];
      return role && !empty ? [{ safe_id: s.id, safe_name: s.name, user_id: params.user, role, ways }] : [];
    }),
    url,
  ),
);

// Lost second factors
const lost = (p, state, minutes, more) => ({ id: makeId("rec"), state, person: { id: p.id, email: p.email, handle: p.handle, name: p.name }, lost_methods: ["totp", "backup_code"], source_ip: "203.0.113.40", created_at: ago(minutes), verified_at: ago(minutes - 4), expires_at: ahead(60 * 71), ...more });
export const recoveries = [lost(byHandle("grace"), "pending", 35), lost(byHandle("ada"), "pending", 50), lost(byHandle("luca"), "completed", 60 * 24 * 6, { decided_at: ago(60 * 24 * 6 - 30), comment: "Called back on the number we have." }), lost(byHandle("mei"), "denied", 60 * 24 * 20, { decided_at: ago(60 * 24 * 20 - 30), comment: "It was not her." })];
for (const desk of ["/org/recoveries", "/platform/recoveries"]) {
  on("GET", desk, ({ url, empty }) => page(empty ? [] : recoveries.filter((c) => !url.searchParams.get("state") || c.state === url.searchParams.get("state")), url));
  on("GET", `${desk}/{id}`, ({ params }) => recoveries.find((c) => c.id === params.id) ?? missing("recovery case"));
  on("POST", `${desk}/{id}/approve`, ({ params, body }) => Object.assign(recoveries.find((c) => c.id === params.id), { state: "approved", decided_at: ago(0), comment: body?.comment ?? "" }));
  on("POST", `${desk}/{id}/deny`, ({ params, body }) => Object.assign(recoveries.find((c) => c.id === params.id), { state: "denied", decided_at: ago(0), comment: body?.comment ?? "" }));
}
on("POST", "/auth/password-reset", () => undefined);
on("POST", "/auth/password-reset/complete", ({ body }) => (body.token === "old" ? refuse(409, "RESET_LINK_EXPIRED", "this link has expired: ask for a new one") : undefined));
on("POST", "/auth/recovery", () => ({ id: makeId("rec"), state: "requested", expires_at: ahead(60) }));
on("POST", "/auth/recovery/verify", ({ body }) => (body.proof === "old" ? refuse(409, "RECOVERY_EXPIRED", "this link has expired: sign in and ask again") : { id: makeId("rec"), state: "pending", expires_at: ahead(60 * 72) }));

// Invitations to operate the platform
on("POST", "/platform/invitations/look", ({ body }) => ({ inviter: "Ada Lindqvist", email: body.token === "new" ? "noor@acme.example" : "grace@acme.example", role: "platform_admin", expires_at: ahead(60 * 24 * 6), account_exists: body.token !== "new" }));
on("POST", "/platform/invitations/decline", () => undefined);

// Telephone number
let phone = { number: "+49 151 23456789", country: "DE", verified_at: ago(60 * 24 * 40), version: 2 };
on("GET", "/auth/me/phone", ({ me }) => (me.handle === "ada" ? phone : { version: 0 }));
on("POST", "/auth/me/phone/changes", ({ body }) => {
  if (!body.number.startsWith("+")) refuse(422, "INVALID", "the number is not valid: see the fields that are named", [{ path: "body.number", message: "must begin with + and the country" }]);
  phone = { ...phone, version: phone.version + 1, change: { id: makeId("phc"), number: body.number, by_admin: false, created_at: ago(0), expires_at: ahead(60), code_expires_at: ahead(10), attempts_left: 5 } };
  return phone;
});
on("POST", "/auth/me/phone/changes/{id}/confirm", () => {
  phone = { ...phone, change: { ...phone.change, attempts_left: phone.change.attempts_left - 1 } };
  refuse(422, "BAD_CODE", "this is not the code that was sent: look again");
});
on("POST", "/auth/me/phone/changes/{id}/resend", () => phone);
on("DELETE", "/auth/me/phone/changes/{id}", () => {
  phone = { ...phone, change: undefined };
});

// Single sign-on
const provider = { id: makeId("idp"), protocol: "oidc", name: "Acme Entra ID", enabled: true, issuer: "https://login.microsoftonline.com/5f1c/v2.0", client_id: "0f6d-41aa", has_secret: true, trust_mfa: false, provision: true, default_role: "operator", roles: [{ group: "vaultpam-admins", role: "admin" }, { group: "audit", role: "auditor" }], callback_url: "https://vault.acme.example/api/v1/auth/sso/oidc/idp_1/callback", logout_url: "https://vault.acme.example/api/v1/auth/sso/oidc/idp_1/backchannel-logout", version: 3, created_at: ago(60 * 24 * 20), updated_at: ago(60 * 30) };
const domains = [
  { domain: "acme.example", verified: true, verified_at: ago(60 * 24 * 21), record_name: "_vaultpam-challenge.acme.example", record_value: "vaultpam=7f3a" },
  { domain: "acme-labs.example", verified: false, record_name: "_vaultpam-challenge.acme-labs.example", record_value: "vaultpam-domain=k3v9q2x7m1z8w5t4r6y0" },
];
on("GET", "/org/sso", () => ({ required: false }));
on("PUT", "/org/sso", () => refuse(409, "SSO_UNTRIED", "sign in through the organization's provider first, and switch this on from there: it shows that the provider works"));
on("GET", "/org/sso/providers", ({ empty }) => ({ items: empty ? [] : [provider] }));
on("GET", "/org/sso/providers/{id}/people", ({ url }) => page(people.slice(1, 4).map((p) => ({ user_id: p.id, email: p.email, handle: p.handle, name: p.name, subject: p.id, linked_at: ago(9999), last_used_at: ago(300) })), url));
on("GET", "/org/sso/domains", ({ empty }) => ({ items: empty ? [] : domains }));
on("POST", "/auth/sso/choices", ({ body }) => {
  if (body.organization === "none") refuse(404, "SSO_NOT_CONFIGURED", "no single sign-on is set up for this organization or address: sign in with your password, or ask an administrator");
  return { items: [{ provider_id: provider.id, name: provider.name, protocol: "oidc" }, { provider_id: "idp_2", name: "Contractors (Keycloak)", protocol: "oidc" }] };
});

// Keys
on("POST", "/auth/passkey", () => ({ challenge_id: "chal_3", expires_at: ahead(5), public_key: { challenge: "AAAA", rpId: "localhost", allowCredentials: [], userVerification: "required", timeout: 60_000 } }));

// Joining
on("GET", "/invitations", ({ me }) => ({ items: me.handle === "ada" ? [{ id: "inv_1", organization: "Umbra Analytics", role: "auditor", invited_by: "kim", expires_at: ahead(60 * 24 * 5) }] : [] }));
on("POST", "/invitations/look", ({ body }) => {
  if (body.token === "old") refuse(409, "INVITATION_EXPIRED", "this invitation has expired: ask for a new one");
  return { organization: orgs.acme.name, org_slug: "acme", invited_by: "ada", email: body.token === "ada" ? "ada@acme.example" : "noor.hassan@acme.example", role: "operator", require_mfa: true, expires_at: ahead(60 * 24 * 6), account: body.token === "ada" ? "existing" : "new" };
});
on("POST", "/signup", () => undefined);
on("POST", "/signup/start", ({ body }) => ({ id: "sub_1", state: "draft", email: "noor@nordlicht.example", access: body.token, access_expires_at: ahead(600), account: "new", phone_required: body.token === "phone" }));
on("POST", "/signup/phone", () => ({ number: "+49 151 ••••6789", expires_at: ahead(10) }));
on("POST", "/signup/state", ({ body }) => ({ id: "sub_1", state: body.access === "wait" ? "submitted" : "draft", email: "noor@nordlicht.example", ...(body.access === "wait" ? { org_name: "Nordlicht", slug: "nordlicht", submitted_at: ago(12) } : {}) }));
const invited = (email, role, state, sent) => ({ id: makeId("inv"), email, role, safes: [], require_mfa: false, state, invited_by: "ada", created_at: ago(sent), sent_at: ago(sent), expires_at: ahead(60 * 24 * 7 - sent), resends: 0 });
const invitations = [invited("noor.hassan@acme.example", "operator", "pending", 60), invited("sam@acme.example", "auditor", "pending", 60 * 24), invited("luca@acme.example", "operator", "accepted", 60 * 24 * 9), invited("old@acme.example", "operator", "expired", 60 * 24 * 30)];
on("GET", "/org/invitations", ({ url, empty }) => page(empty ? [] : invitations, url));
on("POST", "/org/invitations/bulk", ({ body }) => ({ results: body.invitations.map((i) => (i.email.startsWith("luca") ? { email: i.email, problem: { detail: "luca@acme.example is a member of this organization already" } } : { email: i.email, invitation: invited(i.email, i.role, "pending", 0) })) }));
on("GET", "/org/settings", () => ({ version: 4, name: orgs.acme.name, brand_color: "#0b6e69", support_contact: "it@acme.example", allowed_domains: ["acme.example"], web_idle_minutes: 30, web_absolute_minutes: 0, require_mfa: true, smtp: { host: "mail.acme.example", port: 587, tls: "starttls", user: "vaultpam", password_set: true, from: "vaultpam@acme.example" }, seat_limit: 50, recording_days: 90, audit_days: 0, audit_minimum_days: 365, legal_holds: [] }));
on("GET", "/org/settings/history", ({ url }) => page([{ version: 4, group: "mfa", changes: [{ field: "require_mfa", from: "false", to: "true" }], weakened: [], by_id: "u", by: "ada", at: ago(600) }, { version: 3, group: "authentication", changes: [{ field: "web_idle_minutes", from: "15", to: "30" }], weakened: ["web_idle_minutes"], by_id: "u", by: "jonas", at: ago(60 * 24 * 3) }], url));
on("GET", "/auth/sessions", ({ url }) => page([{ id: "web_1", current: true, source_ip: "10.20.0.7", user_agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/136.0", created_at: ago(200), last_seen_at: ago(0), expires_at: ahead(400) }, { id: "web_2", current: false, source_ip: "10.20.0.31", user_agent: "vaultpam/0.3 (linux)", created_at: ago(2000), last_seen_at: ago(90), expires_at: ahead(300) }], url));
on("POST", "/auth/device/look-up", ({ body }) => ({ purpose: body.user_code === "STEP-UPXX" ? "step_up" : "sign_in", client: "vaultpam on build-07", source_ip: "10.20.0.31", user_agent: "vaultpam/0.3 (linux)", created_at: ago(1), expires_at: ahead(9) }));

// Platform
on("GET", "/platform/submissions", ({ url }) => page([{ id: "sub_1", state: "submitted", email: "noor@nordlicht.example", org_name: "Nordlicht", slug: "nordlicht", note: "Forty people, two data centres.", handle: "noor", name: "Noor Hassan", submitted_at: ago(12), submissions: 1 }, { id: "sub_2", state: "rejected", email: "x@spam.example", org_name: "Spam", slug: "spam", submitted_at: ago(9000), decided_at: ago(8000), comment: "Not a customer.", submissions: 2 }], url));
on("GET", "/platform/keys/root", () => ({ root_key_id: "key_01jz8q4n5yf3v9t2c6w0k7m1xa", older_root_key_ids: [], keysets: 3, keysets_waiting: 0 }));
on("GET", "/platform/ledgers", ({ url }) => page([{ log_id: "log_platform", size: 412, waiting: 0, signed_size: 412, signed_at: ago(1), stopped: false }, { log_id: "log_01jz8q4n5yf3v9t2c6w0k7m1xa", org_id: orgs.acme.id, org_name: orgs.acme.name, size: 18_204, waiting: 0, signed_size: 18_204, signed_at: ago(0), stopped: false }, { log_id: "log_nord", org_id: orgs.nord.id, org_name: orgs.nord.name, size: 31, waiting: 2, signed_size: 29, signed_at: ago(600), stopped: true, stopped_at: ago(590), stop_reason: "entry 14 is not the one that was signed" }], url));

adminRoutes(on, page);
accessRoutes(on, page);
governanceRoutes(on, page);
reviewRoutes(on, page);
