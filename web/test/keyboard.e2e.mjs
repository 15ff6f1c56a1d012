// The console without a pointer: sign in, launch, type, leave, replay, verify, end,
// invite, look at a member, change a setting, make a service account with a token and
// remove it, sign out, each by keys alone, with the focus always on something that is
// seen; dialogs keep it and give it back.
// Go's TestConsoleByKeyboard starts the server.
import { ask, job, open, run } from "./journey.mjs";

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
    let at = await focused();
    for (let n = 0; n < 40 && !at.seen; n++) {
      await page.waitForTimeout(50); // it may have to be drawn first
      at = await focused();
    }
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

/** Waits until the focus is back on what had it. */
async function backOn(wanted) {
  for (let n = 0; n < 100; n++) {
    const { name } = await focused();
    if (typeof wanted === "string" ? name === wanted : wanted.test(name)) return;
    await page.waitForTimeout(50);
  }
  throw new Error(`the focus is on "${(await focused()).name}", not on "${wanted}"`);
}

/** Goes once around: the focus never leaves the dialog for the page behind it. */
async function keepsFocus(dialog) {
  const first = await focused();
  if (!first.name) throw new Error("the dialog does not have the focus");
  for (let n = 0; n < 40; n++) {
    await keys.press(n % 8 === 7 ? "Shift+Tab" : "Tab");
    const inside = await dialog.evaluate((d) => d.contains(document.activeElement) || document.activeElement === document.body); // body: the browser's own buttons
    if (!inside) throw new Error(`the focus has left the dialog for "${(await focused()).name}"`);
  }
  for (let n = 0; n < 40 && (await focused()).name !== first.name; n++) await keys.press("Tab");
  await backOn(first.name);
}

/** Presses Enter, proves the second factor where it is asked for, and waits for what shows that it is done. */
async function act(done) {
  await keys.press("Enter");
  const code = page.getByLabel("Code from your authenticator app");
  await code.or(done).first().waitFor();
  if (await code.isVisible()) {
    await keys.type(await ask("code", job.handle));
    await done.waitFor();
  }
}

const row = (text) => page.getByRole("row").filter({ hasText: text });
const robot = `by-keys-${Date.now() % 1e6}`;

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
    await keys.type(await ask("code", job.handle));
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
  "invites somebody, in a dialog that keeps the focus and gives it back": async () => {
    await go("People");
    await heading("People");
    await tabTo("Invite");
    await keys.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Invite people" });
    await dialog.waitFor();
    await backOn("Email addresses");
    await keepsFocus(dialog);
    await keys.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await backOn("Invite");
    await keys.press("Enter");
    await dialog.waitFor();
    await keys.type(job.invitee);
    await tabTo(/^Operator/); // of the roles, the one that is chosen
    await keys.press("ArrowDown");
    await tabTo(/^Demand a proved second factor/);
    await keys.press("Space");
    await tabTo("Send invitation");
    await act(row(job.invitee));
    await dialog.waitFor({ state: "hidden" });
    await backOn("Invite");
  },
  "opens a member, and is back in the list": async () => {
    await tabTo("Members");
    await keys.press("Enter");
    await row(job.email).waitFor();
    await tabTo("Olivia");
    await keys.press("Enter");
    const panel = page.getByRole("dialog", { name: "Olivia" });
    await panel.getByText("Where they are signed in").waitFor();
    if (!(await panel.evaluate((d) => d.contains(document.activeElement)))) throw new Error(`the panel does not have the focus: "${(await focused()).name}" has`);
    await keys.press("Escape");
    await panel.waitFor({ state: "hidden" });
    await backOn("Olivia");
  },
  "changes a setting": async () => {
    await go("Organization");
    await heading("Organization");
    await tabTo(/^Whom to ask/);
    await keys.type("the service desk");
    await tabTo("Save changes");
    await act(page.getByText("Saved."));
  },
  "makes a service account": async () => {
    await go("People");
    await heading("People");
    await tabTo("Service accounts");
    await keys.press("Enter");
    await heading("No service accounts");
    await tabTo("New service account", "Shift+Tab");
    await keys.press("Enter");
    await page.getByRole("dialog", { name: "New service account" }).waitFor();
    await backOn("Name");
    await keys.type(robot);
    await act(page.getByRole("dialog", { name: robot }));
  },
  "and its token, which is shown once": async () => {
    await tabTo("New token");
    await keys.press("Enter");
    const dialog = page.getByRole("dialog", { name: `New token for ${robot}` });
    await dialog.waitFor();
    await backOn("Name");
    await keys.type("by keys");
    await tabTo(/^safes:read/);
    await keys.press("Space");
    await tabTo("Create token");
    const shown = page.getByRole("dialog", { name: "Copy the token now" });
    await act(shown);
    const token = await shown.locator(".command code").innerText();
    if (!/^vpat_/.test(token)) throw new Error("no token is shown");
    await ask("token", token);
    await tabTo("I have it");
    await keys.press("Enter");
    await shown.waitFor({ state: "hidden" });
    await backOn("New token");
    await page.getByRole("listitem").filter({ hasText: "by keys" }).getByText("last used never").waitFor();
    if ((await page.content()).includes(token)) throw new Error("the token is still on the page");
  },
  "removes the service account": async () => {
    await tabTo("Remove");
    await keys.press("Enter");
    await backOn(`Type ${robot} to confirm`);
    await keys.type(robot);
    await tabTo("Remove service account");
    await act(page.getByText(`${robot} is removed.`));
    await heading("No service accounts");
    await tabTo("New service account"); // the list's own place, where its row was
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
