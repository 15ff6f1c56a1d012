// What the journeys share: a job on standard input, a browser that keeps the
// page honest, steps that stand on each other, and how they are told.
import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";
import { connect, launch } from "./browser.mjs";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
export const job = JSON.parse((await lines.next()).value); // its first line; what follows answers questions
const wrong = [];

/** Asks Go's test for what only it knows: a one-time code, the link of a message. */
export async function ask(name, about) {
  console.log(`ask ${JSON.stringify({ name, about })}`);
  const { value, done } = await lines.next();
  if (done) throw new Error(`nobody answers ${name}`);
  return JSON.parse(value);
}

// The journeys share a browser, each in contexts of its own. Browsers offer no WebAuthn behind a
// certificate that they do not trust, even when they are told to go on: keys have one for themselves.
const browser = job.spki ? await launch(`--ignore-certificate-errors-spki-list=${job.spki}`) : await connect(job.browser);
const newContext = () => browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
export const context = await newContext();
const others = job.others ?? []; // origins that the browser is sent to: an identity provider

/** One more page, which must never break the policy, throw, or ask another origin. */
export async function open(within = context) {
  const page = await within.newPage();
  page.setDefaultTimeout(job.timeout_ms);
  page.setDefaultNavigationTimeout(job.timeout_ms);
  const ours = () => page.url() === "about:blank" || page.url().startsWith(job.url);
  page.on("pageerror", (e) => ours() && wrong.push(`exception: ${e.message}`));
  page.on("console", (m) => ours() && m.type() === "error" && /Content Security Policy|Trusted/i.test(m.text()) && wrong.push(m.text()));
  page.on("request", (r) => {
    const { origin } = new URL(r.url());
    const known = origin === job.url || r.url().startsWith(job.url.replace("https", "wss")) || /^(data|blob):/.test(r.url()) || (others.includes(origin) && (r.isNavigationRequest() || !ours()));
    if (!known) wrong.push(`foreign request: ${r.url()}`);
  });
  return page;
}

/** A page of somebody else's browser: nothing is shared with the others. */
export async function another() {
  return open(await newContext());
}

/** Fills in address and password of somebody, as the sign-in page asks for them. */
export async function givePassword(page, who) {
  await page.getByLabel("Email").fill(who.email);
  await page.getByLabel("Password", { exact: true }).fill(who.password);
  await page.keyboard.press("Enter");
}

/** Signs somebody in whose authenticator Go's test holds. */
export async function signIn(page, who) {
  await givePassword(page, who);
  await page.getByLabel("Code from your authenticator app").pressSequentially(await ask("code", who.handle));
  await page.getByRole("button", { name: /your menu/ }).waitFor();
}

/** Ends a sign-in by the person's own menu. */
export async function signOut(page) {
  await page.getByRole("button", { name: /your menu/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
}

/** Sets up an authenticator app where the console asks for one, and keeps the codes. Gives its secret. */
export async function enrolApp(page, verb) {
  await page.getByText("Cannot scan? Type the key instead").click();
  const secret = await page.locator(".secret-key").innerText();
  await page.getByLabel("Type the six digits that the app shows").pressSequentially(totp(secret));
  await page.getByLabel("I have kept the codes in a safe place").check();
  await page.getByRole("button", { name: verb, exact: true }).click();
  return secret.replace(/\s/g, "");
}

/** Runs the steps in order until one fails, and ends the process. */
export async function run(page, steps) {
  let failed = false;
  for (const [name, step] of Object.entries(steps)) {
    const began = Date.now();
    try {
      await step();
      console.log(`ok ${name}, ${((Date.now() - began) / 1000).toFixed(1)} s`);
    } catch (e) {
      failed = true;
      console.log(`not ok ${name}: ${e.message.split("\n").slice(0, 6).join(" ")}`);
      for (const p of browser.contexts().flatMap((c) => c.pages())) {
        const seen = await p.locator("[role=dialog], [role=alert], [role=status], main, body").allInnerTexts().catch((e) => [e.message]);
        console.log(`not ok what stands on ${p.url().replace(/[?#].*/, "")}: ${seen.join(" | ").replace(/\s+/g, " ").slice(0, 1500)}`);
      }
      for (const c of browser.contexts()) for (const p of c.pages()) await p.screenshot({ path: `${job.shots}/${name.replace(/\W+/g, "-")}${p === page ? "" : `-${c.pages().indexOf(p)}-${browser.contexts().indexOf(c)}`}.png` }).catch(() => undefined);
      break; // each step stands on those before it
    }
  }
  for (const w of new Set(wrong)) console.log(`not ok the page behaves: ${w}`);
  await browser.close();
  process.exit(failed || wrong.length ? 1 : 0);
}

/** The code that an authenticator app shows now for a secret: RFC 6238. */
export function totp(secret) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/\s/g, "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => Number.parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const sum = createHmac("sha1", key).update(counter).digest();
  return String((sum.readUInt32BE(sum[19] & 0xf) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
