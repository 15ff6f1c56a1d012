import { describe, expect, it } from "vitest";
import { bytes, clock, duration, exact, initials, plural, relative, shortId } from "./format";

const now = new Date("2025-03-04T08:12:51Z");
const at = (s: number) => new Date(now.getTime() + s * 1000);

describe("relative", () => {
  it.each([
    [0, "just now"],
    [-9, "just now"],
    [-42, "42 s ago"],
    [-240, "4 min ago"],
    [-7200, "2 h ago"],
    [-3 * 86_400, "3 d ago"],
    [90, "in 2 min"],
    [86_400, "in 1 d"],
  ])("%d s is %s", (s, text) => expect(relative(at(s), now)).toBe(text));

  it("is a date beyond a month", () => {
    expect(relative(at(-60 * 86_400), now)).toMatch(/2025|Jan/);
  });
});

it("shows UTC beside the reader's own time", () => {
  expect(exact(now)).toContain("2025-03-04 08:12:51 UTC");
});

it.each([
  [0, "0 s"],
  [-5, "0 s"],
  [59.6, "1 min"],
  [250, "4 min 10 s"],
  [7500, "2 h 5 min"],
  [14_400, "4 h"],
  [273_600, "3 d 4 h"],
])("a duration of %d is %s", (s, text) => expect(duration(s)).toBe(text));

it.each([
  [0, "0:00"],
  [65.9, "1:05"],
  [3723, "1:02:03"],
])("a clock at %d is %s", (s, text) => expect(clock(s)).toBe(text));

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [41_233, "40 KiB"],
  [1.5 * 1024 ** 3, "1.5 GiB"],
  [5 * 1024 ** 5, "5120 TiB"],
])("%d bytes are %s", (n, text) => expect(bytes(n)).toBe(text));

it("shortens long ids in the middle and leaves short ones", () => {
  expect(shortId("safe_01jz8q4n5yf3v9t2c6w0k7m1xa")).toBe("safe_01jz…7m1xa");
  expect(shortId("short")).toBe("short");
});

it("counts and abbreviates", () => {
  expect(plural(1, "change")).toBe("1 change");
  expect(plural(0, "change")).toBe("0 changes");
  expect(initials("Ada Lovelace King")).toBe("AK");
  expect(initials(" grace ")).toBe("G");
  expect(initials("")).toBe("?");
});
