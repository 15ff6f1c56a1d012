// What is a person's own: telephone number, sign-ins, API tokens, access, password;
// and an applicant's number, where the installation demands one. Go's
// TestConsoleShowsWhatIsOnesOwn runs it.
import { another, ask, givePassword, job, open, run, signIn, totp } from "./journey.mjs";

const page = await open();
const phone = await another();
const desk = await another(); // an owner's
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const dialog = page.getByRole("dialog");

/** Types the code of the message that was sent to a number, or another. */
async function typeCode(on, kind, number) {
  const field = on.getByLabel("Code from the message");
  await field.waitFor(); // it was sent
  await field.pressSequentially(await ask(kind, number));
}

await run(page, {
  "adds a telephone number": async () => {
    await page.goto(`${job.url}/profile`);
    await signIn(page, job.person);
    await button("Add a number").click();
    await dialog.getByLabel("Number").fill("12");
    await button("Send a code").click();
    await dialog.locator(".error").or(dialog.getByRole("alert")).first().waitFor();
    await dialog.getByLabel("Number").fill(job.first);
    await button("Send a code").click();
    await dialog.waitFor({ state: "hidden" });
    await typeCode(page, "sms", job.first);
    await page.getByText("is your number.").waitFor();
    await page.getByText("Verified", { exact: true }).waitFor();
  },
  "a wrong code costs a try, and the change is given up": async () => {
    await button("Change").click();
    await dialog.getByLabel("Number").fill(job.second);
    await button("Send a code").click();
    await dialog.waitFor({ state: "hidden" });
    await page.getByText("5 tries left").waitFor();
    await typeCode(page, "wrong sms", job.second);
    await page.getByText("4 tries left").waitFor();
    await button("Give it up").click();
    await button("Change").waitFor();
    await page.locator(".num").getByText(job.first).waitFor();
  },
  "an administrator sees the end of it, and asks for another, which the person answers": async () => {
    await desk.goto(`${job.url}/o/${job.org}/people?q=${job.person.handle}`);
    await signIn(desk, job.owner);
    await desk.getByRole("row").filter({ hasText: job.person.email }).getByRole("button").click();
    const number = desk.getByRole("region", { name: "Telephone" }).or(desk.locator("section").filter({ has: desk.getByRole("heading", { name: "Telephone", exact: true }) })).first();
    await number.getByText(job.first.replace(/\D/g, "").slice(-3)).waitFor();
    if ((await desk.content()).includes(job.first)) throw new Error("an administrator reads the whole number");
    await button("Ask for another number", desk).click();
    await desk.getByRole("textbox", { name: "Number" }).fill(job.fourth);
    await button("Send the code", desk).click();
    await number.getByText("An administrator", { exact: true }).waitFor();
    await page.reload();
    await page.getByText("5 tries left").waitFor();
    await button("Give the change up", desk).click();
    await desk.getByText("The change is given up.").waitFor();
    await button("Ask for another number", desk).waitFor();
    await page.reload();
    await button("Change").waitFor();
    await page.locator(".num").getByText(job.first).waitFor();
  },
  "ends a sign-in that is elsewhere": async () => {
    await phone.goto(`${job.url}/profile`);
    await signIn(phone, job.person);
    await page.reload();
    await page.getByText("This one", { exact: true }).waitFor();
    await button("End all others").click();
    await page.getByText("All your other sign-ins have ended.").waitFor();
    await phone.reload();
    await heading("Sign in", phone).waitFor();
  },
  "makes an API token with scopes, an end and networks": async () => {
    await page.goto(`${job.url}/profile?tab=tokens`);
    await button("New token").click();
    await dialog.getByLabel("Name").fill("nightly");
    await dialog.getByLabel("Networks").fill("the office");
    await dialog.getByLabel("Name").focus();
    await dialog.getByText("is no network").waitFor();
    await dialog.getByLabel("Networks").fill("203.0.113.0/24\n2001:db8::/32");
    await dialog.getByLabel("Expires after").selectOption("7");
    await dialog.getByRole("checkbox", { name: "safes:read" }).check();
    await dialog.getByRole("checkbox", { name: "self:read" }).check();
    await button("Create token").click();
    await ask("token", await dialog.locator(".command code").innerText());
    await button("I have it").click();
    await page.getByRole("row").filter({ hasText: "nightly" }).filter({ hasText: "203.0.113.0/24" }).waitFor();
  },
  "and revokes it": async () => {
    await button("Revoke token nightly").click();
    await dialog.getByRole("button", { name: "Revoke token" }).click();
    await heading("No API tokens").waitFor();
  },
  "sees what they can reach": async () => {
    await page.getByRole("link", { name: "My access" }).click();
    const row = page.getByRole("row").filter({ hasText: job.safe });
    await row.getByText("Checkout").waitFor();
    await row.getByText("Open").waitFor();
  },
  "and through what, until when": async () => {
    const row = page.getByRole("row").filter({ hasText: job.safe });
    await row.getByText("Directly", { exact: true }).waitFor();
    await row.getByText(`Group ${job.group}, as user`).waitFor();
    const brought = page.getByRole("row").filter({ hasText: job.brought });
    await brought.getByText(`Group ${job.group}, ends in 9 d`).waitFor();
    if ((await brought.getByText("Directly", { exact: true }).count()) > 0) throw new Error("a group's safe is told as one's own");
  },
  "answers a terminal that asks for the second factor, and one that wants in": async () => {
    await ask("signed in", "");
    for (const [path, question, yes, done] of [
      ["/auth/step-up/browser", "Confirm for this device?", "Confirm that it is me", "Your second factor is confirmed"],
      ["/auth/device", "Let this device in?", "Let it in as me", "The device is signed in"],
    ]) {
      await page.goto("about:blank"); // a fragment alone loads nothing
      await page.goto(`${job.url}/device#${await ask("device", path)}`);
      await button("Continue").click();
      await heading(question).waitFor();
      await page.getByText(`a terminal at ${path}`).waitFor();
      await button(yes).click();
      const code = page.getByLabel("Code from your authenticator app"); // a step-up wants a factor that is newer than its question
      await code.or(heading(done)).first().waitFor();
      if (await code.isVisible()) await code.pressSequentially(await ask("code", job.person.handle));
      await heading(done).waitFor();
    }
    await page.goto(`${job.url}/profile?tab=tokens`);
  },
  "adds a second app under a label, and removes it, which ends every sign-in": async () => {
    await page.getByRole("link", { name: "Sign-in", exact: true }).click();
    await button("Add an app").click();
    await dialog.getByLabel("Label").fill("work phone");
    await dialog.getByText("Cannot scan? Type the key instead").click();
    const secret = await dialog.locator(".secret-key").innerText();
    await ask("secret", secret);
    await dialog.getByLabel("Type the six digits that the app shows").pressSequentially(totp(secret));
    await page.getByText("The app is added.").waitFor();
    await page.getByRole("button", { name: /^Remove work phone/ }).click();
    await dialog.getByRole("button", { name: "Remove", exact: true }).click();
    await heading("Sign in").waitFor();
    await signIn(page, job.person);
  },
  "removes the telephone number": async () => {
    await page.goto(`${job.url}/profile`);
    await page.locator(".num").getByText(job.first).waitFor();
    await button("Remove").click();
    await dialog.getByRole("button", { name: "Remove number" }).click();
    await page.getByText("Your number is removed.").waitFor();
    await button("Add a number").waitFor();
  },
  "changes the password": async () => {
    await page.goto(`${job.url}/profile`);
    await page.getByLabel("Current password").fill("not the password");
    await page.getByLabel("New password").fill(job.password);
    await button("Change password").click();
    await page.locator(".error").or(page.getByRole("alert")).first().waitFor();
    await page.getByLabel("Current password").fill(job.person.password);
    await button("Change password").click();
    await page.getByText("Your password is changed.").waitFor();
    await phone.goto(job.url);
    await givePassword(phone, { ...job.person, password: job.password });
    await phone.getByLabel("Code from your authenticator app").waitFor();
  },
  "an applicant verifies a number before they register": async () => {
    await phone.goto(`${job.url}/signup`);
    await phone.getByLabel("Email").fill(job.applicant.email);
    await button("Send me the link", phone).click();
    await heading("Look into your mail", phone).waitFor();
    await phone.goto(job.url + (await ask("link", `signup_link ${job.applicant.email}`)));
    await heading("Your telephone number", phone).waitFor();
    await phone.getByLabel("Number").fill(job.third);
    await button("Send a code", phone).click();
    await typeCode(phone, "wrong sms", job.third);
    await phone.getByRole("alert").waitFor();
    await typeCode(phone, "sms", job.third);
    await phone.getByLabel("Organization").fill("Third");
    await phone.getByLabel("Short name").fill(job.slug);
    await phone.getByLabel("Your name").fill("Theo Third");
    await phone.getByLabel("Handle").fill(job.applicant.handle);
    await phone.getByLabel("Password", { exact: true }).fill(job.applicant.password);
    await button("Send", phone).click();
    await heading("Waiting for the operator", phone).waitFor();
  },
});
