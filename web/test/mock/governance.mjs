// Changes that wait for a second person, as the mock has them.
import { ago, ahead, makeId, orgs, people, safes } from "./data.mjs";

const by = (p) => ({ id: p.id, name: p.handle });
const action = (kind, title, summary, subject_name, changes, more = {}) => ({
  id: makeId("gov"), org_id: orgs.acme.id, kind, title, summary, subject_id: makeId("sub"), subject_name, changes, payload_digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  state: "open", requested_by: by(people[0]), created_at: ago(34), expires_at: ahead(60 * 24 * 7 - 34), ...more,
});
const off = [{ field: "recording", from: "on", to: "off" }, { field: "record_input", from: "on", to: "off" }];
const recordingOff = (safe, more) => action("recording_off", "Turn recording off", `turn recording off on the safe ${safe.name}`, safe.name, off, more);
export const actions = [
  recordingOff(safes[0]),
  action("owner_add", "Add an owner", "make grace an owner", "grace", [{ field: "role", from: "operator", to: "owner" }], { requested_by: by(people[1]), created_at: ago(60 * 26), expires_at: ahead(60 * 24 * 5) }),
  action("mfa_lift", "Lift the demand for a second factor", "lift the demand for a second factor of our own", orgs.acme.name, [{ field: "require_mfa", from: "true", to: "false" }], { state: "approved", decided_by: by(people[1]), decided_at: ago(60 * 24 * 2), comment: "Agreed in the change meeting.", effect_event: makeId("evt"), created_at: ago(60 * 24 * 3) }),
  recordingOff(safes[2], { state: "superseded", decided_at: ago(60 * 24 * 6), superseded_because: "max_sessions was 0 and is 3 now", created_at: ago(60 * 24 * 7) }),
  action("retention_shorten", "Keep recordings for a shorter time", "keep recordings for 30 days", orgs.acme.name, [{ field: "recording_days", from: "400", to: "30" }], { state: "rejected", requested_by: by(people[1]), token_id: makeId("tok"), decided_by: by(people[0]), decided_at: ago(60 * 24 * 9), comment: "The auditors need a year.", created_at: ago(60 * 24 * 10) }),
  action("owner_invite", "Invite an owner", "invite noor.hassan@acme.example as an owner", "noor.hassan@acme.example", [{ field: "role", from: "", to: "owner" }], { state: "expired", decided_at: ago(60 * 24 * 20), created_at: ago(60 * 24 * 27) }),
  action("sso_provider_change", "Change an identity provider", "let people sign in by the identity provider Acme Login", "Acme Login", [{ field: "enabled", from: "false", to: "true" }, { field: "issuer", from: "https://login.acme.example", to: "https://login.acme.example" }, { field: "roles", from: "pam-admins: admin; pam-users: operator", to: "pam-admins: admin; pam-users: operator" }, { field: "version", from: "2", to: "3" }], { out_of_date: "issuer was https://login.acme.example and is https://id.acme.example now; version was 2 and is 3 now", requested_by: by(people[1]), created_at: ago(60 * 50) }),
];

export function governanceRoutes(on, page) {
  const seen = (a, me) => ({ ...a, mine: a.requested_by.id === me.id });
  const find = (id) => actions.find((a) => a.id === id) ?? actions[0];
  for (const [at, more] of [["/org/governance", {}], ["/platform/governance", { org_slug: "acme", org_name: orgs.acme.name }]]) {
    const is = (q, name, v) => !q.get(name) || q.get(name) === v;
    on("GET", `${at}/actions`, ({ url, me, empty }) => page(empty ? [] : actions.filter((a) => is(url.searchParams, "state", a.state) && is(url.searchParams, "kind", a.kind)).map((a) => ({ ...seen(a, me), ...more })), url));
    on("GET", `${at}/actions/{id}`, ({ params, me }) => ({ ...seen(find(params.id), me), ...more }));
    for (const [verb, state] of [["approve", "approved"], ["reject", "rejected"], ["withdraw", "withdrawn"]])
      on("POST", `${at}/actions/{id}/${verb}`, ({ params, body, me }) => seen(Object.assign(find(params.id), { state, decided_by: by(people.find((p) => p.id === me.id)), decided_at: ago(0), comment: body?.comment }), me));
  }
}
