import { Upload } from "lucide-react";
import { useRef, useState } from "react";
import type { Problem } from "../../api/problem";
import { Button } from "../../ui/button";
import { SecretField, TextArea } from "../../ui/field";
import type { Secret } from "./queries";

export function keyProblem(key: string): string | undefined {
  if (key.trim() === "") return undefined;
  if (/^(ssh-|ecdsa-)/.test(key.trim())) return "This is the public half. The private one begins with -----BEGIN.";
  return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key) ? undefined : "A private key begins with a line like -----BEGIN OPENSSH PRIVATE KEY-----.";
}

export function secretReady(kind: "password" | "ssh_key", s: Secret): boolean {
  return kind === "password" ? Boolean(s.password) : Boolean(s.private_key?.trim()) && !keyProblem(s.private_key ?? "");
}

/** Password, or private key with its passphrase. */
export function SecretFields({ kind, secret, set, problem }: { kind: "password" | "ssh_key"; secret: Secret; set: (s: Secret) => void; problem: Problem | undefined }) {
  const file = useRef<HTMLInputElement>(null);
  const [tooBig, setTooBig] = useState(false);
  if (kind === "password") {
    return <SecretField label="Password" autoComplete="new-password" value={secret.password ?? ""} error={problem?.field("password")} onText={(password) => set({ password })} />;
  }
  const load = async (f: File | undefined) => {
    if (!f) return;
    setTooBig(f.size > 64 * 1024);
    if (f.size <= 64 * 1024) set({ ...secret, private_key: await f.text() });
  };
  return (
    <>
      <TextArea
        label="Private key"
        mono
        rows={5}
        placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
        autoComplete="off"
        value={secret.private_key ?? ""}
        check={keyProblem}
        error={problem?.field("private_key") ?? (tooBig ? "This file is too big to be a private key." : undefined)}
        onText={(private_key) => set({ ...secret, private_key })}
      />
      <div>
        <input ref={file} type="file" hidden aria-hidden="true" tabIndex={-1} onChange={(e) => void load(e.target.files?.[0])} />
        <Button small icon={Upload} onClick={() => file.current?.click()}>
          Choose a file
        </Button>
      </div>
      <SecretField label="Passphrase" optional hint="Only when the key is protected by one." autoComplete="new-password" value={secret.passphrase ?? ""} error={problem?.field("passphrase")} onText={(passphrase) => set({ ...secret, passphrase })} />
    </>
  );
}

/** Without empty parts: an empty passphrase is none. */
export function cleanSecret(kind: "password" | "ssh_key", s: Secret): Secret {
  if (kind === "password") return { password: s.password ?? "" };
  return { private_key: s.private_key ?? "", ...(s.passphrase ? { passphrase: s.passphrase } : {}) };
}
