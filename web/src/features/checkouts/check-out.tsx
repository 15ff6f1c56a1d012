import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { OpenedCheckout, Safe } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextArea, TextField } from "../../ui/field";
import { duration } from "../../ui/format";
import type { Pick } from "../../ui/picker";
import { FormProblem } from "../../ui/states";
import { SafePicker } from "../safes/picker";
import { type Amount, seconds, toAmount } from "../safes/policy";
import { Span } from "../safes/policy-form";
import { safeQuery } from "../safes/queries";
import { useOrg } from "../shell/org";
import { useCheckoutChanges } from "./queries";

/** Checks a credential out: of the safe that one comes from, or of one of one's own. */
export function CheckOutDialog({ safe: from, onShown, onAsk, onClose }: { safe: string | undefined; onShown: (o: OpenedCheckout) => void; onAsk: (s: Safe) => void; onClose: () => void }) {
  const org = useOrg();
  const { open } = useCheckoutChanges();
  const [picked, setPicked] = useState<readonly Pick[]>();
  const [reason, setReason] = useState("");
  const [ticket, setTicket] = useState("");
  const [typed, setTyped] = useState<Amount>();
  const id = picked ? picked[0]?.value : from;
  const { data: safe, error } = useQuery({ ...safeQuery(org.id, id ?? ""), enabled: id !== undefined });
  const most = safe?.policy.checkout_timeout_seconds ?? 3600;
  const length = typed ?? toAmount(Math.min(3600, most));
  const problem = open.error ? asProblem(open.error) : undefined;
  const lengthProblem = seconds(length) >= 60 ? undefined : "At least a minute, a whole number.";
  const ready = safe !== undefined && reason.trim() !== "" && !lengthProblem;
  const asks = problem?.code === "APPROVAL_REQUIRED" && safe;
  const chosen = picked ?? (safe ? [{ value: safe.id, label: safe.name }] : []);
  return (
    <Dialog
      title="Check out a credential"
      sticky
      onClose={onClose}
      onSubmit={() => {
        if (!ready || open.isPending) return;
        open.mutate({ body: { safe_id: safe.id, reason: reason.trim(), duration_seconds: seconds(length), ...(ticket.trim() ? { ticket: ticket.trim() } : {}) }, show: onShown });
      }}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          {asks && (
            <Button kind="primary" onClick={() => onAsk(asks)}>
              Ask for a checkout
            </Button>
          )}
          <Button type="submit" kind={asks ? "plain" : "primary"} disabled={!ready} busy={open.isPending}>
            Check out
          </Button>
        </>
      }
    >
      <p className="dim">You see the credential of the safe's account, and nobody else can check it out meanwhile. Where a session does the work, launch one: there nobody sees it.</p>
      <SafePicker
        mine
        label="Safe"
        picked={chosen}
        onPicked={(p) => {
          setPicked(p);
          setTyped(undefined);
          open.reset();
        }}
        error={problem?.field("safe_id") ?? problem?.field("safe") ?? error?.message}
      />
      <TextArea label="Reason" rows={3} maxLength={500} hint="What you need to see it for. It is kept with the checkout." value={reason} error={problem?.field("reason")} onText={setReason} />
      <div className="pair">
        <Span label="For" hint={`At most ${duration(most)}. Then it ends by itself.`} value={length} error={problem?.field("duration_seconds") ?? lengthProblem} onAmount={setTyped} />
        <TextField label="Ticket" optional value={ticket} error={problem?.field("ticket")} onText={setTicket} />
      </div>
      <FormProblem error={open.error} fields={["safe_id", "safe", "reason", "duration_seconds", "ticket"]} />
    </Dialog>
  );
}
