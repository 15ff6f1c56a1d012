// A directory is set up and pushes somebody, and settings are changed and their history
// read. Go's TestConsoleSetsUpADirectory runs it.
import { request } from "playwright-core";
import { ask, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const button = (name) => page.getByRole("button", { name, exact: true });
const row = (text) => page.getByRole("row").filter({ hasText: text });
const directory = await request.newContext({ ignoreHTTPSErrors: true }); // no browser, and none of its cookies
let base = "";
let token = "";
let pushed = ""; // the person of the directory

async function act(click, done) {
  await click();
  const code = page.getByLabel("Code from your authenticator app");
  await code.or(done).first().waitFor();
  if (await code.isVisible()) {
    await code.pressSequentially(await ask("code", job.owner.handle));
    await done.waitFor();
  }
}

const push = () =>
  directory.post(`${base}/Users`, {
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/scim+json" },
    data: { schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], userName: job.pushed, name: { givenName: "Petra", familyName: "Pushed" }, emails: [{ value: job.pushed, primary: true }], active: true },
  });

await run(page, {
  "signs in": async () => {
    await page.goto(job.url);
    await signIn(page, job.owner);
  },
  "makes a token, which is shown once": async () => {
    await page.goto(`${job.url}/o/${job.slug}/settings/sso?tab=directory`);
    base = await page.locator(".command code").first().innerText();
    await button("New SCIM token").click();
    await page.getByLabel("Name").fill("Entra");
    await act(() => button("Create token").click(), page.getByRole("heading", { name: "Copy the token now" }));
    token = await page.getByRole("dialog").locator(".command code").innerText();
    await ask("secret", token);
    await button("I have it").click();
    await page.getByText("Last used never").waitFor();
    if ((await page.content()).includes(token)) throw new Error("the token is still on the page");
  },
  "somebody whom the directory pushes comes": async () => {
    const a = await push();
    if (a.status() !== 201) throw new Error(`the directory is answered ${a.status()} ${await a.text()}`);
    pushed = (await a.json()).id;
    await page.reload();
    await row(job.pushed).getByText("Operator").waitFor();
    await page.getByRole("link", { name: "Petra Pushed" }).click();
    await page.getByRole("heading", { name: "Petra Pushed" }).waitFor();
  },
  "a group that the directory pushes is not edited here": async () => {
    const a = await directory.post(`${base}/Groups`, {
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/scim+json" },
      data: { schemas: ["urn:ietf:params:scim:schemas:core:2.0:Group"], displayName: "Night shift", members: [{ value: pushed }] },
    });
    if (a.status() !== 201) throw new Error(`the directory is answered ${a.status()} ${await a.text()}`);
    await page.goto(`${job.url}/o/${job.slug}/groups`);
    await page.getByRole("link", { name: "Night shift", exact: true }).first().click();
    await page.getByRole("heading", { name: "Night shift", exact: true }).waitFor();
    await row(job.pushed).waitFor();
    await page.getByText(/^Managed by your directory, .* Change it there\./).waitFor();
    await page.getByRole("link", { name: "The directory", exact: true }).waitFor(); // where that is set up
    for (const name of ["Edit", "Delete", "Add people"]) {
      if (await button(name).isVisible()) throw new Error(`a group of the directory has the button ${name}`);
    }
    await button("Bind to a safe").or(page.getByRole("link", { name: /^Safes ?0/ })).first().waitFor(); // what it brings is decided here
  },
  "a revoked token opens nothing": async () => {
    await page.goto(`${job.url}/o/${job.slug}/settings/sso?tab=directory`);
    await button("Revoke token Entra").click();
    await act(() => button("Revoke token").click(), page.getByText("Without a token no directory is let in."));
    const a = await push();
    if (a.status() !== 401) throw new Error(`a revoked token is answered ${a.status()}`);
  },
  "gives groups their roles": async () => {
    await button("Edit roles").click();
    await button("Add a group").click();
    await page.getByLabel("Group 1", { exact: true }).fill("PAM Auditors");
    await page.getByLabel("Role of group 1").selectOption("auditor");
    await act(() => button("Save roles").click(), page.getByRole("cell", { name: "PAM Auditors" }));
  },
  "a provider that does not answer is told as one": async () => {
    await page.goto(`${job.url}/o/${job.slug}/settings/sso`);
    await button("Add provider").click();
    await page.getByLabel("Name").fill("Corp SAML");
    await page.getByRole("radio", { name: "SAML 2.0" }).check();
    await act(() => button("Add provider").last().click(), page.getByRole("heading", { name: "To register at the provider" }));
    await button("Test now").click();
    await page.getByText("The provider's metadata is needed.").waitFor();
    await page.getByText(/no mail domain is verified/i).waitFor();
  },
  "a group that the provider names has members that nobody changes here": async () => {
    await page.goto(`${job.url}/o/${job.slug}/groups`);
    await button("New group").first().click();
    await page.getByLabel("Name", { exact: true }).fill("Databases");
    await page.getByRole("radio", { name: "Your identity provider" }).check();
    await page.getByLabel("Identity provider", { exact: true }).selectOption({ label: "Corp SAML" });
    await page.getByLabel("Its name for the group").fill("dba");
    await act(() => button("Create group").click(), page.getByRole("heading", { name: "Databases", exact: true }));
    const kept = page.locator(".note").filter({ hasText: /^Managed by your identity provider: .* Change it there\./ });
    await kept.getByText("Corp SAML calls it").waitFor();
    await kept.getByText("dba", { exact: true }).waitFor();
    await page.getByText("Nobody is in this group").waitFor();
    await page.getByText("They appear here as soon as who keeps the group names them.").waitFor();
    if (await button("Add people").isVisible()) throw new Error("people are added to a group of the provider");
    await kept.getByRole("link", { name: "The provider", exact: true }).click();
    await page.getByRole("heading", { name: "To register at the provider" }).waitFor(); // where that is set up
  },
  "changes settings": async () => {
    await page.goto(`${job.url}/o/${job.slug}/settings/organization`);
    await page.getByLabel("Whom to ask").fill("the service desk");
    await page.getByLabel("End when idle, minutes").fill("20");
    await act(() => button("Save changes").click(), page.getByText("Saved.", { exact: true }));
    await page.getByLabel("Keep recordings, days").fill("30");
    await act(() => button("Save retention").click(), page.getByText(/It holds for sessions that end from now on\.$/).last());
  },
  "keeps the audit log for longer": async () => {
    const days = page.getByLabel("Keep the content of the audit log, days");
    await days.fill("100");
    await days.blur();
    await page.getByText("From 365 to 3650 days; 0 takes the installation’s time.").waitFor();
    await days.fill("700");
    await act(() => button("Save for the audit log").click(), page.getByText(/^Saved\. It holds for what is recorded already, too\./));
  },
  "sets a legal hold": async () => {
    await button("Set a legal hold").click();
    await page.getByLabel("Why").fill("the case of May");
    await act(() => button("Set it").click(), page.getByText(/Nothing is deleted because it is old: the case of May/));
  },
  "and lifts it": async () => {
    await button("Lift the legal hold").click();
    await page.getByLabel("Why").fill("the case is closed");
    await act(() => button("Lift it").click(), page.getByText(/^None is in force\./));
  },
  "and reads what they were before": async () => {
    await page.getByRole("link", { name: "Changes", exact: true }).click();
    const support = row("support_contact");
    await support.getByText("empty").waitFor();
    await support.getByText("the service desk").waitFor();
    await row("web_idle").getByText("20").waitFor();
  },
});
