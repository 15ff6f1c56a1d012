import { expect, it } from "vitest";
import { pieces } from "./pieces";

const e = (sentence: string, actor: string, target: string) => ({
  sentence,
  event: "Safe Member Added",
  actor: { type: "User", id: actor ? "usr_1" : "", name: actor, authenticated: true },
  target: { type: "Safe", id: "safe_1", name: target },
});
const kinds = (list: ReturnType<typeof pieces>) => list.map((p) => `${p.kind}:${p.text}`);

it("marks actor and target where they are named, in any order", () => {
  expect(kinds(pieces(e("Ada added Grace to web-prod.", "Ada", "web-prod")))).toEqual(["actor:Ada", "text: added Grace to ", "target:web-prod", "text:."]);
  expect(kinds(pieces(e("web-prod was opened by Ada", "Ada", "web-prod")))).toEqual(["target:web-prod", "text: was opened by ", "actor:Ada"]);
});

it("does not mark one name inside the other", () => {
  expect(kinds(pieces(e("Ada added Adapter", "Ada", "Adapter")))).toEqual(["actor:Ada", "text: added ", "target:Adapter"]);
});

it("loses no text, also when nothing is named", () => {
  expect(kinds(pieces(e("Something happened.", "Ada", "web-prod")))).toEqual(["text:Something happened."]);
  expect(kinds(pieces(e("A failed.", "", "")))).toEqual(["text:A failed."]);
});

it("has a sentence of its own when the server sends none", () => {
  expect(pieces(e("", "Ada", "web-prod")).map((p) => p.text).join("")).toBe("Safe Member Added: Ada, web-prod");
});
