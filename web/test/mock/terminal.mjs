// The far end of the browser terminal: a shell that only echoes.
const prompt = "\u001b[1;32mdeploy@web-01\u001b[0m:\u001b[1;34m~\u001b[0m$ ";

export function terminal(ws) {
  const say = (m) => ws.send(JSON.stringify(m));
  const out = (text) => ws.send(Buffer.from(text));
  let line = "";
  let started = false;
  ws.on("message", (data, binary) => {
    if (!started) {
      started = true;
      say({ type: "ready" });
      out("\u001b[2mThis session is recorded.\u001b[0m\r\n");
      out("Linux web-01 6.1.0-31-amd64 #1 SMP Debian 6.1.128-1 x86_64\r\n\r\n");
      out(`\u001b[38;2;79;202;191mtruecolour\u001b[0m \u001b[7minverse\u001b[0m \u001b[4munderlined\u001b[0m\r\n${prompt}`);
      return;
    }
    if (!binary) return;
    for (const c of data.toString()) {
      if (c === "\r") {
        out("\r\n");
        if (line === "exit") {
          say({ type: "ended", exit_status: 0 });
          return ws.close(1000);
        }
        if (line === "ls") out("\u001b[1;34mconf\u001b[0m  \u001b[1;34mlogs\u001b[0m  release.tar.gz  \u001b[1;32mrun.sh\u001b[0m\r\n");
        else if (line !== "") out(`bash: ${line.split(" ")[0]}: command not found\r\n`);
        line = "";
        out(prompt);
      } else if (c === "\u007f") {
        if (line !== "") out("\b \b");
        line = line.slice(0, -1);
      } else {
        line += c;
        out(c);
      }
    }
  });
}
