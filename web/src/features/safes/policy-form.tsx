import type { ReactNode } from "react";
import type { SafePolicy } from "../../api/types";
import { Check, Field, RadioList, TextArea, TextField } from "../../ui/field";
import { Note } from "../../ui/states";
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
        <Check label="Limit how many sessions run at once" checked={f.limitOn} onCheck={(limitOn) => set({ limitOn })} />
        {f.limitOn && (
          <div className="nested narrow">
            <TextField label="Sessions at once" inputMode="numeric" value={f.limit} error={errors.limit} onText={(limit) => set({ limit })} />
          </div>
        )}
      </Group>

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
