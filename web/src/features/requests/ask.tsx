import { useNavigate } from "@tanstack/react-router";
import { Siren } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { AccessRequest, Safe } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { SelectField, TextArea, TextField } from "../../ui/field";
import { FormProblem, Note } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { type Amount, seconds, toAmount } from "../safes/policy";
import { Span } from "../safes/policy-form";
import { useMe, useOrg } from "../shell/org";
import { type Ask, useRequestChanges } from "./queries";
import { usesWords } from "./words";

const known = ["uses", "safe", "safe_id", "reason", "ticket", "duration_seconds", "starts_at"];

/** Asks for access to a safe: the one of the page, or one by its name. */
export function AskDialog({ safe, emergency, use = "session", onClose }: { safe?: Safe; emergency?: boolean; use?: NonNullable<Ask["uses"]>; onClose: () => void }) {
  const org = useOrg();
  const navigate = useNavigate();
  const toasts = useToasts();
  const changes = useRequestChanges();
  const act = emergency ? changes.emergency : changes.ask;
  const [name, setName] = useState("");
  const [reason, setReason] = useState("");
  const [uses, setUses] = useState(use);
  const [ticket, setTicket] = useState("");
  const [length, setLength] = useState<Amount>(() => toAmount(Math.min(3600, safe?.policy.request_max_seconds ?? 3600)));
  const [starts, setStarts] = useState("");
  const problem = act.error ? asProblem(act.error) : undefined;
  const lengthProblem = seconds(length) >= 60 ? undefined : "At least a minute, a whole number.";
  const ready = (safe !== undefined || name.trim() !== "") && reason.trim() !== "" && !lengthProblem;
  const done = (r: AccessRequest) => {
    if (emergency) toasts.say("You are in. Every owner and admin has been told.");
    else toasts.say(r.state === "approved" ? uses === "checkout" ? "You may check it out now." : "You may open it now." : "Asked. You get a message when it is decided.");
    onClose();
    void navigate({ to: "/o/$org/requests/$request", params: { org: org.slug, request: r.id } });
  };
  return (
    <Dialog
      title={emergency ? `Emergency access to ${safe?.name ?? "a safe"}` : `Ask for access${safe ? ` to ${safe.name}` : ""}`}
      sticky
      onClose={onClose}
      onSubmit={() => {
        if (!ready || act.isPending) return;
        const body: Ask = {
          ...(safe ? { safe_id: safe.id } : { safe: name.trim() }),
          reason: reason.trim(),
          duration_seconds: seconds(length),
          ...(emergency ? {} : { uses }),
          ...(ticket.trim() ? { ticket: ticket.trim() } : {}),
          ...(starts && !emergency ? { starts_at: new Date(starts).toISOString() } : {}),
        };
        act.mutate(body, { onSuccess: done });
      }}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind={emergency ? "danger solid" : "primary"} disabled={!ready} busy={act.isPending}>
            {emergency ? "Open it without approval" : "Ask for access"}
          </Button>
        </>
      }
    >
      {emergency && (
        <Note meaning="bad" icon={Siren}>
          Nobody is asked. Every owner and admin is told at once, the audit log flags an incident, and each session is recorded whatever the safe says. You prove your second factor once more.
        </Note>
      )}
      {!safe && <TextField label="Safe" mono autoFocus hint="Its name. It may be one that you are no member of, where everybody may ask." value={name} error={problem?.field("safe") ?? problem?.field("safe_id")} onText={setName} />}
      <TextArea label="Reason" rows={3} maxLength={500} hint="What you will do there. Who decides reads this." value={reason} error={problem?.field("reason")} onText={setReason} />
      {!emergency && (
        <SelectField
          label="Use"
          hint={uses === "session" ? "The gateway signs in for you; nobody sees the credential." : "You see the credential itself. It is replaced after the check-in. Where a session does the work, ask for that."}
          error={problem?.field("uses")}
          value={uses}
          options={(["session", "checkout", "both"] as const).map((value) => ({ value, label: usesWords[value].asks }))}
          onPick={setUses}
        />
      )}
      <div className="pair">
        <Span label="For" hint={uses === "session" ? "Then it ends, and sessions with it." : "Then it ends, and what it opened with it."} value={length} error={problem?.field("duration_seconds") ?? lengthProblem} onAmount={setLength} />
        <TextField label="Ticket" optional value={ticket} error={problem?.field("ticket")} onText={setTicket} />
      </div>
      {!emergency && <TextField label="From" type="datetime-local" optional hint="Empty: as soon as it is approved." value={starts} error={problem?.field("starts_at")} onText={setStarts} />}
      <FormProblem error={act.error} fields={known} />
    </Dialog>
  );
}

/** What a person may do at a safe that wants an approved request first. */
export function AskButtons({ safe }: { safe: Safe }) {
  const me = useMe();
  const [open, setOpen] = useState<"ask" | "emergency">();
  if (safe.blocked_by !== "no_approval") return null;
  return (
    <>
      {safe.policy.break_glass.includes(me.user.id) && (
        <Button kind="danger" icon={Siren} onClick={() => setOpen("emergency")}>
          Emergency access
        </Button>
      )}
      <Button kind="primary" onClick={() => setOpen("ask")}>
        Ask for access
      </Button>
      {open && <AskDialog safe={safe} emergency={open === "emergency"} onClose={() => setOpen(undefined)} />}
    </>
  );
}
