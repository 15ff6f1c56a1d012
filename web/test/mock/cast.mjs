// A recording that looks like work: asciicast v3 lines.
const prompt = "\u001b[1;32mdeploy@web-01\u001b[0m:\u001b[1;34m~\u001b[0m$ ";

export function cast() {
  const lines = [JSON.stringify({ version: 3, term: { cols: 100, rows: 28, type: "xterm-256color" }, timestamp: Math.floor(Date.now() / 1000) - 7200, title: "Grace Okafor on web-prod" })];
  const add = (wait, kind, data) => lines.push(JSON.stringify([wait, kind, data]));
  const out = (wait, text) => add(wait, "o", text);
  const type = (text) => [...text].forEach((c) => out(0.09, c));
  out(0.3, "Last login: Tue Mar  4 08:12:51 2025 from 10.20.0.7\r\n");
  out(0.2, prompt);
  type("systemctl status storefront --no-pager | head -5");
  add(0.1, "m", "exec: systemctl status storefront --no-pager | head -5");
  out(0.3, "\r\n\u001b[32m●\u001b[0m storefront.service - Acme storefront\r\n     Loaded: loaded (/etc/systemd/system/storefront.service; enabled)\r\n     Active: \u001b[1;32mactive (running)\u001b[0m since Mon 2025-03-03 02:00:14 UTC; 1 day 6h ago\r\n   Main PID: 1842 (storefront)\r\n      Tasks: 23 (limit: 9432)\r\n");
  out(0.2, prompt);
  out(95, "");
  type("tail -n 12 /var/log/storefront/error.log");
  out(0.2, "\r\n");
  for (let i = 0; i < 12; i++) out(0.05, `2025-03-04T08:${String(14 + i).padStart(2, "0")}:0${i % 10}Z \u001b[3${i % 4 === 0 ? 1 : 3}m${i % 4 === 0 ? "ERROR" : "WARN "}\u001b[0m checkout: upstream payments answered 50${i % 4 === 0 ? 3 : 2} after 30${i}0 ms, attempt ${1 + (i % 3)}\r\n`);
  out(0.3, prompt);
  out(240, "");
  type("sudo systemctl restart storefront");
  add(0.1, "m", "exec: sudo systemctl restart storefront");
  out(1.8, "\r\n");
  out(0.1, prompt);
  type("scp report.csv ops:");
  add(0.2, "m", "policy: port_forward: port_forward_blocked: 10.20.4.11:5432");
  out(0.2, "\r\n");
  add(0.3, "m", "sftp write /home/deploy/report.csv (18637 bytes): ok");
  out(0.2, prompt);
  add(0.5, "r", "120x30");
  type("df -h /");
  out(0.3, "\r\nFilesystem      Size  Used Avail Use% Mounted on\r\n/dev/vda1        78G   41G   34G  55% /\r\n");
  out(0.2, prompt);
  type("exit");
  out(0.4, "\r\nlogout\r\n");
  add(0.1, "x", "0");
  return `${lines.join("\n")}\n`;
}
