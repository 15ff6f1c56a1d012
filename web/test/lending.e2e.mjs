// Lending one's access to a colleague and taking it back, in the browser. Go's
// TestConsoleLendsAccess runs it.
import { another, ask, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const bruno = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const link = (name, on = page) => on.getByRole("link", { name, exact: true });
const dialog = page.getByRole("dialog");
const table = (name, on = page) => on.getByRole("region", { name, exact: true });
const at = (path) => `${job.url}/o/${job.slug}${path}`;

/** Clicks, proves the second factor where it is asked for, and waits for what shows that it is done. */
async function act(click, done, on = page, who = job.lender) {
  await click();
  const code = on.getByLabel("Code from your authenticator app");
  await code.or(done).first().waitFor();
  if (await code.isVisible()) {
    await code.pressSequentially(await ask("code", who.handle));
    await done.waitFor();
  }
}

async function lend(length) {
  await dialog.getByText(job.safe, { exact: true }).first().waitFor();
  const to = dialog.getByRole("combobox", { name: "To" });
  await to.fill(job.borrower.handle.toUpperCase());
  await dialog.getByRole("option").filter({ hasText: job.borrower.handle }).first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".picker-item").length === 1);
  await to.press("Enter");
  await dialog.getByLabel("For", { exact: true }).selectOption(length);
  await dialog.getByLabel("Reason").fill("holidays");
  await dialog.getByText(`opens ${job.safe} as its user`).waitFor();
  if ((await dialog.getByLabel("What", { exact: true }).locator("option").count()) !== 1) throw new Error("a user of a safe could lend a right to decide");
  await act(() => button("Lend it").click(), table("You lend").getByText(job.borrower.handle));
}

await run(page, {
  "signs in, and lends a safe from its page": async () => {
    await page.goto(job.url);
    await signIn(page, job.lender);
    await link(job.safe).click();
    await link("Lend your access").click();
    await lend("A day");
    await page.getByText("They get a message.").waitFor();
    await table("You lend").getByText("holidays").waitFor();
  },
  "who has it lent finds it among their safes, and whose it is": async () => {
    await bruno.goto(job.url);
    await signIn(bruno, job.borrower);
    await bruno.getByText(`Lent by ${job.lender.name}`).waitFor();
    await bruno.getByRole("link", { name: `Launch ${job.safe}` }).waitFor();
    await link(job.safe, bruno).click();
    await bruno.getByText(`By ${job.lender.name}, until`).waitFor();
    if (await link("Lend your access", bruno).count()) throw new Error("what is lent could be lent on");
    await bruno.goto(`${job.url}/profile?tab=access`);
    await bruno.getByText(`Lent by ${job.lender.name}`).waitFor();
    await bruno.goto(at("/lending"));
    await table("Lent to you", bruno).getByText(job.lender.handle).waitFor();
    await bruno.getByText("Nothing of yours is lent now.").waitFor();
  },
  "the lender takes it back": async () => {
    await button(`Take back ${job.safe}, ${job.borrower.handle}`).click();
    await act(() => button("Take it back").click(), page.getByText("Nothing is lent", { exact: true }));
    await page.getByText("Also what is over").click();
    await table("You lend").getByText("Taken back").waitFor();
    await bruno.goto(at("/safes"));
    await bruno.getByText("No safe is open to you yet").waitFor();
  },
  "lends it once more, and it is given back": async () => {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: /^Search safes, people/ }).fill("lend acc");
    await page.getByRole("option", { name: /^Lend access/ }).waitFor();
    await page.keyboard.press("Enter");
    const safe = dialog.getByRole("combobox", { name: "Safe" });
    await safe.fill(job.safe.slice(1));
    await dialog.getByRole("option").filter({ hasText: job.safe }).first().waitFor();
    await safe.press("Enter");
    await lend("An hour");
    await bruno.goto(at("/lending"));
    await button(`Give back ${job.safe}, ${job.borrower.handle}`, bruno).click();
    await act(() => button("Give it back", bruno).click(), heading("Nothing is lent", bruno), bruno, job.borrower);
  },
});
