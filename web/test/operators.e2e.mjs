// Invitations to operate the platform, answered in the browser: by somebody new, by
// somebody with an account, and turned down. Go's TestConsoleRunsThePlatform
// runs it.
import { another, ask, enrolApp, givePassword, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const member = await another();
const other = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const link = async (who) => job.url + (await ask("link", `platform_invitation ${who.email}`));

await run(page, {
  "somebody new accepts": async () => {
    await page.goto(await link(job.newcomer));
    await heading("Operate this installation").waitFor();
    await page.getByText("Platform auditor").waitFor();
    await page.getByLabel("Your name").fill("Nina New");
    await page.getByLabel("Handle").fill(job.newcomer.handle);
    await page.getByLabel("Password", { exact: true }).fill(job.newcomer.password);
    await button("Accept and make my account").click();
    await heading("Set up your second factor").waitFor();
    await enrolApp(page, "Go to the console");
    await heading("Organizations").waitFor();
  },
  "a link that was used says so": async () => {
    await page.goto("about:blank");
    await page.goto(await link(job.newcomer));
    await heading("This invitation cannot be used").waitFor();
  },
  "somebody with an account signs in on the way": async () => {
    await member.goto(await link(job.member));
    await member.getByRole("link", { name: "Sign in", exact: true }).click();
    await givePassword(member, job.member);
    await member.getByLabel("Code from your authenticator app").pressSequentially(await ask("code", job.member.handle));
    await button("Accept", member).click();
    await heading("Organizations", member).waitFor();
  },
  "who is signed in under another address is told": async () => {
    await other.goto(`${job.url}/profile`);
    await signIn(other, job.other);
    await other.goto(await link(job.decliner));
    await other.getByText(`this invitation is for ${job.decliner.email}`).waitFor();
    await button(`Sign out, to sign in as ${job.decliner.email}`, other).click();
    await other.getByRole("link", { name: "Sign in", exact: true }).waitFor();
  },
  "an invitation is turned down, for good": async () => {
    await button("Turn it down", other).click();
    await other.getByRole("dialog").getByRole("button", { name: "Turn it down" }).click();
    await heading("You have turned it down", other).waitFor();
    await other.goto("about:blank");
    await other.goto(await link(job.decliner));
    await heading("This invitation cannot be used", other).waitFor();
  },
});
