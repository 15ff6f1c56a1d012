import { Link, useNavigate } from "@tanstack/react-router";
import { Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { asProblem } from "../../api/problem";
import type { AccessPolicy, AccessPolicyForm, PolicyEffect } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Check, RadioList, Segmented, SelectField, TextArea, TextField } from "../../ui/field";
import type { Pick } from "../../ui/picker";
import { FormProblem, Note } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { useNames } from "../groups/names";
import { GroupPicker } from "../groups/picker";
import { PersonPicker } from "../people/picker";
import { SafePicker } from "../safes/picker";
import { dayNames, days } from "../safes/policy";
import { Group, Span } from "../safes/policy-form";
import { useOrg } from "../shell/org";
import { roleWords, safeRoleWords } from "../shell/rights";
import { effectWords, forwards, type FormErrors, type FormState, fromState, hasMoment, stateErrors, toState } from "./model";
import { type Draft, idsIn, usePolicyChanges } from "./queries";
import { Review } from "./review";
import { Language, TextEditor } from "./text-editor";

export interface Start {
  name: string;
  description: string;
  form: AccessPolicyForm | null;
  text: string;
}

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
const effects = (Object.keys(effectWords) as PolicyEffect[]).map((value) => ({ value, ...effectWords[value] }));
const fields = ["name", "description", "priority", "safes", "text"];

type Meta = { name: string; description: string; enabled: boolean; everywhere: boolean; priority: string };

const metaOf = (from: AccessPolicy | Start | undefined): Meta => {
  const p = from && "version" in from ? from : undefined;
  return { name: from?.name ?? "", description: from?.description ?? "", enabled: p?.enabled ?? true, everywhere: p?.everywhere ?? false, priority: String(p?.priority ?? 100) };
};
const picksOf = (p: AccessPolicy | undefined): Pick[] => p?.safes.map((s) => ({ value: s.id, label: s.name })) ?? [];
const saying = (s: FormState) => JSON.stringify(fromState(s));
const sameSafes = (a: readonly Pick[], b: readonly Pick[]) => a.length === b.length && a.every((x) => b.some((y) => y.value === x.value));

/**
 * Writes a policy, by its form or as text; nothing is saved before one has seen what it changes, and
 * nothing that was written is lost when somebody else saves meanwhile.
 */
export function PolicyEditor({ policy: p, start, disabled }: { policy?: AccessPolicy; start?: Start; disabled?: boolean }) {
  const org = useOrg();
  const navigate = useNavigate();
  const toasts = useToasts();
  const { check, save, refresh } = usePolicyChanges(p?.id);
  const from = p ?? start;
  const [base, setBase] = useState(p); // the version that is written on
  const [shape, setShape] = useState<"form" | "text">(from && !from.form ? "text" : "form");
  const [state, setState] = useState<FormState>(() => toState(from?.form ?? { effect: "deny" }));
  const [text, setText] = useState(from?.text ?? "");
  const [said, setSaid] = useState(() => (from?.form && from.text ? saying(toState(from.form)) : "")); // what the text says, as a form
  const [meta, setMeta] = useState(() => metaOf(from));
  const [safes, setSafes] = useState<readonly Pick[]>(() => picksOf(p));
  const [review, setReview] = useState<Draft>();
  const errors = useMemo(() => stateErrors(state), [state]);
  const set = (part: Partial<FormState>) => setState((s) => ({ ...s, ...part }));
  const put = (part: Partial<Meta>) => setMeta((m) => ({ ...m, ...part }));
  const problem = save.error ? asProblem(save.error) : undefined;
  const wrong = check.error ? asProblem(check.error) : undefined;
  const textProblem = shape === "text" ? (wrong?.field("text") ?? problem?.field("text")) : undefined;
  const priorityProblem = /^\d{1,6}$/.test(meta.priority) ? undefined : "A whole number from 0.";
  const ready = meta.name.trim() !== "" && !priorityProblem && (shape === "text" ? text.trim() !== "" : Object.keys(errors).length === 0);
  // A text that says what the form says is kept as it was written, with its comments.
  const body = () => (shape === "text" || saying(state) === said ? { text } : { form: fromState(state) });

  const rewritten = shape === "text" ? text !== (base?.text ?? "") : saying(state) !== said || text !== (base?.text ?? "");
  const touched = rewritten || JSON.stringify(meta) !== JSON.stringify(metaOf(base)) || !sameSafes(safes, picksOf(base));
  const newer = p && base && p.version > base.version && !save.isPending ? p : undefined;

  const saver = useNames(newer ? [newer.updated_by] : [])(newer?.updated_by ?? "");

  const take = (v: AccessPolicy, what: "all" | "text") => {
    if (!v.form) setShape("text");
    setState(toState(v.form ?? { effect: "deny" }));
    setText(v.text);
    setSaid(v.form ? saying(toState(v.form)) : "");
    if (what === "text") return;
    setBase(v);
    setMeta(metaOf(v));
    setSafes(picksOf(v));
  };
  /** What was not touched here becomes what it is now; the rest stays as it was written. */
  const goOn = (v: AccessPolicy) => {
    const was = metaOf(base);
    const is = metaOf(v);
    const kept = <K extends keyof Meta>(key: K): Meta[K] => (meta[key] === was[key] ? is[key] : meta[key]);
    if (!rewritten) take(v, "text");
    setMeta({ name: kept("name"), description: kept("description"), enabled: kept("enabled"), everywhere: kept("everywhere"), priority: kept("priority") });
    if (sameSafes(safes, picksOf(base))) setSafes(picksOf(v));
    setBase(v);
    save.reset();
  };
  if (newer && !touched && !review) take(newer, "all");

  const turn = (to: "form" | "text") => {
    if (to === shape) return;
    if (to === "text" && saying(state) === said) return setShape(to);
    check.mutate(shape === "text" ? { text } : { form: fromState(state) }, {
      onSuccess: (c) => {
        if (to === "text") {
          setText(c.text);
          setSaid(saying(state));
        } else if (c.form) {
          setState(toState(c.form));
          setSaid(saying(toState(c.form)));
        } else return toasts.say("A form cannot say what this text says. It stays text.");
        setShape(to);
      },
      onError: (err) => shape === "form" && toasts.fail(err),
    });
  };
  const toReview = () => {
    if (!ready || check.isPending) return;
    save.reset();
    check.mutate(body(), {
      onSuccess: (c) => {
        setText(c.text);
        if (shape === "form") setSaid(saying(state));
        setReview({
          ...body(),
          name: meta.name.trim(),
          description: meta.description.trim(),
          enabled: meta.enabled,
          everywhere: meta.everywhere,
          safes: meta.everywhere ? [] : safes.map((s) => s.value),
          priority: Number(meta.priority),
          ...(base ? { version: base.version } : {}),
        });
      },
    });
  };
  // The review is a form of its own: it stands beside this one.
  return (
    <>
    <form
      className="stack"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        toReview();
      }}
    >
      <fieldset className="card policy-form" disabled={disabled} aria-label="Policy">
        <Group title="Name" means="How people and the audit log call it.">
          <div className="pair">
            <TextField label="Name" maxLength={100} value={meta.name} error={problem?.field("name")} onText={(name) => put({ name })} />
            <TextField label="Description" optional value={meta.description} error={problem?.field("description")} onText={(description) => put({ description })} />
          </div>
          <Check label="On" means="A policy that is off counts nowhere." checked={meta.enabled} onCheck={(enabled) => put({ enabled })} />
        </Group>
        <Group title="Where" means="The safes on which it counts.">
          <Check label="On every safe" means="Also on those that are made later." checked={meta.everywhere} onCheck={(everywhere) => put({ everywhere })} />
          {!meta.everywhere && !disabled && <SafePicker label="Safes" many picked={safes} onPicked={setSafes} error={problem?.field("safes")} hint={safes.length === 0 ? "On no safe it counts nowhere." : ""} />}
          {!meta.everywhere && disabled && <p>{safes.map((s) => s.label).join(", ") || "No safe"}</p>}
          <div className="nested narrow">
            <TextField label="Priority" inputMode="numeric" hint="Of several that let in, the lowest decides what the session may do." value={meta.priority} error={priorityProblem ?? problem?.field("priority")} onText={(priority) => put({ priority })} />
          </div>
        </Group>
        <Group title="How it is written" means="The form writes Cedar. An expert edits the text.">
          <Segmented
            label="Shape"
            value={shape}
            options={[
              { value: "form", label: "Form" },
              { value: "text", label: "Cedar text" },
            ]}
            onPick={turn}
          />
          {shape === "text" && (
            <>
              <TextEditor text={text} onText={setText} problem={textProblem} readOnly={disabled ?? false} />
              {!disabled && (
                <div>
                  <Button busy={check.isPending} onClick={() => check.mutate({ text }, { onSuccess: () => toasts.say("The text is a valid policy.") })}>
                    Check the text
                  </Button>
                </div>
              )}
              <Language />
            </>
          )}
        </Group>
        {shape === "form" && <FormFields state={state} errors={errors} set={set} reading={disabled ?? false} />}
      </fieldset>
      {shape === "form" && <FormProblem error={check.error ?? (newer ? undefined : save.error)} fields={fields} />}
      {shape === "text" && !textProblem && <FormProblem error={check.error ?? (newer ? undefined : save.error)} fields={fields} />}
      {newer && touched && (
        <Note meaning="warn" live>
          <div className="stack tight">
            <p>
              {saver === newer.updated_by ? "Somebody" : saver} saved version {newer.version} while you wrote on version {base?.version}. What you wrote is still here.
            </p>
            <div className="row wrap">
              <Button small onClick={() => goOn(newer)}>
                Go on with mine
              </Button>
              <Button small onClick={() => take(newer, "all")}>
                Take version {newer.version}
              </Button>
              <Link to="/o/$org/policies/$policy" params={{ org: org.slug, policy: newer.id }} search={{ tab: "history" }} target="_blank">
                What changed
              </Link>
            </div>
          </div>
        </Note>
      )}
      {!disabled && (
        <div className="row end">
          <span className="grow dim">{ready ? "" : meta.name.trim() === "" ? "It needs a name." : "Some values need a look."}</span>
          <Button type="submit" kind="primary" disabled={!ready} busy={check.isPending}>
            {p ? "Review changes" : "Review and create"}
          </Button>
        </div>
      )}
    </form>
      {review && (
        <Review
          policy={base}
          draft={review}
          text={text}
          busy={save.isPending}
          error={save.error}
          onClose={() => {
            setReview(undefined);
          }}
          onSave={(comment) =>
            save.mutate(
              { ...review, ...(comment ? { comment } : {}) },
              {
                onError: (err) => asProblem(err).status === 409 && void refresh(),
                onSuccess: (saved) => {
                  setReview(undefined);
                  take(saved, "all");
                  toasts.say(p ? `${saved.name} is changed. It holds at once.` : `${saved.name} is made. It holds at once.`);
                  void navigate({ to: "/o/$org/policies/$policy", params: { org: org.slug, policy: saved.id }, search: {} });
                },
              },
            )
          }
        />
      )}
    </>
  );
}

function FormFields({ state: s, errors, set, reading }: { state: FormState; errors: FormErrors; set: (part: Partial<FormState>) => void; reading: boolean }) {
  const name = useNames(idsIn(fromState(s)));
  const labelled = (list: readonly Pick[]) => list.map((p) => (p.label === p.value ? { ...p, label: name(p.value) } : p));
  const words = (list: readonly Pick[]) => labelled(list).map((p) => p.label).join(", ") || "Nobody in particular";
  return (
    <>
      <Group title="Effect" means="What it does when it matches.">
        <RadioList legend="When it matches" value={s.effect} options={effects} onPick={(effect) => set({ effect })} />
        {s.effect === "require_approval" && (
          <div className="nested stack">
            <SelectField
              label="How many people approve"
              value={s.approvals}
              options={[
                { value: "1", label: "One" },
                { value: "2", label: "Two (four eyes)" },
              ]}
              onPick={(approvals) => set({ approvals })}
            />
            <Check label="Approvers and managers of the safe decide" checked={s.safeApproves} onCheck={(safeApproves) => set({ safeApproves })} />
            {reading ? (
              <p>{words([...s.approverGroups, ...s.approverPeople])}</p>
            ) : (
              <>
                <GroupPicker label="Groups that decide" optional many picked={labelled(s.approverGroups)} onPicked={(approverGroups) => set({ approverGroups })} />
                <PersonPicker label="People who decide" optional many picked={labelled(s.approverPeople)} onPicked={(approverPeople) => set({ approverPeople })} />
              </>
            )}
            {errors.safeApproves && <p className="error">{errors.safeApproves}</p>}
          </div>
        )}
        <TextField label="What the person is told" optional maxLength={256} value={s.message} onText={(message) => set({ message })} />
      </Group>
      <Group title="Who" means="Any of these. None chosen: everybody.">
        {reading ? (
          <p>{words([...s.groups, ...s.people])}</p>
        ) : (
          <>
            <GroupPicker label="Groups" optional many picked={labelled(s.groups)} onPicked={(groups) => set({ groups })} />
            <PersonPicker label="People" optional many picked={labelled(s.people)} onPicked={(people) => set({ people })} />
          </>
        )}
        <Boxes legend="Roles in the organization" values={["owner", "admin", "operator", "auditor"]} chosen={s.roles} label={(v) => roleWords[v].label} onChoose={(roles) => set({ roles })} extra={s.roles.includes("member") ? "Every member, too." : undefined} />
        <Boxes legend="Roles on the safe" values={["user", "checkout", "approver", "manager"]} chosen={s.safeRoles} label={(v) => safeRoleWords[v].label} onChoose={(safeRoles) => set({ safeRoles })} />
      </Group>
      <Group title="What" means="Only some of the safes that it is on.">
        {reading ? s.safes.length > 0 && <p>{words(s.safes)}</p> : <SafePicker label="Only these safes" optional many picked={labelled(s.safes)} onPicked={(safes) => set({ safes })} />}
        <Check label="Only where the resource is SSH" checked={s.ssh} onCheck={(ssh) => set({ ssh })} />
        <TextArea label="Labels that the resource must all have" optional mono rows={2} placeholder="env=prod" hint="One a line." value={s.labels} error={errors.labels} onText={(labels) => set({ labels })} />
      </Group>
      <Group title="The moment" means="All that is asked here must hold for it to match.">
        <HoursList state={s} error={errors.hours} set={set} />
        <TextArea label="From these networks" optional mono rows={2} placeholder={"10.0.0.0/8\n192.0.2.7"} hint="One a line; any of them." value={s.networks} error={errors.networks} onText={(networks) => set({ networks })} />
        <Check label="With a fresh second factor" checked={s.mfaOn} onCheck={(mfaOn) => set({ mfaOn })} />
        {s.mfaOn && (
          <div className="nested">
            <Span label="Proved within" hint="An API token has never proved one." value={s.mfa} error={errors.mfa} onAmount={(mfa) => set({ mfa })} />
          </div>
        )}
        <Check label="With a ticket named" means="At the launch (vaultpam ssh --ticket), or in the approved request." checked={s.ticket} onCheck={(ticket) => set({ ticket })} />
        {s.effect === "deny" && hasMoment(s) && (
          <RadioList
            legend="It denies"
            value={s.unless ? "unless" : "when"}
            options={[
              { value: "unless", label: "Outside of it", means: "Whoever does not come in these hours, from these networks, with this proof is refused." },
              { value: "when", label: "Within it", means: "Whoever does come so is refused." },
            ]}
            onPick={(v) => set({ unless: v === "unless" })}
          />
        )}
      </Group>
      {s.effect !== "deny" && (
        <Group title="The session" means="What a session may do that this policy lets in. It only narrows the safe's settings.">
          <Check label="Record, also where the safe does not" checked={s.recording} onCheck={(recording) => set({ recording })} />
          <Check label="Record typed input too" checked={s.recordInput} onCheck={(recordInput) => set({ recordInput })} />
          <SelectField
            label="Files"
            optional
            placeholder="As the safe has it"
            value={s.files}
            options={[
              { value: "audit", label: "Allowed at most with a record of each" },
              { value: "block", label: "Blocked" },
            ]}
            onPick={(files) => set({ files })}
          />
          <Boxes legend="Blocked" values={forwards.map((f) => f.key)} chosen={s.noForwards} label={(v) => forwards.find((f) => f.key === v)?.label ?? v} onChoose={(noForwards) => set({ noForwards })} />
          <Check label="Shorter sessions" checked={s.ttlOn} onCheck={(ttlOn) => set({ ttlOn })} />
          {s.ttlOn && <Span label="Longest session" hint="Never longer than the safe allows." value={s.ttl} error={errors.ttl} onAmount={(ttl) => set({ ttl })} />}
          <Check label="Ends sooner when idle" checked={s.idleOn} onCheck={(idleOn) => set({ idleOn })} />
          {s.idleOn && <Span label="Ends when idle for" hint="No byte in either direction." value={s.idle} error={errors.idle} onAmount={(idle) => set({ idle })} />}
        </Group>
      )}
      {s.effect === "allow" && (
        <section className="policy-group">
          <div />
          <Note meaning="warn">A policy that allows governs its safes: roles alone open them no more. Whoever no policy allows is refused there. Simulate it before you save.</Note>
        </section>
      )}
    </>
  );
}

function Boxes<V extends string>({ legend, values, chosen, label, onChoose, extra }: { legend: string; values: readonly V[]; chosen: readonly string[]; label: (v: V) => string; onChoose: (list: string[]) => void; extra?: string | undefined }) {
  return (
    <fieldset className="stack tight">
      <legend className="legend">{legend}</legend>
      <div className="row wrap choices">
        {values.map((v) => (
          <Check key={v} label={label(v)} checked={chosen.includes(v)} onCheck={(on) => onChoose(on ? [...chosen, v] : chosen.filter((c) => c !== v))} />
        ))}
      </div>
      {extra && <p className="small dim">{extra}</p>}
    </fieldset>
  );
}

function HoursList({ state: s, error, set }: { state: FormState; error: string | undefined; set: (part: Partial<FormState>) => void }) {
  const change = (n: number, part: Partial<FormState["hours"][number]>) => set({ hours: s.hours.map((h, i) => (i === n ? { ...h, ...part } : h)) });
  return (
    <div className="stack">
      {s.hours.map((h, n) => (
        <div className="nested stack" key={n} role="group" aria-label={`Hours ${n + 1}`}>
          <div className="row between">
            <div className="day-picks" role="group" aria-label={`Days of hours ${n + 1}`}>
              {days.map((d) => (
                <label key={d}>
                  <input type="checkbox" checked={h.days.includes(d)} onChange={(e) => change(n, { days: e.target.checked ? [...h.days, d] : h.days.filter((x) => x !== d) })} />
                  <span>{dayNames[d]}</span>
                </label>
              ))}
            </div>
            <IconButton icon={Trash2} small label={`Remove hours ${n + 1}`} onClick={() => set({ hours: s.hours.filter((_, i) => i !== n) })} />
          </div>
          <div className="triple">
            <TextField label="From" type="time" value={h.from} onText={(from) => change(n, { from })} />
            <TextField label="To" type="time" value={h.to} onText={(to) => change(n, { to })} />
            <TextField label="Time zone" mono value={h.zone} onText={(zone) => change(n, { zone })} />
          </div>
        </div>
      ))}
      {error && <p className="error">{error}</p>}
      <div>
        <Button small icon={Plus} onClick={() => set({ hours: [...s.hours, { days: ["mon", "tue", "wed", "thu", "fri"], from: "08:00", to: "18:00", zone: here }] })}>
          {s.hours.length === 0 ? "Add hours" : "Add more hours"}
        </Button>
      </div>
    </div>
  );
}
