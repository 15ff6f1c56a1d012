// A forgotten password: the link, the new password, and the sign-in with the second
// factor that stayed. Go's TestConsoleSetsAForgottenPassword runs it.
import { another, ask, givePassword, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const before = await another();
const button = (name) => page.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });

await run(page, {
  "is signed in elsewhere": async () => {
    await before.goto(`${job.url}/profile`);
    await signIn(before, job.person);
  },
  "an address that nobody has is answered alike": async () => {
    await page.goto(job.url);
    await page.getByRole("link", { name: "Forgot your password?" }).click();
    await page.getByRole("heading", { name: "Set a new password" }).waitFor(); // the page before has such a field, too
    await page.getByLabel("Email").fill("nobody@example.com");
    await button("Send me the link").click();
    await page.getByText("If there is an account with nobody@example.com").waitFor();
    await button("Use another address").click();
  },
  "asks for the link": async () => {
    await page.getByLabel("Email").fill(job.person.email);
    await button("Send me the link").click();
    await page.getByText(`If there is an account with ${job.person.email}`).waitFor();
  },
  "sets a new password": async () => {
    job.link = job.url + (await ask("link", `password_reset ${job.person.email}`));
    await page.goto(job.link);
    await page.getByLabel("New password").fill("short");
    await page.getByLabel("The same again").fill("other");
    await page.getByLabel("New password").focus();
    await page.getByText("Use at least 12 characters").waitFor();
    await page.getByText("The two are not the same.").waitFor();
    await page.getByLabel("New password").fill(job.password);
    await page.getByLabel("The same again").fill(job.password);
    await button("Set the password").click();
    await heading("Your password is set").waitFor();
  },
  "the other sign-in has ended": async () => {
    await before.reload();
    await heading("Sign in", before).waitFor();
  },
  "the old password opens nothing, the new one with the old factor does": async () => {
    await page.getByRole("link", { name: "Sign in", exact: true }).click();
    await givePassword(page, job.person);
    await page.getByRole("alert").waitFor();
    await signIn(page, { ...job.person, password: job.password });
  },
  "the link works once": async () => {
    await before.goto(job.link);
    await before.getByLabel("New password").fill(job.password);
    await before.getByLabel("The same again").fill(job.password);
    await before.getByRole("button", { name: "Set the password" }).click();
    await heading("This link cannot be used", before).waitFor();
  },
});
