import { describe, expect, it } from "vitest";
import { networksProblem, parseNetworks } from "./networks";

describe("networks of a token", () => {
  it("takes lines and commas", () => expect(parseNetworks(" 192.0.2.0/24,\n2001:db8::/32 ")).toEqual(["192.0.2.0/24", "2001:db8::/32"]));
  it("is none when nothing is typed", () => expect(parseNetworks("  ")).toEqual([]));
  it("lets both kinds pass", () => {
    for (const n of ["", "192.0.2.7", "192.0.2.0/24", "::1", "2001:db8::/32", "192.0.2.0/24, ::1"]) expect(networksProblem(n)).toBeUndefined();
  });
  it("names what is none", () => expect(networksProblem("192.0.2.0/24, office")).toContain("office"));
});
