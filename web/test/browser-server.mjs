// The browser that the journeys share: says its address, and ends with its standard input.
import { serve } from "./browser.mjs";

const server = await serve();
console.log(server.wsEndpoint());
process.stdin.resume().on("end", async () => {
  await server.close();
  process.exit(0);
});
