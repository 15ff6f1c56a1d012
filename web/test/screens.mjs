// Looks at every page: both themes, three widths, against the mock, with the
// content security policy of the product. Writes PNGs to build/screens and fails
// on a console error, a policy violation, a request to another origin, sideways
// scrolling or a serious finding of axe.
//   node test/screens.mjs [parts of names, with commas between] [--theme=dark] [--width=390]
import { mkdirSync, readFileSync } from "node:fs";
import { launch } from "./browser.mjs";
import { start } from "./mock/server.mjs";
import { pages } from "./screen-list.mjs";

const port = 8898;
const origin = `http://localhost:${port}`; // not an IP address, to which browsers bind no security keys
const out = new URL("../../build/screens/", import.meta.url).pathname;
const axeSource = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const wanted = process.argv.slice(2).find((a) => !a.startsWith("--")) ?? "";
const flag = (name) => process.argv.find((a) => a.startsWith(`--${name}=`))?.split("=")[1];
const widths = [[1440, 900], [1024, 768], [390, 844]].filter(([w]) => !flag("width") || String(w) === flag("width"));
const themes = ["light", "dark"].filter((t) => !flag("theme") || t === flag("theme"));

mkdirSync(out, { recursive: true });
const server = await start(port);
const browser = await launch();
const problems = [];
let seen = 0;

for (const theme of themes) {
  for (const [width, height] of widths) {
    const contexts = new Map(); // by person: what was loaded once stays cached
    for (const p of pages.filter((x) => wanted.split(",").some((w) => x.name.includes(w)))) {
      const who = p.as ?? "";
      if (!contexts.has(who)) contexts.set(who, await makeContext(who, theme, width, height));
      await visit(p, contexts.get(who), theme, width);
      seen++;
    }
    for (const c of contexts.values()) await c.close();
  }
}
await browser.close();
server.closeAllConnections();
server.close();
for (const p of [...new Set(problems)]) console.log(p);
console.log(`${seen - new Set(problems.map((p) => p.split(":")[0])).size} passed, ${new Set(problems.map((p) => p.split(":")[0])).size} failed`);
process.exit(problems.length > 0 ? 1 : 0);

async function makeContext(who, theme, width, height) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: "reduce", deviceScaleFactor: 1, locale: "en-GB", timezoneId: "Europe/Berlin" });
  if (who) await context.addCookies([{ name: "vaultpam_session", value: who, url: origin }]);
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  await context.addInitScript(axeSource);
  await context.addInitScript(() => localStorage.clear());
  return context;
}

async function visit(p, context, theme, width) {
  const label = `${p.name}-${theme}-${width}`;
  if (p.as) await context.addCookies([{ name: "vaultpam_session", value: p.as, url: origin }]);
  const page = await context.newPage();
  page.on("console", (m) => {
    const expected = p.expects && new RegExp(p.expects).test(m.text());
    if (m.type() === "error" && !expected) problems.push(`${label}: console: ${m.text().slice(0, 300)}`);
  });
  page.on("pageerror", (e) => problems.push(`${label}: page error: ${e.message}`));
  page.on("request", (r) => {
    if (!r.url().startsWith(origin) && !r.url().startsWith("blob:") && !r.url().startsWith("data:")) problems.push(`${label}: request to ${r.url()}`);
  });
  try {
    if (p.before) await p.before(page);
    await page.goto(origin + (typeof p.path === "function" ? p.path() : p.path), { waitUntil: "load" });
    if (p.until) await page.waitForSelector(p.until, { timeout: 8000 });
    if (p.act) await p.act(page, { width });
    await page.waitForFunction((waiting) => document.fonts.status === "loaded" && (waiting || !document.querySelector(".skeleton")), p.name.includes("loading"), { timeout: 4000 });
    await page.screenshot({ path: `${out}${label}.png`, fullPage: p.full ?? false });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) problems.push(`${label}: scrolls sideways by ${wide} px`);
    if (width === 1024) return await page.close(); // axe sees nothing there that 1440 and 390 do not show
    const found = await page.evaluate(() => globalThis.axe.run({ exclude: [".xterm"] }, { // what a target prints has its own colours
       resultTypes: ["violations"] }));
    for (const v of found.violations) {
      if (v.impact === "serious" || v.impact === "critical" || v.impact === "moderate") problems.push(`${label}: axe ${v.impact} ${v.id}: ${v.help} (${v.nodes.length}) ${v.nodes[0].target.join(" ")} ${v.nodes[0].failureSummary?.split("\n")[1]?.trim() ?? ""}`);
    }
  } catch (err) {
    problems.push(`${label}: ${err.message.split("\n").slice(0, 3).join(" ")}`);
    await page.screenshot({ path: `${out}${label}.png` }).catch(() => undefined);
  }
  await page.close();
}
