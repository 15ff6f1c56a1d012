import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { patch, post } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { SettingsWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { Check, SecretField, SelectField, TextArea, TextField } from "../../ui/field";
import { plural } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Failed, FormProblem, Note, PageSkeleton } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { membershipsQuery } from "../auth/queries";
import { useStepUp } from "../auth/step-up";
import { useOrg, useRights } from "../shell/org";
import { History } from "./history";
import { OrganizationKey } from "./keys";
import { MailList } from "./mail";
import { LegalHold } from "./hold";
import { settingsQuery } from "./queries";
import { Retention } from "./retention";

const tabs = [
  { tab: undefined, label: "Settings" },
  { tab: "changes", label: "Changes" },
  { tab: "mail", label: "Mail" },
] as const;

export default function OrganizationSettings() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/settings/organization" });
  const navigate = useNavigate({ from: "/o/$org/settings/organization" });
  return (
    <>
      <PageHead title="Organization" lead="What holds for everybody here. Each change is in the audit log, with what it was before." />
      <nav className="tabs" aria-label="Settings, changes and mail">
        {tabs.map((t) => (
          <Link key={t.label} to="/o/$org/settings/organization" params={{ org: org.slug }} search={t.tab ? { tab: t.tab } : {}} aria-current={search.tab === t.tab ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            {t.label}
          </Link>
        ))}
      </nav>
      <div className="tab-body">
        {search.tab === "changes" ? (
          <History />
        ) : search.tab === "mail" ? (
          <MailList of={{ org: org.id }} mayManage={r.manage} open={search.open} onOpen={(open) => void navigate({ search: (s) => ({ ...s, open }), replace: true })} />
        ) : (
          <General />
        )}
      </div>
    </>
  );
}

function General() {
  const org = useOrg();
  const r = useRights();
  const client = useQueryClient();
  const { data, error, refetch } = useQuery(settingsQuery(org.id));
  if (error) return <Failed error={error} what="the settings" retry={() => void refetch()} />;
  if (!data) return <PageSkeleton label="the settings" />;
  return (
    <div className="form-page stack wide">
      {/* Each starts again when what it shows was changed, and keeps what is typed when another was saved. */}
      <Form key={JSON.stringify(fieldsOf(data))} saved={data} />
      <Retention key={`r${data.recording_days}`} saved={data} of="recordings" />
      <Retention key={`a${data.audit_days}`} saved={data} of="audit" />
      <section className="card">
        <header>
          <h2>Legal hold</h2>
        </header>
        <div className="body stack">
          <LegalHold
            by="organization"
            path="/org/legal-hold"
            org={org.id}
            holds={data.legal_holds ?? []}
            mayChange={r.manage}
            changed={() => Promise.all([client.invalidateQueries({ queryKey: settingsQuery(org.id).queryKey }), client.invalidateQueries({ queryKey: [org.id, "settings-history"] })])}
          />
        </div>
      </section>
      <OrganizationKey />
      {org.role === "owner" && <End />}
    </div>
  );
}

const tlsOptions = [
  { value: "starttls", label: "STARTTLS" },
  { value: "tls", label: "TLS from the start" },
] as const;
const known = ["name", "brand_color", "support_contact", "allowed_domains", "web_idle_minutes", "web_absolute_minutes", "smtp.host", "smtp.port", "smtp.tls", "smtp.user", "smtp.password", "smtp.from"];

const fieldsOf = (s: Dated<SettingsWire>) => ({
  name: s.name,
  brand_color: s.brand_color,
  support_contact: s.support_contact,
  allowed_domains: (s.allowed_domains ?? []).join("\n"),
  web_idle_minutes: String(s.web_idle_minutes),
  web_absolute_minutes: String(s.web_absolute_minutes),
  require_mfa: s.require_mfa,
  host: s.smtp.host,
  port: String(s.smtp.port || ""),
  tls: s.smtp.tls,
  user: s.smtp.user,
  from: s.smtp.from,
  password: "",
});

function Form({ saved: s }: { saved: Dated<SettingsWire> }) {
  const org = useOrg();
  const r = useRights();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const first = fieldsOf(s);
  const [f, setForm] = useState(first);
  const set = (part: Partial<typeof first>) => setForm((old) => ({ ...old, ...part }));
  const changed = (Object.keys(first) as (keyof typeof first)[]).filter((k) => f[k] !== first[k]);
  const body = () => {
    const out: Record<string, unknown> = { version: s.version };
    const smtp: Record<string, unknown> = {};
    for (const k of changed) {
      if (k === "allowed_domains") out[k] = f[k].split(/[\s,]+/).filter(Boolean);
      else if (k === "web_idle_minutes" || k === "web_absolute_minutes") out[k] = Number(f[k]);
      else if (k === "port") smtp[k] = Number(f[k]);
      else if (k === "host" || k === "tls" || k === "user" || k === "from" || k === "password") smtp[k] = f[k];
      else out[k] = f[k];
    }
    return Object.keys(smtp).length > 0 ? { ...out, smtp } : out;
  };
  const save = useMutation({
    mutationFn: () => stepUp(() => patch<SettingsWire>("/org/settings", { org: org.id, body: body() })),
    gcTime: 0,
    onError: (err) => asProblem(err).isWaiting && setForm(first), // what was asked for waits elsewhere
    onSuccess: async (now) => {
      client.setQueryData(settingsQuery(org.id).queryKey, now);
      setForm(first); // what was saved comes with the answer, and a password does not
      toasts.say("Saved.");
      await Promise.all([client.invalidateQueries({ queryKey: [org.id, "settings-history"] }), client.invalidateQueries({ queryKey: membershipsQuery.queryKey })]);
    },
  });
  const problem = save.error ? asProblem(save.error) : undefined;
  const whole = (v: string) => (/^\d{1,6}$/.test(v) ? undefined : "A whole number of minutes; 0 takes the installation's limit.");
  const ready = r.manage && changed.length > 0 && f.name.trim() !== "" && !whole(f.web_idle_minutes) && !whole(f.web_absolute_minutes) && /^\d{0,5}$/.test(f.port);
  return (
    <form
      className="card policy-form"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (ready && !save.isPending) save.mutate();
      }}
    >
      <fieldset disabled={!r.manage}>
        <div className="policy-group">
          <h2 className="group-title">Name</h2>
          <div className="stack">
            <TextField label="Name" value={f.name} error={problem?.field("name")} onText={(name) => set({ name })} />
            <div className="pair">
              <TextField label="Colour" mono optional hint="Of the form #1f6feb, for messages." value={f.brand_color} error={problem?.field("brand_color")} onText={(brand_color) => set({ brand_color })} />
              <TextField label="Whom to ask" optional hint="Shown to members and to whom you invite." value={f.support_contact} error={problem?.field("support_contact")} onText={(support_contact) => set({ support_contact })} />
            </div>
          </div>
        </div>
        <div className="policy-group">
          <h2 className="group-title">Members</h2>
          <div className="stack">
            <Check
              label="Demand a second factor of our own"
              means="Members prove one that they set up here, also where the identity provider asked for one. Who accepts an invitation with an account proves theirs first."
              checked={f.require_mfa} onCheck={(require_mfa) => set({ require_mfa })} />
            <TextArea label="Mail domains of new members" optional mono rows={2} hint="One a line. Without one, every domain may join." value={f.allowed_domains} error={problem?.field("allowed_domains")} onText={(allowed_domains) => set({ allowed_domains })} />
            <p className="dim">{s.seat_limit > 0 ? `Seats: the installation allows ${s.seat_limit} members, open invitations included. Its operators change that.` : "Seats: no limit is set by the installation."}</p>
          </div>
        </div>
        <div className="policy-group">
          <h2 className="group-title">Sign-ins in the browser</h2>
          <div className="pair">
            <TextField label="End when idle, minutes" inputMode="numeric" hint="0: the installation's limit." value={f.web_idle_minutes} check={whole} error={problem?.field("web_idle_minutes")} onText={(web_idle_minutes) => set({ web_idle_minutes })} />
            <TextField label="End in any case, minutes" inputMode="numeric" hint="0: the installation's limit." value={f.web_absolute_minutes} check={whole} error={problem?.field("web_absolute_minutes")} onText={(web_absolute_minutes) => set({ web_absolute_minutes })} />
          </div>
        </div>
        <div className="policy-group">
          <h2 className="group-title">Mail server of your own</h2>
          <div className="stack">
            <p className="dim">Without a host, mail goes out through the installation's server. Once it is saved, send yourself a test message under Mail.</p>
            <div className="host-port">
              <TextField label="Host" mono optional value={f.host} error={problem?.field("smtp.host")} onText={(host) => set({ host })} />
              <TextField label="Port" inputMode="numeric" optional value={f.port} error={problem?.field("smtp.port")} onText={(port) => set({ port })} />
            </div>
            <div className="pair">
              <SelectField label="Encryption" optional placeholder="None chosen" value={f.tls} options={tlsOptions} error={problem?.field("smtp.tls")} onPick={(tls) => set({ tls })} />
              <TextField label="From" type="email" optional value={f.from} error={problem?.field("smtp.from")} onText={(from) => set({ from })} />
            </div>
            <div className="pair">
              <TextField label="User" optional value={f.user} error={problem?.field("smtp.user")} onText={(user) => set({ user })} />
              <SecretField label="Password" optional autoComplete="off" hint={s.smtp.password_set ? "Stored, sealed. Leave it empty to keep it." : "Kept sealed."} value={f.password} error={problem?.field("smtp.password")} onText={(password) => set({ password })} />
            </div>
          </div>
        </div>
      </fieldset>
      <FormProblem error={save.error} fields={known} />
      {r.manage && (
        <div className={changed.length > 0 ? "form-foot sticky-foot dirty" : "form-foot sticky-foot"}>
          <span className="grow dim">{changed.length > 0 ? plural(changed.length, "change") : "No changes"}</span>
          <Button disabled={changed.length === 0} onClick={() => setForm(first)}>
            Discard
          </Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={save.isPending}>
            Save changes
          </Button>
        </div>
      )}
    </form>
  );
}

/** The end of the organization: for owners, with its short name typed. */
function End() {
  const org = useOrg();
  const stepUp = useStepUp();
  const [asking, setAsking] = useState(false);
  const end = useMutation({ mutationFn: () => stepUp(() => post<unknown>("/org/delete", { org: org.id, body: { confirm: org.slug } })), onSuccess: () => window.location.assign("/") });
  return (
    <section className="card">
      <header>
        <h2>Delete the organization</h2>
      </header>
      <div className="body stack">
        <Note meaning="plain">Nobody gets in any more and live sessions end at once. What is stored stays until the installation's operator removes it. While a legal hold is in force, an organization cannot be deleted.</Note>
        <div>
          <Button kind="danger" onClick={() => setAsking(true)}>
            Delete {org.name}
          </Button>
        </div>
      </div>
      {asking && (
        <Confirm title={`Delete ${org.name}`} verb="Delete organization" typeName={org.slug} busy={end.isPending} error={end.error} onClose={() => setAsking(false)} onConfirm={() => end.mutate()}>
          All its members lose everything here, you too. This is not undone in the console.
        </Confirm>
      )}
    </section>
  );
}
