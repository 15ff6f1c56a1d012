// An invitation of somebody who has an account, with the second factor that the
// organization demands; the link in another's hands; and the two organizations
// afterwards. Go's TestConsoleInvitesWhoHasAnAccount runs it.
import { another, ask, givePassword, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const other = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const link = job.url + (await ask("link", `invitation ${job.person.email}`));

await run(page, {
  "somebody else who is signed in is told whose it is": async () => {
    await other.goto(`${job.url}/profile`);
    await signIn(other, job.other);
    await other.goto(link);
    await other.getByText(`You are signed in as ${job.other.email}, and this invitation is for ${job.person.email}.`).waitFor();
  },
  "the person signs in on the way, and accepts": async () => {
    await page.goto(link);
    await page.getByText("You have an account.").waitFor();
    await page.getByRole("link", { name: "Sign in", exact: true }).click();
    await givePassword(page, job.person);
    await page.getByLabel("Code from your authenticator app").pressSequentially(await ask("code", job.person.handle));
    await heading(`Join ${job.organization}`).waitFor();
    await page.getByText("asks for a fresh second factor first").waitFor();
    await button("Accept").click();
    await heading("Safes").waitFor();
  },
  "and is in both organizations": async () => {
    await page.getByRole("button", { name: /switch organization/ }).click();
    await page.getByRole("menuitemradio").filter({ hasText: job.home }).click();
    await page.waitForURL(`**/o/${job.home_slug}/**`);
    await page.goto(`${job.url}/profile?tab=access`);
    await heading(job.organization).waitFor();
    await heading(job.home).waitFor();
  },
  "a further organization is joined without a link: the address is proved": async () => {
    await ask("third", "");
    await page.goto(`${job.url}/profile?tab=access`);
    await button(`Join ${job.third}`).click();
    await page.waitForURL(`**/o/${job.third_slug}/**`);
    await heading("Safes").waitFor();
  },
  "the link is used up": async () => {
    await page.goto("about:blank");
    await page.goto(link);
    await heading("This invitation cannot be used").waitFor();
  },
});
