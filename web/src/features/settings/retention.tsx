import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { put } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { SettingsWire } from "../../api/types";
import { Button } from "../../ui/button";
import { TextField } from "../../ui/field";
import { FormProblem, Note } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { useOrg, useRights } from "../shell/org";
import { settingsQuery } from "./queries";

const kinds = {
  recordings: {
    title: "Recordings",
    field: "recording_days",
    path: "/org/settings/recording-retention",
    label: "Keep recordings, days",
    scope: "It holds for sessions that end from now on.",
    verb: "Save retention",
    warning: (days: string) => `Recordings of later sessions are deleted after ${days} days. What is deleted cannot be shown to anybody again.`,
  },
  audit: {
    title: "Audit log",
    field: "audit_days",
    path: "/org/settings/audit-retention",
    label: "Keep the content of the audit log, days",
    scope: "It holds for what is recorded already, too. The place of each event in the ledger stays, and its proofs hold.",
    verb: "Save for the audit log",
    warning: (days: string) => `The content of events older than ${days} days is deleted soon after. That they happened can still be proved; what they said can be read in exports only.`,
  },
} as const;

/** How long something is kept: a change of its own, because shortening it loses evidence. */
export function Retention({ saved, of }: { saved: Dated<SettingsWire>; of: keyof typeof kinds }) {
  const kind = kinds[of];
  const was = saved[kind.field];
  const least = of === "audit" ? saved.audit_minimum_days : 7;
  const org = useOrg();
  const r = useRights();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [days, setDays] = useState(String(was));
  const save = useMutation({
    mutationFn: () => stepUp(() => put<SettingsWire>(kind.path, { org: org.id, body: { [kind.field]: Number(days) } })),
    onError: (err) => asProblem(err).isWaiting && setDays(String(was)), // what was asked for waits elsewhere
    onSuccess: async (now) => {
      client.setQueryData(settingsQuery(org.id).queryKey, now);
      setDays(String(was)); // what was saved comes with the answer
      await client.invalidateQueries({ queryKey: [org.id, "settings-history"] });
      toasts.say(`Saved. ${kind.scope}`);
    },
  });
  const wrong = (text: string) => {
    const n = Number(text);
    return /^\d{1,4}$/.test(text) && (n === 0 || (n >= least && n <= 3650)) ? undefined : `From ${least} to 3650 days; 0 takes the installation’s time.`;
  };
  const changed = days !== String(was);
  const shorter = changed && !wrong(days) && Number(days) > 0 && (was === 0 || Number(days) < was);
  return (
    <form
      className="card"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (changed && !wrong(days) && !save.isPending) save.mutate();
      }}
    >
      <header>
        <h2>{kind.title}</h2>
      </header>
      <div className="body stack">
        <TextField
          label={kind.label}
          inputMode="numeric"
          disabled={!r.manage}
          hint={`From ${least} to 3650; 0: as long as the installation keeps them. ${kind.scope}`}
          value={days}
          check={wrong}
          error={save.error ? asProblem(save.error).field(kind.field) : undefined}
          onText={setDays}
        />
        {shorter && <Note meaning="warn">{kind.warning(days)}</Note>}
        <FormProblem error={save.error} fields={[kind.field]} />
        {r.manage && (
          <div>
            <Button type="submit" disabled={!changed || wrong(days) !== undefined} busy={save.isPending}>
              {kind.verb}
            </Button>
          </div>
        )}
      </div>
    </form>
  );
}
