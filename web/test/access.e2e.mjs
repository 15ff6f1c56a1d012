// Who may reach what, in the browser: a group is made, filled and bound to a safe, and
// what follows is seen. Go's TestConsoleGovernsAccess runs it.
import { ask, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const link = (name, on = page) => on.getByRole("link", { name, exact: true });
const dialog = page.getByRole("dialog");
const row = (text, on = page) => on.getByRole("row").filter({ hasText: text });
const table = (name) => page.getByRole("region", { name, exact: true });
const at = (path) => `${job.url}/o/${job.slug}${path}`;

/** Clicks, proves the second factor where it is asked for, and waits for what shows that it is done. */
async function act(click, done) {
  await click();
  const code = page.getByLabel("Code from your authenticator app");
  await code.or(done).first().waitFor();
  if (await code.isVisible()) {
    await code.pressSequentially(await ask("code", job.owner.handle));
    await done.waitFor();
  }
}

/** Chooses by typing and Enter alone. */
async function choose(label, text) {
  const field = dialog.getByRole("combobox", { name: label });
  await field.fill(text);
  await dialog.getByRole("option").filter({ hasText: text }).first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".picker-item").length === 1); // what was found for less is gone
  await field.press("Enter");
  await dialog.getByRole("list", { name: `${label}, chosen` }).waitFor();
}

await run(page, {
  "signs in": async () => {
    await page.goto(job.url);
    await signIn(page, job.owner);
  },
  "makes a group": async () => {
    await page.goto(at("/groups"));
    await button("New group").first().click();
    await dialog.getByLabel("Name").fill("On call");
    await act(() => button("Create group").click(), heading("On call"));
    await page.getByText("Nobody is in this group").waitFor();
  },
  "adds somebody, whom the server finds": async () => {
    await button("Add people").click();
    await dialog.getByText("bound to no safe yet").waitFor();
    await choose("People", job.member.handle);
    await act(() => button("Add person").click(), row(job.member.email));
  },
  "searches in it": async () => {
    await page.getByLabel("Search members").fill("nobody at all");
    await page.getByText("Nobody matches").waitFor();
    await page.getByLabel("Search members").fill(job.member.handle.toUpperCase());
    await row(job.member.email).waitFor();
  },
  "binds it to a safe for a time": async () => {
    await page.getByRole("link", { name: /^Safes ?0/ }).click();
    await button("Bind to a safe").click();
    await choose("Safe", job.safe);
    await dialog.getByText("1 person in On call").waitFor();
    await dialog.getByLabel("Ends (optional)").fill("2099-01-01T12:00");
    await act(() => dialog.getByRole("button", { name: "Bind to safe" }).click(), row(job.safe).getByText("2099"));
  },
  "the safe says who reaches it, and through what": async () => {
    await link(job.safe).click();
    const reach = table(`Who can reach ${job.safe}`);
    await row(job.member.email, reach).getByText("Group On call").waitFor();
    await row(job.owner.email, reach).getByText("Directly").waitFor();
  },
  "gives the group another role there, and no end": async () => {
    await button("Change On call").click();
    await dialog.getByRole("radio", { name: /^Approver/ }).check();
    await dialog.getByLabel("Ends (optional)").fill("");
    await act(() => button("Save").click(), row("On call", table(`Groups of ${job.safe}`)).getByText("never"));
    await row(job.member.email, table(`Who can reach ${job.safe}`)).getByText("Approver").waitFor();
  },
  "adds the person by name too, in a weaker role": async () => {
    await button("Add member").click();
    await choose("Person", job.member.handle);
    await act(() => dialog.getByRole("button", { name: "Add member" }).click(), row(job.member.email, table(`Who can reach ${job.safe}`)).getByText("Directly, as user"));
  },
  "deletes the group by its typed name": async () => {
    await link("On call").first().click();
    await button("Delete").click();
    await dialog.getByText(`It brings ${job.safe} (approver)`).waitFor();
    if (await button("Delete group").isEnabled()) throw new Error("a group goes without its name typed");
    await dialog.getByLabel("Type On call to confirm").fill("On call");
    await act(() => button("Delete group").click(), page.getByText("There is no group yet"));
  },
});
