// A passkey in a real browser, with Chromium's virtual authenticator, against a
// running server: enrol it as the only factor, answer a challenge and a step-up with
// it, and sign in with nothing else. Go's TestPasskeyInABrowser starts the server,
// gives the job on standard input, and looks for the events in the ledger.
import { readFileSync } from "node:fs";
import { launch } from "./browser.mjs";

const job = JSON.parse(readFileSync(0, "utf8"));
// Browsers offer no WebAuthn behind a certificate that they do not trust, even when they are told to go on.
const browser = await launch(`--ignore-certificate-errors-spki-list=${job.spki}`);
const context = await browser.newContext();
const page = await context.newPage();
page.setDefaultTimeout(job.timeout_ms);

const devtools = await context.newCDPSession(page);
await devtools.send("WebAuthn.enable");
const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
  options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
});

// call asks the API as the console does, with its cookie.
const call = (method, path, body) =>
  page.evaluate(
    async ([method, path, body]) => {
      const a = await fetch(`/api/v1${path}`, { method, headers: body ? { "Content-Type": "application/json" } : {}, body: body && JSON.stringify(body) });
      const text = await a.text();
      return { status: a.status, body: text ? JSON.parse(text) : null };
    },
    [method, path, body],
  );
const must = async (method, path, body) => {
  const a = await call(method, path, body);
  if (a.status >= 300) throw new Error(`${method} ${path}: ${a.status} ${JSON.stringify(a.body)}`);
  return a.body;
};
// The two calls of a page that uses passkeys; names of errors are what tells them apart.
const create = (options) =>
  page.evaluate(async (o) => {
    try {
      return (await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(o) })).toJSON();
    } catch (e) {
      return { refused: e.name };
    }
  }, options);
const answer = (options) =>
  page.evaluate(async (o) => (await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(o) })).toJSON(), options);
const password = { email: job.email, password: job.password };
const same = (what, got, want) => {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(want)}`);
};

const steps = {
  "opens the console by its name": async () => {
    await page.goto(job.url);
  },
  "enrols a passkey as the first factor": async () => {
    const first = await must("POST", "/auth/login?cookie=true", password);
    same("enrolment is required", first.enrolment_required, true);
    const begun = await must("POST", "/mfa/webauthn", { name: "this laptop", passkey: true });
    const done = await must("POST", "/mfa/webauthn/confirm", { enrolment_id: begun.enrolment_id, credential: await create(begun.public_key) });
    same("backup codes", done.backup_codes.length, 10);
    const { items } = await must("GET", "/mfa/factors");
    same("the factor", [items.length, items[0].kind, items[0].name, items[0].passkey], [1, "webauthn", "this laptop", true]);
  },
  "is not asked to enrol the same authenticator twice": async () => {
    const begun = await must("POST", "/mfa/webauthn", { passkey: true });
    same("the browser", await create(begun.public_key), { refused: "InvalidStateError" });
  },
  "answers the challenge of a sign-in": async () => {
    await must("POST", "/auth/logout");
    const { mfa } = await must("POST", "/auth/login?cookie=true", password);
    same("methods", mfa.methods, ["webauthn", "backup_code"]);
    await must("POST", "/auth/mfa?cookie=true", { challenge_id: mfa.challenge_id, method: "webauthn", credential: await answer(mfa.public_key) });
    same("who", (await must("GET", "/auth/me")).user.email, job.email);
  },
  "answers a step-up": async () => {
    const c = await must("POST", "/auth/step-up", {});
    await must("POST", "/auth/step-up/answer", { challenge_id: c.challenge_id, method: "webauthn", credential: await answer(c.public_key) });
  },
  "signs in without a password": async () => {
    await must("POST", "/auth/logout");
    same("nobody", (await call("GET", "/auth/me")).status, 401);
    const c = await must("POST", "/auth/passkey");
    await must("POST", "/auth/passkey/answer?cookie=true", { challenge_id: c.challenge_id, credential: await answer(c.public_key) });
    same("who", (await must("GET", "/auth/me")).user.email, job.email);
  },
  "lets a device in on the console's page": async () => {
    const begun = await must("POST", "/auth/device", { client: "a test's device" });
    await page.goto(`${job.url}/device#${begun.user_code}`);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("a test's device").waitFor();
    await page.getByRole("button", { name: "Let it in as me" }).click();
    await page.getByRole("heading", { name: "The device is signed in" }).waitFor();
    const session = await must("POST", "/auth/device/token", { device_code: begun.device_code });
    same("a refresh token", session.refresh_token.startsWith("vprt_"), true);
  },
  "does not sign in with an authenticator that asks for nothing": async () => {
    await must("POST", "/auth/logout");
    await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    const c = await must("POST", "/auth/passkey");
    const refused = await page.evaluate(async (o) => {
      try {
        await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(o) });
        return "";
      } catch (e) {
        return e.name;
      }
    }, c.public_key);
    same("the browser", refused, "NotAllowedError");
  },
};

let failed = false;
for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
    console.log(`ok: ${name}`);
  } catch (e) {
    console.log(`FAILED: ${name}: ${e.message}`);
    failed = true;
    break;
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
