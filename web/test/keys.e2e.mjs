// Passkeys and security keys through the console's own pages, with Chromium's
// virtual authenticators: a passkey as the only sign-in, its proof before a sensitive
// act, a key as second factor, and a backup code in its place. Go's TestConsoleTakesKeys
// runs it, on the server by its name.
import { another, ask, givePassword, job, open, run, signOut } from "./journey.mjs";

const page = await open();
const desk = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });

/** An authenticator that answers by itself. */
async function authenticator(on, options) {
  const devtools = await on.context().newCDPSession(on);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", automaticPresenceSimulation: true, ...options } });
}

let codes = [];

await run(page, {
  "a new member sets up a passkey as their first factor": async () => {
    await authenticator(page, { transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true });
    await page.goto(job.url);
    await givePassword(page, job.bea);
    await heading("Set up your second factor").waitFor();
    await button("Use a security key or passkey instead").click();
    await page.getByLabel("Label").fill("this laptop");
    await button("Add key").click();
    await page.getByRole("list", { name: "Backup codes" }).waitFor();
    await page.getByLabel("I have kept the codes in a safe place").check();
    await button("Go to the console").click();
    await heading("Safes").waitFor();
  },
  "signs in with nothing else": async () => {
    await signOut(page);
    await button("Sign in with a passkey").click();
    await heading("Safes").waitFor();
  },
  "sees it in their profile, and names it anew": async () => {
    await page.goto(`${job.url}/profile`);
    const row = page.getByRole("listitem").filter({ hasText: "this laptop" });
    await row.getByText("Passkey", { exact: true }).waitFor();
    await row.getByText("last used").waitFor();
    await row.getByRole("button", { name: "Rename this laptop" }).click();
    await page.getByRole("dialog").getByRole("textbox").fill("my laptop");
    await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
    await page.getByText("my laptop").waitFor();
  },
  "proves it again before a sensitive act": async () => {
    await ask("older", "bea");
    await button("Make new codes").click();
    await page.getByRole("dialog", { name: "Make new backup codes" }).getByRole("button", { name: "Make new codes" }).click();
    await page.getByRole("dialog", { name: "Confirm that it is you" }).getByRole("button", { name: "Confirm with your key" }).click();
    await page.getByRole("dialog", { name: "Your backup codes" }).getByRole("list", { name: "Backup codes" }).waitFor();
    await page.getByLabel("I have kept the codes in a safe place").check();
    await button("Done").click();
  },
  "the same key is not taken twice": async () => {
    await button("Add a key").click();
    await page.getByRole("dialog").getByRole("button", { name: "Add key" }).click();
    await page.getByRole("alert").getByText("This key is yours already").waitFor();
    await button("Close").click();
  },
  "another sets up a security key": async () => {
    await authenticator(desk, { transport: "usb", hasResidentKey: false, hasUserVerification: false });
    await desk.goto(job.url);
    await givePassword(desk, job.carl);
    await button("Use a security key or passkey instead", desk).click();
    await desk.getByLabel("Label").fill("blue key");
    await desk.getByLabel("Sign in without a password").uncheck();
    await button("Add key", desk).click();
    await desk.getByRole("list", { name: "Backup codes" }).waitFor();
    codes = await desk.getByRole("list", { name: "Backup codes" }).locator("code").allInnerTexts();
    if (codes.length !== 10) throw new Error(`${codes.length} backup codes`);
    await ask("codes", codes.join(" "));
    await desk.getByLabel("I have kept the codes in a safe place").check();
    await button("Go to the console", desk).click();
    await heading("Safes", desk).waitFor();
  },
  "and signs in by password and key": async () => {
    await signOut(desk);
    await givePassword(desk, job.carl);
    await button("Sign in with your key", desk).click();
    await heading("Safes", desk).waitFor();
  },
  "or by a backup code, once": async () => {
    await signOut(desk);
    await givePassword(desk, job.carl);
    await button("Use a backup code instead", desk).click();
    await desk.getByLabel("Backup code").fill(codes[0]);
    await button("Sign in", desk).click();
    await heading("Safes", desk).waitFor();
    await desk.goto(`${job.url}/profile`);
    await desk.getByText("9 codes left of ten").waitFor();
    await signOut(desk);
    await givePassword(desk, job.carl);
    await button("Use a backup code instead", desk).click();
    await desk.getByLabel("Backup code").fill(codes[0]);
    await button("Sign in", desk).click();
    await desk.getByRole("alert").waitFor();
  },
});
