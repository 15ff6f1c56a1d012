import { useMutation } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { encode } from "uqr";
import { Button } from "../../ui/button";
import { Field, TextField } from "../../ui/field";
import { FormProblem, Skeleton } from "../../ui/states";
import { CopyButton } from "../../ui/text";
import { confirmTotp, nameFactor, startTotp } from "./queries";

/** Scan, then prove with a code. `done` gets the backup codes when this was the first factor. */
export function TotpSetup({ done, labelled, guard = (act) => act() }: { done: (backupCodes: string[] | undefined) => void; labelled?: boolean; guard?: <T>(act: () => Promise<T>) => Promise<T> }) {
  const [code, setCode] = useState("");
  const [name, setName] = useState("");
  const started = useRef(false);
  const start = useMutation({ mutationFn: () => guard(startTotp) });
  const confirm = useMutation({
    mutationFn: async (v: { factor: string; code: string }) => {
      const answer = await guard(() => confirmTotp(v.factor, v.code));
      if (name.trim() !== "") await nameFactor(v.factor, name.trim()).catch(() => undefined); // the app is added, named or not
      return answer;
    },
    onSuccess: (answer) => done(answer.backup_codes ?? undefined),
  });

  const { mutate: begin } = start;
  useEffect(() => {
    if (started.current) return; // one factor, also under StrictMode
    started.current = true;
    begin();
  }, [begin]);

  if (start.error) {
    return (
      <div className="stack">
        <FormProblem error={start.error} />
        <Button onClick={() => begin()}>Try again</Button>
      </div>
    );
  }
  const enrolment = start.data;
  const submit = (text: string) => enrolment && !confirm.isPending && confirm.mutate({ factor: enrolment.factor_id, code: text });
  return (
    <form
      className="stack"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (code.length === 6) submit(code);
      }}
    >
      <ol className="steps">
        <li>
          <p>Scan this with your authenticator app.</p>
          {enrolment ? <Qr text={enrolment.otpauth_uri} /> : <Skeleton width={176} height={176} />}
          {enrolment && (
            <details className="small">
              <summary>Cannot scan? Type the key instead</summary>
              <span className="copyable">
                <code className="secret-key">{grouped(enrolment.secret)}</code>
                <CopyButton text={enrolment.secret} what="key" />
              </span>
            </details>
          )}
        </li>
        <li>
          {labelled && <TextField label="Label" optional hint="To tell several apart, for example work phone." maxLength={64} value={name} onText={setName} />}
          <Field label="Type the six digits that the app shows">
            {(w) => (
              <input
                {...w}
                className="input code-input"
                inputMode="numeric"
                autoComplete="one-time-code"
                value={code}
                onChange={(e) => {
                  const next = e.target.value.replace(/\D/g, "").slice(0, 6);
                  setCode(next);
                  if (next.length === 6 && next !== code) submit(next);
                }}
              />
            )}
          </Field>
        </li>
      </ol>
      <FormProblem error={confirm.error} />
      <Button type="submit" kind="primary" full disabled={code.length !== 6 || !enrolment} busy={confirm.isPending}>
        Confirm
      </Button>
    </form>
  );
}

/** Drawn here as SVG: the secret goes to no other server. Dark on light in both themes, or scanners fail. */
function Qr({ text }: { text: string }) {
  const { path, size } = useMemo(() => {
    const qr = encode(text, { ecc: "M", border: 3 });
    let d = "";
    qr.data.forEach((line, y) =>
      line.forEach((dark, x) => {
        if (dark) d += `M${x} ${y}h1v1h-1z`;
      }),
    );
    return { path: d, size: qr.size };
  }, [text]);
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label="QR code for your authenticator app" shapeRendering="crispEdges">
      <path d={path} />
    </svg>
  );
}

function grouped(secret: string): string {
  return secret.replace(/(.{4})(?=.)/g, "$1 ");
}
