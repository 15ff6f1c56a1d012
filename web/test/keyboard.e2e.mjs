// The console without a pointer: sign in, launch, type, leave, replay, verify, end,
// sign out, each by keys alone, with the focus always on something that is seen.
// Go's TestConsoleByKeyboard starts the server.
import { job, open, run } from "./journey.mjs";

const page = await open();
const keys = page.keyboard;
const terminal = page.locator(".xterm-rows");

/** What has the focus: its name as a screen reader says it, and whether one can see it. */
function focused() {
  return page.evaluate(() => {
    const el = document.activeElement;
    if (!el || el === document.body) return { name: "", seen: true };
    const labels = el.labels ? [...el.labels].map((l) => l.textContent).join(" ") : "";
    const name = (el.getAttribute("aria-label") || labels || el.textContent || "").replace(/\s+/g, " ").trim();
    // A control that is drawn by its label (a segment, a day) is seen where the label is.
    const box = (getComputedStyle(el).opacity === "0" ? el.closest("label") : el).getBoundingClientRect();
    return { name, seen: box.width > 1 && box.height > 1 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth };
  });
}

/** Presses Tab (or Shift+Tab) until the focus is on what is wanted. */
async function tabTo(wanted, key = "Tab") {
  const passed = [];
  for (let n = 0; n < 90; n++) {
    await keys.press(key);
    const at = await focused();
    if (!at.seen) throw new Error(`the focus is on "${at.name}", which is not seen`);
    if (typeof wanted === "string" ? at.name === wanted : wanted.test(at.name)) return;
    passed.push(at.name.slice(0, 24));
  }
  throw new Error(`no "${wanted}" by ${key}; passed: ${passed.join(" | ")}`);
}

async function go(to) {
  await keys.press("Control+k");
  await page.getByRole("combobox", { name: /^Search safes/ }).waitFor();
  await keys.type(to);
  await page.getByRole("option", { selected: true }).filter({ hasText: to }).waitFor();
  await keys.press("Enter");
}

const heading = (name) => page.getByRole("heading", { name, exact: true }).waitFor();

await run(page, {
  "signs in": async () => {
    await page.goto(job.url);
    await page.getByLabel("Email").waitFor();
    await keys.type(job.email);
    await keys.press("Tab");
    await keys.type(job.password);
    await keys.press("Enter");
    await page.getByLabel("Code from your authenticator app").waitFor();
    await keys.type(job.code);
    await page.getByRole("navigation").getByText("Safes").waitFor();
  },
  "skips the navigation": async () => {
    await keys.press("Tab");
    if ((await focused()).name !== "Skip to content") throw new Error(`the first stop is "${(await focused()).name}"`);
    await keys.press("Enter");
    await page.waitForFunction(() => document.activeElement?.id === "main");
  },
  "opens and leaves a dialog, and is back where it was": async () => {
    await go("Resources");
    await heading("Resources");
    await tabTo(/^(New|Add) resource$/);
    await keys.press("Enter");
    await page.getByRole("dialog").waitFor();
    if (!(await page.evaluate(() => document.activeElement.closest("dialog") !== null))) throw new Error("the focus is not in the dialog");
    await keys.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    if (!/^(New|Add) resource$/.test((await focused()).name)) throw new Error(`the focus went to "${(await focused()).name}"`);
  },
  "launches a safe and types": async () => {
    await go("Safes");
    await heading("Safes");
    await tabTo(`Launch ${job.safe}`);
    await keys.press("Enter");
    await page.getByText("Recording").first().waitFor();
    await keys.type("echo by-keys-$((40+2))\r");
    await terminal.getByText("by-keys-42").first().waitFor();
  },
  "leaves the terminal by F6 and ends the session": async () => {
    await keys.press("F6");
    if ((await focused()).name !== "End") throw new Error(`F6 went to "${(await focused()).name}"`);
    await keys.press("Enter");
    await page.getByText("The session has ended.").waitFor();
    await page.waitForFunction(() => document.activeElement?.textContent === "Start a new session");
  },
  "replays it": async () => {
    await tabTo("Session and recording", "Shift+Tab");
    await keys.press("Enter");
    await page.getByText("matches the ledger").waitFor();
    await tabTo("Play recording");
    await keys.press("Enter");
    await terminal.getByText("by-keys-42").first().waitFor();
  },
  "goes along the audit log and verifies an entry": async () => {
    await go("Audit");
    await heading("Audit");
    await page.getByRole("listitem").first().waitFor();
    await tabTo(/^Details of entry/);
    const first = (await focused()).name;
    await keys.press("ArrowDown");
    const second = (await focused()).name;
    if (second === first || !second.startsWith("Details of entry")) throw new Error(`ArrowDown went from "${first}" to "${second}"`);
    await keys.press("Enter");
    await page.getByRole("button", { name: "Verify this entry" }).waitFor();
    await tabTo("Verify this entry");
    await keys.press("Enter");
    await page.getByText("is in the ledger, unaltered").waitFor();
    await keys.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    if ((await focused()).name !== second) throw new Error(`the panel gave the focus to "${(await focused()).name}"`);
  },
  "sets a filter from its menu": async () => {
    await tabTo("Outcome", "Shift+Tab");
    await keys.press("Enter");
    await page.getByRole("menu").waitFor();
    await keys.press("ArrowDown");
    await keys.press("Enter");
    await page.waitForURL(/outcome=failure/);
  },
  "signs out": async () => {
    await tabTo(/your menu$/, "Shift+Tab");
    await keys.press("Enter");
    await page.getByRole("menu").waitFor();
    await keys.press("ArrowUp"); // from the first to the last
    await keys.press("Enter");
    await heading("Sign in");
  },
});
