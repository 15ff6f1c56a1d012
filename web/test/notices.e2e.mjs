// What somebody is told, in the console: the bell, the list, one notice and where it leads,
// and how they want to hear of it; then the words that their organization says first.
// Go's TestConsoleTellsPeople runs it.
import { another, ask, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const owner = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const link = (name, on = page) => on.getByRole("link", { name, exact: true });
const waits = `${job.oscar.handle} asks for access to ${job.safe}`;

await run(page, {
  "the bell says how many are not read": async () => {
    await page.goto(job.url);
    await signIn(page, job.anna);
    await link("Notices, 2 unread").click();
    await page.getByRole("heading", { name: "Notices", exact: true }).waitFor();
    await link("Not read").click();
    await page.waitForURL("**/notices?show=unread");
  },
  "one is read, and leads to the request": async () => {
    await button(waits).first().click();
    await link("Notices, 1 unread").waitFor();
    await page.getByText("You may decide.").waitFor();
    if ((await page.content()).includes("vpal_")) throw new Error("a one-time link is shown");
    await button("Decide").click();
    await page.waitForURL(/\/requests\/arq_/);
    await button(`Approve the request of ${job.oscar.name}`).waitFor();
  },
  "all are marked as read": async () => {
    await link("Notices, 1 unread").click();
    await button("Mark all as read").click();
    await link("Notices").waitFor();
    await link("Not read").click();
    await page.getByRole("heading", { name: "You have read everything" }).waitFor();
  },
  "she chooses how she hears of it": async () => {
    await link("How you hear").click();
    await page.getByLabel("E-mail: Somebody asks for access to a safe").selectOption("No e-mail");
    await page.getByText("Saved.").first().waitFor();
    if (!(await page.getByLabel("Show here: Somebody asks for access to a safe").isDisabled())) throw new Error("she may hear of it in no way at all");
    const kept = page.waitForResponse((r) => r.request().method() !== "GET" && r.ok());
    await page.getByLabel("E-mail: Access was ended before its time").selectOption("Daily summary");
    await kept;
    await page.reload();
    await page.waitForFunction(() => document.querySelector('select[aria-label="E-mail: Access was ended before its time"]')?.value === "daily");
  },
  "the owner says something first": async () => {
    await owner.goto(job.url);
    await signIn(owner, job.owner);
    await owner.goto(`${job.url}/o/${job.slug}/settings/notifications?tab=introductions`);
    await button("Edit what comes before: Somebody asks for access to a safe", owner).click();
    await owner.getByLabel("Words").fill("{organization}: is there a ticket?");
    await button("Save", owner).click();
    const code = owner.getByLabel("Code from your authenticator app");
    const done = owner.getByText("{organization}: is there a ticket?", { exact: true });
    const saved = owner.getByText("Saved.").first();
    await code.or(saved).first().waitFor();
    if (await code.isVisible()) await code.pressSequentially(await ask("code", job.owner.handle));
    await saved.waitFor();
    await done.waitFor();
  },
});
