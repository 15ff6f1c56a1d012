// Where an organization is told: a webhook is added, tested, ordered, given another secret
// and removed. Go's TestConsoleSetsUpChannels runs it and receives what is sent.
import { ask, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const button = (name) => page.getByRole("button", { name, exact: true });
const notes = page.getByText(/^The test: delivered/);
const at = `${job.url}/o/${job.slug}/settings/notifications`;
let first = "";

async function act(click, done) {
  await click();
  const code = page.getByLabel("Code from your authenticator app");
  await code.or(done).first().waitFor();
  if (await code.isVisible()) {
    await code.pressSequentially(await ask("code", job.owner.handle));
    await done.waitFor();
  }
}

async function shownOnce(title) {
  await page.getByRole("heading", { name: title }).waitFor();
  const secret = await page.getByRole("dialog").locator(".command code").innerText();
  await ask("secret", secret);
  await button("I have it").click();
  if ((await page.content()).includes(secret)) throw new Error("the secret is still on the page");
  return secret;
}

async function add(kind, name, path) {
  await button("Add channel").first().click();
  await page.getByRole("radio", { name: kind }).check();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("URL", { exact: true }).fill(job.hook + path);
  await page.getByLabel("Certificates of an authority of your own").fill(job.ca);
}

await run(page, {
  "signs in": async () => {
    await page.goto(job.url);
    await signIn(page, job.owner);
  },
  "adds a webhook, whose secret is shown once": async () => {
    await page.getByRole("link", { name: "Notifications" }).click();
    await page.getByRole("heading", { name: "No channels yet" }).waitFor();
    await add(/^Webhook/, "siem", job.path);
    await act(() => button("Add channel").last().click(), page.getByRole("heading", { name: "Copy the secret now" }));
    first = await shownOnce("Copy the secret now");
    await page.getByText("Not used yet").waitFor();
  },
  "a test arrives, and its delivery is told": async () => {
    await button("siem").click();
    await act(() => button("Send a test").click(), notes);
    if (!(await ask("received", first))) throw new Error("the receiver did not get a message that is signed with the secret");
    await page.getByRole("link", { name: "Each try" }).click();
    await page.getByRole("heading", { name: "1 try" }).waitFor();
    await page.getByRole("dialog").getByText("Delivered").last().waitFor();
    if ((await page.content()).includes(job.path)) throw new Error("the path of the URL is told");
  },
  "a new secret signs beside the old one": async () => {
    await page.getByRole("link", { name: "Channels" }).click();
    await page.getByText("Works", { exact: true }).waitFor();
    await button("siem").click();
    await button("New secret").click();
    await act(() => button("Make a new secret").click(), page.getByRole("heading", { name: "Copy the new secret now" }));
    const second = await shownOnce("Copy the new secret now");
    await page.getByText("Old secret signs").waitFor();
    await button("Send a test").click();
    await notes.waitFor();
    if (second === first || !(await ask("received", `${first} ${second}`))) throw new Error("the message is not signed with both secrets");
    await button("Close panel").click();
  },
  "the order is changed by keyboard": async () => {
    await add(/^Slack/, "chat", job.path);
    await act(() => button("Add channel").last().click(), button("Ask chat earlier"));
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await button("Ask chat earlier").focus();
    await act(() => page.keyboard.press("Enter"), page.getByText("chat is now 1 of 2."));
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Ask chat later");
  },
  "a channel is edited, switched off and removed": async () => {
    await button("siem").click();
    await button("Edit").click();
    await page.getByLabel("Name").fill("SIEM");
    await page.getByRole("radio", { name: "Only what is chosen here" }).check();
    await page.getByLabel("Somebody asks for access to a safe").check();
    await act(() => button("Save channel").click(), page.getByRole("heading", { name: "SIEM", exact: true }));
    await act(() => button("Switch off").click(), button("Switch on"));
    await button("Remove").click();
    await act(() => button("Remove channel").click(), page.getByText("SIEM is removed."));
    await button("SIEM").waitFor({ state: "detached" });
  },
  "a ticket system stands apart: it is asked, and hears of nothing": async () => {
    await add(/^Ticket system/, "Jira", job.path);
    if (await page.getByRole("radio", { name: "Everything" }).isVisible()) throw new Error("a ticket system is offered notices");
    await act(() => button("Add channel").last().click(), page.getByRole("heading", { name: "Copy the secret now" }));
    await shownOnce("Copy the secret now");
    await page.getByRole("region", { name: "Ticket system" }).getByText("is asked whether tickets are open").waitFor();
    if (await page.getByRole("region", { name: "Channels" }).getByText("Jira").count()) throw new Error("it stands among the channels of notices");
    await button("Jira").click();
    await page.getByRole("heading", { name: "What it is asked" }).waitFor();
    if (await button("Send a test").count()) throw new Error("it is offered a test");
    await button("Edit").click();
    await page.getByLabel("Name").fill("Tickets");
    await act(() => button("Save channel").click(), page.getByRole("heading", { name: "Tickets", exact: true }));
    await button("Close panel").click();
    await button("Add channel").first().click();
    await page.getByRole("radio", { name: "Only what is chosen here" }).check();
    await page.getByLabel("Somebody asks for access to a safe").waitFor();
    if (await page.getByRole("dialog").getByRole("checkbox", { name: /ticket/ }).count()) throw new Error("the question stands among the notices");
    await button("Cancel").click();
  },
  "the settings' history tells it, without the URL": async () => {
    await page.goto(`${job.url}/o/${job.slug}/settings/organization?tab=changes`);
    await page.getByText("channels.order").waitFor();
    await page.getByRole("row").filter({ hasText: "channels.siem.name" }).getByText("SIEM", { exact: true }).waitFor();
    await page.getByRole("row").filter({ hasText: "channels.SIEM.url" }).getByText("cleared").waitFor();
    const told = await page.content();
    if (told.includes(job.path) || told.includes(first)) throw new Error("the history tells a secret");
  },
});
