import { useMutation } from "@tanstack/react-query";
import { Building2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Button } from "../../ui/button";
import { TextField } from "../../ui/field";
import { FormProblem } from "../../ui/states";
import { type SsoHint, ssoChoices, startSso } from "./queries";
import { safeNext } from "./next";

/** An address leads by its domain, anything else is an organization's short name. */
function hintOf(text: string): SsoHint {
  return text.includes("@") ? { email: text } : { organization: text.toLowerCase() };
}

/** Finds the identity provider of an address or organization, and goes there. */
export function SsoForm({ org, email, next, onBack }: { org: string | undefined; email: string; next: string | undefined; onBack: () => void }) {
  const [text, setText] = useState(org ?? email);
  const go = useMutation({
    mutationFn: (v: { hint: SsoHint; provider?: string }) => startSso({ ...v.hint, return_to: safeNext(next), ...(v.provider ? { provider_id: v.provider } : {}) }),
    onSuccess: (answer) => window.location.assign(answer.redirect_url),
  });
  const find = useMutation({
    mutationFn: (hint: SsoHint) => ssoChoices(hint),
    onSuccess: ({ items }, hint) => {
      if (items.length === 1) go.mutate({ hint });
    },
  });
  const begun = useRef(false);
  const { mutate: look } = find;
  useEffect(() => {
    if (org !== undefined || !/.@./.test(email) || begun.current) return; // an address that was typed before leads on by itself
    begun.current = true;
    look(hintOf(email));
  }, [org, email, look]);
  const choices = find.data && find.data.items.length > 1 ? find.data.items : undefined;
  const busy = find.isPending || go.isPending || go.isSuccess;
  return (
    <div className="stack">
      <form
        className="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (text.trim() !== "" && !busy) find.mutate(hintOf(text.trim()));
        }}
      >
        <TextField
          label="Work email or organization"
          hint="Your organization's short name is the part after /o/ in its addresses."
          autoComplete="username"
          autoFocus
          value={text}
          onText={(v) => {
            setText(v);
            find.reset();
            go.reset();
          }}
        />
        <FormProblem error={go.error ?? find.error} />
        {!choices && (
          <Button type="submit" kind="primary" full disabled={text.trim() === ""} busy={busy}>
            {go.isPending || go.isSuccess ? "Going to your identity provider" : "Continue"}
          </Button>
        )}
      </form>
      {choices && (
        <ul className="stack" aria-label="Identity providers">
          {choices.map((c) => (
            <li key={c.provider_id}>
              <Button full icon={Building2} busy={busy} onClick={() => go.mutate({ hint: hintOf(text.trim()), provider: c.provider_id })}>
                {c.name}
              </Button>
            </li>
          ))}
        </ul>
      )}
      <Button kind="ghost" onClick={onBack}>
        Use a password instead
      </Button>
    </div>
  );
}

