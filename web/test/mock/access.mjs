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

export function accessRoutes(on, page) {
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
