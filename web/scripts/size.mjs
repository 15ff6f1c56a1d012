// Fails when the first view needs more than 250 KiB of compressed script: the
// entry module and everything that index.html preloads.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const limit = 250 * 1024;
const dist = new URL("../dist/", import.meta.url).pathname;
const html = readFileSync(`${dist}index.html`, "utf8");
const files = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map((m) => m[1]);
if (files.length === 0) throw new Error("dist/index.html names no script: run npm run build first");
let sum = 0;
for (const file of files) {
  const size = gzipSync(readFileSync(dist + file), { level: 9 }).length;
  sum += size;
  console.log(`${(size / 1024).toFixed(1).padStart(8)} KiB gzip  ${file}`);
}
console.log(`${(sum / 1024).toFixed(1).padStart(8)} KiB of ${limit / 1024} for the first view`);
if (sum > limit) process.exit(1);
