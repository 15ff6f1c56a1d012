// What administrators of organizations and of the platform see: enough of each answer
// for the look at its page.
import { ago, ahead, makeId, orgs, people } from "./data.mjs";

const roots = [
  { user_id: people[0].id, email: people[0].email, handle: people[0].handle, name: people[0].name, role: "platform_admin", mfa_enrolled: true, since: ago(60 * 24 * 90) },
  { user_id: people[2].id, email: people[2].email, handle: people[2].handle, name: people[2].name, role: "platform_auditor", mfa_enrolled: false, since: ago(60 * 24 * 2) },
];
const invited = (email, role, state, minutes) => ({ id: makeId("inv"), email, role, state, invited_by: "ada", created_at: ago(minutes), sent_at: ago(minutes), expires_at: ahead(60 * 24 * 7 - minutes), resends: 0, ...(state === "pending" ? {} : { ended_at: ago(minutes / 2) }) });
const tries = [{ n: 1, started_at: ago(14), ended_at: ago(14), outcome: "retry", via: "mail.acme.example:587", error: "450 mailbox busy, try again" }, { n: 2, started_at: ago(9), ended_at: ago(9), outcome: "refused", via: "mail.acme.example:587", error: "550 no such user here" }];
const letter = (kind, recipient, state, more = {}) => ({ id: makeId("dlv"), channel: "email", kind, recipient, state, attempts: 1, created_at: ago(15), expires_at: ahead(60 * 24), ...more });
export const letters = [
  letter("invitation", "noor.hassan@acme.example", "sent", { ended_at: ago(14) }),
  letter("mfa_recovery_grant", "a.very.long.name.of.somebody@subsidiary.acme.example", "failed", { attempts: 2, last_error: "550 no such user here", ended_at: ago(9) }),
  letter("organization_created", "sam@acme.example", "queued", { next_at: ahead(3), last_error: "connect: connection refused" }),
];
const channel = (kind, name, host, more = {}) => ({ id: makeId("chn"), kind, name, host, enabled: true, kinds: [], own_authorities: false, version: 2, created_at: ago(60 * 24 * 30), changed_at: ago(60 * 24 * 4), ...more });
const receiver404 = "it answered 404 Not Found (no_service)";
export let channels = [
  channel("slack", "on-call", "hooks.slack.com", { kinds: ["access_request_waiting", "access_emergency"], failing_since: ago(50), last_error: receiver404, last_sent_at: ago(60 * 7) }),
  channel("webhook", "SIEM of the group, in the second data centre", "collector.a-very-long-name.subsidiary.acme.example:8443", { own_authorities: true, last_sent_at: ago(12), previous_until: ahead(60 * 20) }),
  channel("webhook", "old tickets", "tickets.acme.example", { enabled: false, kinds: ["access_request_decided"] }),
];
const hookTries = [1, 2, 3].map((n) => ({ n, started_at: ago(50 - n), ended_at: ago(50 - n), outcome: n < 3 ? "retry" : "refused", via: "hooks.slack.com", error: n < 3 ? "it answered 500 Internal Server Error" : receiver404 }));
export const deliveries = [
  { ...letter("test", channels[1].name, "queued", { next_at: ahead(1) }), channel: "webhook", channel_id: channels[1].id, fell_back: false },
  { ...letter("access_request_waiting", "on-call", "failed", { attempts: 3, last_error: receiver404, ended_at: ago(47) }), channel: "slack", channel_id: channels[0].id, fell_back: true },
  { ...letters[0], channel_id: "email", fell_back: false },
];
const noticeKinds = [["access_request_waiting", "Somebody asks for access to a safe"], ["access_request_decided", "A request for access was approved, rejected or has lapsed"], ["access_emergency", "Somebody opened a safe in an emergency, without approval"], ["channel_failing", "A channel of notices does not work"]].map(([kind, title]) => ({ kind, title }));
const told = [
  { id: makeId("ntc"), org_id: orgs.acme.id, kind: "access_request_waiting", subject: "oscar asks for access to payroll database", text: "Approve only with a ticket.\n\noscar asks to open the safe payroll database. You may decide.\n\n> the disk is full\n\nPerson: oscar@acme.example\nFor: 1h", link: "/requests/arq_1", link_label: "Decide", created_at: ago(4) },
  { id: makeId("ntc"), org_id: orgs.acme.id, kind: "governance_decided", subject: "What you asked for was approved", text: "Hello Ada,\n\nGrace has approved that you turn recording off. It is done.", link: "/organization/governance/gov_1", link_label: "See it", created_at: ago(90) },
  { id: makeId("ntc"), kind: "password_was_set", subject: "Your password was set anew", text: "Hello Ada,\n\na new password was set for your VaultPAM account.", created_at: ago(60 * 30), read_at: ago(60 * 20) },
];
const preferences = [...noticeKinds, { kind: "governance_waiting", title: "A sensitive change waits for a second person" }].map((k) => ({ ...k, in_app: true, email: k.kind === "access_request_decided" ? "daily" : "now", required: /emergency|failing/.test(k.kind), urgent: /waiting/.test(k.kind) }));
const robot = { id: makeId("usr"), name: "nightly-backup", handle: "nightly-backup-x41k2c", role: "operator", tokens: 1, created_at: ago(60 * 24 * 20) };

export function adminRoutes(on, page) {
  on("GET", "/org/members/{user}/sign-ins", () => ({ items: [{ id: "web_1", current: false, source_ip: "192.0.2.44", user_agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0", created_at: ago(200), last_seen_at: ago(3), expires_at: ahead(600) }] }));
  on("POST", "/org/members/{user}/sign-ins/{id}/end", () => ({ sign_ins_ended: 1, sessions_ended: 1 }));
  on("POST", "/org/members/{user}/sign-out", () => ({ sign_ins_ended: 1, sessions_ended: 0 }));
  on("GET", "/org/members/{user}/phone", () => ({ number: "+49 ••• 6789", country: "DE", verified_at: ago(60 * 24 * 12), version: 2 }));
  on("GET", "/service-accounts", () => ({ items: [robot] }));
  on("GET", "/org/scim", () => ({ base_url: "https://pam.acme.example/scim/v2", default_role: "operator", roles: [{ group: "PAM Admins", role: "admin" }, { group: "Audit", role: "auditor" }] }));
  on("GET", "/org/scim/tokens", () => ({ items: [{ id: "tok_scim", name: "Entra ID", created_by: people[0].id, created_at: ago(60 * 24 * 9), expires_at: ahead(60 * 24 * 170), last_used_at: ago(4) }] }));
  on("POST", "/org/scim/tokens", ({ body }) => ({ id: makeId("tok"), name: body.name, created_by: people[0].id, created_at: ago(0), expires_at: ahead(60 * 24 * 180), token: "vpsc_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG" }));
  on("GET", "/org/scim/groups", () => ({ items: [{ id: "grp_1", name: "PAM Admins", members: 2, changed_at: ago(90) }, { id: "grp_2", name: "Audit", members: 1, changed_at: ago(90) }] }));
  on("GET", "/org/scim/people", ({ url }) => page(people.slice(1, 5).map((p, i) => ({ user_id: p.id, user_name: p.email, email: p.email, name: p.name, external_id: `00u${i}`, active: i !== 3, ...(i === 3 ? {} : { role: p.role }), pushed_at: ago(9000), changed_at: ago(90 * (i + 1)) })), url));
  on("POST", "/org/sso/providers/{id}/test", () => ({ usable: false, findings: [{ what: "discovery", ok: true, detail: "the provider answers under the issuer that is set" }, { what: "keys", ok: true, detail: "4 published to verify its answers with" }, { what: "domain", ok: false, detail: "no mail domain is verified: the provider can speak for nobody" }] }));
  for (const base of ["/org/mail", "/platform/mail"]) {
    on("GET", base, ({ url }) => page(letters, url));
    on("POST", `${base}/test`, () => letters[2]);
    on("POST", `${base}/{id}/resend`, ({ params }) => Object.assign(letters.find((l) => l.id === params.id), { state: "queued", next_at: ahead(1) }));
    on("GET", `${base}/{id}`, ({ params }) => ({ ...letters.find((l) => l.id === params.id), tries }));
  }
  on("GET", "/notices/unread", () => ({ unread: told.filter((n) => !n.read_at).length }));
  on("GET", "/notices", ({ url }) => page(told.filter((n) => !n.read_at || url.searchParams.get("unread") !== "true"), url));
  on("POST", "/notices/read", ({ body }) => {
    for (const n of told) if (body.until || body.ids.includes(n.id)) n.read_at ??= ago(0);
    return { unread: told.filter((n) => !n.read_at).length };
  });
  on("GET", "/notices/preferences", ({ url }) => page(preferences, url));
  on("PUT", "/notices/preferences/{kind}", ({ params, body }) => Object.assign(preferences.find((p) => p.kind === params.kind), body));
  on("GET", "/org/notifications/introductions", ({ url }) => page(noticeKinds.map((k, i) => ({ ...k, words: i === 0 ? "{organization}: approve only with a ticket of the desk. Ask {support} if in doubt." : "" })), url));
  on("PUT", "/org/notifications/introductions/{kind}", ({ params, body }) => ({ kind: params.kind, title: params.kind, words: body.words }));
  const notices = "/org/notifications";
  const shown = { secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=" };
  on("GET", `${notices}/channels`, ({ url }) => page(channels, url));
  on("POST", `${notices}/channels`, ({ body }) => ({ ...channel(body.kind, body.name, "hooks.acme.example"), ...(body.kind === "webhook" ? shown : {}) }));
  on("PATCH", `${notices}/channels/{id}`, ({ params, body }) => Object.assign(channels.find((c) => c.id === params.id), body));
  on("POST", `${notices}/channels/{id}/rotate-secret`, ({ params }) => ({ ...channels.find((c) => c.id === params.id), ...shown }));
  on("POST", `${notices}/channels/{id}/test`, () => deliveries[0]);
  on("PUT", `${notices}/order`, ({ body, url }) => page((channels = body.ids.map((i) => channels.find((c) => c.id === i))), url));
  on("GET", `${notices}/kinds`, ({ url }) => page(noticeKinds, url));
  on("GET", `${notices}/deliveries`, ({ url }) => page(deliveries.filter((d) => !url.searchParams.get("channel") || d.channel_id === url.searchParams.get("channel")), url));
  on("GET", `${notices}/deliveries/{id}`, ({ params }) => ({ ...deliveries.find((d) => d.id === params.id), tries: deliveries[1].id === params.id ? hookTries : [] }));
  on("GET", "/platform/users", ({ url }) => page(roots, url));
  on("GET", "/platform/invitations", ({ url }) => page([invited("kim@acme.example", "platform_admin", "pending", 90), invited("lou@acme.example", "platform_auditor", "declined", 60 * 24 * 3), invited("max@acme.example", "platform_auditor", "accepted", 60 * 24 * 9)], url));
  on("GET", "/platform/organizations", ({ url }) =>
    page([{ ...orgs.acme, active: true, members: 42, invited: 3, seat_limit: 50, sso_required: true, created_at: ago(60 * 24 * 60) }, { ...orgs.nord, active: false, members: 1, invited: 0, seat_limit: 0, sso_required: false, suspended_at: ago(60 * 20), comment: "The invoice of May is open.", created_at: ago(60 * 24 * 3) }], url));
}
