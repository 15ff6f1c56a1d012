import { describe, expect, it } from "vitest";
import { emailProblem, handleProblem, passwordProblem } from "../auth/password-rules";
import { suggestHandle } from "../people/suggest-handle";
import { publicKeyComment, publicKeyProblem } from "../profile/public-key";
import { scopeGroups } from "../profile/scopes";
import { orgNav } from "./nav";
import { rank } from "./rank";
import { managesSafe, rights } from "./rights";

const entries = (role: Parameters<typeof rights>[0]) => orgNav(rights(role)).flatMap((g) => g.items.map((i) => i.label));

describe("navigation", () => {
  it("shows a role only what it may open", () => {
    expect(entries("operator")).toEqual(["Safes", "My sessions", "My requests", "Checkouts", "Lent access", "Approvals", "Access reviews"]);
    expect(entries("auditor")).toEqual(["Live", "Approvals", "Access reviews", "Sensitive changes", "Sessions", "Checkouts", "Audit", "Safes", "Resources", "Accounts", "People", "Groups", "Policies", "Explain access", "Lost factors"]);
    expect(entries("admin")).toEqual(["Safes", "My sessions", "My requests", "Checkouts", "Lent access", "Live", "Approvals", "Access reviews", "Sensitive changes", "Sessions", "Audit", "Resources", "Accounts", "People", "Groups", "Policies", "Explain access", "Lost factors", "Organization", "Single sign-on", "Notifications"]);
    expect(entries("owner")).toEqual(entries("admin"));
  });

  it("lets managers manage their safe, and auditors never", () => {
    expect(managesSafe(rights("operator"), "manager")).toBe(true);
    expect(managesSafe(rights("operator"), "user")).toBe(false);
    expect(managesSafe(rights("auditor"), "manager")).toBe(false);
    expect(managesSafe(rights("admin"), "")).toBe(true);
  });

  it("offers tokens no scope that the role cannot use", () => {
    const scopes = (role: Parameters<typeof rights>[0]) => scopeGroups(role).flatMap((g) => g.scopes.map((s) => s.value));
    expect(scopes("operator")).toEqual(["safes:read", "safes:write", "secrets:reveal", "sessions:read", "sessions:launch", "sessions:write", "sessions:playback", "self:read", "tokens:read", "tokens:write"]);
    expect(scopes("auditor")).not.toContain("sessions:launch");
    expect(scopes("auditor").filter((s) => s.endsWith(":write"))).toEqual(["tokens:write"]); // their own
    expect(scopes("admin")).toContain("members:write");
  });
});

describe("the palette's ranking", () => {
  const list = ["Launch web-prod", "Sessions", "web-prod", "My sessions", "orders-db web"];
  it("keeps the order when nothing is typed", () => expect(rank(list, " ", (e) => e)).toEqual(list));
  it("puts beginnings before the rest", () => expect(rank(list, "web", (e) => e)).toEqual(["web-prod", "Launch web-prod", "orders-db web"]));
  it("wants all words", () => expect(rank(list, "my ses", (e) => e)).toEqual(["My sessions"]));
  it("finds nothing politely", () => expect(rank(list, "zzz", (e) => e)).toEqual([]));
});

describe("what people type about themselves", () => {
  it("checks passwords, handles and addresses before the server does", () => {
    expect(passwordProblem("short")).toContain("at least 12");
    expect(passwordProblem("correct horse battery")).toBeUndefined();
    expect(passwordProblem("")).toBeUndefined();
    expect(handleProblem("ada-l")).toBeUndefined();
    for (const bad of ["Ada", "a", "1ada", "ada+x", "ada.l", "a".repeat(33)]) expect(handleProblem(bad)).toBeDefined();
    expect(emailProblem("ada@acme.example")).toBeUndefined();
    expect(emailProblem("ada@@x")).toBeDefined();
  });

  it("suggests a handle that is one", () => {
    for (const [email, handle] of [["ada.lovelace@x.org", "ada-lovelace"], ["42Ada+test@x", "ada-test"], ["ÄÖ@x", ""]] as const) {
      expect(suggestHandle(email)).toBe(handle);
      expect(handleProblem(handle)).toBeUndefined();
    }
  });

  it("takes public keys and refuses private ones", () => {
    expect(publicKeyProblem("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 ada@thinkpad")).toBeUndefined();
    expect(publicKeyProblem("-----BEGIN OPENSSH PRIVATE KEY-----")).toContain("private half");
    expect(publicKeyProblem("ssh-dss AAAA")).toBeDefined();
    expect(publicKeyProblem("ssh-rsa AAAA\nssh-rsa BBBB")).toContain("One key");
    expect(publicKeyComment("ssh-ed25519 AAAA ada on thinkpad")).toBe("ada on thinkpad");
  });
});
