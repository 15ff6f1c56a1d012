// A person's journey through the console against a running server: everything
// from signing in to a verified recording, a colleague's session watched and ended,
// a proved entry and signing out, by the labels that a person reads. Go's TestConsole
// starts the server, gives the job on standard input, and then looks for the events
// in the ledger.
import { ask, context, job, open, run } from "./journey.mjs";

const page = await open();
const at = (path) => `${job.url}/o/${job.org}${path}`;
const button = (name) => page.getByRole("button", { name, exact: true });
const dialog = page.getByRole("dialog");
const pick = (name, text) => page.getByRole("combobox", { name }).selectOption({ label: text });
const terminal = page.locator(".xterm-rows");

const steps = {
  "a wrong password is refused in words": async () => {
    await page.goto(job.url);
    await page.getByLabel("Email").fill(job.email);
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
  },
  "signs in with password and code": async () => {
    await page.getByLabel("Password", { exact: true }).fill(job.password);
    await page.keyboard.press("Enter");
    await page.getByLabel("Code from your authenticator app").pressSequentially(await ask("code", job.handle));
    await page.getByRole("navigation").getByText("Safes").waitFor();
  },
  "creates a resource and confirms its host key": async () => {
    await page.goto(at("/resources?new=1"));
    await dialog.getByLabel("Name").fill(job.name);
    await dialog.getByLabel("Host").fill(job.host);
    await dialog.getByLabel("Port").fill(String(job.port));
    await dialog.getByRole("button", { name: /^(Create|Add)/ }).click();
    await button("Scan the host key").click();
    await button("They are the same: confirm").click();
    await page.getByText("is confirmed").first().waitFor();
  },
  "creates an account with a private key": async () => {
    await page.goto(at("/accounts?new=1"));
    await dialog.getByLabel("Name").fill(job.name);
    await pick("Resource", `${job.name} (${job.host})`);
    await dialog.getByLabel("Signs in as").fill(job.user);
    await dialog.getByText("SSH key").click();
    await dialog.getByLabel("Private key").fill(job.key);
    await button("Create account").click();
    await page.getByText("Safes that use it").waitFor();
  },
  "rotates the key at the host": async () => {
    await button("Rotate now").click();
    await dialog.getByRole("button", { name: "Rotate credential" }).click();
    await page.getByText("version 2", { exact: false }).waitFor();
    await page.getByText("By hand, 1 attempt").waitFor();
    await button("Change schedule").click();
    await dialog.getByLabel("Rotate every so many days").fill("30");
    await dialog.getByRole("button", { name: "Save schedule" }).click();
    await page.getByText("Every 30 days", { exact: true }).waitFor();
  },
  "creates a safe": async () => {
    await page.goto(at("/safes/new"));
    await page.getByRole("textbox", { name: "Name" }).fill(job.name);
    await pick("Resource", `${job.name} (${job.host})`);
    await pick("Account", `${job.name} (signs in as ${job.user})`);
    await button("Create safe").click();
    await page.getByRole("heading", { name: job.name }).waitFor();
    job.safe = page.url().match(/safe_[0-9a-z]+/)[0];
  },
  "adds themselves as a member": async () => {
    await page.goto(at(`/safes/${job.safe}?tab=access`));
    await button("Add member").click();
    await dialog.getByRole("combobox", { name: "Person" }).fill(job.email);
    await dialog.getByRole("option").filter({ hasText: job.email }).click();
    await dialog.getByRole("button", { name: "Add member" }).click();
    await dialog.waitFor({ state: "hidden" });
  },
  "opens a terminal and types": async () => {
    await page.goto(at("/safes"));
    await page.getByRole("link", { name: `Launch ${job.name}`, exact: true }).click();
    await page.getByText("Recording").first().waitFor();
    await page.keyboard.type("echo typed-$((40+2))\r");
    await terminal.getByText("typed-42").first().waitFor();
  },
  "ends it by exit": async () => {
    await page.keyboard.type("exit\r");
    await page.getByText("The session has ended.").waitFor();
  },
  "replays the recording, which matches the ledger": async () => {
    await page.goto(at("/sessions"));
    await page.getByRole("row").nth(1).click();
    await page.getByText("matches the ledger").waitFor();
    await button("Play recording").click();
    await terminal.getByText("typed-42").first().waitFor();
  },
  "watches a colleague's session while it runs": async () => {
    await page.goto(at("/live"));
    await page.getByRole("row").filter({ hasText: job.colleague }).getByText("OpenSSH").click();
    await button("Watch").click();
    await page.getByText("You are watching").waitFor();
    await terminal.getByText(/tick-\d/).first().waitFor();
    // Since the first look two more, however many come at a time.
    await page.waitForFunction(() => {
      const last = Math.max(...[...document.querySelector(".xterm-rows").innerText.matchAll(/tick-(\d+)/g)].map((m) => Number(m[1])));
      return last > (window.firstTick ??= last) + 1;
    });
  },
  "ends it, with a reason": async () => {
    await button("End session").click();
    await dialog.getByLabel("Reason").fill(job.reason);
    await dialog.getByRole("button", { name: "End session" }).click();
    await dialog.waitFor({ state: "hidden" });
    await page.getByText("The session has ended.").waitFor(); // says the live view
    await page.getByText(/^Ended by /).first().waitFor();
    await page.goto(at("/live"));
    await page.getByText("Nothing runs now").waitFor();
  },
  "opens entries of the audit log by a click on the line and on its name": async () => {
    await page.goto(at("/audit"));
    const lines = page.getByRole("list", { name: "Audit events" }).getByRole("listitem");
    const panel = page.getByRole("dialog");
    await lines.nth(2).locator("time").click();
    await panel.getByText("What it carries").or(panel.getByText("Raw JSON")).first().waitFor();
    await lines.nth(1).getByRole("button", { name: /^Details of entry/ }).click(); // while the panel is open
    await page.waitForFunction(() => document.querySelectorAll(".event-line")[1].hasAttribute("data-selected"));
    await button("Close panel").click();
    await panel.waitFor({ state: "hidden" });
  },
  "verifies the proof of the ended session's entry": async () => {
    await page.goto(at("/audit?constant=SESSION_TERMINATED_BY_ADMIN"));
    await page.getByRole("list", { name: "Audit events" }).getByRole("listitem").first().locator("time").click();
    await page.getByRole("dialog").getByText(job.reason).first().waitFor();
    await button("Verify this entry").click();
    await page.getByText("is in the ledger, unaltered").waitFor();
    for (const what of ["Shown fields", "Content", "Place in the tree", "Signature"]) await page.locator(".proof-steps li.held").filter({ hasText: what }).waitFor();
  },
  "signs out, and nothing of the console is left": async () => {
    await page.getByRole("button", { name: /your menu/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.goto(at("/audit"));
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    const left = (await context.cookies()).filter((c) => c.value !== "");
    if (left.length > 0) throw new Error(`cookies are left: ${left.map((c) => c.name)}`);
  },
};

await run(page, steps);
