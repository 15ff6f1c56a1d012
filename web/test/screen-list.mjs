// What to look at, as whom, and what to do first.
import { checkouts, groups, policies, requests } from "./mock/access.mjs";
import { channels, deliveries, letters } from "./mock/admin.mjs";
import { actions } from "./mock/governance.mjs";
import { reviews } from "./mock/reviews.mjs";
import { accounts, orgs, people, resources, safes } from "./mock/data.mjs";
import { recoveries } from "./mock/routes.mjs";
import { events } from "./mock/ledger.mjs";
import { sessions } from "./mock/sessions.mjs";

const ended = sessions.find((s) => s.state === "ended");
const o = "/o/acme";
const fail = (pattern, status, detail) => (page) =>
  page.route(pattern, (r) => r.fulfill({ status, contentType: "application/problem+json", body: JSON.stringify({ status, title: "x", detail, code: status === 403 ? "NOT_PERMITTED" : "INTERNAL", request_id: "req_01jz8q4n5yf3v9t2c6w0k7m1xa" }) }));
const hang = (pattern) => (page) => page.route(pattern, () => undefined);
const button = (page, name) => page.getByRole("button", { name, exact: true });

export const pages = [
  { name: "sign-in", path: "/sign-in", until: "text=Continue" },
  {
    name: "sign-in-wrong",
    path: "/sign-in",
    expects: "401",
    act: async (page) => {
      await page.getByLabel("Email").fill("ada@acme.example");
      await page.getByLabel("Password", { exact: true }).fill("wrong");
      await button(page, "Continue").click();
      await page.getByRole("alert").waitFor();
    },
  },
  {
    name: "sign-in-locked",
    path: "/sign-in",
    expects: "429",
    act: async (page) => {
      await page.getByLabel("Email").fill("ada@acme.example");
      await page.getByLabel("Password", { exact: true }).fill("locked");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").waitFor();
    },
  },
  {
    name: "sign-in-code",
    path: "/sign-in",
    act: async (page) => {
      await page.getByLabel("Email").fill("ada@acme.example");
      await page.getByLabel("Password", { exact: true }).fill("right");
      await button(page, "Continue").click();
      await page.getByLabel("Code from your authenticator app").waitFor();
    },
  },
  {
    name: "sign-in-sso",
    path: "/sign-in?org=acme",
    act: async (page) => {
      await button(page, "Continue").click();
      await button(page, "Acme Entra ID").waitFor();
    },
  },
  { name: "sign-in-sso-refused", path: "/sign-in/sso#error=email_unverified&message=your+address+is+of+no+domain+that+this+organization+has+verified", until: "text=You are not signed in" },
  { name: "invite", path: "/invite#new", expects: "401", until: "text=Accept and make my account" },
  { name: "invite-existing", path: "/invite#ada", as: "ada", until: "text=fresh second factor first" },
  { name: "invite-expired", path: "/invite#old", expects: "401|409", until: "text=cannot be used" },
  {
    name: "sign-in-lost",
    path: "/sign-in",
    act: async (page) => {
      await page.getByLabel("Email").fill("ada@acme.example");
      await page.getByLabel("Password", { exact: true }).fill("right");
      await button(page, "Continue").click();
      await button(page, "Lost your second factor?").click();
      await button(page, "I have lost them all: send me the link").waitFor();
    },
  },
  {
    name: "sign-in-lost-asked",
    path: "/sign-in",
    act: async (page) => {
      await page.getByLabel("Email").fill("ada@acme.example");
      await page.getByLabel("Password", { exact: true }).fill("right");
      await button(page, "Continue").click();
      await button(page, "Lost your second factor?").click();
      await button(page, "I have lost them all: send me the link").click();
      await page.getByText("Look into your mail").waitFor();
    },
  },
  { name: "forgot", path: "/forgot", until: "text=Send me the link" },
  { name: "reset", path: "/reset#new", until: "text=Choose a new password" },
  {
    name: "reset-expired",
    path: "/reset#old",
    expects: "409",
    act: async (page) => {
      await page.getByLabel("New password").fill("a long enough password");
      await page.getByLabel("The same again").fill("a long enough password");
      await button(page, "Set the password").click();
      await page.getByText("This link cannot be used").waitFor();
    },
  },
  { name: "recover-verify", path: "/recover/verify#proof", until: "text=Yes, I have lost it" },
  {
    name: "recover-verified",
    path: "/recover/verify#proof",
    act: async (page) => {
      await button(page, "Yes, I have lost it").click();
      await page.getByText("An administrator decides now").waitFor();
    },
  },
  { name: "recover", path: "/recover#grant", until: "text=Set up a new second factor" },
  { name: "recover-broken", path: "/recover", until: "text=This link is not whole" },
  { name: "recoveries", path: `${o}/recoveries`, as: "ada", until: "text=Grace Okafor" },
  { name: "recovery", path: () => `${o}/recoveries?open=${recoveries[0].id}`, as: "ada", until: "text=Speak with them before you decide" },
  {
    name: "recovery-approve",
    path: () => `${o}/recoveries?open=${recoveries[0].id}`,
    as: "ada",
    act: async (page) => {
      await button(page, "Approve").click();
      await page.getByRole("textbox", { name: "Comment" }).waitFor();
    },
  },
  { name: "recovery-own", path: () => `/platform/recoveries?open=${recoveries[1].id}`, as: "ada", until: "text=This is your own case" },
  { name: "recoveries-which", path: "/organization/recoveries", as: "ada", until: "text=In which organization" },
  { name: "platform-invitation", path: "/platform/invitation#new", expects: "401", until: "text=Accept and make my account" },
  { name: "platform-invitation-existing", path: "/platform/invitation#grace", as: "grace", until: "text=Turn it down" },
  {
    name: "platform-invitation-refused",
    path: "/platform/invitation#grace",
    as: "grace",
    act: async (page) => {
      await button(page, "Turn it down").click();
      await page.getByRole("dialog").getByRole("button", { name: "Turn it down" }).click();
      await page.getByText("You have turned it down").waitFor();
    },
  },
  { name: "signup-ask", path: "/signup", until: "text=Send me the link" },
  { name: "signup-form", path: "/signup#begun", until: "text=For those who decide" },
  { name: "signup-waiting", path: "/signup#wait", until: "text=Waiting for the operator" },
  { name: "signup-phone", path: "/signup#phone", until: "text=Your telephone number" },
  {
    name: "signup-phone-code",
    path: "/signup#phone",
    act: async (page) => {
      await page.getByLabel("Number").fill("+49 151 23456789");
      await button(page, "Send a code").click();
      await page.getByLabel("Code from the message").waitFor();
    },
  },
  {
    name: "device",
    path: "/device#BCDF-GHJK",
    as: "ada",
    act: async (page) => {
      await page.getByLabel("Code").fill("BCDF-GHJK");
      await button(page, "Continue").click();
      await page.getByText("Let this device in?").waitFor();
    },
  },
  {
    name: "device-step-up",
    path: "/device#STEP-UPXX",
    as: "ada",
    act: async (page) => {
      await button(page, "Continue").click();
      await page.getByText("Confirm for this device?").waitFor();
    },
  },
  { name: "invitations", path: `${o}/people?tab=invitations`, as: "ada", until: "text=sam@acme.example" },
  {
    name: "invite-form",
    path: `${o}/people?tab=invitations&new=invite`,
    as: "ada",
    act: async (page) => {
      await page.getByLabel("Email addresses").fill("noor@acme.example, luca@acme.example");
      await button(page, "Send 2 invitations").click();
      await page.getByText("is a member of this organization already").waitFor();
    },
  },
  { name: "settings", path: `${o}/settings/organization`, as: "ada", full: true, until: "text=Delete Acme" },
  { name: "submissions", path: "/platform/submissions?open=sub_1", as: "ada", until: "text=Forty people" },
  { name: "keys", path: "/platform/keys", as: "ada", until: "text=Nordwind" },
  { name: "enrol", path: "/enrol", as: "luca", until: ".qr" },
  {
    name: "enrol-key",
    path: "/enrol",
    as: "luca",
    act: async (page) => {
      await button(page, "Use a security key or passkey instead").click();
      await page.getByLabel("Sign in without a password").waitFor();
    },
  },
  {
    name: "enrol-codes",
    path: "/enrol",
    as: "ada",
    act: async (page) => {
      await page.locator(".qr").waitFor();
      await page.getByLabel("Type the six digits that the app shows").pressSequentially("123456");
      await page.getByRole("list", { name: "Backup codes" }).waitFor();
    },
  },
  { name: "setup", path: "/setup#stp_0123456789", until: "text=Create platform admin" },
  { name: "safes", path: `${o}/safes`, as: "ada", until: "text=web-prod-2" },
  { name: "safes-operator", path: `${o}/safes`, as: "grace", until: "text=web-prod-2" },
  { name: "safes-table", path: `${o}/safes?view=table`, as: "ada", until: "text=web-prod-2" },
  { name: "safes-loading", path: `${o}/safes`, as: "ada", before: hang("**/api/v1/safes?*"), until: ".skeleton" },
  { name: "safes-error", path: `${o}/safes`, as: "ada", expects: "500", before: fail("**/api/v1/safes?*", 500, "internal error; if it stays, give your administrator this reference"), until: "text=Try again" },
  { name: "safes-guided", path: "/o/nordwind/safes", as: "ada", until: "text=Three steps" },
  { name: "safe", path: () => `${o}/safes/${safes[2].id}`, as: "ada", until: "text=Connect from your terminal" },
  { name: "safe-access", path: () => `${o}/safes/${safes[0].id}?tab=access`, as: "ada", full: true, until: "text=through what" },
  { name: "safe-access-none", path: () => `${o}/safes/${safes[4].id}?tab=access`, as: "mei", until: "text=No group is bound" },
  {
    name: "safe-add-group",
    path: () => `${o}/safes/${safes[0].id}?tab=access`,
    as: "ada",
    act: async (page) => {
      await button(page, "Add group").click();
      await page.getByRole("combobox", { name: "Group" }).fill("call");
      await page.getByRole("option", { name: /On call/ }).click();
    },
  },
  { name: "approvals", path: `${o}/approvals`, as: "jonas", full: true, until: "text=rotate its logs" },
  { name: "approvals-none", path: `${o}/approvals`, as: "grace", until: "text=Nothing waits for you" },
  { name: "approvals-all", path: `${o}/approvals?tab=all`, as: "ada", until: "text=Slow queries" },
  { name: "my-requests", path: `${o}/my-requests`, as: "ada", until: "text=Payout of the week" },
  { name: "my-requests-empty", path: `${o}/my-requests`, as: "priya", until: "text=No requests" },
  { name: "lending", path: `${o}/lending`, as: "ada", full: true, until: "text=I am on leave" },
  { name: "lending-all", path: `${o}/lending?show=all`, as: "ada", full: true, until: "text=Lent by others" },
  { name: "lending-empty", path: `${o}/lending`, as: "priya", until: "text=Nothing is lent" },
  { name: "lending-new", path: `${o}/lending?new=1`, as: "ada", until: "dialog" },
  { name: "checkouts", path: `${o}/checkouts`, as: "ada", full: true, until: "text=The rescue console" },
  { name: "checkouts-all", path: () => `${o}/checkouts?show=all&open=${checkouts[3].id}`, as: "ada", until: ".panel >> text=Console cable" },
  { name: "checkouts-empty", path: `${o}/checkouts`, as: "priya", until: "text=Nothing is checked out" },
  { name: "checkouts-new", path: () => `${o}/checkouts?new=1&safe=${safes[2].id}`, as: "ada", until: "dialog >> text=At most" },
  {
    name: "checkout-shown",
    path: `${o}/checkouts`,
    as: "ada",
    until: "text=The rescue console",
    act: async (page) => {
      await page.getByRole("button", { name: "orders-db", exact: true }).click();
      await page.getByRole("button", { name: "Show again" }).click();
      await page.getByRole("dialog").getByLabel("Password", { exact: true }).waitFor();
    },
  },
  { name: "request", path: () => `${o}/requests/${requests[0].id}`, as: "jonas", full: true, until: "text=It is /var/log" },
  {
    name: "request-approve",
    path: () => `${o}/requests/${requests[1].id}`,
    as: "jonas",
    act: async (page) => {
      await page.getByText("Deploy of the fix").waitFor();
      await page.keyboard.press("a");
      await page.getByRole("dialog").getByLabel("Comment").waitFor();
    },
  },
  { name: "request-emergency", path: () => `${o}/requests/${requests[3].id}`, as: "ada", full: true, until: "text=nobody was asked" },
  {
    name: "request-ask",
    path: `${o}/my-requests?new=1`,
    as: "grace",
    until: "dialog",
  },
  {
    name: "safe-emergency",
    path: () => `${o}/safes/${safes[1].id}`,
    as: "grace",
    before: (page) => page.route(`**/api/v1/safes/${safes[1].id}`, async (r) => {
      const res = await r.fetch();
      const body = await res.json();
      await r.fulfill({ response: res, json: { ...body, can_launch: false, blocked_by: "no_approval", blocked: "this safe needs an approved request first", policy: { ...body.policy, approvals: 2, break_glass: [people[2].id] } } });
    }),
    act: async (page) => {
      await button(page, "Emergency access").click();
      await page.getByText("Nobody is asked").waitFor();
    },
  },
  { name: "governance", path: `${o}/governance`, as: "jonas", until: "text=Turn recording off" },
  { name: "governance-all", path: `${o}/governance?tab=all`, as: "ada", until: "text=Superseded" },
  { name: "governance-empty", path: "/o/nordwind/governance", as: "ada", until: "text=Nothing waits for a second person" },
  { name: "governance-action", path: () => `/organization/governance/${actions[0].id}`, as: "jonas", until: "text=What would change" },
  { name: "governance-mine", path: () => `${o}/governance/${actions[0].id}`, as: "ada", until: "text=somebody else decides" },
  {
    name: "governance-approve",
    path: () => `${o}/governance/${actions[0].id}`,
    as: "jonas",
    act: async (page) => {
      await button(page, "Approve").click();
      await page.getByRole("dialog").getByLabel("Comment").waitFor();
    },
  },
  { name: "governance-approved", path: () => `${o}/governance/${actions[2].id}`, as: "ada", until: "text=Agreed in the change meeting" },
  { name: "governance-superseded", path: () => `${o}/governance/${actions[3].id}`, as: "ada", until: "text=max_sessions was 0" },
  { name: "governance-out-of-date", path: () => `${o}/governance/${actions.at(-1).id}`, as: "ada", until: "text=This is out of date" },
  { name: "governance-platform", path: "/platform/governance", as: "ada", until: "text=Turn recording off" },
  { name: "governance-platform-action", path: () => `/platform/governance/${actions[1].id}`, as: "ada", until: "text=What would change" },
  { name: "reviews", path: `${o}/reviews`, as: "ada", until: "text=Second quarter" },
  { name: "reviews-new", path: `${o}/reviews?new=1`, as: "ada", until: "text=At the deadline" },
  { name: "reviews-empty", path: "/o/nordwind/reviews", as: "ada", until: "text=No access review yet" },
  { name: "reviews-one", path: () => `/access-reviews/${reviews[0].id}`, as: "ada", until: "text=Keep all" },
  {
    name: "reviews-revoke",
    path: () => `${o}/reviews/${reviews[0].id}`,
    as: "ada",
    act: async (page) => {
      await page.getByRole("button", { name: /^Revoke / }).first().click();
      await page.getByRole("dialog").getByLabel("Reason").waitFor();
    },
  },
  { name: "reviews-all", path: () => `${o}/reviews/${reviews[0].id}?show=all`, as: "ada", until: "text=Revoked" },
  { name: "reviews-ended", path: () => `${o}/reviews/${reviews[1].id}`, as: "ada", until: "text=Had changed" },
  { name: "policies", path: `${o}/policies`, as: "ada", until: "text=Approval for production" },
  { name: "policies-empty", path: "/o/nordwind/policies", as: "ada", until: "text=no policy yet" },
  { name: "policy-templates", path: `${o}/policies/new`, as: "ada", until: "text=From nothing" },
  { name: "policy-edit", path: () => `${o}/policies/${policies[0].id}`, as: "ada", full: true, until: "text=Except Mon" },
  { name: "policy-approval", path: () => `${o}/policies/${policies[1].id}`, as: "ada", full: true, until: "text=Two people approve" },
  { name: "policy-read", path: () => `${o}/policies/${policies[0].id}`, as: "mei", full: true, until: "text=You can read this policy" },
  {
    name: "policy-text-wrong",
    path: () => `${o}/policies/${policies[2].id}`,
    as: "ada",
    expects: "422",
    act: async (page) => {
      await page.getByLabel("Cedar", { exact: true }).fill('permit (\n  principal,\n  action == Action::"session.wrong",\n  resource\n);');
      await button(page, "Check the text").click();
      await page.getByText("Line 3:").waitFor();
    },
  },
  {
    name: "policy-meanwhile",
    path: () => `${o}/policies/${policies[2].id}`,
    as: "ada",
    expects: "409",
    act: async (page) => {
      await page.getByLabel("Cedar", { exact: true }).fill("permit (principal, action, resource);");
      await page.route(`**/org/policies/${policies[2].id}`, async (r) => {
        if (r.request().method() === "PATCH") return r.fulfill({ status: 409, contentType: "application/problem+json", json: { status: 409, code: "VERSION_CONFLICT", detail: "the policy was changed by somebody else meanwhile; look at it again, then change it" } });
        const res = await r.fetch();
        const body = await res.json();
        return r.fulfill({ response: res, json: { ...body, version: body.version + 1, updated_by: people[1].id } });
      });
      await button(page, "Review changes").click();
      await button(page, "Save policy").click();
      await page.getByRole("dialog").getByText("changed by somebody else meanwhile").waitFor();
      await button(page, "Back").click();
      await page.getByText(/^Jonas Weber saved version/).waitFor();
    },
  },
  {
    name: "policy-review",
    path: () => `${o}/policies/${policies[0].id}`,
    as: "ada",
    act: async (page) => {
      await page.getByLabel("Priority").fill("50");
      await button(page, "Review changes").click();
      await page.getByText("would have been decided otherwise").waitFor();
    },
  },
  { name: "policy-history", path: () => `${o}/policies/${policies[0].id}?tab=history`, as: "ada", full: true, until: "text=Restore version 2" },
  {
    name: "policy-simulate",
    path: () => `${o}/policies/${policies[0].id}?tab=simulate`,
    as: "ada",
    act: async (page) => {
      await button(page, "Simulate without it").click();
      await page.getByText("would have been decided otherwise").waitFor();
    },
  },
  { name: "access-explain", path: () => `${o}/access?user=${people[2].id}&safe=${safes[0].id}`, as: "ada", full: true, until: "text=needs approval to open" },
  { name: "access-explain-deny", path: () => `${o}/access?user=${people[2].id}&safe=${safes[3].id}&from=192.0.2.7`, as: "ada", full: true, until: "text=may not open" },
  { name: "access-who", path: () => `${o}/access?tab=who&safe=${safes[0].id}`, as: "ada", until: "text=A launch is" },
  { name: "access-what", path: () => `${o}/access?tab=what&user=${people[2].id}`, as: "ada", until: "text=A launch is" },
  { name: "groups", path: `${o}/groups`, as: "ada", until: "text=On call" },
  { name: "groups-empty", path: "/o/nordwind/groups", as: "ada", until: "text=no group yet" },
  { name: "groups-none", path: `${o}/groups?q=zzz`, as: "ada", until: "text=No group matches" },
  {
    name: "group-new-sso",
    path: `${o}/groups?new=1`,
    as: "ada",
    act: (page) => page.getByRole("radio", { name: "Your identity provider" }).check(),
  },
  { name: "group", path: () => `${o}/groups/${groups[0].id}`, as: "ada", until: "text=Tomás Varga" },
  { name: "group-scim", path: () => `${o}/groups/${groups[2].id}`, as: "ada", until: "text=Managed by your directory" },
  { name: "group-safes", path: () => `${o}/groups/${groups[0].id}?tab=safes`, as: "ada", until: "text=orders-db" },
  {
    name: "group-add-people",
    path: () => `${o}/groups/${groups[0].id}`,
    as: "ada",
    act: async (page) => {
      await button(page, "Add people").click();
      await page.getByRole("combobox", { name: "People" }).fill("a");
      await page.getByRole("option", { name: /Ada/ }).click();
      await page.getByText("Whoever is in it reaches").waitFor();
      await page.getByRole("option").first().waitFor();
    },
  },
  {
    name: "group-delete",
    path: () => `${o}/groups/${groups[0].id}`,
    as: "ada",
    act: async (page) => {
      await button(page, "Delete").click();
      await page.getByText("Type On call to confirm").waitFor();
    },
  },
  {
    name: "safe-add-member",
    path: () => `${o}/safes/${safes[0].id}?tab=access`,
    as: "ada",
    act: async (page) => {
      await page.getByText("Grace Okafor").first().waitFor();
      await button(page, "Add member").click();
      await page.getByRole("dialog").waitFor();
    },
  },
  { name: "safe-policy", path: () => `${o}/safes/${safes[3].id}?tab=policy`, as: "ada", full: true, until: "text=Ways around" },
  {
    name: "safe-policy-review",
    path: () => `${o}/safes/${safes[0].id}?tab=policy`,
    as: "ada",
    act: async (page) => {
      await page.getByLabel("Record the session").uncheck();
      await page.getByLabel("Ask for a fresh code at launch").check();
      await page.getByLabel("Agent forwarding (-A)").check();
      await button(page, "Review changes").click();
      await page.getByRole("dialog").waitFor();
    },
  },
  {
    name: "safe-delete",
    path: () => `${o}/safes/${safes[0].id}`,
    as: "ada",
    act: async (page) => {
      await button(page, "Delete").click();
      await page.getByRole("dialog").waitFor();
    },
  },
  { name: "safe-new", path: `${o}/safes/new`, as: "ada", full: true, until: "text=Create safe" },
  { name: "terminal-start", path: () => `${o}/terminal/${safes[0].id}`, as: "grace", until: "text=Open a session" },
  {
    name: "terminal",
    path: `${o}/safes`,
    as: "grace",
    act: async (page) => {
      await page.getByRole("link", { name: "Launch web-prod", exact: true }).click();
      await page.locator(".xterm-rows").getByText("truecolour").waitFor();
      await page.keyboard.type("ls\r");
      await page.locator(".xterm-rows").getByText("release.tar.gz").waitFor();
    },
  },
  {
    name: "terminal-ended",
    path: `${o}/safes`,
    as: "grace",
    act: async (page) => {
      await page.getByRole("link", { name: "Launch web-prod", exact: true }).click();
      await page.locator(".xterm-rows").getByText("truecolour").waitFor();
      await page.keyboard.type("exit\r");
      await page.getByText("The session has ended.").waitFor();
    },
  },
  {
    name: "terminal-step-up",
    path: `${o}/safes`,
    as: "grace",
    expects: "403",
    act: async (page) => {
      await page.getByRole("link", { name: "Launch orders-db" }).click();
      await page.getByRole("dialog", { name: "Confirm that it is you" }).waitFor();
    },
  },
  { name: "my-sessions", path: `${o}/my-sessions`, as: "grace", until: "text=web-prod" },
  { name: "live", path: `${o}/live`, as: "ada", until: "text=orders-db" },
  {
    name: "live-end",
    path: `${o}/live`,
    as: "ada",
    act: async (page) => {
      await page.getByRole("button", { name: /^End the session of Priya/ }).click();
      await page.getByRole("dialog").waitFor();
    },
  },
  { name: "live-empty", path: "/o/nordwind/live", as: "ada", until: "text=Nothing runs now" },
  { name: "sessions", path: `${o}/sessions`, as: "mei", until: "text=Ended by Jonas" },
  { name: "sessions-filtered", path: () => `${o}/sessions?state=ended&user=${people[2].id}&range=7d`, as: "ada", until: "text=billing" },
  { name: "session", path: () => `${o}/sessions/${ended.id}`, as: "ada", until: "text=matches the ledger" },
  {
    name: "session-playing",
    path: () => `${o}/sessions/${ended.id}?t=102.5`,
    as: "ada",
    act: async (page) => {
      await page.getByText("matches the ledger").waitFor();
      await button(page, "Play recording").click();
      await page.locator(".xterm-rows").getByText("tail").first().waitFor();
    },
  },
  {
    name: "session-search",
    path: () => `${o}/sessions/${ended.id}?t=1`,
    as: "ada",
    act: async (page) => {
      await button(page, "Play recording").click();
      await page.getByLabel("Search what was printed").fill("error");
      await button(page, "Next match").click();
      await page.getByText("2 of 4").waitFor();
    },
  },
  {
    name: "session-watch",
    path: () => `${o}/sessions/${sessions[0].id}`,
    as: "ada",
    act: async (page) => {
      await button(page, "Watch").click();
      await page.getByText("You are watching").waitFor();
      await page.locator(".xterm-rows").getByText("storefront.service").first().waitFor();
    },
  },
  { name: "session-missing", path: `${o}/sessions/ses_none`, as: "ada", expects: "404", until: "text=There is nothing here" },
  { name: "audit", path: `${o}/audit`, as: "mei", until: "text=nightly-backup" },
  { name: "audit-event", path: () => `${o}/audit?event=${events.find((e) => e.metadata.changes?.length).id}`, as: "mei", until: "text=Before and after" },
  {
    name: "audit-proof",
    path: () => `${o}/audit?severity=WARN&event=${events.findLast((e) => e.severity === "WARN").id}`,
    as: "mei",
    act: async (page) => {
      await button(page, "Verify this entry").click();
      await page.getByText("is in the ledger, unaltered").waitFor();
      await page.getByText("is in the ledger, unaltered").scrollIntoViewIfNeeded();
    },
  },
  {
    name: "audit-filter-menu",
    path: `${o}/audit`,
    as: "mei",
    act: async (page) => {
      await page.getByText("nightly-backup").first().waitFor();
      await button(page, "Severity").click();
      await page.getByRole("menu").waitFor();
    },
  },
  { name: "audit-refused", path: `${o}/audit`, as: "grace", expects: "403", until: "text=You may not see" },
  { name: "resources", path: `${o}/resources`, as: "ada", until: "text=edge-fra" },
  {
    name: "resource-scan",
    path: () => `${o}/resources?open=${resources[5].id}`,
    as: "ada",
    act: async (page) => {
      await button(page, "Scan the host key").click();
      await page.getByText("The host shows this").waitFor();
    },
  },
  { name: "resource-new", path: `${o}/resources?new=1`, as: "ada", until: "dialog" },
  { name: "accounts", path: `${o}/accounts`, as: "ada", until: "text=runner-old" },
  { name: "account", path: () => `${o}/accounts?open=${accounts[2].id}`, as: "ada", until: "text=Safes that use it" },
  { name: "account-rotation-failed", path: () => `${o}/accounts?open=${accounts[3].id}`, as: "ada", until: "text=The last rotation failed" },
  {
    name: "account-rotate",
    path: () => `${o}/accounts?open=${accounts[2].id}`,
    as: "ada",
    act: async (page) => {
      await button(page, "Rotate now").click();
      await page.getByText("Running sessions stay").waitFor();
    },
  },
  {
    name: "account-new",
    path: `${o}/accounts?new=1`,
    as: "ada",
    act: async (page) => {
      await page.getByRole("dialog").getByText("SSH key").click();
      await page.getByLabel("Private key").fill("ssh-ed25519 AAAA");
      await page.getByRole("textbox", { name: /^Passphrase/ }).focus();
    },
  },
  { name: "admin-person", path: () => `${o}/people?q=grace&open=${people[2].id}`, as: "ada", full: true, until: "text=192.0.2.44" },
  { name: "admin-people-none", path: `${o}/people?q=zzz`, as: "ada", until: "text=Nobody matches" },
  { name: "admin-service-accounts", path: `${o}/people?tab=service-accounts`, as: "ada", until: "text=nightly-backup" },
  { name: "admin-directory", path: `${o}/settings/sso?tab=directory`, as: "ada", full: true, until: "text=PAM Admins (2)" },
  {
    name: "admin-saml",
    path: `${o}/settings/sso?edit=new`,
    as: "ada",
    act: async (page) => {
      await page.getByRole("radio", { name: "SAML 2.0" }).check();
      await page.getByRole("button", { name: "Take a metadata file" }).waitFor();
    },
  },
  { name: "admin-changes", path: `${o}/settings/organization?tab=changes`, as: "ada", until: "text=require_mfa" },
  { name: "admin-mail", path: `${o}/settings/organization?tab=mail`, as: "ada", until: "text=noor.hassan@acme.example" },
  { name: "admin-message", path: () => `${o}/settings/organization?tab=mail&open=${letters[1].id}`, as: "ada", until: "text=Refused for good" },
  { name: "notices", path: `${o}/settings/notifications`, as: "ada", until: "text=hooks.slack.com" },
  { name: "notices-channel", path: () => `${o}/settings/notifications?open=${channels[1].id}`, as: "ada", until: "text=Old secret signs" },
  {
    name: "notices-add",
    path: `${o}/settings/notifications?edit=new`,
    as: "ada",
    act: async (page) => {
      await page.getByRole("radio", { name: "Only what is chosen here" }).check();
      await page.getByLabel("Somebody asks for access to a safe").check();
    },
  },
  {
    name: "notices-secret",
    path: () => `${o}/settings/notifications?open=${channels[1].id}`,
    as: "ada",
    act: async (page) => {
      await button(page, "New secret").click();
      await button(page, "Make a new secret").click();
      await page.getByRole("heading", { name: "Copy the new secret now" }).waitFor();
    },
  },
  { name: "notices-deliveries", path: `${o}/settings/notifications?tab=deliveries`, as: "ada", until: "text=noor.hassan@acme.example" },
  { name: "notices-delivery", path: () => `${o}/settings/notifications?tab=deliveries&open=${deliveries[1].id}`, as: "ada", until: "text=3 tries" },
  { name: "admin-organization", path: () => `/platform/organizations?open=${orgs.nord.id}`, as: "ada", until: "text=The invoice of May is open." },
  { name: "admin-operators", path: "/platform/users", as: "ada", until: "text=Platform auditor" },
  { name: "admin-operator", path: () => `/platform/users?open=${people[0].id}`, as: "ada", until: "text=What they may do" },
  { name: "admin-operator-invitations", path: "/platform/users?tab=invitations", as: "ada", until: "text=Turned down" },
  { name: "people", path: `${o}/people`, as: "ada", until: "text=Luca Bianchi" },
  { name: "person", path: () => `${o}/people?open=${people[2].id}`, as: "ada", until: "text=Role in Acme" },
  { name: "person-new", path: `${o}/people?new=1`, as: "ada", until: "dialog" },
  { name: "inbox", path: "/notices", as: "ada", until: "text=oscar asks" },
  { name: "inbox-open", path: "/notices", as: "ada", until: "text=oscar asks", act: (page) => page.getByRole("button", { name: "oscar asks for access to payroll database" }).click() },
  { name: "profile-notices", path: "/profile?tab=notices", as: "ada", until: "text=Show here" },
  { name: "settings-introductions", path: "/o/acme/settings/notifications?tab=introductions", as: "ada", until: "text=approve only with" },
  { name: "profile", path: "/profile", as: "ada", until: "text=Backup codes" },
  {
    name: "profile-phone",
    path: "/profile",
    as: "ada",
    act: async (page) => {
      const before = button(page, "Give it up"); // of a look before this one
      await button(page, "Change").or(before).waitFor();
      if (await before.isVisible()) await before.click();
      await button(page, "Change").click();
      await page.getByRole("textbox", { name: "Number" }).fill("+49 30 901820");
      await button(page, "Send a code").click();
      await page.getByLabel("Code from the message").scrollIntoViewIfNeeded();
    },
  },
  {
    name: "profile-key-add",
    path: "/profile",
    as: "ada",
    act: async (page) => {
      await button(page, "Add a key").click();
      await page.getByRole("dialog").waitFor();
    },
  },
  { name: "sso", path: `${o}/settings/sso`, as: "ada", until: "text=acme-labs.example" },
  {
    name: "sso-provider",
    path: `${o}/settings/sso`,
    as: "ada",
    act: async (page) => {
      await button(page, "Acme Entra ID").click();
      await page.getByText("Who came by it").waitFor();
    },
  },
  { name: "sso-edit", path: `${o}/settings/sso?edit=new`, as: "ada", until: "dialog" },
  { name: "profile-keys", path: "/profile?tab=ssh-keys", as: "ada", until: "text=thinkpad" },
  { name: "profile-access", path: "/profile?tab=access", as: "ada", until: "text=web-prod" },
  { name: "profile-tokens", path: "/profile?tab=tokens", as: "ada", until: "text=nightly-backup" },
  {
    name: "token-new",
    path: "/profile?tab=tokens",
    as: "ada",
    act: async (page) => {
      await button(page, "New token").click();
      await page.getByRole("dialog").waitFor();
    },
  },
  { name: "platform", path: "/platform/organizations", as: "ada", until: "text=Nordwind" },
  {
    name: "palette",
    path: `${o}/safes`,
    as: "ada",
    act: async (page) => {
      await page.getByText("web-prod-2").first().waitFor();
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox").fill("web");
    },
  },
  {
    name: "menu",
    path: `${o}/safes`,
    as: "ada",
    act: async (page, { width }) => {
      if (width < 860) await button(page, "Open navigation").click();
      await page.getByRole("button", { name: /your menu/ }).click();
      await page.getByRole("menu").waitFor();
    },
  },
  { name: "not-found", path: "/nowhere", as: "ada", until: "text=There is no such page" },
  { name: "no-member", path: "/o/elsewhere/safes", as: "grace", until: "text=You are not a member" },
];
