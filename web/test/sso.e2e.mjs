// Single sign-on through the console's pages and a real provider's: somebody whom
// the organization does not know yet by OpenID Connect, the same person by SAML, an
// answer that is of another browser, and an invitation that is accepted there. Go's
// TestConsoleSignsInThroughAProvider runs it.
import { another, ask, enrolApp, job, open, run, signOut } from "./journey.mjs";

const page = await open();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
let callback = "";
page.on("request", (r) => {
  if (r.url().includes("/callback?")) callback = r.url();
});

/** Fills in the provider's own form. */
async function atProvider(on, user) {
  await on.locator("input[name=user]").fill(user);
  await on.locator("input[name=password]").fill(user);
  await on.keyboard.press("Enter");
}

await run(page, {
  "an address that leads to no provider says so": async () => {
    await page.goto(job.url);
    await page.getByLabel("Email").fill("somebody@nowhere.example");
    await button("Single sign-on").click();
    await page.getByRole("alert").waitFor();
    await button("Use a password instead").click();
  },
  "an address leads to the organization's providers": async () => {
    await page.getByLabel("Email").fill("dwho@badwolf.org");
    await button("Single sign-on").click();
    await page.getByRole("list", { name: "Identity providers" }).waitFor();
    await button(job.saml).waitFor();
    await button(job.oidc).click();
    await atProvider(page, "dwho");
  },
  "somebody new comes back and sets up a second factor": async () => {
    await heading("Set up your second factor").waitFor();
    await ask("new factor", await enrolApp(page, "Go to the console"));
    await page.getByText(job.organization).first().waitFor();
    await page.getByRole("button", { name: /your menu/ }).waitFor();
  },
  "an answer that another browser brings opens nothing": async () => {
    const thief = await another();
    await thief.goto(callback);
    await heading("You are not signed in", thief).waitFor();
    await thief.getByText("For your administrator:").waitFor();
    await thief.getByRole("link", { name: "Try again" }).click();
    await heading("Sign in", thief).waitFor();
  },
  "the same person comes by SAML, to where they wanted, with their second factor": async () => {
    await signOut(page);
    await page.goto(`${job.url}/profile?tab=access`);
    await button("Single sign-on").click();
    await page.getByLabel("Work email or organization").fill(job.slug);
    await button("Continue").click();
    await button(job.saml).click();
    await heading("Second factor").waitFor(); // the provider knows them still
    await page.getByLabel("Code from your authenticator app").pressSequentially(await ask("code", "dwho"));
    await page.getByRole("link", { name: "My access", exact: true }).waitFor();
    await heading(job.organization).waitFor();
  },
  "a lost second factor is recovered by who has no password": async () => {
    const lost = await another();
    await lost.goto(job.url);
    await lost.getByLabel("Email").fill("dwho@badwolf.org");
    await button("Single sign-on", lost).click();
    await button(job.oidc, lost).click();
    await atProvider(lost, "dwho");
    await button("Lost your second factor?", lost).click();
    await button("I have lost them all: send me the link", lost).click();
    await heading("Look into your mail", lost).waitFor();
    await ask("approve", "dwho@badwolf.org");
    await lost.goto(job.url + (await ask("link", "mfa_recovery_grant dwho@badwolf.org")));
    await lost.getByRole("link", { name: "I sign in by single sign-on" }).click();
    await lost.getByLabel("Work email or organization").fill(job.slug);
    await button("Continue", lost).click();
    await button(job.oidc, lost).click();
    await heading("Set up your new second factor", lost).waitFor(); // the provider knows them still
    await enrolApp(lost, "Sign in with it");
    await heading("Sign in", lost).waitFor();
    await page.reload();
    await heading("Sign in").waitFor(); // and everywhere else
  },
  "an invitation is accepted by signing in": async () => {
    const guest = await another();
    await guest.goto(job.url + (await ask("link", "invitation rtyler@badwolf.org")));
    await heading(`Join ${job.organization}`, guest).waitFor();
    await button(`Accept by signing in with ${job.oidc}`, guest).click();
    await atProvider(guest, "rtyler");
    await heading("Set up your second factor", guest).waitFor();
    await enrolApp(guest, "Go to the console");
    await heading("Audit", guest).waitFor(); // their groups make them an auditor, whatever the invitation said
  },
});
