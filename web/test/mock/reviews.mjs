// Access reviews, as the mock has them.
import { ago, ahead, makeId, people, safes } from "./data.mjs";

const who = (p) => ({ user_id: p.id, user_name: `${p.name} (${p.handle})` });
const right = (kind, more) => ({ id: makeId("rvi"), kind, given_at: ago(60 * 24 * 190), own: false, may_decide: !more.verdict, ...more });
const review = (name, more) => ({ id: makeId("rvw"), name, all: false, safe_ids: [safes[0].id], group_ids: [], reviewer_ids: [], rule: "revoke", state: "open", created_by: people[0].id, created_by_name: people[0].handle, created_at: ago(60 * 24 * 2), deadline: ahead(60 * 24 * 12), mine: 0, ...more });
export const reviews = [
  review("Second quarter", { mine: 4, remind_at: ahead(60 * 24 * 9), progress: { undecided: 5, kept: 1, revoked: 1, stale: 0, failed: 0 } }),
  review("Contractors", { rule: "keep", state: "closed", ended_at: ago(60 * 24 * 30), created_at: ago(60 * 24 * 44), deadline: ago(60 * 24 * 30), reminded_at: ago(60 * 24 * 33), progress: { undecided: 0, kept: 14, revoked: 3, stale: 1, failed: 1 } }),
  review("Everything", { all: true, state: "cancelled", ended_at: ago(60 * 24 * 60), comment: "Too wide.", created_at: ago(60 * 24 * 61), deadline: ago(60 * 24 * 50), progress: { undecided: 210, kept: 2, revoked: 0, stale: 0, failed: 0 } }),
];
const safe = { safe_id: safes[0].id, safe_name: safes[0].name };
const decided = { decided_by: people[0].id, decided_by_name: people[0].handle, decided_at: ago(50) };
const rights = [
  right("safe_member", { ...safe, ...who(people[1]), role: "manager" }),
  right("safe_member", { ...safe, ...who(people[2]), role: "user", ends_at: ahead(60 * 24 * 60) }),
  right("safe_group", { ...safe, group_id: "grp_x", group_name: "On call", group_source: "local", role: "checkout" }),
  right("group_member", { group_id: "grp_y", group_name: "Platform engineers", group_source: "scim", ...who(people[2]) }),
  right("safe_member", { ...safe, ...who(people[0]), role: "manager", own: true, may_decide: false }),
  right("safe_member", { ...safe, ...who(people[0]), role: "approver", verdict: "keep", result: "kept", ...decided }),
  right("safe_member", { ...safe, ...who(people[3]), role: "user", verdict: "revoke", result: "revoked", reason: "Left the team in May.", ...decided }),
];

export function reviewRoutes(on, page) {
  const find = (id) => reviews.find((r) => r.id === id) ?? reviews[0];
  on("GET", "/access-reviews", ({ url, empty }) => page(empty ? [] : reviews.filter((r) => !url.searchParams.get("state") || r.state === url.searchParams.get("state")), url));
  on("GET", "/access-reviews/{id}", ({ params }) => find(params.id));
  on("GET", "/access-reviews/{id}/items", ({ params, url }) => page(find(params.id).state === "open" ? rights : rights.map((r, i) => (r.verdict ? r : { ...r, verdict: "keep", result: i === 3 ? "stale" : "kept", ...(i === 3 ? { note: "the right has changed or ended since the review opened; nothing was done" } : {}) })), url));
}
