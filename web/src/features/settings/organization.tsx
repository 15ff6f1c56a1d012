import { infiniteQueryOptions, queryOptions, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { get, patch, post } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { Page, SettingsChangeWire, SettingsWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { Check, SecretField, SelectField, TextArea, TextField } from "../../ui/field";
import { plural } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Failed, FormProblem, Note, PageSkeleton } from "../../ui/states";
import { Badge, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { membershipsQuery } from "../auth/queries";
import { useStepUp } from "../auth/step-up";
import { useOrg, useRights } from "../shell/org";

function settingsQuery(org: string) {
  return queryOptions({ queryKey: [org, "settings"], queryFn: ({ signal }) => get<SettingsWire>("/org/settings", { org, signal }), staleTime: Number.POSITIVE_INFINITY });
}

function historyQuery(org: string) {
  return infiniteQueryOptions({
    queryKey: [org, "settings-history"],
    queryFn: ({ signal, pageParam }) => get<Page<SettingsChangeWire>>("/org/settings/history", { org, signal, query: { limit: 20, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
  });
}

export default function OrganizationSettings() {
  const org = useOrg();
  const { data, error, refetch } = useQuery(settingsQuery(org.id));
  if (error) return <Failed page error={error} what="the settings" retry={() => void refetch()} />;
  return (
    <>
      <PageHead title="Organization" lead="What holds for everybody here. Each change is in the audit log, with what it was before." />
      {data ? (
        <div className="form-page stack wide">
          <Form key={data.version} saved={data} />
          <History />
          {org.role === "owner" && <End />}
        </div>
      ) : (
        <PageSkeleton label="the settings" />
      )}
    </>
  );
}

const tlsOptions = [
  { value: "starttls", label: "STARTTLS" },
  { value: "tls", label: "TLS from the start" },
] as const;
const known = ["name", "brand_color", "support_contact", "allowed_domains", "web_idle_minutes", "web_absolute_minutes", "smtp.host", "smtp.port", "smtp.tls", "smtp.user", "smtp.password", "smtp.from"];

function Form({ saved: s }: { saved: Dated<SettingsWire> }) {
  const org = useOrg();
  const r = useRights();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const first = {
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
  };
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
    onSuccess: async (now) => {
      client.setQueryData(settingsQuery(org.id).queryKey, now);
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
            <Check label="Demand a proved second factor to join" means="Who accepts an invitation with an account must prove a second factor of their own first." checked={f.require_mfa} onCheck={(require_mfa) => set({ require_mfa })} />
            <TextArea label="Mail domains of new members" optional mono rows={2} hint="One a line. Without one, every domain may join." value={f.allowed_domains} error={problem?.field("allowed_domains")} onText={(allowed_domains) => set({ allowed_domains })} />
            {s.seat_limit > 0 && <p className="dim">The installation allows {s.seat_limit} members.</p>}
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
            <p className="dim">Without a host, mail goes out through the installation's server.</p>
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

function History() {
  const org = useOrg();
  const list = useInfiniteQuery(historyQuery(org.id));
  const rows = list.data?.pages.flatMap((p) => p.items);
  return (
    <section className="card">
      <header>
        <h2>Changes</h2>
      </header>
      <FormProblem error={list.error} />
      <ul className="item-list">
        {rows?.length === 0 && <li className="dim">Nothing was changed yet.</li>}
        {rows?.map((h) => (
          <li key={`${h.version}-${h.group}`} className="top">
            <div className="grow stack tight">
              {h.changes?.map((c) => (
                <div key={c.field}>
                  <code>{c.field}</code>: <span className="dim">{c.from || "empty"}</span> to {c.to || "empty"} {h.weakened?.includes(c.field) && <Badge meaning="warn">protects less</Badge>}
                </div>
              ))}
              <div className="small dim">
                {h.by}, <Time at={new Date(h.at)} />
              </div>
            </div>
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <div className="table-more">
          <Button kind="ghost" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Show older
          </Button>
        </div>
      )}
    </section>
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
        <Note meaning="plain">Nobody gets in any more and live sessions end at once. What is stored stays until the installation's operator removes it.</Note>
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
