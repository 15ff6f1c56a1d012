// A change that waits for a second person, in the browser: one asks, another follows the
// message, looks and approves. Go's TestConsoleDecidesAboutChanges runs it.
import { another, ask, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const adam = await another();
const root = await another();
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

/** Adam opens what waits about something, from the queue. */
async function opens(about, state = "Waits") {
  await adam.goto(at("/governance"));
  await row(about, adam).getByText(state, { exact: true }).waitFor();
  await row(about, adam).getByRole("link").click();
  await heading("What would change", adam).waitFor();
}
const ended = (how) => adam.locator(".page-head").getByText(how, { exact: true }).waitFor();

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
    await page.getByRole("dialog").getByLabel("Comment").fill("not needed");
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
  "a change is rejected, with the reason": async () => {
    await turnOff(job.kept);
    await opens(job.kept);
    await button("Reject", adam).click();
    await adam.getByRole("dialog").getByLabel("Comment").fill("no reason was given");
    await act(adam, job.admin, () => button("Reject it", adam).click(), heading("How it ended", adam));
    await ended("Rejected");
    await adam.getByText("no reason was given").waitFor();
  },
  "what has changed meanwhile is not made, and says so": async () => {
    await turnOff(job.kept);
    await opens(job.kept);
    await button("Approve", adam).click(); // looked at before, decided after
    await ask("change", "3");
    await act(adam, job.admin, () => button("Approve it", adam).click(), adam.locator(".toast").getByText("max_sessions was 0 and is 3 now"));
    await ended("Superseded");
    await adam.getByText("What had changed: max_sessions was 0 and is 3 now.").waitFor();
  },
  "who decides sees before that it is out of date": async () => {
    await turnOff(job.kept);
    await ask("change", "4");
    await opens(job.kept, "Out of date");
    await adam.getByText("This is out of date: max_sessions was 3 and is 4 now.").waitFor();
    await ended("Out of date");
    if (await button("Approve", adam).count()) throw new Error("what would do nothing can be approved");
  },
  "what was withdrawn a moment ago is not decided": async () => {
    await button("Reject", adam).click();
    await page.goto(at("/governance"));
    await row(job.kept).getByRole("link").click();
    await button("Withdraw").click();
    await page.getByRole("dialog").getByLabel("Comment").fill("asked anew later");
    await act(page, job.owner, () => button("Withdraw it").click(), heading("How it ended"));
    await act(adam, job.admin, () => button("Reject it", adam).click(), adam.locator(".toast").getByText("not waiting for a decision any more"));
    await ended("Withdrawn");
  },
  "the whole audit log waits too, and is fetched by who asked": async () => {
    await page.goto(at("/audit"));
    await act(page, job.owner, () => button("Export").click(), page.getByText("This export waits for a second administrator."));
    await opens("audit log");
    await button("Approve", adam).click();
    await act(adam, job.admin, () => button("Approve it", adam).click(), heading("How it ended", adam));
    const [file] = await Promise.all([page.waitForEvent("download"), button("Export").click()]);
    if (!/\.ndjson$/.test(file.suggestedFilename())) throw new Error(`the file is ${file.suggestedFilename()}`);
  },
  "an operator of the platform sees what waits everywhere, and exports it": async () => {
    await root.goto(`${job.url}/platform/governance?tab=all&org=${job.org}`);
    await signIn(root, job.root);
    await root.getByText("in all organizations").first().waitFor();
    await row(job.safe, root).getByText("Approved").waitFor();
    await row(job.kept, root).filter({ hasText: "Rejected" }).getByRole("link").click();
    await root.getByText("no reason was given").waitFor();
    if (await button("Approve", root).count()) throw new Error("the platform may approve what has ended");
    await root.goBack();
    const [file] = await Promise.all([root.waitForEvent("download"), button("Export JSON", root).click()]);
    if (!/\.json$/.test(file.suggestedFilename())) throw new Error(`the file is ${file.suggestedFilename()}`);
  },
  "the queue tells how they ended, and is exported": async () => {
    await adam.goto(at("/governance"));
    await adam.getByText("Nothing waits for a second person").waitFor();
    await link("All", adam).click();
    await row(job.safe, adam).getByText("Approved").waitFor();
    for (const state of ["Withdrawn", "Rejected", "Superseded"]) await row(job.kept, adam).filter({ hasText: state }).first().waitFor();
    const [file] = await Promise.all([adam.waitForEvent("download"), button("Export CSV", adam).click()]);
    if (!/\.csv$/.test(file.suggestedFilename())) throw new Error(`the file is ${file.suggestedFilename()}`);
  },
});
