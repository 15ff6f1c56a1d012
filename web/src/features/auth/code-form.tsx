import { useState } from "react";
import type { MfaMethod } from "../../api/types";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { FormProblem } from "../../ui/states";

interface Props {
  methods: readonly MfaMethod[];
  busy: boolean;
  error: unknown;
  submit: (method: MfaMethod, code: string) => void;
  verb: string;
}

/** Asks for a code of the authenticator app, or a backup code instead. */
export function CodeForm({ methods, busy, error, submit, verb }: Props) {
  const [method, setMethod] = useState<MfaMethod>(methods.includes("totp") ? "totp" : "backup_code");
  const [code, setCode] = useState("");
  const totp = method === "totp";
  const ready = totp ? /^\d{6}$/.test(code) : code.replace(/[\s-]/g, "").length >= 8;
  const type = (text: string) => {
    const next = totp ? text.replace(/\D/g, "").slice(0, 6) : text;
    setCode(next);
    if (totp && next.length === 6 && next !== code && !busy) submit(method, next);
  };
  const other: MfaMethod = totp ? "backup_code" : "totp";
  return (
    <form
      className="stack"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (ready && !busy) submit(method, code.trim());
      }}
    >
      <Field
        key={method}
        label={totp ? "Code from your authenticator app" : "Backup code"}
        hint={totp ? "Six digits. A code works once and for about 30 seconds." : "One of the ten codes that you kept when you set up the app. Each works once."}
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
      {methods.includes(other) && (
        <Button
          kind="ghost"
          onClick={() => {
            setMethod(other);
            setCode("");
          }}
        >
          {totp ? "Use a backup code instead" : "Use the authenticator app instead"}
        </Button>
      )}
    </form>
  );
}
