// A change that waits for a second person, in the browser: one asks, another follows the
// message, looks and approves. Go's TestConsoleDecidesAboutChanges runs it.
import { another, ask, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const adam = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const link = (name, on = page) => on.getByRole("link", { name, exact: true });
const row = (text, on = page) => on.getByRole("row").filter({ hasText: text });
const at = (path) => `${job.url}/o/${job.slug}${path}`;
const waits = page.getByText("This change waits for a second administrator.");
const asking = (safe, on) => on.getByText(`to turn recording off on the safe ${safe}.`);

/** Clicks, proves the second factor where it is asked for, and waits for what shows that it is done. */
async function act(on, who, click, done) {
  await click();
  const code = on.getByLabel("Code from your authenticator app");
  await code.or(done).first().waitFor();
  if (await code.isVisible()) {
    await code.pressSequentially(await ask("code", who.handle));
    await done.waitFor();
  }
}

/** Turns recording off, which waits. */
async function turnOff(safe) {
  await page.goto(at("/safes"));
  await link(safe).click();
  await link("Policy").click();
  await page.getByLabel("Record the session").uncheck();
  await button("Review changes").click();
  await act(page, job.owner, () => button("Save policy").click(), waits);
}

await run(page, {
  "the owner turns recording off, and is told that it waits": async () => {
    await page.goto(job.url);
    await signIn(page, job.owner);
    await turnOff(job.safe);
    if (await page.getByRole("alert").count()) throw new Error("it is told as an error");
    await link("See what waits").click();
    await heading("Turn recording off").waitFor();
    await page.getByText("You ask to turn recording off").waitFor();
    if (await button("Approve").count()) throw new Error("who asked may approve");
    await button("Withdraw").waitFor();
  },
  "another change is withdrawn by who asked": async () => {
    await turnOff(job.kept);
    await link("See what waits").click();
    await asking(job.kept, page).waitFor();
    await button("Withdraw").click();
    await act(page, job.owner, () => button("Withdraw it").click(), heading("How it ended"));
    await page.getByText("Nothing was changed.").first().waitFor();
  },
  "the message leads the second administrator there, through the sign-in": async () => {
    await adam.goto(job.url + (await ask("link", `governance_waiting ${job.admin.email}`)));
    await signIn(adam, job.admin);
    await asking(job.safe, adam).waitFor();
    const change = adam.getByRole("row").filter({ has: adam.getByRole("rowheader", { name: "recording", exact: true }) });
    await change.getByRole("cell", { name: "on", exact: true }).waitFor();
    await change.getByRole("cell", { name: "off", exact: true }).waitFor();
  },
  "approves it": async () => {
    await button("Approve", adam).click();
    await adam.getByRole("dialog").getByLabel("Comment").fill("as agreed");
    await act(adam, job.admin, () => button("Approve it", adam).click(), heading("How it ended", adam));
    await adam.locator(".page-head").getByText("Approved", { exact: true }).waitFor();
    await adam.getByText("as agreed").waitFor();
  },
  "the safe does not record": async () => {
    await page.goto(at("/safes"));
    await link(job.safe).click();
    await link("Policy").click();
    await page.getByLabel("Record the session").waitFor();
    if (await page.getByLabel("Record the session").isChecked()) throw new Error("it is recorded");
  },
  "the queue tells how they ended, and is exported": async () => {
    await link("Sensitive changes", adam).first().click();
    await adam.getByText("Nothing waits for a second person").waitFor();
    await link("All", adam).click();
    await row(job.safe, adam).getByText("Approved").waitFor();
    await row(job.kept, adam).getByText("Withdrawn").waitFor();
    const [file] = await Promise.all([adam.waitForEvent("download"), button("Export CSV", adam).click()]);
    if (!/\.csv$/.test(file.suggestedFilename())) throw new Error(`the file is ${file.suggestedFilename()}`);
  },
});
