// Somebody has lost their phone: from the sign-in page over two messages and an
// administrator's decision, which asks for a fresh factor, to a new one. Go's
// TestConsoleRecoversALostFactor runs it.
import { another, ask, enrolApp, givePassword, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const admin = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const link = async (kind, who) => job.url + (await ask("link", `${kind} ${who.email}`));

await run(page, {
  "says at the second step that the factor is lost": async () => {
    await page.goto(job.url);
    await givePassword(page, job.person);
    await button("Lost your second factor?").click();
    await button("I have found one").click();
    await page.getByLabel("Code from your authenticator app").waitFor();
    await button("Lost your second factor?").click();
    await button("I have lost them all: send me the link").click();
    await heading("Look into your mail").waitFor();
    await button("Back to sign-in").click();
    await heading("Sign in").waitFor();
  },
  "cannot ask twice": async () => {
    await givePassword(page, job.person);
    await button("Lost your second factor?").click();
    await button("I have lost them all: send me the link").click();
    await page.getByRole("alert").getByText("A recovery is under way").waitFor();
  },
  "confirms by the message, once": async () => {
    const address = await link("mfa_recovery_proof", job.person);
    await page.goto(address);
    await button("Yes, I have lost it").click();
    await heading("An administrator decides now").waitFor();
    await page.goto("about:blank");
    await page.goto(address);
    await button("Yes, I have lost it").click();
    await heading("This link cannot be used").waitFor();
  },
  "an administrator comes by the message that they got": async () => {
    await admin.goto(await link("mfa_recovery_waiting", job.admin));
    await givePassword(admin, job.admin);
    await admin.getByLabel("Code from your authenticator app").pressSequentially(await ask("code", job.admin.handle));
    await heading("Lost second factors", admin).waitFor();
    await admin.getByRole("row").filter({ hasText: job.person.email }).click();
    await admin.getByText("Speak with them before you decide").waitFor();
  },
  "and approves with a fresh factor": async () => {
    await ask("older", job.admin.handle);
    await button("Approve", admin).click();
    const asked = admin.getByRole("dialog", { name: /^Let .* set up a new second factor/ });
    await asked.getByLabel("Comment").fill("called them back");
    await asked.getByRole("button", { name: "Approve" }).click();
    const proof = admin.getByRole("dialog", { name: "Confirm that it is you" });
    await proof.getByLabel("Code from your authenticator app").pressSequentially(await ask("code", job.admin.handle));
    await admin.getByText("was sent the link").waitFor();
    await admin.getByRole("row").filter({ hasText: job.person.email }).waitFor({ state: "hidden" }); // it waits no more
  },
  "a wrong password does not use the second link up": async () => {
    await page.goto("about:blank");
    await page.goto(await link("mfa_recovery_grant", job.person));
    await givePassword(page, { ...job.person, password: "not the password" });
    await page.getByRole("alert").waitFor();
  },
  "sets up a new factor": async () => {
    await givePassword(page, job.person);
    await heading("Set up your new second factor").waitFor();
    job.secret = await enrolApp(page, "Sign in with it");
    await heading("Sign in").waitFor();
  },
  "and signs in with it": async () => {
    await ask("new factor", job.secret);
    await signIn(page, job.person);
    await heading("Safes").waitFor();
  },
  "the link is used up": async () => {
    await page.goto("about:blank");
    await page.goto(await link("mfa_recovery_grant", job.person));
    await givePassword(page, job.person);
    await page.getByRole("alert").getByText("used already").waitFor();
  },
});
