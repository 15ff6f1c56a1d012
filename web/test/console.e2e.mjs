// A person's journey through the console against a running server: everything
// from signing in to a verified recording, by the labels that a person reads. Go's
// TestConsole starts the server, gives the job on standard input, and then
// looks for the events in the ledger.
import { readFileSync } from "node:fs";
import { launch } from "./browser.mjs";

const job = JSON.parse(readFileSync(0, "utf8"));
const browser = await launch();
const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 } });
const page = await context.newPage();
page.setDefaultTimeout(job.timeout_ms);

// What a page must never do: break the policy, throw, or ask another origin.
const wrong = [];
page.on("pageerror", (e) => wrong.push(`exception: ${e.message}`));
page.on("console", (m) => m.type() === "error" && /Content Security Policy|Trusted/i.test(m.text()) && wrong.push(m.text()));
page.on("request", (r) => new URL(r.url()).origin !== job.url && !r.url().startsWith("data:") && !r.url().startsWith(job.url.replace("https", "wss")) && wrong.push(`foreign request: ${r.url()}`));

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
    await page.getByLabel("Code from your authenticator app").pressSequentially(job.code);
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
    await page.goto(at(`/safes/${job.safe}?tab=members`));
    await button("Add member").first().click(); // an empty list offers it a second time
    await dialog.getByRole("combobox", { name: "Person" }).selectOption({ value: job.user_id });
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
};

let failed = 0;
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    console.log(`ok ${name}`);
  } catch (e) {
    failed++;
    console.log(`not ok ${name}: ${e.message.split("\n").slice(0, 4).join(" ")}`);
    await page.screenshot({ path: `${job.shots}/${name.replace(/\W+/g, "-")}.png` });
  }
  if (failed) break; // each step stands on those before it
}
for (const w of new Set(wrong)) console.log(`not ok the page behaves: ${w}`);
await browser.close();
process.exit(failed || wrong.length ? 1 : 0);
