import { describe, expect, it } from "vitest";
import { namesOf, parseBulk, toInvitations } from "./bulk";

const emails = (text: string) => parseBulk(text).map((l) => l.email);

describe("a pasted list of people", () => {
  it("takes addresses however they are separated", () => {
    expect(emails("a@x.org\nb@x.org")).toEqual(["a@x.org", "b@x.org"]);
    expect(emails("a@x.org, b@x.org; c@x.org d@x.org".replace(";", ","))).toEqual(["a@x.org", "b@x.org", "c@x.org", "d@x.org"]);
    expect(emails("a@x.org;b@x.org")).toEqual(["a@x.org", "b@x.org"]);
    expect(emails("  a@x.org  \r\n\r\n")).toEqual(["a@x.org"]);
    expect(emails("Ada Lovelace <ada@x.org>, Bob <bob@x.org>")).toEqual(["ada@x.org", "bob@x.org"]);
  });

  it("takes a table with roles and safes, and knows its heading", () => {
    expect(parseBulk("email,role,safes\na@x.org,Admin,web;db\nb@x.org\tauditor\nc@x.org,,\"big, old\"")).toEqual([
      { line: 2, email: "a@x.org", role: "admin", safes: ["web", "db"] },
      { line: 3, email: "b@x.org", role: "auditor" },
      { line: 4, email: "c@x.org", safes: ["big, old"] },
    ]);
  });

  it("names what is wrong with a line, and keeps the others", () => {
    const lines = parseBulk("a@x.org,king\nnobody\nb@x.org");
    expect(lines.map((l) => l.problem !== undefined)).toEqual([true, true, false]);
  });

  it("says everybody once", () => expect(emails("a@x.org\nA@X.org")).toEqual(["a@x.org"]));
});

describe("invitations of a list", () => {
  const known = [{ id: "safe_1", name: "Web" }];
  const defaults = { role: "operator" as const, safes: ["safe_1"], mfa: true };
  it("fills in what a line leaves open", () => {
    const { ready, problems } = toInvitations(parseBulk("a@x.org\nb@x.org,auditor,web\nc@x.org,operator,gone\nd@x.org,owner"), defaults, known, false);
    expect(ready).toEqual([
      { email: "a@x.org", role: "operator", require_mfa: true, safes: [{ safe_id: "safe_1", role: "user" }] },
      { email: "b@x.org", role: "auditor", require_mfa: true, safes: [{ safe_id: "safe_1", role: "user" }] },
    ]);
    expect(problems.map((p) => p.problem)).toEqual(["There is no safe named gone.", "Only an owner invites owners."]);
  });
  it("knows which safes are named, each once", () => expect(namesOf(parseBulk(`a@x.org,operator,web; DB\nb@x.org,operator,Web\nc@x.org\nd@x.org,operator,${"x".repeat(101)}`))).toEqual(["db", "web"]));
});
