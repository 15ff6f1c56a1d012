import { describe as group, expect, it } from "vitest";
import type { AccessPolicyForm } from "../../api/types";
import { describe, diffLines, fromState, hoursText, lineOf, parseHours, stateErrors, toState } from "./model";

group("the form of a policy", () => {
  const whole: AccessPolicyForm = {
    effect: "require_approval",
    people: ["usr_1"],
    groups: ["grp_1"],
    roles: ["operator"],
    safe_roles: ["user"],
    safes: ["safe_1"],
    labels: ["env=prod"],
    types: ["ssh"],
    hours: ["mon-fri 08:00-18:00 Europe/Vienna", "sat,sun 10:00-12:00 UTC"],
    networks: ["10.0.0.0/8", "2001:db8::/32"],
    mfa_within_seconds: 900,
    ticket: true,
    message: "ask in the channel",
    approvals: 2,
    approvers: ["safe", "group:grp_2", "person:usr_2"],
    options: { recording: true, file_transfer: "block", block_jump: true, session_ttl_seconds: 3600 },
  };

  it("comes back as it was", () => {
    expect(fromState(toState(whole))).toEqual(whole);
    const deny: AccessPolicyForm = { effect: "deny", unless: true, hours: ["mon-fri 08:00-18:00 UTC"] };
    expect(fromState(toState(deny))).toEqual(deny);
    expect(fromState(toState({ effect: "allow" }))).toEqual({ effect: "allow" });
  });

  it("leaves out what the effect does not have", () => {
    const denied = fromState({ ...toState(whole), effect: "deny" });
    expect(denied.approvers).toBeUndefined();
    expect(denied.options).toBeUndefined();
    expect(fromState({ ...toState({ effect: "deny", ticket: true }), effect: "allow", unless: true }).unless).toBeUndefined();
  });

  it("writes hours as the engine does", () => {
    for (const text of ["mon-fri 08:00-18:00 Europe/Vienna", "mon,tue,sat,sun 00:00-24:00 UTC", "mon-wed,fri-sun 22:00-06:00 UTC", "sun 01:00-02:00 UTC"]) expect(hoursText(parseHours(text))).toBe(text);
  });

  it("says what is wrong where it is", () => {
    expect(stateErrors(toState(whole))).toEqual({});
    expect(stateErrors({ ...toState(whole), networks: "10.0.0.0/99", labels: "prod", safeApproves: false, approverGroups: [], approverPeople: [] })).toEqual({
      networks: expect.stringContaining("10.0.0.0/99"),
      labels: expect.stringContaining("prod"),
      safeApproves: expect.any(String),
    });
    expect(stateErrors({ ...toState(whole), hours: [{ days: [], from: "08:00", to: "18:00", zone: "UTC" }] }).hours).toBeDefined();
  });

  it("is told in words", () => {
    const names: Record<string, string> = { grp_1: "On call" };
    expect(describe({ effect: "deny", unless: true, groups: ["grp_1"], hours: ["mon-fri 08:00-18:00 UTC"] }, (id) => names[id] ?? id)).toEqual(["For who is in On call", "Except Mon to Fri 08:00 to 18:00 (UTC)"]);
  });
});

it("finds the line of a complaint", () => {
  expect(lineOf("statement 2 (line 7): unknown attribute")).toBe(7);
  expect(lineOf('parse error at policy:3:14 "}": exact got } want {')).toBe(3);
  expect(lineOf('parse error at <input>:1:67 ")": x')).toBe(1);
  expect(lineOf('statement 1 (line 1): for policy `1`, attribute `tikcet` in context for Action::"session.launch" not found', '@message("x")\nforbid (principal, action, resource)\nunless { context.tikcet != "" };')).toBe(3);
  expect(lineOf("it is empty: write a permit or a forbid")).toBeUndefined();
});

it("shows what changed between two texts", () => {
  expect(diffLines("a\nb\nc\n", "a\nx\nc\nd\n").map((l) => l.mark + l.text)).toEqual([" a", "-b", "+x", " c", "+d"]);
  expect(diffLines("a\n", "a\n").every((l) => l.mark === " ")).toBe(true);
});
