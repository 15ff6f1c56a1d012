import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

// The rules of the house that a compiler does not know.
const src = new URL(".", import.meta.url).pathname;
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((f) => /\.tsx?$/.test(f) && !f.endsWith(".test.ts") && !f.endsWith(".gen.ts"))
  .map((f) => ({ name: f, text: readFileSync(join(src, f), "utf8") }));

const where = (pattern: RegExp, except: readonly string[] = []) => files.filter((f) => !except.includes(f.name) && pattern.test(f.text)).map((f) => f.name);

it("calls fetch in one module only", () => expect(where(/\bfetch\(/, ["api/client.ts"])).toEqual([]));
it("has no any", () => expect(where(/(:|<|as|\|)\s*any\b/)).toEqual([]));
it("makes no markup from text", () => expect(where(/dangerouslySetInnerHTML|\.innerHTML\b|insertAdjacentHTML|document\.write\(/)).toEqual([]));
it("keeps domain words and fetches out of ui/", () => expect(files.filter((f) => f.name.startsWith("ui/") && /from "\.\.\/(features|api\/client)/.test(f.text)).map((f) => f.name)).toEqual([]));
it("names no other origin", () => expect(where(/https?:\/\/(?!\[|www\.w3\.org)[a-z]/)).toEqual([]));
it("keeps files short enough to read in one sitting", () => expect(files.filter((f) => f.text.split("\n").length > 500).map((f) => f.name)).toEqual([]));
