// An invitation from the console's form to the new member's first page. Go's
// TestConsoleInvites runs it in two parts: "send", then "accept" with the link of
// the message that was mailed.
import { job, open, run, totp } from "./journey.mjs";

const page = await open();
const button = (name) => page.getByRole("button", { name, exact: true });

const send = {
  "signs in": async () => {
    await page.goto(job.url);
    await page.getByLabel("Email").fill(job.email);
    await page.getByLabel("Password", { exact: true }).fill(job.password);
    await page.keyboard.press("Enter");
    await page.getByLabel("Code from your authenticator app").pressSequentially(job.code);
    await page.getByRole("navigation").getByText("People").waitFor();
  },
  "invites somebody": async () => {
    await page.goto(`${job.url}/o/${job.org}/people`);
    await button("Invite").click();
    await page.getByLabel("Email addresses").fill(job.invitee);
    await button("Send invitation").click();
    await page.getByRole("row").filter({ hasText: job.invitee }).getByText("Open").waitFor();
  },
  "gives the organization a contact": async () => {
    await page.goto(`${job.url}/o/${job.org}/settings/organization`);
    await page.getByLabel("Whom to ask").fill("the service desk");
    await button("Save changes").click();
    await page.getByText("Saved.").waitFor();
    await page.getByRole("link", { name: "Changes" }).click();
    await page.getByText("support_contact").waitFor(); // the list of changes has it
  },
};

const accept = {
  "a link that leads nowhere says so": async () => {
    await page.goto(`${job.url}/invite#${"x".repeat(job.token?.length ?? 8)}`);
    await page.getByRole("heading", { name: "This invitation cannot be used" }).waitFor();
  },
  "accepts as somebody new": async () => {
    await page.goto(`${job.url}/invite#${job.token}`);
    await page.getByLabel("Your name").fill("Noor Hassan");
    await page.getByLabel("Handle").fill(job.handle);
    await page.getByLabel("Password", { exact: true }).fill(job.password);
    await button("Accept and make my account").click();
    await page.getByRole("heading", { name: "Set up your second factor" }).waitFor();
  },
  "enrols a second factor and is in": async () => {
    await page.getByText("Cannot scan? Type the key instead").click();
    await page.getByLabel("Type the six digits that the app shows").pressSequentially(totp(await page.locator(".secret-key").innerText()));
    await page.getByLabel("I have kept the codes in a safe place").check();
    await button("Go to the console").click();
    await page.getByRole("heading", { name: "Safes", exact: true }).waitFor();
    await page.getByText(job.org_name).first().waitFor();
  },
};

await run(page, job.part === "send" ? send : accept);
