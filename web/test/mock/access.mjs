// Groups and who reaches what, as the mock has it: enough of each answer for the look
// at its page. What follows from groups is not computed.
import { ago, ahead, makeId, people, safes } from "./data.mjs";

const group = (name, description, source, members, more = {}) => ({ id: makeId("grp"), name, description, source, members: members.length, safes: 1, version: 1, created_at: ago(60 * 24 * 20), updated_at: ago(60 * 24 * 3), ...more, people: members });
export const groups = [
  group("On call", "Whoever carries the phone this week", "local", [people[2], people[3], people[4]], { safes: 2 }),
  group("Platform engineers", "", "sso", [people[1], people[2]], { provider_id: "idp_1", provider_group: "eng-platform" }),
  group("Warehouse operations, northern sites and everybody who stands in for them", "Pushed from the directory", "scim", [people[5], people[6]], { safes: 0 }),
];
const out = ({ people: _p, ...g }) => g;
const find = (id) => groups.find((g) => g.id === id) ?? groups[0];
const has = (q, ...texts) => texts.some((t) => t.toLowerCase().includes((q ?? "").toLowerCase()));
const bound = [
  { safe: safes[0], group: groups[0], role: "user" },
  { safe: safes[2], group: groups[0], role: "checkout", ends_at: ahead(60 * 24 * 4) },
  { safe: safes[0], group: groups[1], role: "approver" },
];

const text = `@message("only within office hours")
forbid (principal, action == Action::"session.launch", resource)
unless { context.hours.contains("mon-fri 08:00-18:00 Europe/Berlin") };
`;
const policy = (name, description, form, more = {}) => ({ id: makeId("pol"), name, description, effects: [form?.effect ?? "allow"], text, form, enabled: true, everywhere: false, safes: [], priority: 100, version: 3, created_at: ago(60 * 24 * 9), updated_at: ago(300), created_by: people[0].id, updated_by: people[1].id, ...more });
const hours = { effect: "deny", unless: true, hours: ["mon-fri 08:00-18:00 Europe/Berlin"], message: "only within office hours", groups: [groups[0].id] };
export const policies = [
  policy("Office hours", "Nobody opens these safes outside of working hours", hours, { everywhere: true }),
  policy("Approval for production", "Two pairs of eyes on what customers see", { effect: "require_approval", approvals: 2, approvers: ["safe", `group:${groups[1].id}`], labels: ["env=prod"] }, { safes: [safes[0], safes[2]].map((s) => ({ id: s.id, name: s.name })) }),
  policy("Contractors", "Written as text", null, { enabled: false, effects: ["allow", "deny"] }),
];
const reason = (effect, kind, name, more = {}) => ({ effect, kind, id: kind === "organization" ? policies[0].id : `builtin:${name}`, name, ...more });
const decided = {
  allow: { use: "session", decision: "allow", approval: null, reasons: [reason("allow", "builtin", "members")] },
  deny: { use: "session", decision: "deny", why: "outside_valid_hours", sentence: "only within office hours", approval: null, reasons: [reason("deny", "organization", "Office hours", { version: 3, message: "only within office hours", why: "outside_valid_hours" }), reason("allow", "builtin", "members")] },
  require_approval: { use: "session", decision: "require_approval", why: "no_approval", sentence: "this safe needs an approved request first", approval: { count: 2, approvers: ["safe"], policy_id: policies[1].id }, reasons: [{ ...reason("require_approval", "organization", "Approval for production", { version: 1 }), id: policies[1].id }] },
};

const who = (p) => ({ id: p.id, handle: p.handle, name: p.name, email: p.email });
const request = (p, safe, reason, state, more = {}) => ({
  id: makeId("req"), kind: "approval", uses: "session", state, safe: { id: safe.id, name: safe.name, resource_name: safe.resource.name, protocol: "ssh", host: safe.resource.host, port: safe.resource.port, username: safe.account.username },
  requester: who(p), requester_role: p.role, reason, duration_seconds: 7200, approvals_needed: 1, approvals_have: 0, approvers: ["safe"], one_session: false, cool_down_seconds: 300, version: 1, created_at: ago(14), expires_at: ahead(1400), may_decide: false, ...more,
});
const grant = (minutes, more = {}) => ({ id: makeId("grant"), starts_at: ago(20), ends_at: ahead(minutes), ...more });
export const requests = [
  request(people[2], safes[2], "The disk of the orders database is full. I will rotate its logs and look at what fills it.", "open", { ticket: "OPS-4711", uses: "both", may_decide: true, decisions: [], comments: [{ id: "cmt_1", by: who(people[2]), text: "It is /var/log/postgresql.", at: ago(9) }] }),
  request(people[3], safes[0], "Deploy of the fix for the basket", "open", { approvals_needed: 2, approvals_have: 1, may_decide: true, policy_id: policies[1].id, approvers: ["safe", `group:${groups[1].id}`], one_session: true, starts_at: ahead(90) }),
  request(people[2], safes[2], "Slow queries since the release", "approved", { created_at: ago(60 * 24 * 3), grant: grant(-60 * 24 * 3 + 120, { ends_at: ago(60 * 24 * 3 - 120), ended_at: ago(60 * 24 * 3 - 120), end_reason: "expired" }) }),
  request(people[0], safes[3], "Payout of the week hangs", "approved", { kind: "emergency", approvals_needed: 0, grant: grant(40), sessions: [{ id: "sess_1", state: "active", started_at: ago(12), recording_id: "rec_1" }], decisions: [] }),
  request(people[0], safes[1], "Compare settings", "rejected", { created_at: ago(60 * 30), decisions: [{ by: who(people[1]), verdict: "reject", comment: "Use the staging host for this.", at: ago(60 * 29) }] }),
];

const loan = (by, to, safe, more = {}) => ({ id: makeId("dlg"), safe: { id: safe.id, name: safe.name }, lender: who(by), delegate: who(to), right: "access", starts_at: ago(300), ends_at: ahead(60 * 20), created_at: ago(300), ...more });
const loans = [
  loan(people[0], people[2], safes[0], { reason: "I am on leave until Monday and the shop must not wait for it" }),
  loan(people[0], people[3], safes[2], { right: "approve" }),
  loan(people[1], people[0], safes[3], { reason: "holidays", starts_at: ahead(90) }),
  loan(people[2], people[4], safes[2], { ended_at: ago(60), end_reason: "delegator_lost_right" }),
  loan(people[2], people[3], safes[1], { parent_id: "dlg_1" }),
];

const checkout = (p, safe, reason, more = {}) => ({ id: makeId("chk"), safe: { id: safe.id, name: safe.name }, account: safe.account, credential_kind: "password", user: who(p), source_ip: "198.51.100.20", reason, started_at: ago(20), expires_at: ahead(40), handed_at: ago(20), secret_version: 4, reveals: 1, active: true, ...more });
const over = (by, more = {}) => ({ active: false, started_at: ago(60 * 26), ended_at: ago(60 * 25), ended_by: by, ...more });
export const checkouts = [
  checkout(people[0], safes[2], "The rescue console asks for the password of the database's own user", { ticket: "OPS-4711", reveals: 2 }),
  checkout(people[2], safes[0], "The vendor's installer signs in by itself", { access_request_id: requests[0].id }),
  checkout(people[0], safes[0], "Compare the key on the host", over("holder", { credential_kind: "ssh_key", end_comment: "done" })),
  checkout(people[3], safes[1], "Console cable in the cellar", over("admin", { ended_by_name: "Jonas Weber" })),
  checkout(people[3], safes[3], "Boot without a network", over("expiry")),
];

export function accessRoutes(on, page) {
  on("GET", "/checkouts", ({ url, me, empty }) => page(empty ? [] : checkouts.filter((c) => (!url.searchParams.get("active") || c.active) && (!url.searchParams.get("account") || c.account.id === url.searchParams.get("account")) && (!url.searchParams.get("user") || c.user.id === url.searchParams.get("user")) && (!url.searchParams.get("safe") || c.safe.id === url.searchParams.get("safe")) && (me.handle !== "priya" || c.user.id === me.id)), url));
  on("GET", "/checkouts/{id}", ({ params }) => checkouts.find((c) => c.id === params.id) ?? checkouts[0]);
  const shown = (c) => ({ checkout: c, credential: { username: c.account.username, kind: c.credential_kind, version: 4, ...(c.credential_kind === "ssh_key" ? { private_key: "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n" } : { password: "correct-horse-battery" }) } });
  on("POST", "/checkouts", () => shown(checkouts[0]));
  on("POST", "/checkouts/{id}/reveal", ({ params }) => shown(checkouts.find((c) => c.id === params.id) ?? checkouts[0]));
  on("POST", "/checkouts/{id}/check-in", ({ params }) => ({ ...(checkouts.find((c) => c.id === params.id) ?? checkouts[0]), ...over("holder") }));
  on("GET", "/access/delegations", ({ url, me, empty }) => page(empty ? [] : loans.filter((l) => (!url.searchParams.get("active") || !l.ended_at) && (me.handle !== "priya" || l.lender.id === me.id)), url));
  on("GET", "/access/requests", ({ url, me, empty }) => page(empty ? [] : requests.filter((r) => (!url.searchParams.get("to_decide") || (r.may_decide && me.handle !== "grace")) && (!url.searchParams.get("mine") || r.requester.id === me.id) && (!url.searchParams.get("state") || r.state === url.searchParams.get("state")) && (!url.searchParams.get("safe_id") || r.safe.id === url.searchParams.get("safe_id"))), url));
  on("GET", "/access/requests/{id}", ({ params, me }) => {
    const r = requests.find((x) => x.id === params.id) ?? requests[0];
    return { ...r, may_decide: r.may_decide && r.requester.id !== me.id };
  });
  on("POST", "/access/requests", ({ body, me }) => request(people.find((p) => p.id === me.id), safes[2], body.reason, "open"));
  on("GET", "/org/policies", ({ url, empty }) => page(empty ? [] : policies.filter((p) => !url.searchParams.get("safe") || p.everywhere || p.safes.some((s) => s.id === url.searchParams.get("safe"))), url));
  on("GET", "/org/policies/templates", () => ({ items: [{ id: "office-hours", name: "Office hours", description: "Nobody opens these safes outside of working hours.", form: hours, text }, { id: "four-eyes", name: "Four eyes", description: "Two different people approve each access.", form: { effect: "require_approval", approvals: 2, approvers: ["safe"] }, text }, { id: "no-files", name: "No file transfer", description: "Sessions without file transfers, forwards or jumps, and shorter ones.", form: { effect: "allow", options: { file_transfer: "block", block_jump: true, session_ttl_seconds: 3600 } }, text }] }));
  on("GET", "/org/policies/language", () => ({ schema: "entity Person in [Role, Group] = {\n  handle: String,\n};", builtin: '@id("members")\npermit (principal, action, resource)\nwhen { !context.governed };' }));
  on("POST", "/org/policies/check", ({ body, res }) => {
    if (!body.text?.includes("wrong")) return { text: body.text ?? text, form: body.form ?? hours, effects: ["deny"] };
    const what = 'statement 1 (line 3): the attribute "wrong" does not exist';
    res.writeHead(422, { "Content-Type": "application/problem+json" });
    res.end(JSON.stringify({ status: 422, code: "POLICY_INVALID", detail: `the policy is not valid: ${what}`, errors: [{ path: "body.text", message: what }] }));
  });
  on("GET", "/org/policies/{id}", ({ params }) => policies.find((p) => p.id === params.id) ?? policies[0]);
  on("GET", "/org/policies/{id}/versions", ({ url }) => page([3, 2, 1].map((version) => ({ version, change: version === 1 ? "created" : "edited", comment: version === 2 ? "The night shift asked for it" : "", changed_at: ago(900 * (4 - version)), changed_by: people[1].id, changed_by_name: "Jonas Weber", name: "Office hours", description: "", text: version === 3 ? text : text.replace("18:00", "20:00"), form: hours, enabled: version > 1, everywhere: true, safes: [], priority: 100 })), url));
  on("POST", "/org/access/simulate", ({ body }) => ({ from: ago(60 * 24 * body.days), launches: 412, whole: true, changed: 3, by: { "allow to deny": 3 }, examples: [2, 3, 4].map((i) => ({ event_id: makeId("evt"), at: ago(1400 * i), user: { id: people[i].id, name: people[i].handle }, safe: { id: safes[0].id, name: safes[0].name }, was: "allow", now: decided.allow, would: decided.deny })) }));
  on("GET", "/org/access/explain", ({ url }) => {
    const safe = safes.find((s) => s.id === url.searchParams.get("safe")) ?? safes[0];
    const user = people.find((p) => p.id === url.searchParams.get("user")) ?? people[0];
    const d = safe === safes[0] ? decided.require_approval : safe === safes[3] ? decided.deny : decided.allow;
    return { ...d, use: url.searchParams.get("use") ?? "session", user: { id: user.id, name: user.handle }, safe: { id: safe.id, name: safe.name }, safe_role: "user", role: user.role, groups: [groups[0].id], at: ago(0), from: url.searchParams.get("from") ?? undefined, can_approve: d.approval ? [{ id: people[1].id, name: "jonas" }] : [], policy_set: 12, settings_text: 'forbid (principal, action, resource)\nunless { context.mfa_age <= 600 };\n', ...(d.decision === "deny" ? {} : { session: safe.policy }) };
  });
  const reach = (user, safe, d) => ({ ...decided[d], user: { id: user.id, name: user.handle }, safe: { id: safe.id, name: safe.name }, safe_role: "user" });
  on("GET", "/org/access/who-can", ({ url }) => page(people.slice(0, 4).map((p, i) => reach(p, safes[0], ["allow", "require_approval", "deny", "allow"][i])), url));
  on("GET", "/org/access/what-can", ({ url }) => page(safes.map((s, i) => reach(people[2], s, ["require_approval", "allow", "allow", "deny", "allow"][i])), url));
  on("GET", "/org/groups", ({ url, empty }) => page(empty ? [] : groups.filter((g) => has(url.searchParams.get("q"), g.name) && (!url.searchParams.get("user_id") || g.people.some((p) => p.id === url.searchParams.get("user_id")))).map(out), url));
  on("POST", "/org/groups", ({ body }) => {
    const g = group(body.name, body.description, body.source ?? "local", [], { ...body, safes: 0 });
    groups.push(g);
    return out(g);
  });
  on("GET", "/org/groups/{id}", ({ params }) => out(find(params.id)));
  on("PATCH", "/org/groups/{id}", ({ params, body }) => out(Object.assign(find(params.id), body)));
  on("GET", "/org/groups/{id}/members", ({ params, url }) => page(find(params.id).people.filter((p) => has(url.searchParams.get("q"), p.name, p.email, p.handle)).map((p, i) => ({ user_id: p.id, name: p.name, handle: p.handle, email: p.email, added_at: ago(60 * 24 * (i + 2)) })), url));
  on("POST", "/org/groups/{id}/members", ({ body }) => ({ added: body.user_ids.length }));
  on("GET", "/org/groups/{id}/safes", ({ params }) => ({ items: bound.filter((b) => b.group.id === params.id).map((b) => ({ safe_id: b.safe.id, name: b.safe.name, role: b.role, ends_at: b.ends_at })) }));
  on("GET", "/safes/{id}/groups", ({ params, url }) => page(bound.filter((b) => b.safe.id === params.id).map((b) => ({ id: b.group.id, group_id: b.group.id, name: b.group.name, source: b.group.source, members: b.group.members, role: b.role, ends_at: b.ends_at, version: 1, created_by: people[0].id, created_at: ago(9000) })), url));
  on("GET", "/safes/{id}/access", ({ params, url }) => {
    const safe = safes.find((s) => s.id === params.id) ?? safes[0];
    const direct = safe.members.map((m) => ({ ...m, handle: people.find((p) => p.id === m.user_id)?.handle, role: m.role, direct_role: m.role }));
    const brought = bound.filter((b) => b.safe === safe).flatMap((b) => b.group.people.filter((p) => !direct.some((d) => d.user_id === p.id)).map((p) => ({ user_id: p.id, name: p.name, handle: p.handle, email: p.email, role: b.role, group_role: b.role, group_id: b.group.id, group_name: b.group.name, ends_at: b.ends_at })));
    const both = direct.map((d) => (d.name === "Grace Okafor" ? { ...d, role: "approver", group_role: "approver", group_id: groups[1].id, group_name: groups[1].name } : d));
    return page([...both, ...brought].map((a) => ({ ...a, safe_id: safe.id, safe_name: safe.name })), url);
  });
}
