// An organization from nothing: a stranger registers, the platform's operator returns
// it and then lets it in, its owner sets up a second factor and invites somebody, who
// comes in and sees it. Go's TestConsoleTakesAStrangerIn runs it.
import { another, ask, enrolApp, givePassword, job, open, run, signIn } from "./journey.mjs";

const page = await open(); // the applicant
const operator = await another();
const guest = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const link = async (kind, who, nth) => job.url + (await ask("link", `${kind} ${who.email}${nth ? ` ${nth}` : ""}`));

await run(page, {
  "a stranger asks for the link": async () => {
    await page.goto(job.url);
    await page.getByRole("link", { name: "Register an organization" }).click();
    await heading("Register an organization").waitFor(); // the page before has such a field, too
    await page.getByLabel("Email").fill(job.owner.email);
    await button("Send me the link").click();
    await heading("Look into your mail").waitFor();
  },
  "tells who they are and sends it": async () => {
    const address = await link("signup_link", job.owner);
    await page.goto(address);
    await page.getByLabel("Organization").fill(job.organization);
    await page.getByLabel("Short name").fill("No Such Name");
    await page.keyboard.press("Tab");
    await page.getByText("3 to 40 small letters").waitFor();
    await page.getByLabel("Short name").fill(job.slug);
    await page.getByLabel("For those who decide").fill("Forty people");
    await page.getByLabel("Your name").fill("Olga Owner");
    await page.getByLabel("Handle").fill(job.owner.handle);
    await page.getByLabel("Password", { exact: true }).fill(job.owner.password);
    await button("Send").click();
    await heading("Waiting for the operator").waitFor();
    await page.getByText(job.slug, { exact: true }).waitFor();
    await guest.goto(address);
    await heading("This link cannot be used", guest).waitFor();
  },
  "the waiting page is there after a reload": async () => {
    await page.reload();
    await heading("Waiting for the operator").waitFor();
  },
  "the operator returns it": async () => {
    await operator.goto(`${job.url}/platform/submissions?state=submitted`);
    await signIn(operator, job.root);
    await operator.getByRole("row").filter({ hasText: job.slug }).click();
    await button("Turn down or return", operator).click();
    await operator.getByRole("textbox", { name: "Why" }).fill("Which forty?");
    await operator.getByRole("dialog").getByRole("button", { name: "Return", exact: true }).click();
    await operator.getByText("is returned for correction").waitFor();
  },
  "the waiting page tells why, and it is sent again": async () => {
    await page.getByText("Which forty?").waitFor(); // the page looks by itself
    await page.getByLabel("For those who decide").fill("Forty people of Berlin");
    await page.getByLabel("Password", { exact: true }).fill(job.owner.password);
    await button("Send again").click();
    await heading("Waiting for the operator").waitFor();
  },
  "the operator lets it in": async () => {
    await operator.goto(`${job.url}/platform/submissions?state=submitted`);
    await operator.getByRole("row").filter({ hasText: job.slug }).click();
    await operator.getByText("Forty people of Berlin").waitFor();
    await button("Let in", operator).click();
    await operator.getByRole("dialog", { name: `Let ${job.organization} in` }).getByRole("button", { name: "Let in" }).click();
    await operator.getByText(`${job.organization} is let in.`).waitFor();
  },
  "its owner is told and comes in": async () => {
    await heading(`${job.organization} is open`).waitFor();
    await page.goto(await link("signup_approved", job.owner));
    await givePassword(page, job.owner);
    await heading("Set up your second factor").waitFor();
    await enrolApp(page, "Go to the console");
    await page.getByText(job.organization).first().waitFor();
  },
  "and invites somebody": async () => {
    await page.goto(`${job.url}/o/${job.slug}/people?new=invite`);
    await page.getByLabel("Email addresses").fill(job.guest.email);
    await button("Send invitation").click();
    await page.getByRole("row").filter({ hasText: job.guest.email }).waitFor();
  },
  "who accepts, sets up a second factor and sees the organization": async () => {
    await guest.goto(await link("invitation", job.guest));
    await heading(`Join ${job.organization}`, guest).waitFor();
    await guest.getByLabel("Your name").fill("Gita Guest");
    await guest.getByLabel("Handle").fill(job.guest.handle);
    await guest.getByLabel("Password", { exact: true }).fill(job.guest.password);
    await button("Accept and make my account", guest).click();
    await heading("Set up your second factor", guest).waitFor();
    await enrolApp(guest, "Go to the console");
    await guest.getByText(job.organization).first().waitFor();
    await guest.goto(`${job.url}/profile?tab=access`);
    await heading(job.organization, guest).waitFor();
  },
});
