import type { ReactNode } from "react";
import type { SafePolicy } from "../../api/types";
import { Check, Field, RadioList, TextArea, TextField } from "../../ui/field";
import type { Pick } from "../../ui/picker";
import { Note } from "../../ui/states";
import { useNames } from "../groups/names";
import { GroupPicker } from "../groups/picker";
import { PersonPicker } from "../people/picker";
import { type Amount, dayNames, days, type PolicyErrors, type PolicyForm, type Unit } from "./policy";

interface Props {
  form: PolicyForm;
  errors: PolicyErrors;
  set: (part: Partial<PolicyForm>) => void;
  disabled?: boolean;
}

/** The policy of a safe, each choice with what it means beside it. */
export function PolicyFields({ form: f, errors, set, disabled }: Props) {
  return (
    <fieldset className="policy-form" disabled={disabled} aria-label="Policy">
      <Group title="Recording" means="What is kept of a session.">
        <Check label="Record the session" means="Output, window sizes, commands, file names and forwards. If recording fails, the session ends." checked={f.recording} onCheck={(recording) => set({ recording })} />
        <Check
          label="Record typed input too"
          means="Also what is typed but not shown, such as a password at a prompt."
          checked={f.recording && f.recordInput}
          disabled={!f.recording}
          onCheck={(recordInput) => set({ recordInput })}
        />
        {!f.recording && <Note meaning="warn">Without a recording nobody can see afterwards what was done. The audit log still says who, when and how long.</Note>}
      </Group>

      <Group title="Time" means="How long, and when.">
        <div className="pair">
          <Span label="Longest session" hint="Then it ends, with a warning before." value={f.ttl} error={errors.ttl} onAmount={(ttl) => set({ ttl })} />
          <Span label="Ends when idle for" hint="No byte in either direction." value={f.idle} error={errors.idle} onAmount={(idle) => set({ idle })} />
        </div>
        <Check label="Open only at certain hours" means="Running sessions end when the hours do. Hours that end before they begin run past midnight." checked={f.hoursOn} onCheck={(hoursOn) => set({ hoursOn })} />
        {f.hoursOn && (
          <div className="nested stack">
            <div className="field">
              <span className="label" id="policy-days">
                Days
              </span>
              <div className="day-picks" role="group" aria-labelledby="policy-days">
                {days.map((d) => (
                  <label key={d}>
                    <input type="checkbox" checked={f.days.includes(d)} onChange={(e) => set({ days: e.target.checked ? [...f.days, d] : f.days.filter((x) => x !== d) })} />
                    <span>{dayNames[d]}</span>
                  </label>
                ))}
              </div>
              {errors.days && <p className="error">{errors.days}</p>}
            </div>
            <div className="triple">
              <TextField label="From" type="time" value={f.from} error={errors.from} onText={(from) => set({ from })} />
              <TextField label="To" type="time" value={f.to} onText={(to) => set({ to })} />
              <TextField label="Time zone" mono value={f.zone} error={errors.zone} onText={(zone) => set({ zone })} />
            </div>
          </div>
        )}
      </Group>

      <Group title="Proof and place" means="What a person must show to get in.">
        <Check
          label="Ask for a fresh code at launch"
          means="Even when already signed in. A stolen browser session is then not enough."
          checked={f.stepUp}
          onCheck={(stepUp) => set({ stepUp })}
        />
        {f.stepUp && (
          <div className="nested">
            <Span label="A code counts as fresh for" hint="An older one is asked for again." value={f.freshness} error={errors.freshness} onAmount={(freshness) => set({ freshness })} />
          </div>
        )}
        <TextArea
          label="Only from these networks"
          optional
          mono
          rows={2}
          placeholder={"10.0.0.0/8\n2001:db8::/32"}
          hint="One a line. Empty means from anywhere."
          error={errors.networks}
          value={f.networks}
          onText={(networks) => set({ networks })}
        />
        <Span label="Longest checkout" hint="After it a credential that somebody has seen is checked in by itself." value={f.checkout} error={errors.checkout} onAmount={(checkout) => set({ checkout })} />
        <Check label="Limit how many sessions run at once" checked={f.limitOn} onCheck={(limitOn) => set({ limitOn })} />
        {f.limitOn && (
          <div className="nested narrow">
            <TextField label="Sessions at once" inputMode="numeric" value={f.limit} error={errors.limit} onText={(limit) => set({ limit })} />
          </div>
        )}
      </Group>

      <Approval form={f} errors={errors} set={set} disabled={disabled ?? false} />

      <Group title="Files" means="scp, sftp, rsync.">
        <RadioList<SafePolicy["file_transfer"]>
          legend="File transfer"
          value={f.files}
          onPick={(files) => set({ files })}
          options={[
            { value: "block", label: "Blocked", means: "Refused with a sentence to the client, and an event." },
            { value: "audit", label: "Allowed and recorded", means: "Every operation with its name and size is in the recording." },
            { value: "allow", label: "Allowed", means: "No record of the single files." },
          ]}
        />
      </Group>

      <Group title="Clipboard" means="Of who uses a terminal in the browser or of their own.">
        <Check
          label="Copying and pasting"
          means="Off: what the target sends to the clipboard and what is pasted is taken out, with an event. What somebody selects in a terminal program of their own stays theirs."
          checked={f.clipboard}
          onCheck={(clipboard) => set({ clipboard })}
        />
      </Group>

      <Group title="Ways around the screen" means="Blocked unless there is a reason. Each opens a path that a recording shows only in part.">
        <Check label="Local and dynamic forwarding (-L, -D)" means="The person's machine reaches ports that the target can reach." checked={f.localForward} onCheck={(localForward) => set({ localForward })} />
        <Check label="Remote forwarding (-R)" means="The target reaches into the person's network." checked={f.remoteForward} onCheck={(remoteForward) => set({ remoteForward })} />
        <Check label="Agent forwarding (-A)" means="Root on the target can use the person's keys while they are there." checked={f.agentForward} onCheck={(agentForward) => set({ agentForward })} />
        <Check label="X11 forwarding (-X)" means="Programs on the target can watch the person's screen and keyboard." checked={f.x11Forward} onCheck={(x11Forward) => set({ x11Forward })} />
        <Check label="Jump (ssh -J)" means="Goes on to the next host inside the session." checked={f.jump} onCheck={(jump) => set({ jump })} />
      </Group>
    </fieldset>
  );
}

/** Who else has to say yes, who may ask, and who gets in when nobody can be asked. */
function Approval({ form: f, errors, set, disabled }: Required<Props>) {
  const name = useNames([...f.autoGroups, ...f.breakGlass]);
  const picks = (ids: readonly string[]): Pick[] => ids.map((value) => ({ value, label: name(value) }));
  const ids = (list: readonly Pick[]) => list.map((p) => p.value);
  const asks = f.approvals !== "0" || f.anybodyAsks;
  return (
    <Group title="Approval" means="Who else has to agree. Owners, admins, approvers and managers of the safe decide; nobody about themselves.">
      <RadioList
        legend="Before a session"
        value={f.approvals}
        options={[
          { value: "0", label: "Nobody has to approve", means: "A role on the safe is enough." },
          { value: "1", label: "One other person approves", means: "People ask with a reason, and get in for the time that is approved." },
          { value: "2", label: "Two other people approve", means: "Four eyes." },
        ]}
        onPick={(approvals) => set({ approvals })}
      />
      <Check label="Everybody in the organization may ask" means="Otherwise only members of the safe. At least one person approves then. Auditors never." checked={f.anybodyAsks} onCheck={(anybodyAsks) => set({ anybodyAsks })} />
      {asks && (
        <div className="nested stack">
          <div className="pair">
            <Span label="Longest request" hint="For how long access may be asked." value={f.requestMax} error={errors.requestMax} onAmount={(requestMax) => set({ requestMax })} />
            <Span label="Lapses undecided after" hint="Then it has to be asked again." value={f.requestWait} error={errors.requestWait} onAmount={(requestWait) => set({ requestWait })} />
          </div>
          <Check label="An approval opens one session" means="Otherwise any number until it ends." checked={f.once} onCheck={(once) => set({ once })} />
          {f.once && <Span label="Reconnect without a new approval for" hint="After the session's end." value={f.coolDown} error={errors.coolDown} onAmount={(coolDown) => set({ coolDown })} />}
          {disabled ? (
            f.autoGroups.length > 0 && <p>Approved at once: {f.autoGroups.map(name).join(", ")}.</p>
          ) : (
            <GroupPicker label="Approved at once" hint="Groups whose requests nobody has to decide, such as the people on call." optional many picked={picks(f.autoGroups)} onPicked={(p) => set({ autoGroups: ids(p) })} />
          )}
          <Check
            label="An open ticket approves"
            means="A member's request with a ticket that your ticket system calls open needs nobody. Set it up under Settings, Notifications. If it does not say so within five seconds, the approvers decide."
            checked={f.autoTicket}
            onCheck={(autoTicket) => set({ autoTicket })}
          />
        </div>
      )}
      <RadioList<SafePolicy["delegation"]>
        legend="Lending"
        value={f.delegation}
        options={[
          { value: "allow", label: "Members may lend their access", means: "To a colleague, for a time, never more than they have." },
          { value: "onward", label: "And what is lent may be lent on", means: "Still never more, never longer." },
          { value: "block", label: "Nobody lends theirs", means: "Nothing can be lent from now on." },
        ]}
        onPick={(delegation) => set({ delegation })}
      />
      {disabled ? (
        f.breakGlass.length > 0 && <p>May open it in an emergency: {f.breakGlass.map(name).join(", ")}.</p>
      ) : (
        <PersonPicker
          label="May open it in an emergency"
          hint="Without approval, with a reason and a fresh second factor. Every owner and admin is told at once, and it is recorded whatever else is set."
          optional
          many
          launchers
          picked={picks(f.breakGlass)}
          onPicked={(p) => set({ breakGlass: ids(p) })}
        />
      )}
    </Group>
  );
}

export function Group({ title, means, children }: { title: string; means: string; children: ReactNode }) {
  return (
    <section className="policy-group">
      <div>
        <h2 className="group-title">{title}</h2>
        <p className="dim small">{means}</p>
      </div>
      <div className="stack">{children}</div>
    </section>
  );
}

export function Span({ label, hint, value, error, onAmount }: { label: string; hint: string; value: Amount; error?: string | undefined; onAmount: (v: Amount) => void }) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(w) => (
        <span className="row">
          <input {...w} className="input amount" inputMode="numeric" autoComplete="off" value={value.n} onChange={(e) => onAmount({ ...value, n: e.target.value })} />
          <select className="input unit" aria-label="Unit of time" value={value.unit} onChange={(e) => onAmount({ ...value, unit: e.target.value as Unit })}>
            <option value="s">seconds</option>
            <option value="m">minutes</option>
            <option value="h">hours</option>
          </select>
        </span>
      )}
    </Field>
  );
}
