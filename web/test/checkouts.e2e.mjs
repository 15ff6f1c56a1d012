// A credential is checked out, seen, hidden, seen again and checked in, asked for by who
// may only open sessions, and taken away by an administrator, in the browser. Go's
// TestConsoleChecksOut runs it.
import { another, ask, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const oscar = await another();
const owner = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const table = (name, on = page) => on.getByRole("region", { name, exact: true });
const dialog = (on = page) => on.getByRole("dialog");
const at = (path) => `${job.url}/o/${job.slug}${path}`;

/** Clicks, proves the second factor where it is asked for, and waits for what shows that it is done. */
async function act(click, done, on, who) {
  await click();
  const code = on.getByLabel("Code from your authenticator app");
  await code.or(done).first().waitFor();
  if (await code.isVisible()) {
    await code.pressSequentially(await ask("code", who.handle));
    await done.waitFor();
  }
}

/** The credential is on the page in its dialog, and in nothing that outlives it. */
async function sees(on) {
  const password = dialog(on).getByLabel("Password", { exact: true });
  await password.waitFor();
  if ((await password.inputValue()) !== job.password) throw new Error("it is another password");
  if ((await password.getAttribute("type")) !== "password") throw new Error("the password is legible before it is asked for");
  if (on.url().includes(job.password) || on.url().includes("new=1")) throw new Error(`the address is ${on.url()}`);
}

async function hidden(on) {
  await dialog(on).waitFor({ state: "detached" });
  const kept = await on.evaluate((secret) => document.documentElement.outerHTML.includes(secret) || JSON.stringify([history.state, { ...localStorage }, { ...sessionStorage }]).includes(secret) || [...document.querySelectorAll("input, textarea")].some((i) => i.value.includes(secret)), job.password);
  if (kept) throw new Error("the credential is still on the page");
}

await run(page, {
  "checks a credential out from the page of its safe": async () => {
    await page.goto(job.url);
    await signIn(page, job.holder);
    await page.goto(at(`/safes/${job.safe_id}`));
    await page.getByRole("link", { name: `Check out the credential of ${job.safe}` }).click();
    await dialog().getByText("At most 1 h.").waitFor();
    await dialog().getByLabel("Reason").fill("the disk is full");
    await act(() => button("Check out", dialog()).click(), heading(`Credential of ${job.safe}`), page, job.holder);
    await sees(page);
    await button("Show characters", dialog()).click();
    await dialog().getByText(job.user, { exact: true }).waitFor();
    await dialog().getByRole("timer").waitFor();
    await button("Hide it", dialog()).click();
    await hidden(page);
    await table("You hold").getByText("the disk is full").waitFor();
  },
  "sees it again, and not after going back": async () => {
    await act(() => button(`Show the credential of ${job.safe} again`).click(), heading(`Credential of ${job.safe}`), page, job.holder);
    await sees(page);
    await page.goto(at("/my-requests"));
    await heading("My requests").waitFor();
    await page.goBack();
    await table("You hold").getByText("the disk is full").waitFor();
    await hidden(page);
  },
  "checks it in": async () => {
    await button(`Check in ${job.safe}`).click();
    await dialog().getByLabel("Comment").fill("done");
    await act(() => button("Check it in", dialog()).click(), heading("Nothing is checked out"), page, job.holder);
    await page.getByText("Also what is over").click();
    await table("You hold").getByText("Checked in", { exact: true }).waitFor();
  },
  "who opens sessions only asks for a checkout": async () => {
    await oscar.goto(job.url);
    await signIn(oscar, job.asker);
    await oscar.goto(at(`/safes/${job.safe_id}`));
    await button("Ask for a checkout", oscar).click();
    const use = dialog(oscar).getByLabel("Use", { exact: true });
    if ((await use.inputValue()) !== "checkout") throw new Error(`it would ask for ${await use.inputValue()}`);
    await dialog(oscar).getByLabel("Reason").fill("rescue console");
    await act(() => button("Ask for access", dialog(oscar)).click(), heading(`Your request for ${job.safe}`, oscar), oscar, job.asker);
    await oscar.getByText("A checkout: the credential is shown to them").waitFor();
  },
  "who decides reads what it is for": async () => {
    await owner.goto(job.url);
    await signIn(owner, job.owner);
    await owner.goto(at("/approvals"));
    const card = owner.getByRole("article");
    await card.getByText("A checkout: the credential is shown to them").waitFor();
    await button(`Approve the request of ${job.asker.name}`, owner).click();
    await dialog(owner).getByText("They may check the credential out, and see it, there for 1 h.").waitFor();
    await act(() => button("Approve it", dialog(owner)).click(), heading("Nothing waits for you", owner), owner, job.owner);
  },
  "the request leads to the credential": async () => {
    await oscar.reload();
    const out = oscar.getByRole("link", { name: `Check out the credential of ${job.safe}` });
    await out.waitFor();
    if (await oscar.getByRole("link", { name: `Launch ${job.safe}` }).count()) throw new Error("a request for a checkout offers a session");
    await out.click();
    await dialog(oscar).getByText("At most 1 h.").waitFor();
    await dialog(oscar).getByLabel("Reason").fill("rescue console");
    await act(() => button("Check out", dialog(oscar)).click(), heading(`Credential of ${job.safe}`, oscar), oscar, job.asker);
    await sees(oscar);
  },
  "an administrator sees who holds it, and takes it away": async () => {
    await owner.goto(at(`/accounts?open=${job.account_id}`));
    await owner.getByText(`${job.asker.handle} has its credential checked out`).waitFor();
    await owner.getByRole("link", { name: "All its checkouts" }).click();
    await table("Others hold", owner).getByText("rescue console").waitFor();
    await button(`End the checkout of ${job.safe} by ${job.asker.handle}`, owner).click();
    await act(() => button("End it now", dialog(owner)).click(), table("Others hold", owner).getByText(`Ended by ${job.owner.handle}`), owner, job.owner);
    await oscar.getByText(`The credential is hidden. Ended by ${job.owner.handle}.`).waitFor();
    await hidden(oscar);
  },
  "and looks for those of one person and one safe": async () => {
    await owner.goto(at("/checkouts?show=all"));
    await table("Others hold", owner).getByText("the disk is full").waitFor();
    await button("Person", owner).click();
    await owner.getByLabel("Search person").fill(job.asker.handle);
    await owner.getByRole("menuitemradio").filter({ hasText: job.asker.handle }).first().click();
    await button("Remove filter Person", owner).waitFor();
    await table("Others hold", owner).getByText("the disk is full").waitFor({ state: "detached" });
    await table("Others hold", owner).getByText("rescue console").waitFor();
    await button("Safe", owner).click();
    await owner.getByLabel("Search safe").fill(job.safe);
    await owner.getByRole("menuitemradio").filter({ hasText: job.safe }).first().click();
    await button("Remove filter Safe", owner).waitFor();
    await table("Others hold", owner).getByText("rescue console").waitFor();
    await button("Clear all", owner).click();
    await table("Others hold", owner).getByText("the disk is full").waitFor();
  },
});
