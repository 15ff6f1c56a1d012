import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { del, get, post, put } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { Organization, OrganizationWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Panel } from "../../ui/dialog";
import { TextArea, TextField } from "../../ui/field";
import { plural } from "../../ui/format";
import { Failed, FormProblem, Note, PageSkeleton } from "../../ui/states";
import { Facts, Id, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { LegalHold } from "../settings/hold";
import { useMe } from "../shell/org";

export function OrganizationState({ org: o }: { org: Organization }) {
  return o.deleted ? <State meaning="bad">Deleted</State> : o.active ? <State meaning="good">Active</State> : <State meaning="warn">Suspended</State>;
}

/** "12 of 50": members, and what is allowed. */
export function seatWords(o: Organization): string {
  return o.seat_limit > 0 ? `${o.members} of ${o.seat_limit}` : String(o.members);
}

/** A tenant as its operators see it: its state and size, and nothing of what is in it. */
export function OrganizationPanel({ org: o, onClose }: { org: Organization; onClose: () => void }) {
  const mayChange = useMe().platform_role === "platform_admin" && !o.deleted;
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [asking, setAsking] = useState<"suspend" | "resume" | "lift">();
  const [comment, setComment] = useState("");
  const done = (said: string) => async () => {
    await client.invalidateQueries({ queryKey: ["platform", "organizations"] });
    setAsking(undefined);
    setComment("");
    toasts.say(said);
  };
  const suspend = useMutation({ mutationFn: () => stepUp(() => post<unknown>(`/platform/organizations/${o.id}/suspend`, { body: comment.trim() ? { comment: comment.trim() } : {} })), onSuccess: done(`${o.name} is suspended.`) });
  const resume = useMutation({ mutationFn: () => stepUp(() => post<unknown>(`/platform/organizations/${o.id}/resume`)), onSuccess: done(`${o.name} is open again.`) });
  const lift = useMutation({ mutationFn: () => stepUp(() => del(`/platform/organizations/${o.id}/sso-requirement`)), onSuccess: done(`Members of ${o.name} can sign in without its provider.`) });
  const close = () => {
    setAsking(undefined);
    for (const m of [suspend, resume, lift]) m.reset();
  };
  return (
    <Panel
      title={o.name}
      subtitle={<OrganizationState org={o} />}
      onClose={onClose}
      footer={
        mayChange &&
        (o.active ? (
          <Button kind="danger" onClick={() => setAsking("suspend")}>
            Suspend
          </Button>
        ) : (
          <Button kind="primary" onClick={() => setAsking("resume")}>
            Resume
          </Button>
        ))
      }
    >
      <section>
        <Facts
          rows={[
            ["Short name", <code key="s">{o.slug}</code>],
            ["Members", String(o.members)],
            ["Open invitations", String(o.invited)],
            ["Single sign-on", o.sso_required ? "Required" : "Not required"],
            o.suspended_at && ["Suspended", <Time key="u" at={o.suspended_at} />],
            o.comment && ["Why", o.comment],
            ["Made", <Time key="c" at={o.created_at} />],
            ["Id", <Id key="i" value={o.id} what="organization id" />],
          ]}
        />
      </section>
      {!o.deleted && (
        <section>
          <Seats key={o.seat_limit} org={o} mayChange={mayChange} />
        </section>
      )}
      {!o.deleted && <Kept of={o} mayChange={mayChange} />}
      {o.sso_required && mayChange && (
        <section className="stack">
          <h3>Single sign-on</h3>
          <p className="dim">Members come in through the organization’s provider only. When that provider is gone and nobody gets in, lift it: members then sign in with their passwords and second factors.</p>
          <div>
            <Button kind="danger" onClick={() => setAsking("lift")}>
              Lift the requirement
            </Button>
          </div>
        </section>
      )}
      {asking === "suspend" && (
        <Confirm title={`Suspend ${o.name}`} verb="Suspend" typeName={o.slug} busy={suspend.isPending} error={suspend.error} onClose={close} onConfirm={() => suspend.mutate()}>
          <div className="stack">
            <p>Nobody acts in it any more, and its live sessions end within two seconds: {plural(o.members, "member")}. Nothing is lost; you can resume it.</p>
            <TextArea label="Why" optional rows={2} hint="Kept in the audit log, and shown to operators." value={comment} onText={setComment} />
          </div>
        </Confirm>
      )}
      {asking === "resume" && (
        <Confirm title={`Resume ${o.name}`} verb="Resume" kind="primary" busy={resume.isPending} error={resume.error} onClose={close} onConfirm={() => resume.mutate()}>
          Its members get in again, with what they had.
        </Confirm>
      )}
      {asking === "lift" && (
        <Confirm title={`Lift single sign-on of ${o.name}`} verb="Lift it" typeName={o.slug} busy={lift.isPending} error={lift.error} onClose={close} onConfirm={() => lift.mutate()}>
          Its members can sign in with a password and second factor. The organization’s own log tells that you did this.
        </Confirm>
      )}
    </Panel>
  );
}

/** For how long an organization must keep its audit log, and what keeps all of it. */
function Kept({ of, mayChange }: { of: Organization; mayChange: boolean }) {
  const client = useQueryClient();
  const query = queryOptions({ queryKey: ["platform", "organizations", of.id], queryFn: ({ signal }) => get<OrganizationWire>(`/platform/organizations/${of.id}`, { signal }) });
  const { data: o, error, refetch } = useQuery(query);
  if (error) return <Failed error={error} what="how long its log is kept" retry={() => void refetch()} />;
  if (!o) return <PageSkeleton label="how long its log is kept" />;
  const changed = () => client.invalidateQueries({ queryKey: query.queryKey });
  return (
    <>
      <section>
        <AuditMinimum key={o.audit_minimum_days} org={o} mayChange={mayChange} changed={changed} />
      </section>
      <section className="stack">
        <h3>Legal hold</h3>
        <LegalHold by="platform" path={`/platform/organizations/${o.id}/legal-hold`} holds={o.legal_holds ?? []} mayChange={mayChange} changed={changed} />
      </section>
    </>
  );
}

function AuditMinimum({ org: o, mayChange, changed }: { org: Organization; mayChange: boolean; changed: () => Promise<unknown> }) {
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [days, setDays] = useState(String(o.audit_minimum_days));
  const save = useMutation({
    mutationFn: () => stepUp(() => put<unknown>(`/platform/organizations/${o.id}/audit-minimum`, { body: { audit_minimum_days: Number(days) } })),
    onSuccess: async () => {
      await changed();
      toasts.say(`${o.name} must keep its audit log for at least ${plural(Number(days), "day")}.`);
    },
  });
  const wrong = /^\d{2,4}$/.test(days) && Number(days) >= 30 && Number(days) <= 3650 ? undefined : "From 30 to 3650 days.";
  const same = days === String(o.audit_minimum_days);
  return (
    <form
      className="stack"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (!same && !wrong && !save.isPending) save.mutate();
      }}
    >
      <h3>Audit log</h3>
      <TextField
        label="Days that it must keep its log"
        inputMode="numeric"
        disabled={!mayChange}
        hint="The least that its administrators may set; 365 unless you lower or raise it."
        value={days}
        check={() => wrong}
        error={save.error ? asProblem(save.error).field("audit_minimum_days") : undefined}
        onText={setDays}
      />
      <FormProblem error={save.error} fields={["audit_minimum_days"]} />
      {mayChange && (
        <div>
          <Button type="submit" disabled={same || wrong !== undefined} busy={save.isPending}>
            Set days
          </Button>
        </div>
      )}
    </form>
  );
}

function Seats({ org: o, mayChange }: { org: Organization; mayChange: boolean }) {
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [seats, setSeats] = useState(String(o.seat_limit));
  const save = useMutation({
    mutationFn: () => stepUp(() => put<unknown>(`/platform/organizations/${o.id}/seats`, { body: { seat_limit: Number(seats) } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["platform", "organizations"] });
      toasts.say(seats === "0" ? `${o.name} has no limit.` : `${o.name} may have ${plural(Number(seats), "member")}.`);
    },
  });
  const wrong = /^\d{1,7}$/.test(seats) && Number(seats) <= 1_000_000 ? undefined : "A whole number; 0 is no limit.";
  const changed = seats !== String(o.seat_limit);
  return (
    <form
      className="stack"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (changed && !wrong && !save.isPending) save.mutate();
      }}
    >
      <h3>Seats</h3>
      <TextField label="Members that it may have" inputMode="numeric" disabled={!mayChange} hint="Open invitations hold a seat. 0: no limit." value={seats} check={() => wrong} error={save.error ? asProblem(save.error).field("seat_limit") : undefined} onText={setSeats} />
      {changed && !wrong && Number(seats) > 0 && Number(seats) < o.members && <Note meaning="warn">It has {o.members} already. Nobody is removed, and nobody can join until there are fewer.</Note>}
      <FormProblem error={save.error} fields={["seat_limit"]} />
      {mayChange && (
        <div>
          <Button type="submit" disabled={!changed || wrong !== undefined} busy={save.isPending}>
            Set seats
          </Button>
        </div>
      )}
    </form>
  );
}
