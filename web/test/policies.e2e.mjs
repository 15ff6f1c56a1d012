// A policy in the browser: written by its form, taken on by an expert as text, put on safes
// from both sides, and what it does read from the explanation. Go's TestConsoleWritesPolicies runs it.
import { another, ask, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const expert = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const link = (name, on = page) => on.getByRole("link", { name, exact: true });
const dialog = (on = page) => on.getByRole("dialog");
const cedar = (on) => on.getByLabel("Cedar", { exact: true });
const shape = (name, on) => on.getByRole("radiogroup", { name: "Shape" }).getByText(name, { exact: true });
const version = (n, on = page) => on.getByRole("listitem").filter({ hasText: `Version ${n} ` });
const at = (path) => `${job.url}/o/${job.slug}${path}`;
const handles = new Map([[page, job.owner.handle], [expert, job.expert.handle]]);
const policy = "Contractors by day";
let home = ""; // the policy's page
let form = ""; // what the form wrote
let whole = ""; // what the expert wrote

/** Clicks, proves the second factor where it is asked for, and waits for what shows that it is done. */
async function act(on, click, done) {
  await click();
  const code = on.getByLabel("Code from your authenticator app");
  await code.or(done).first().waitFor();
  if (await code.isVisible()) {
    await code.pressSequentially(await ask("code", handles.get(on)));
    await done.waitFor();
  }
}

/** Chooses by typing and Enter alone. */
async function choose(on, label, text, shown = text) {
  const field = on.getByRole("combobox", { name: new RegExp(`^${label}( \\(optional\\))?$`) });
  await field.fill(text);
  await on.getByRole("option").filter({ hasText: text }).first().waitFor();
  await field.page().waitForFunction(() => document.querySelectorAll(".picker-item").length === 1); // what was found for less is gone
  await field.press("Enter");
  await on.getByRole("list", { name: `${label}, chosen` }).getByText(shown, { exact: true }).waitFor();
}

/** Opens the policy's page, in the shape that it has there. */
async function openPolicy(on) {
  await on.goto(home);
  await heading(policy, on).waitFor();
}

/** Reviews what was written, and saves it. */
async function save(on, why) {
  await button("Review changes", on).click();
  await dialog(on).getByText(/there is nothing to compare|would have been decided otherwise/).waitFor();
  if (why) await dialog(on).getByLabel("Why").fill(why);
  await act(on, () => button("Save policy", on).click(), on.getByText(`${policy} is changed. It holds at once.`));
  await dialog(on).waitFor({ state: "detached" });
}

/** Tells the text to be wrong at a line, in words that fit; it stays as it was written. */
async function isWrong(text, line, words) {
  await cedar(expert).fill(text);
  await button("Check the text", expert).click();
  const told = expert.getByRole("alert").filter({ hasText: `Line ${line}:` });
  await told.filter({ hasText: words }).waitFor();
  await expert.locator(".code-gutter .wrong").getByText(String(line), { exact: true }).waitFor();
  if ((await cedar(expert).getAttribute("aria-invalid")) !== "true") throw new Error("the text is not marked as wrong");
  const next = expert.waitForResponse((r) => r.url().endsWith("/org/policies/check"));
  await shape("Form", expert).click(); // there is no form of it
  await next;
  await told.filter({ hasText: words }).waitFor();
  const again = expert.waitForResponse((r) => r.url().endsWith("/org/policies/check"));
  await button("Review changes", expert).click(); // nor anything to save
  await again;
  await told.filter({ hasText: words }).waitFor();
  if (await dialog(expert).isVisible()) throw new Error("a text that is wrong can be saved");
  await hasText(text);
}

async function hasText(text) {
  const is = await cedar(expert).inputValue();
  if (is !== text) throw new Error(`the text has become ${is}`);
}

/** An instant as the field for a local time wants it. */
const local = (iso) =>
  page.evaluate((text) => {
    const d = new Date(text);
    d.setMinutes(d.getMinutes() - d.getTimezoneOffset());
    return d.toISOString().slice(0, 16);
  }, iso);

async function moment(iso, from) {
  await page.getByLabel("When").fill(await local(iso));
  await page.getByLabel("From address").fill(from);
}

const answer = page.getByRole("region", { name: "The answer" });
const reason = page.getByRole("listitem").filter({ hasText: policy });
const byDay = "2031-01-07T02:00:00Z"; // Tuesday, 11:00 in Tokyo
const byNight = "2031-01-07T10:00:00Z"; // Tuesday, 19:00 in Tokyo: by day in most of the world

await run(page, {
  "both sign in": async () => {
    await page.goto(job.url);
    await signIn(page, job.owner);
    await expert.goto(job.url);
    await signIn(expert, job.expert);
  },
  "the form says where what was typed is wrong": async () => {
    await page.goto(at("/policies"));
    await link("New policy").first().click();
    await button("From nothing").click();
    await page.getByLabel("Name", { exact: true }).fill(policy);
    await choose(page, "Safes", job.safe);
    await page.getByRole("radio", { name: /^Require approval/ }).check();
    await page.getByRole("checkbox", { name: "Approvers and managers of the safe decide" }).uncheck();
    await page.getByText("Choose at least one way to an approver.").waitFor();
    await choose(page, "Groups that decide", "Deciders");
    await page.getByText("Choose at least one way to an approver.").waitFor({ state: "detached" });
    await choose(page, "Groups", "Contractors");
    await page.getByLabel("From these networks").fill("nowhere");
    await page.getByText(/“nowhere” is not a network/).waitFor();
    await page.getByLabel("From these networks").fill("10.0.0.0/8\n192.0.2.7");
    await page.getByText(/is not a network/).waitFor({ state: "detached" });
    await button("Add hours").click();
    const hours = page.getByRole("group", { name: "Hours 1", exact: true });
    await hours.getByLabel("From", { exact: true }).fill("09:00");
    await hours.getByLabel("To", { exact: true }).fill("17:00");
    await hours.getByLabel("Time zone").fill("Asia/Tokio");
    await page.getByText(/^Not a time zone/).waitFor();
    if (await button("Review and create").isEnabled()) throw new Error("a form with a mistake can be saved");
    await hours.getByLabel("Time zone").fill("Asia/Tokyo");
    await page.getByText(/^Not a time zone/).waitFor({ state: "detached" });
    await page.getByRole("checkbox", { name: "Clipboard" }).check();
  },
  "the text says the same as the form": async () => {
    await shape("Cedar text", page).click();
    await cedar(page).waitFor();
    form = await cedar(page).inputValue();
    for (const part of ['@require_approval("1")', '@clipboard("block")', "mon-fri 09:00-17:00 Asia/Tokyo", 'ip("10.0.0.0/8")', 'ip("192.0.2.7/32")', `group:${job.deciders}`, job.contractors]) {
      if (!form.includes(part)) throw new Error(`the text has no ${part}: ${form}`);
    }
    await shape("Form", page).click();
    await page.getByRole("list", { name: "Groups, chosen" }).getByText("Contractors").waitFor();
    if ((await page.getByLabel("From these networks").inputValue()) !== "10.0.0.0/8\n192.0.2.7/32") throw new Error("the form has lost the networks");
    if ((await page.getByLabel("Time zone").inputValue()) !== "Asia/Tokyo") throw new Error("the form has lost the time zone");
  },
  "it is reviewed, saved, and told in words": async () => {
    await button("Review and create").click();
    await dialog().getByText(/there is nothing to compare|would have been decided otherwise/).waitFor();
    await act(page, () => button("Create policy").click(), page.getByRole("region", { name: "In words" }));
    home = page.url();
    const words = page.getByRole("region", { name: "In words" });
    await words.getByText("For who is in Contractors.").waitFor();
    await words.getByText("Only Mon to Fri 09:00 to 17:00 (Asia/Tokyo) and from 10.0.0.0/8 or 192.0.2.7/32.").waitFor();
    await words.getByText("One person approves: who is in Deciders.").waitFor();
    await words.getByRole("link", { name: job.safe, exact: true }).waitFor();
  },
  "it is in force: an approval is asked for, by whom it may be given, and why": async () => {
    await page.goto(at("/access"));
    await choose(page, "Person", job.contractor.handle, job.contractor.name);
    await choose(page, "Safe", job.safe);
    await moment(byDay, "10.1.2.3");
    await heading(`${job.contractor.handle} needs approval to open ${job.safe}`).waitFor();
    await answer.getByText("Needs approval", { exact: true }).waitFor();
    await answer.getByText(`One other person must approve. ${job.decider.handle} can, and owners and admins.`).waitFor();
    await reason.getByText("policy of the organization").waitFor();
    await reason.getByText("version 1").waitFor();
    await reason.getByText("Require approval", { exact: true }).waitFor();
  },
  "and only in its hours, from its networks, for its group": async () => {
    await moment(byNight, "10.1.2.3");
    await heading(`${job.contractor.handle} may open ${job.safe}`).waitFor();
    await answer.getByText("Allowed", { exact: true }).waitFor();
    await moment(byDay, "203.0.113.9");
    await page.getByText("203.0.113.9", { exact: true }).waitFor(); // the answer is about it
    await heading(`${job.contractor.handle} may open ${job.safe}`).waitFor();
    await moment(byDay, "192.0.2.7");
    await heading(`${job.contractor.handle} needs approval to open ${job.safe}`).waitFor();
    await button(`Remove ${job.contractor.name}`).click();
    await choose(page, "Person", job.employee.handle, job.employee.name);
    await heading(`${job.employee.handle} may open ${job.safe}`).waitFor();
  },
  "an expert writes it on as text: what is no Cedar is told at its line": async () => {
    await openPolicy(expert);
    await shape("Cedar text", expert).click();
    await cedar(expert).waitFor();
    await hasText(form);
    const lines = form.trimEnd().split("\n").length;
    whole = `${form.trimEnd()}\n\n// Nobody while the auditors look.\n@message("frozen until Monday")\nforbid (principal, action, resource)\nwhen { context.ticket == "FREEZE-1" };\n`;
    await isWrong(whole.replace("forbid (principal, action, resource)", "forbid (principal, action, resource"), lines + 5, /got when want \)/);
    await isWrong(whole.replace("context.ticket", "context.tikcet"), lines + 5, /tikcet.*not found/);
  },
  "what a form cannot say stays text": async () => {
    await cedar(expert).fill(whole);
    await button("Check the text", expert).click();
    await expert.getByText("The text is a valid policy.").waitFor();
    await shape("Form", expert).click();
    await expert.getByText("A form cannot say what this text says. It stays text.").waitFor();
    await hasText(whole);
  },
  "meanwhile it is put on another safe from its own page": async () => {
    await openPolicy(page);
    await choose(page, "Safes", job.second);
    await save(page);
    await page.getByRole("region", { name: "In words" }).getByRole("link", { name: job.second, exact: true }).waitFor();
  },
  "the expert loses nothing by it, and neither does the other": async () => {
    await button("Review changes", expert).click();
    await act(expert, () => button("Save policy", expert).click(), dialog(expert).getByText(/changed by somebody else meanwhile/));
    await button("Back", expert).click();
    await expert.getByText(`${job.owner.name} saved version 2 while you wrote on version 1.`).waitFor();
    await hasText(whole);
    await button("Go on with mine", expert).click();
    await expert.getByRole("list", { name: "Safes, chosen" }).getByText(job.second).waitFor();
    await expert.getByText(/while you wrote on/).waitFor({ state: "detached" });
    await hasText(whole);
    await button("Review changes", expert).click();
    await dialog(expert).getByRole("group", { name: "What changes in the text" }).getByText('+ @message("frozen until Monday")').waitFor();
    if (await dialog(expert).getByRole("row").filter({ hasText: "Where" }).isVisible()) throw new Error("the other's change is undone");
    await dialog(expert).getByLabel("Why").fill("the auditors come");
    await act(expert, () => button("Save policy", expert).click(), expert.getByText(`${policy} is changed. It holds at once.`));
    await expert.getByText("Written as text: a form cannot say it.").waitFor();
    await hasText(whole);
  },
  "the history has all versions, and who made each": async () => {
    await openPolicy(page);
    await link("History").click();
    await version(3).getByText(`${job.expert.handle} changed it`).waitFor();
    await version(3).getByText("“the auditors come”").waitFor();
    await version(3).getByText('+ @message("frozen until Monday")').waitFor();
    await version(3).getByText("Now", { exact: true }).waitFor();
    await version(2).getByText(`${job.owner.handle} changed it`).waitFor();
    await version(2).getByText(`${job.safe} →`).waitFor();
    await version(1).getByText(`${job.owner.handle} made it`).waitFor();
    await version(1).getByText("mon-fri 09:00-17:00 Asia/Tokyo").waitFor();
  },
  "who is refused is told so, and by what": async () => {
    await page.goto(at("/access"));
    await choose(page, "Person", job.contractor.handle, job.contractor.name);
    await choose(page, "Safe", job.safe);
    await moment(byDay, "10.1.2.3");
    await page.getByLabel("Ticket").fill("FREEZE-1");
    await heading(`${job.contractor.handle} may not open ${job.safe}`).waitFor();
    await answer.getByText("Denied", { exact: true }).waitFor();
    await answer.getByText(/frozen until Monday/).waitFor();
    const refusing = reason.filter({ hasText: "“frozen until Monday”" });
    await refusing.getByText("version 3").waitFor();
    await refusing.getByText("Deny", { exact: true }).waitFor();
    await refusing.getByRole("link", { name: policy }).waitFor();
  },
  "a comment outlives the form": async () => {
    whole = `// contract 7\n${form}`;
    await cedar(expert).fill(whole);
    await save(expert);
    await expert.reload();
    await expert.getByRole("radio", { name: /^Require approval/ }).waitFor();
    await expert.getByLabel("Priority").fill("50");
    await save(expert);
    await expert.reload();
    await expert.getByRole("radio", { name: /^Require approval/ }).waitFor();
    if ((await expert.getByLabel("Priority").inputValue()) !== "50") throw new Error("the priority is not kept");
    await shape("Cedar text", expert).click();
    await cedar(expert).waitFor();
    await hasText(whole);
  },
  "a safe's own page takes it off, and puts it on": async () => {
    await openPolicy(page);
    await link(job.second).click();
    await page.getByText("On this safe", { exact: true }).waitFor();
    await button(`Take ${policy} off this safe`).click();
    await act(page, () => button("Take it off").click(), page.getByText("None counts here."));
    await button("Put a policy on it").click();
    await dialog().getByLabel("Policy", { exact: true }).selectOption({ label: policy });
    await dialog().getByText(/there is nothing to compare|would have been decided otherwise/).waitFor();
    await act(page, () => dialog().getByRole("button", { name: "Put it on" }).click(), page.getByText("On this safe", { exact: true }));
    await link(policy).click();
    await page.getByRole("region", { name: "In words" }).getByRole("link", { name: job.second, exact: true }).waitFor();
  },
  "and its own page takes it off the first": async () => {
    await page.getByRole("list", { name: "Safes, chosen" }).getByRole("button", { name: `Remove ${job.safe}` }).click();
    await button("Review changes").click();
    await dialog().getByRole("row").filter({ hasText: "Where" }).getByRole("cell", { name: job.second, exact: true }).waitFor();
    await act(page, () => button("Save policy").click(), page.getByRole("region", { name: "In words" }).getByText(new RegExp(`It counts on ${job.second}\\.`)));
    await page.goto(at("/safes"));
    await link(job.safe).click();
    await link("Policy").click();
    await page.getByText("None counts here.").waitFor();
  },
  "on every safe, no safe's page takes it off": async () => {
    await openPolicy(page);
    await page.getByRole("checkbox", { name: "On every safe" }).check();
    await save(page, "for all of them");
    await page.goto(at("/safes"));
    await link(job.safe).click();
    await link("Policy").click();
    await link(policy).waitFor();
    await page.getByText("On every safe", { exact: true }).waitFor();
    if (await button(`Take ${policy} off this safe`).isVisible()) throw new Error("a safe takes off what is on every safe");
  },
});
