// What the journeys share: a job on standard input, a browser that keeps the
// page honest, steps that stand on each other, and how they are told.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { launch } from "./browser.mjs";

export const job = JSON.parse(readFileSync(0, "utf8"));
const wrong = [];

const browser = await launch();
export const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 } });

/** One more page, which must never break the policy, throw, or ask another origin. */
export async function open() {
  const page = await context.newPage();
  page.setDefaultTimeout(job.timeout_ms);
  page.on("pageerror", (e) => wrong.push(`exception: ${e.message}`));
  page.on("console", (m) => m.type() === "error" && /Content Security Policy|Trusted/i.test(m.text()) && wrong.push(m.text()));
  page.on("request", (r) => new URL(r.url()).origin !== job.url && !/^(data|blob):/.test(r.url()) && !r.url().startsWith(job.url.replace("https", "wss")) && wrong.push(`foreign request: ${r.url()}`));
  return page;
}

/** Runs the steps in order until one fails, and ends the process. */
export async function run(page, steps) {
  let failed = false;
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step();
      console.log(`ok ${name}`);
    } catch (e) {
      failed = true;
      console.log(`not ok ${name}: ${e.message.split("\n").slice(0, 6).join(" ")}`);
      await page.screenshot({ path: `${job.shots}/${name.replace(/\W+/g, "-")}.png` });
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
