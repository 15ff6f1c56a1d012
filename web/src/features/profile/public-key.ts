/** What is wrong with a pasted public key; the server looks closer. */
export function publicKeyProblem(text: string): string | undefined {
  const t = text.trim();
  if (t === "") return undefined;
  if (t.includes("PRIVATE KEY")) return "This is the private half. Never paste it anywhere; add the .pub file.";
  if (t.includes("\n")) return "One key at a time, on one line.";
  return /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/]+=*( .*)?$/.test(t)
    ? undefined
    : "A public key is one line that begins with its type, like ssh-ed25519 AAAA….";
}

/** The comment at the end of a public key, as a first idea for its name. */
export function publicKeyComment(text: string): string {
  return text.trim().split(/\s+/).slice(2).join(" ").slice(0, 64);
}
