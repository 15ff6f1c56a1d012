import { describe, expect, it } from "vitest";
import { asProblem, Problem } from "./problem";

const headers = (h: Record<string, string> = {}) => new Headers(h);

describe("Problem", () => {
  it("says what the server said, as a sentence", () => {
    const p = Problem.fromResponse(409, headers(), { title: "Conflict", detail: "the name is taken", code: "NAME_TAKEN", request_id: "req_1" });
    expect(p.message).toBe("The name is taken.");
    expect(p.code).toBe("NAME_TAKEN");
    expect(p.requestId).toBe("req_1");
  });

  it("copes with an answer that is no problem document", () => {
    for (const body of [undefined, null, "nginx", [], { errors: "x", code: 7 }]) {
      const p = Problem.fromResponse(502, headers({ "x-request-id": "req_2" }), body);
      expect(p.message).toBe("The server could not do this.");
      expect(p.code).toBe("INTERNAL");
      expect(p.requestId).toBe("req_2");
      expect(p.fields).toEqual([]);
    }
  });

  it("finds the message of a field in any of the path forms", () => {
    const p = Problem.fromResponse(422, headers(), {
      errors: [{ path: "body.policy.idle_timeout_seconds", message: "too long" }, { path: "/name", message: "taken" }, { path: "host", message: "forbidden" }, { path: 3 }],
    });
    expect(p.field("policy.idle_timeout_seconds")).toBe("too long");
    expect(p.field("name")).toBe("taken");
    expect(p.field("host")).toBe("forbidden");
    expect(p.field("port")).toBeUndefined();
    expect(p.fields).toHaveLength(3);
  });

  it("keeps how long to wait, when it is a number of seconds", () => {
    expect(Problem.fromResponse(429, headers({ "retry-after": "840" }), {}).retryAfterSeconds).toBe(840);
    expect(Problem.fromResponse(429, headers({ "retry-after": "Wed, 21 Oct" }), {}).retryAfterSeconds).toBeUndefined();
  });

  it("knows the refusals that views treat on their own", () => {
    expect(Problem.fromResponse(403, headers(), { code: "MFA_REQUIRED" }).wantsStepUp).toBe(true);
    expect(Problem.fromResponse(403, headers(), {}).wantsStepUp).toBe(false);
    expect(Problem.fromResponse(403, headers(), {}).isDenied).toBe(true);
    expect(Problem.fromResponse(401, headers(), {}).isSignedOut).toBe(true);
    expect(Problem.fromResponse(404, headers(), {}).isNotFound).toBe(true);
    expect(Problem.offline(new Error("x")).status).toBe(0);
  });

  it("hides the text of our own faults", () => {
    const p = asProblem(new TypeError("undefined is not a function"));
    expect(p.message).not.toContain("undefined");
    expect(asProblem(p)).toBe(p);
  });
});
