// The first minutes of an installation: the set-up link from the server's output,
// the platform's first administrator with a second factor, the first organization,
// signing out. Go's TestConsoleSetsUpAnInstallation starts the server.
import { job, open, run, totp } from "./journey.mjs";

const page = await open();
const button = (name) => page.getByRole("button", { name, exact: true });
const dialog = page.getByRole("dialog");

async function fillForm() {
  await page.getByLabel("Your name").fill(job.name);
  await page.getByLabel("Email").fill(job.email);
  await page.getByLabel("Handle").fill(job.handle);
  await page.getByLabel("Password", { exact: true }).fill(job.password);
  await button("Create platform admin").click();
}

await run(page, {
  "a link without its token says so": async () => {
    await page.goto(`${job.url}/setup`);
    await page.getByRole("heading", { name: "This link is not whole" }).waitFor();
  },
  "a wrong token is refused in words": async () => {
    await page.goto(`${job.url}/setup#${"0".repeat(job.token.length)}`);
    await fillForm();
    await page.getByRole("alert").waitFor();
  },
  "makes the first platform admin": async () => {
    await page.goto(`${job.url}/setup#${job.token}`);
    await fillForm();
    await page.getByRole("heading", { name: "The platform is yours" }).waitFor();
  },
  "signs in and enrols the second factor": async () => {
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByLabel("Email").fill(job.email);
    await page.getByLabel("Password", { exact: true }).fill(job.password);
    await button("Continue").click();
    await page.getByRole("heading", { name: "Set up your second factor" }).waitFor();
    await page.getByText("Cannot scan? Type the key instead").click();
    const secret = await page.locator(".secret-key").innerText();
    await page.getByLabel("Type the six digits that the app shows").pressSequentially(totp(secret));
    const codes = page.getByRole("list", { name: "Backup codes" }).getByRole("listitem");
    await codes.first().waitFor();
    if ((await codes.count()) !== 10) throw new Error(`${await codes.count()} backup codes`);
    await page.getByLabel("I have kept the codes in a safe place").check();
    await button("Go to the console").click();
    await page.getByRole("heading", { name: "Organizations", exact: true }).waitFor();
  },
  "makes the first organization": async () => {
    await button("New organization").first().click(); // an empty list offers it a second time
    await dialog.getByLabel("Name", { exact: true }).fill(job.org.name);
    await dialog.getByLabel("Slug").fill(job.org.slug);
    await dialog.getByLabel("Owner's name").fill("Olivia");
    await dialog.getByLabel("Email").fill(job.owner.email);
    await dialog.getByLabel("Handle").fill(job.owner.handle);
    await dialog.getByLabel("First password").fill(job.owner.password);
    await button("Create organization").click();
    await dialog.waitFor({ state: "hidden" });
    await page.getByRole("row").filter({ hasText: job.org.slug }).waitFor();
  },
  "signs out, and the link is used up": async () => {
    await page.getByRole("button", { name: /your menu/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.goto(`${job.url}/setup#${job.token}`);
    await fillForm();
    await page.getByRole("alert").waitFor();
  },
});
