// A stand-in for the server, in memory, for looking at the console while one
// works on it: `npm run mock`, then `npm run dev`, or open the mock's own
// address to see the built console under the real content security policy.
// It knows no rights beyond roles and proves nothing about the product.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { WebSocketServer } from "ws";
import { problem, route } from "./routes.mjs";
import { terminal } from "./terminal.mjs";

const dist = new URL("../../dist/", import.meta.url).pathname;
const goSource = readFileSync(new URL("../../../internal/console/console.go", import.meta.url), "utf8");
const policy = [...goSource.slice(goSource.indexOf("var Policy"), goSource.indexOf('}, "; ")')).matchAll(/"([^"]+)",/g)].map((m) => m[1]).join("; ");
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };

function file(path, res) {
  const wanted = join(dist, normalize(path));
  const name = extname(path) && wanted.startsWith(dist) ? wanted : join(dist, "index.html");
  try {
    const body = readFileSync(name);
    res.writeHead(200, { "Content-Type": types[extname(name)] ?? "application/octet-stream", "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff" });
    res.end(body);
  } catch {
    res.writeHead(404).end();
  }
}

export function start(port) {
  const server = createServer(async (req, res) => {
    const url = new URL(req.url, "http://mock");
    if (!url.pathname.startsWith("/api/v1/")) return file(url.pathname, res);
    let body = "";
    for await (const chunk of req) body += chunk;
    try {
      await route(req, res, url, body === "" ? undefined : JSON.parse(body));
    } catch (err) {
      if (res.headersSent) return res.end();
      problem(res, err.status ?? 500, err.code ?? "INTERNAL", err.detail ?? String(err), err.errors);
    }
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (req, socket, head) => {
    if (new URL(req.url, "http://mock").pathname !== "/api/v1/sessions/terminal") return socket.destroy();
    sockets.handleUpgrade(req, socket, head, terminal);
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const port = Number(process.env.PORT ?? 8899);
  await start(port);
  console.log(`mock on http://127.0.0.1:${port}: sign in as ada, jonas, grace, mei or luca @acme.example, any password, code 123456`);
}
