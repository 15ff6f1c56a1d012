// An access review from its opening to its evidence, in the browser. Go's
// TestConsoleReviewsAccess runs it and looks in the ledger for what was done.
import { another, ask, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const mara = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const dialog = (on = page) => on.getByRole("dialog");
const rights = (on = page) => on.getByRole("region", { name: "Rights", exact: true });
const row = (who, on = page) => rights(on).getByRole("row").filter({ hasText: who });

await run(page, {
  "the owner opens a review over a safe": async () => {
    await page.goto(job.url);
    await signIn(page, job.owner);
    await page.goto(`${job.url}/o/${job.slug}/reviews`);
    await button("New review").click();
    await dialog().getByLabel("Name", { exact: true }).fill("First quarter");
    const safe = dialog().getByRole("combobox", { name: "Safes" });
    await safe.fill(job.safe);
    await dialog().getByRole("option").filter({ hasText: job.safe }).first().waitFor();
    await safe.press("Enter");
    await button("Open review").click();
    await page.getByRole("heading", { name: "First quarter" }).waitFor();
    await row(job.leaver).waitFor();
  },
  "the safe's manager finds it by the message, keeps one right by keyboard and revokes another": async () => {
    await mara.goto(job.url + (await ask("link", `access_review_waiting ${job.manager.email}`)));
    await signIn(mara, job.manager);
    await mara.getByRole("heading", { name: "First quarter" }).waitFor();
    await row(job.stayer, mara).getByRole("button", { name: /^Keep / }).focus();
    await mara.keyboard.press("k");
    await row(job.stayer, mara).waitFor({ state: "detached" });
    await row(job.leaver, mara).getByRole("button", { name: /^Revoke / }).click();
    await dialog(mara).getByLabel("Reason").fill("left the team");
    await button("Revoke", dialog(mara)).click();
    await mara.getByText("Revoked.").waitFor();
    await row(job.leaver, mara).waitFor({ state: "detached" });
  },
  "the owner keeps what is left and takes the evidence": async () => {
    await page.reload();
    await row(job.manager.handle).waitFor();
    if (await row(job.leaver).count()) throw new Error("what is decided is still asked");
    const keepAll = page.getByRole("button", { name: /^Keep all/ });
    if (await keepAll.count()) {
      await keepAll.click();
      await button("Keep them").click();
    } else {
      await row(job.manager.handle).getByRole("button", { name: /^Keep / }).click();
    }
    await page.getByText("1 revoked").or(page.getByText("Nothing is left to decide")).or(page.getByText("yours: somebody else decides")).first().waitFor();
    await page.goto(`${page.url().split("?")[0]}?show=all`);
    await row(job.leaver).getByText("Revoked", { exact: true }).waitFor();
    await row(job.leaver).getByText("left the team").last().waitFor(); // before it: for a phone, hidden here
    const saved = page.waitForEvent("download");
    await button("Evidence CSV").click();
    if (!/^vaultpam-review-.*\.csv$/.test((await saved).suggestedFilename())) throw new Error("the file has another name");
    await page.getByText("The file is saved.").waitFor();
  },
});
