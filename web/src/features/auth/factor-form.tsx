import { KeyRound } from "lucide-react";
import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import type { Challenge, MfaMethod } from "../../api/types";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { FormProblem } from "../../ui/states";
import type { FactorProof } from "./queries";
import { getCredential, hasWebAuthn } from "./webauthn";

interface Props {
  challenge: Challenge;
  busy: boolean;
  error: unknown;
  submit: (proof: FactorProof) => void;
  verb: string;
}

const instead: Record<MfaMethod, string> = {
  webauthn: "Use a security key or passkey instead",
  totp: "Use the authenticator app instead",
  backup_code: "Use a backup code instead",
};

/** Asks for one of the person's factors: a key, a code of the app, or a backup code. */
export function FactorForm({ challenge, busy, error, submit, verb }: Props) {
  const methods = (["webauthn", "totp", "backup_code"] as const).filter((m) => challenge.methods.includes(m) && (m !== "webauthn" || (hasWebAuthn() && challenge.public_key)));
  const [method, setMethod] = useState<MfaMethod>(methods[0] ?? "totp");
  return (
    <div className="stack">
      {method === "webauthn" ? (
        <KeyAsk challenge={challenge} busy={busy} error={error} verb={verb} submit={submit} />
      ) : (
        <CodeAsk key={method} method={method} busy={busy} error={error} verb={verb} submit={submit} />
      )}
      {methods
        .filter((m) => m !== method)
        .map((m) => (
          <Button key={m} kind="ghost" onClick={() => setMethod(m)}>
            {instead[m]}
          </Button>
        ))}
    </div>
  );
}

function KeyAsk({ challenge, busy, error, submit, verb }: Props) {
  const ask = useMutation({
    mutationFn: () => getCredential(challenge.public_key as PublicKeyCredentialRequestOptionsJSON), // offered only with it
    onSuccess: (credential) => submit({ method: "webauthn", credential }),
  });
  return (
    <div className="stack">
      <p className="dim">Your browser asks for the key, or for the finger, face or PIN of this device.</p>
      <FormProblem error={ask.error ?? error} />
      <Button kind="primary" full icon={KeyRound} autoFocus busy={busy || ask.isPending} onClick={() => ask.mutate()}>
        {ask.isPending ? "Waiting for your key" : `${verb} with your key`}
      </Button>
    </div>
  );
}

function CodeAsk({ method, busy, error, submit, verb }: Omit<Props, "challenge"> & { method: "totp" | "backup_code" }) {
  const [code, setCode] = useState("");
  const totp = method === "totp";
  const ready = totp ? /^\d{6}$/.test(code) : code.replace(/[\s-]/g, "").length >= 8;
  const type = (text: string) => {
    const next = totp ? text.replace(/\D/g, "").slice(0, 6) : text;
    setCode(next);
    if (totp && next.length === 6 && next !== code && !busy) submit({ method, code: next });
  };
  return (
    <form
      className="stack"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (ready && !busy) submit({ method, code: code.trim() });
      }}
    >
      <Field
        label={totp ? "Code from your authenticator app" : "Backup code"}
        hint={totp ? "Six digits. A code works once and for about 30 seconds." : "One of the ten codes that you kept when you set up your second factor. Each works once."}
      >
        {(w) => (
          <input
            {...w}
            className={totp ? "input code-input" : "input mono"}
            inputMode={totp ? "numeric" : "text"}
            autoComplete="one-time-code"
            autoFocus
            spellCheck={false}
            value={code}
            onChange={(e) => type(e.target.value)}
          />
        )}
      </Field>
      <FormProblem error={error} />
      <Button type="submit" kind="primary" full disabled={!ready} busy={busy}>
        {verb}
      </Button>
    </form>
  );
}
