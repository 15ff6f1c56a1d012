import { describe, expect, it } from "vitest";
import { decode, encode } from "./webauthn";

describe("base64url", () => {
  it("gives back what went in, without padding", () => {
    for (let n = 0; n < 70; n++) {
      const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 37 + n * 101) & 0xff);
      const text = encode(bytes.buffer);
      expect(text).toMatch(/^[A-Za-z0-9_-]*$/);
      expect(new Uint8Array(decode(text))).toEqual(bytes);
    }
  });
  it("reads what others pad", () => expect(new Uint8Array(decode("-_8="))).toEqual(new Uint8Array([0xfb, 0xff])));
});
