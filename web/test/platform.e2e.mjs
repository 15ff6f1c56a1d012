// What a platform administrator does in the browser: invites an operator, who comes;
// changes their role, removes them, cannot remove themselves; limits and suspends an
// organization. Go's TestConsoleRunsThePlatform runs it.
import { another, ask, enrolApp, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const operator = await another();
const member = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const row = (text) => page.getByRole("row").filter({ hasText: text });

async function act(click, done) {
  await click();
  const code = page.getByLabel("Code from your authenticator app");
  await code.or(done).first().waitFor();
  if (await code.isVisible()) {
    await code.pressSequentially(await ask("code", job.root.handle));
    await done.waitFor();
  }
}

await run(page, {
  "signs in": async () => {
    await page.goto(job.url);
    await signIn(page, job.root);
  },
  "invites an operator": async () => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Operators" }).click();
    await button("Invite operator").click();
    await page.getByLabel("Email").fill(job.operator.email);
    await act(() => button("Send invitation").click(), row(job.operator.email));
    await row(job.operator.email).getByText("Open", { exact: true }).waitFor();
  },
  "who comes by the mailed link": async () => {
    await operator.goto(job.url + (await ask("link", `platform_invitation ${job.operator.email}`)));
    await operator.getByLabel("Your name").fill("Nina New");
    await operator.getByLabel("Handle").fill(job.operator.handle);
    await operator.getByLabel("Password", { exact: true }).fill(job.operator.password);
    await button("Accept and make my account", operator).click();
    await heading("Set up your second factor", operator).waitFor();
    await enrolApp(operator, "Go to the console");
    await heading("Organizations", operator).waitFor();
  },
  "changes their role": async () => {
    await page.goto(`${job.url}/platform/users`);
    await row(job.operator.email).getByText("Platform auditor").waitFor();
    await row(job.operator.email).getByRole("button").click();
    await page.getByRole("radio", { name: "Platform admin" }).check();
    await act(() => button("Change role").click(), row(job.operator.email).getByText("Platform admin"));
  },
  "cannot remove themselves": async () => {
    await row(job.root.email).getByRole("button").click();
    await heading(job.root.name).waitFor();
    await button("Remove").click();
    await page.getByText("This is you.").waitFor();
    await page.getByLabel(`Type ${job.root.handle} to confirm`).fill(job.root.handle);
    await act(() => button("Remove operator").click(), page.getByRole("alert").getByText("You cannot take away your own place on the platform: ask another administrator."));
    await button("Cancel").click();
  },
  "removes the other": async () => {
    await row(job.operator.email).getByRole("button").click();
    await heading("Nina New").waitFor();
    await button("Remove").click();
    await page.getByLabel(`Type ${job.operator.handle} to confirm`).fill(job.operator.handle);
    await act(() => button("Remove operator").click(), page.getByText("operates this installation no more."));
    await row(job.operator.email).waitFor({ state: "detached" });
  },
  "nor be the last to lose the role": async () => {
    await row(job.root.email).getByRole("button").click();
    await heading(job.root.name).waitFor();
    await page.getByRole("radio", { name: "Platform auditor" }).check();
    await act(() => button("Change role").click(), page.getByRole("alert").getByText(/last administrator of the platform/));
  },
  "limits an organization": async () => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Organizations" }).click();
    await page.getByLabel("Search organizations").fill(job.slug);
    await row(job.slug).getByRole("button").first().click();
    await page.getByLabel("Members that it may have").fill("25");
    await act(() => button("Set seats").click(), row(job.slug).getByText(/of 25/));
  },
  "lowers how long it must keep its log": async () => {
    const days = page.getByLabel("Days that it must keep its log");
    await days.fill("7");
    await days.blur();
    await page.getByText("From 30 to 3650 days.").waitFor();
    await days.fill("90");
    await act(() => button("Set days").click(), page.getByText(/must keep its audit log for at least 90 days\./));
  },
  "holds all of it for a court": async () => {
    await button("Set a legal hold").click();
    await page.getByLabel("Why").fill("the case of June");
    await act(() => button("Set it").click(), page.getByText(/Nothing is deleted because it is old: the case of June/));
  },
  "and no more": async () => {
    await button("Lift the legal hold").click();
    await page.getByLabel("Why").fill("the case is closed");
    await act(() => button("Lift it").click(), page.getByText(/^None is in force\./));
  },
  "and suspends it": async () => {
    await member.goto(job.url);
    await signIn(member, job.member);
    await button("Suspend").click();
    await page.getByLabel("Why").fill("unpaid");
    await page.getByLabel(`Type ${job.slug} to confirm`).fill(job.slug);
    await act(() => page.getByRole("dialog", { name: /^Suspend / }).getByRole("button", { name: "Suspend", exact: true }).click(), row(job.slug).getByText("Suspended"));
    await page.getByText("unpaid").waitFor();
    await member.goto(`${job.url}/o/${job.slug}/safes`);
    await heading("You are not a member here", member).or(heading("Sign in", member)).first().waitFor();
  },
  "and opens it again": async () => {
    await button("Resume").click();
    await act(() => page.getByRole("dialog", { name: /^Resume / }).getByRole("button", { name: "Resume", exact: true }).click(), row(job.slug).getByText("Active"));
  },
  "sees what the platform mailed": async () => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Mail", exact: true }).click();
    await row(job.operator.email).first().getByRole("button").click();
    await page.getByRole("heading", { name: /^1 try$/ }).waitFor();
  },
  "and sends a test message": async () => {
    await act(() => button("Send a test message").click(), page.getByRole("heading", { name: /test/i }));
    await page.getByRole("heading", { name: /^1 try$/ }).waitFor();
    await page.getByRole("dialog").getByText("Delivered").first().waitFor();
  },
});
