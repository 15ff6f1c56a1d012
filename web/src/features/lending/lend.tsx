import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { LoanWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { SelectField, TextField } from "../../ui/field";
import type { Pick } from "../../ui/picker";
import { FormProblem, Note } from "../../ui/states";
import { Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { PersonPicker } from "../people/picker";
import { SafePicker } from "../safes/picker";
import { safeQuery } from "../safes/queries";
import { useOrg } from "../shell/org";
import { useLoanChanges } from "./queries";
import { endAfter, lendProblem, lengthsOf, mayLendDeciding } from "./terms";

/** Lends one's own access to a safe; of a safe whose page one comes from, or one of one's own. */
export function LendDialog({ safe: from, onClose }: { safe: string | undefined; onClose: () => void }) {
  const org = useOrg();
  const toasts = useToasts();
  const { lend } = useLoanChanges();
  const [picked, setPicked] = useState<readonly Pick[]>();
  const [to, setTo] = useState<readonly Pick[]>([]);
  const [right, setRight] = useState<LoanWire["right"]>("access");
  const [length, setLength] = useState("8h");
  const [reason, setReason] = useState("");
  const id = picked ? picked[0]?.value : from;
  const { data: safe, error } = useQuery({ ...safeQuery(org.id, id ?? ""), enabled: id !== undefined });
  const now = Date.now();
  const options = lengthsOf(safe, now);
  const term = options.some((o) => o.value === length) ? length : (options.at(-1)?.value ?? "");
  const what = right === "approve" && mayLendDeciding(safe) ? "approve" : "access";
  const whom = to[0];
  const problem = lend.error ? asProblem(lend.error) : undefined;
  const blocked = safe && lendProblem(safe);
  const ready = safe !== undefined && !blocked && whom !== undefined && term !== "";
  const chosen = picked ?? (safe ? [{ value: safe.id, label: safe.name }] : []);
  return (
    <Dialog
      title="Lend access"
      sticky
      onClose={onClose}
      onSubmit={() => {
        if (!ready || lend.isPending) return;
        lend.mutate(
          { safe_id: safe.id, user_id: whom.value, right: what, ends_at: endAfter(term, safe, Date.now()).toISOString(), ...(reason.trim() ? { reason: reason.trim() } : {}) },
          {
            onSuccess: () => {
              toasts.say(`Lent to ${whom.label}. They get a message.`);
              onClose();
            },
          },
        );
      }}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={lend.isPending}>
            Lend it
          </Button>
        </>
      }
    >
      <SafePicker mine label="Safe" hint="One that you may open yourself." picked={chosen} onPicked={setPicked} error={blocked ?? problem?.field("safe_id") ?? error?.message} />
      <PersonPicker launchers label="To" hint="A member of the organization who has no access of their own." picked={to} onPicked={setTo} error={problem?.field("user_id")} />
      <div className="pair">
        <SelectField
          label="What"
          value={what}
          options={[{ value: "access", label: "To open the safe" }, ...(mayLendDeciding(safe) ? [{ value: "approve" as const, label: "To decide about requests" }] : [])]}
          onPick={setRight}
        />
        <SelectField label="For" value={term} options={options} onPick={setLength} error={problem?.field("ends_at")} />
      </div>
      <TextField label="Reason" optional hint="They read it in their message." value={reason} error={problem?.field("reason")} onText={setReason} />
      {whom && safe && !blocked && (
        <Note meaning="plain">
          {whom.label} {what === "access" ? `opens ${safe.name} as its user, under the same conditions as you` : `decides about requests for ${safe.name} in your place`}, until <Time at={endAfter(term, safe, now)} />. It ends earlier when you take it back, or lose it yourself.
        </Note>
      )}
      <FormProblem error={lend.error} fields={["safe_id", "user_id", "ends_at", "reason"]} />
    </Dialog>
  );
}
