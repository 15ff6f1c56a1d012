// Who may reach what, in the browser: a group is made, filled and bound to a safe, and
// what follows is seen. Go's TestConsoleGovernsAccess runs it.
import { another, ask, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const oscar = await another();
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
async function choose(label, text, on = dialog) {
  const field = on.getByRole("combobox", { name: new RegExp(`^${label}( \\(optional\\))?$`) });
  await field.fill(text);
  await on.getByRole("option").filter({ hasText: text }).first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".picker-item").length === 1); // what was found for less is gone
  await field.press("Enter");
  await on.getByRole("list", { name: `${label}, chosen` }).waitFor();
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
  "a policy from a template is written, its mistake shown at its line, and reviewed": async () => {
    await page.goto(at("/policies"));
    await link("New policy").first().click();
    await button("A ticket for each access").click();
    await page.getByText("Cedar text", { exact: true }).click();
    const text = page.getByLabel("Cedar", { exact: true });
    await text.waitFor();
    const good = await text.inputValue();
    await text.fill(good.replace("context.ticket", "context.tikcet"));
    await button("Check the text").click();
    await page.getByText(/Line 3:/).waitFor();
    await text.fill(good);
    await button("Check the text").click();
    await page.getByText("The text is a valid policy.").waitFor();
    await choose("Safes", job.safe, page);
    await button("Review and create").click();
    await dialog.getByText(/there is nothing to compare|would have been decided otherwise/).waitFor();
    await dialog.getByLabel("Why").fill("auditors asked");
    await act(() => button("Create policy").click(), page.getByText("Except with a ticket named."));
  },
  "says why somebody may not open the safe, and that a ticket changes it": async () => {
    await page.goto(at("/access"));
    await choose("Person", job.member.handle, page);
    await choose("Safe", job.safe, page);
    await heading(`${job.member.handle} may not open ${job.safe}`).waitFor();
    await link("A ticket for each access").waitFor();
    await page.getByLabel("Ticket").fill("OPS-7");
    await heading(`${job.member.handle} may open ${job.safe}`).waitFor();
    await link("Who can").click();
    await row(job.owner.handle).getByText("Allowed").waitFor();
    await link("What can").click();
    await row(job.safe).getByText("Allowed").first().waitFor();
  },
  "the safe names its policies; one is taken off, and its history says so": async () => {
    await page.goto(at("/policies"));
    await link("A ticket for each access").click();
    await link(job.safe).click();
    await button("Take A ticket for each access off this safe").click();
    await act(() => button("Take it off").click(), page.getByText("None counts here."));
    await page.goto(at("/policies"));
    await row("A ticket for each access").getByText("on no safe").waitFor();
    await link("A ticket for each access").click();
    await link("History").click();
    await page.getByText("“auditors asked”").waitFor();
    await button("Restore version 1").click();
    await act(() => dialog.getByRole("button", { name: "Restore", exact: true }).click(), page.getByText("Version 3"));
  },
  "what it would change if it went is simulated, and it is deleted": async () => {
    await link("Simulate").click();
    await button("Simulate without it").click();
    await page.getByText(/there is nothing to compare|would have been decided otherwise/).waitFor();
    await button("Delete").click();
    await dialog.getByLabel("Type A ticket for each access to confirm").fill("A ticket for each access");
    await act(() => button("Delete policy").click(), page.getByText("There is no policy yet"));
  },
  "deletes the group by its typed name": async () => {
    await page.goto(at("/groups"));
    await link("On call").first().click();
    await button("Delete").click();
    await dialog.getByText(`It brings ${job.safe} (approver)`).waitFor();
    await dialog.getByText(/there is nothing to compare|would have been decided otherwise/).waitFor();
    if (await button("Delete group").isEnabled()) throw new Error("a group goes without its name typed");
    await dialog.getByLabel("Type On call to confirm").fill("On call");
    await act(() => button("Delete group").click(), page.getByText("There is no group yet"));
  },
  "the safe asks for an approval from now on, and names who may open it in an emergency": async () => {
    await page.goto(at("/safes"));
    await link(job.safe).click();
    await link("Policy").click();
    await page.getByRole("radio", { name: /^One other person/ }).check();
    await choose("May open it in an emergency", job.member.handle, page);
    await button("Review changes").click();
    await row("People who approve", dialog).getByText("one").waitFor();
    await act(() => button("Save policy").click(), page.getByText("The policy is changed."));
  },
  "a member asks for it, with a reason": async () => {
    await oscar.goto(job.url);
    await signIn(oscar, job.member);
    await link(job.safe, oscar).click();
    await button("Ask for access", oscar).click();
    await oscar.getByLabel("Reason").fill("the disk is full");
    await oscar.getByLabel("Ticket").fill("OPS-7");
    await oscar.getByRole("dialog").getByRole("button", { name: "Ask for access", exact: true }).click();
    await heading(`Your request for ${job.safe}`, oscar).waitFor();
    await oscar.getByText("Waits for a decision").waitFor();
    await oscar.getByLabel("Write a comment").fill("it is /var");
    await button("Comment", oscar).click();
    await oscar.getByText("it is /var", { exact: true }).first().waitFor();
  },
  "the message leads the approver there, who decides by keyboard": async () => {
    await page.goto(at("/approvals"));
    await page.getByRole("article").getByText("the disk is full").waitFor();
    await page.getByText("Their first request for this safe.").waitFor();
    await page.goto(job.url + (await ask("link", `access_request_waiting ${job.owner.email}`)));
    await page.getByText("it is /var").waitFor();
    await page.getByText("OPS-7").waitFor();
    await page.keyboard.press("a");
    await dialog.getByLabel("Comment").fill("go on");
    await act(() => button("Approve it").click(), page.locator(".page-head").getByText("Open", { exact: true }));
    await page.getByText("go on").waitFor();
  },
  "the member may open it, until the approver ends it": async () => {
    await oscar.reload();
    await oscar.getByRole("link", { name: `Launch ${job.safe}` }).waitFor();
    await button("End the access").click();
    await act(() => button("End it").click(), page.getByText("Ended early"));
  },
  "asks again, and takes it back": async () => {
    await oscar.goto(at("/my-requests"));
    await row("Ended early", oscar).waitFor();
    await button("Ask for access", oscar).click();
    await oscar.getByLabel("Safe", { exact: true }).fill(job.safe);
    await oscar.getByLabel("Reason").fill("once more");
    await oscar.getByRole("dialog").getByRole("button", { name: "Ask for access", exact: true }).click();
    await button("Withdraw", oscar).click();
    await button("Withdraw request", oscar).click();
    await oscar.locator(".page-head").getByText("Withdrawn").waitFor();
  },
  "asks once more, and is told no": async () => {
    await oscar.goto(at("/my-requests"));
    await button("Ask for access", oscar).click();
    await oscar.getByLabel("Safe", { exact: true }).fill(job.safe);
    await oscar.getByLabel("Reason").fill("only to look");
    await oscar.getByRole("dialog").getByRole("button", { name: "Ask for access", exact: true }).click();
    await oscar.getByText("Waits for a decision").waitFor();
    await page.goto(at("/approvals"));
    await page.getByRole("article").filter({ hasText: "only to look" }).getByRole("button", { name: /^Reject/ }).click();
    await dialog.getByLabel("Comment").fill("use staging");
    await act(() => button("Reject it").click(), page.getByText("Nothing waits for you"));
    await oscar.reload();
    await oscar.getByText("use staging").waitFor();
  },
  "opens it in an emergency, with a fresh second factor": async () => {
    await oscar.goto(at("/safes"));
    await link(job.safe, oscar).click();
    await button("Emergency access", oscar).click();
    await oscar.getByLabel("Reason").fill("the site is down");
    await button("Open it without approval", oscar).click();
    const code = oscar.getByLabel("Code from your authenticator app");
    const told = oscar.getByText("Emergency access: nobody was asked.");
    await code.or(told).first().waitFor();
    if (await code.isVisible()) await code.pressSequentially(await ask("code", job.member.handle));
    await told.waitFor();
    await oscar.getByRole("link", { name: `Launch ${job.safe}` }).waitFor();
  },
});
