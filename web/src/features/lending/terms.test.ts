import { describe, expect, it } from "vitest";
import type { Safe } from "../../api/types";
import { endAfter, lendProblem, lengthsOf, mayLendDeciding } from "./terms";

const now = Date.parse("2026-03-04T10:00:00Z");
const lent = (hours: number): Safe["lent"] => ({ delegation_id: "dlg_1", by: { id: "usr_1", handle: "ada", name: "Ada" }, ends_at: new Date(now + hours * 3_600_000) });
const policy = (delegation: string) => ({ delegation }) as Safe["policy"];

describe("what may be lent", () => {
  it("is never longer than one has it oneself", () => {
    expect(lengthsOf({}, now).map((l) => l.value)).toEqual(["1h", "4h", "8h", "1d", "3d", "1w", "2w", "4w"]);
    expect(lengthsOf({ lent: lent(5) }, now).map((l) => l.value)).toEqual(["1h", "4h", "own"]);
    expect(endAfter("own", { lent: lent(5) }, now)).toEqual(lent(5)?.ends_at);
    expect(endAfter("1d", {}, now)).toEqual(new Date(now + 24 * 3_600_000));
  });

  it("is one's own, unless the safe lets it be lent on", () => {
    expect(lendProblem({ my_role: "user", policy: policy("allow") })).toBeUndefined();
    expect(lendProblem({ my_role: "manager", policy: policy("block") })).toBeDefined();
    expect(lendProblem({ my_role: "", policy: policy("allow") })).toBeDefined();
    expect(lendProblem({ my_role: "", lent: lent(5), policy: policy("allow") })).toBeDefined();
    expect(lendProblem({ my_role: "", lent: lent(5), policy: policy("onward") })).toBeUndefined();
  });

  it("lends no right to decide that one has not", () => {
    expect(mayLendDeciding({ my_role: "approver" })).toBe(true);
    expect(mayLendDeciding({ my_role: "checkout" })).toBe(false);
    expect(mayLendDeciding(undefined)).toBe(false);
  });
});
