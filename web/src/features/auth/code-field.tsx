import type { ReactNode } from "react";
import { Field } from "../../ui/field";

/** Six digits of a one-time code; the sixth sends it. */
export function CodeField({ label, hint, value, onCode, onWhole }: { label: string; hint?: ReactNode; value: string; onCode: (code: string) => void; onWhole: (code: string) => void }) {
  return (
    <Field label={label} hint={hint}>
      {(w) => (
        <input
          {...w}
          className="input code-input"
          inputMode="numeric"
          autoComplete="one-time-code"
          autoFocus
          value={value}
          onChange={(e) => {
            const next = e.target.value.replace(/\D/g, "").slice(0, 6);
            onCode(next);
            if (next.length === 6 && next !== value) onWhole(next);
          }}
        />
      )}
    </Field>
  );
}
