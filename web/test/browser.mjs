// Starts the machine's own Chromium the way all our browser checks do.
import { chromium } from "playwright-core";

const options = (more) => ({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", ...more],
});

export function launch(...more) {
  return chromium.launch(options(more));
}

/** A browser that other processes connect to, by the address that it has. */
export function serve() {
  return chromium.launchServer(options([]));
}

export function connect(address) {
  return chromium.connect(address);
}
