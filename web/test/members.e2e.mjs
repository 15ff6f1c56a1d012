// What an administrator does about people, in the browser: a list is invited and one
// of it withdrawn, a member is suspended and comes back, another's sign-in ends.
// Go's TestConsoleManagesPeople runs it.
import { another, ask, context, givePassword, job, open, run, signIn } from "./journey.mjs";

const page = await open();
const member = await another();
const button = (name, on = page) => on.getByRole("button", { name, exact: true });
const heading = (name, on = page) => on.getByRole("heading", { name, exact: true });
const dialog = (name) => page.getByRole("dialog", { name, exact: true });
const row = (text) => page.getByRole("row").filter({ hasText: text });
const people = (query = "") => page.goto(`${job.url}/o/${job.slug}/people${query}`);

/** Clicks, proves the second factor where it is asked for, and waits for what shows that it is done. */
async function act(click, done) {
  await click();
  const code = page.getByLabel("Code from your authenticator app");
  await code.or(done).first().waitFor();
  if (await code.isVisible()) {
    await code.pressSequentially(await ask("code", job.owner.handle));
    await done.waitFor();
  }
}

await run(page, {
  "signs in": async () => {
    await page.goto(job.url);
    await signIn(page, job.owner);
    await member.goto(job.url);
    await signIn(member, job.member);
  },
  "a list with a mistake is not sent": async () => {
    await people();
    await button("Invite").click();
    await page.getByLabel("Email addresses").fill(`email,role,safes\n${job.first},auditor\n${job.second},operator,no-such-safe\nnobody`);
    await page.getByText("Line 3: There is no safe named no-such-safe.").waitFor();
    await page.getByText("no email address").waitFor();
    if (await button("Send invitation").isEnabled()) throw new Error("a list with mistakes can be sent");
  },
  "the mended list is sent": async () => {
    await page.getByLabel("Email addresses").fill(`email,role,safes\n${job.first},auditor\n${job.second},operator,${job.safe}`);
    await act(() => button("Send 2 invitations").click(), row(job.first));
    await row(job.first).getByText("Auditor").waitFor();
    await row(job.first).getByText("Open", { exact: true }).waitFor();
    await row(job.second).getByText(job.safe).waitFor();
  },
  "withdraws one of them": async () => {
    await button(`Withdraw the invitation of ${job.first}`).click();
    await act(() => button("Withdraw").click(), row(job.first).getByText("Withdrawn"));
    await row(job.second).getByText("Open", { exact: true }).waitFor();
  },
  "finds a member and suspends them": async () => {
    await people();
    await page.getByLabel("Search people").fill(job.member.handle.toUpperCase());
    await row(job.owner.email).waitFor({ state: "detached" });
    await row(job.member.email).getByRole("button").click();
    await button("Suspend").click();
    await page.getByLabel("Why").fill("on leave");
    await act(() => dialog(/^Suspend /).getByRole("button", { name: "Suspend", exact: true }).click(), row(job.member.email).getByText("Suspended"));
    await button("Resume").waitFor();
  },
  "who is suspended has no place there": async () => {
    await member.goto(`${job.url}/o/${job.slug}/safes`);
    await heading("You are not a member here", member).or(heading("Sign in", member)).first().waitFor();
  },
  "lets them in again": async () => {
    await button("Resume").click();
    await act(() => dialog(/^Resume /).getByRole("button", { name: "Resume", exact: true }).click(), row(job.member.email).getByText("Active"));
    await member.goto("about:blank");
    await member.goto(`${job.url}/o/${job.slug}/safes`);
    const email = member.getByLabel("Email");
    await heading("Safes", member).or(email).first().waitFor();
    if (await email.isVisible()) {
      await givePassword(member, job.member);
      await member.getByLabel("Code from your authenticator app").pressSequentially(await ask("code", job.member.handle));
    }
    await heading("Safes", member).waitFor();
  },
  "ends one of their sign-ins, and leaves the others": async () => {
    const elsewhere = await open(await context.browser().newContext({ ignoreHTTPSErrors: true, userAgent: "Elsewhere/1.0" }));
    await elsewhere.goto(job.url);
    await signIn(elsewhere, job.member);
    await people(`?q=${job.member.handle}`);
    await row(job.member.email).getByRole("button").click();
    const theirs = page.getByRole("listitem").filter({ hasText: "Elsewhere/1.0" });
    await theirs.getByRole("button", { name: /^End the sign-in from / }).click();
    await page.getByLabel("Message to them").fill("not this one");
    await act(() => page.getByRole("dialog", { name: /^End the sign-in from / }).getByRole("button", { name: "End it", exact: true }).click(), page.getByText(/that sign-in and \d+ live sessions? ended\./));
    await theirs.waitFor({ state: "detached" });
    await elsewhere.reload();
    await heading("Sign in", elsewhere).waitFor();
    await elsewhere.context().close();
    await member.reload();
    await heading("Safes", member).waitFor();
  },
  "sees where they are signed in, and ends it": async () => {
    await people(`?q=${job.member.handle}`);
    await row(job.member.email).getByRole("button").click();
    await page.getByText(/last used/).first().waitFor();
    await button("End all sign-ins and sessions").click();
    await page.getByLabel("Message to them").fill("please sign in again");
    await act(() => button("End them").click(), page.getByText(/sign-ins? and \d+ live sessions? ended\./));
    await member.goto(`${job.url}/o/${job.slug}/safes`);
    await heading("Sign in", member).waitFor();
  },
  "changes their role": async () => {
    await page.getByRole("radio", { name: "Auditor" }).check();
    await act(() => button("Change role").click(), row(job.member.email).getByText("Auditor"));
  },
  "finds one of many by what the server finds, in a filter and in the palette": async () => {
    const asked = [];
    page.on("request", (r) => r.url().includes("/org/members?") && asked.push(new URL(r.url()).searchParams));
    await page.goto(`${job.url}/o/${job.slug}/audit`);
    await button("Actor").click();
    await page.getByLabel("Search actor").fill(job.member.handle.toUpperCase());
    const item = page.getByRole("menuitemradio").filter({ hasText: job.member.email });
    await page.getByRole("menuitemradio").filter({ hasText: job.owner.email }).waitFor({ state: "detached" });
    await item.click();
    await page.waitForURL(/actor=usr_/);
    await page.getByRole("button", { name: /^Actor: Some operator/ }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill(job.member.handle);
    await page.getByRole("option").filter({ hasText: job.member.email }).click();
    await page.getByRole("dialog").getByText("Where they are signed in").waitFor();
    const all = asked.filter((q) => Number(q.get("limit")) > 100 || q.get("cursor"));
    if (asked.length === 0 || all.length > 0) throw new Error(`everybody is asked for: ${all}`);
  },
});
