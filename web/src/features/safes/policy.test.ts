import { describe, expect, it } from "vitest";
import { blockedSentence, liftable } from "./blocked";
import { defaultPolicy, diff, formErrors, fromForm, hours, type PolicyForm, toForm } from "./policy";

const form = (part: Partial<PolicyForm> = {}): PolicyForm => ({ ...toForm(defaultPolicy, "Europe/Vienna"), ...part });
const policy = (part: Partial<typeof defaultPolicy> = {}) => ({ ...defaultPolicy, ...part });

describe("the form", () => {
  it("gives back the policy that it was made from", () => {
    const p = policy({
      valid_hours: { days: ["mon", "fri"], from: "22:00", to: "06:00", time_zone: "UTC" },
      source_networks: ["10.0.0.0/8", "2001:db8::/32"],
      jump: "allow",
      session_ttl_seconds: 90,
      idle_timeout_seconds: 5400,
      max_sessions: 2,
      file_transfer: "block",
    });
    expect(fromForm(toForm(p, "UTC"))).toEqual(p);
    expect(fromForm(form())).toEqual(defaultPolicy);
  });

  it("shows a duration in the largest unit without a fraction", () => {
    expect(toForm(policy({ session_ttl_seconds: 7200 }), "UTC").ttl).toEqual({ n: "2", unit: "h" });
    expect(toForm(policy({ session_ttl_seconds: 5400 }), "UTC").ttl).toEqual({ n: "90", unit: "m" });
    expect(toForm(policy({ session_ttl_seconds: 61 }), "UTC").ttl).toEqual({ n: "61", unit: "s" });
  });

  it("never asks for input without a recording", () => {
    expect(fromForm(form({ recording: false, recordInput: true })).record_input).toBe(false);
  });

  it("keeps days in the order of the week and networks one by one", () => {
    const p = fromForm(form({ hoursOn: true, days: ["fri", "mon"], networks: " 10.0.0.0/8,\n192.0.2.7 " }));
    expect(p.valid_hours?.days).toEqual(["mon", "fri"]);
    expect(p.source_networks).toEqual(["10.0.0.0/8", "192.0.2.7"]);
  });
});

describe("formErrors", () => {
  it("finds nothing wrong with the default", () => expect(formErrors(form())).toEqual({}));

  it.each<[Partial<PolicyForm>, keyof PolicyForm]>([
    [{ ttl: { n: "", unit: "m" } }, "ttl"],
    [{ ttl: { n: "1.5", unit: "h" } }, "ttl"],
    [{ ttl: { n: "4", unit: "s" } }, "ttl"],
    [{ ttl: { n: "169", unit: "h" } }, "ttl"],
    [{ idle: { n: "5", unit: "h" } }, "idle"],
    [{ freshness: { n: "25", unit: "h" } }, "freshness"],
    [{ hoursOn: true, days: [] }, "days"],
    [{ hoursOn: true, from: "8:00" }, "from"],
    [{ hoursOn: true, zone: "Atlantis" }, "zone"],
    [{ networks: "10.0.0.0/33" }, "networks"],
    [{ networks: "256.1.1.1" }, "networks"],
    [{ networks: "2001:db8::/129" }, "networks"],
    [{ networks: "office" }, "networks"],
    [{ limitOn: true, limit: "0" }, "limit"],
  ])("sees %o", (part, field) => expect(Object.keys(formErrors(form(part)))).toEqual([field]));

  it("takes what is unusual and right", () => {
    expect(formErrors(form({ networks: "10.0.0.0/8 ::1 2001:db8::/32 192.0.2.7", hoursOn: true, from: "22:00", to: "06:00", ttl: { n: "7", unit: "h" } }))).toEqual({});
  });
});

describe("diff", () => {
  it("is empty when nothing changes", () => expect(diff(defaultPolicy, policy())).toEqual([]));

  it("marks what gets weaker", () => {
    const weaker = (a: Partial<typeof defaultPolicy>, b: Partial<typeof defaultPolicy>) => diff(policy(a), policy(b)).map((c) => c.weaker);
    expect(weaker({}, { recording: false, record_input: false })).toEqual([true, true]);
    expect(weaker({}, { session_ttl_seconds: 3600 })).toEqual([false]);
    expect(weaker({}, { session_ttl_seconds: 86_400 })).toEqual([true]);
    expect(weaker({ file_transfer: "block" }, { file_transfer: "audit" })).toEqual([true]);
    expect(weaker({ file_transfer: "allow" }, { file_transfer: "audit" })).toEqual([false]);
    expect(weaker({ source_networks: ["10.0.0.0/8", "192.0.2.7"] }, { source_networks: ["10.0.0.0/8"] })).toEqual([false]);
    expect(weaker({ source_networks: ["10.0.0.0/8"] }, { source_networks: [] })).toEqual([true]);
    expect(weaker({}, { source_networks: ["10.0.0.0/8"] })).toEqual([false]);
    expect(weaker({ max_sessions: 2 }, { max_sessions: 0 })).toEqual([true]);
    expect(weaker({}, { max_sessions: 2 })).toEqual([false]);
    expect(weaker({}, { jump: "allow" })).toEqual([true]);
    expect(weaker({ clipboard: "block" }, { clipboard: "allow" })).toEqual([true]);
    expect(weaker({ clipboard: "allow" }, { clipboard: "block" })).toEqual([false]);
  });

  it("speaks in words", () => {
    expect(diff(defaultPolicy, policy({ session_ttl_seconds: 3600 }))).toEqual([{ control: "Longest session", from: "4 h", to: "1 h", weaker: false }]);
    expect(hours(policy({ valid_hours: { days: ["mon", "tue", "wed", "thu", "fri"], from: "08:00", to: "18:00", time_zone: "UTC" } }))).toBe("Mon to Fri 08:00 to 18:00 (UTC)");
    expect(hours(policy({ valid_hours: { days: ["mon", "wed"], from: "08:00", to: "18:00", time_zone: "UTC" } }))).toBe("Mon, Wed 08:00 to 18:00 (UTC)");
  });
});

describe("what stands in the way", () => {
  it("has a sentence for every code, also a new one", () => {
    for (const code of [undefined, "", "mfa_required", "outside_valid_hours", "account_disabled", "host_key_unconfirmed", "source_not_allowed", "brand_new_rule"]) {
      expect(blockedSentence(code)).toMatch(/^[A-Z].*\.$/);
    }
    expect(blockedSentence("brand_new_rule")).toContain("brand new rule");
  });
  it("lets one go on where a code is all that is asked", () => {
    expect(liftable("mfa_required")).toBe(true);
    expect(liftable("outside_valid_hours")).toBe(false);
  });
});
