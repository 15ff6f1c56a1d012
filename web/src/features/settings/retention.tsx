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

function daysProblem(days: string): string | undefined {
  const n = Number(days);
  return /^\d{1,4}$/.test(days) && (n === 0 || (n >= 7 && n <= 3650)) ? undefined : "From 7 to 3650 days; 0 takes the installation’s time.";
}

/** How long recordings are kept: a change of its own, because shortening it loses evidence. */
export function Retention({ saved }: { saved: Dated<SettingsWire> }) {
  const org = useOrg();
  const r = useRights();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [days, setDays] = useState(String(saved.recording_days));
  const save = useMutation({
    mutationFn: () => stepUp(() => put<SettingsWire>("/org/settings/recording-retention", { org: org.id, body: { recording_days: Number(days) } })),
    onError: (err) => asProblem(err).isWaiting && setDays(String(saved.recording_days)), // what was asked for waits elsewhere
    onSuccess: async (now) => {
      client.setQueryData(settingsQuery(org.id).queryKey, now);
      await client.invalidateQueries({ queryKey: [org.id, "settings-history"] });
      toasts.say("Saved. It holds for sessions that end from now on.");
    },
  });
  const changed = days !== String(saved.recording_days);
  const shorter = changed && !daysProblem(days) && Number(days) > 0 && (saved.recording_days === 0 || Number(days) < saved.recording_days);
  return (
    <form
      className="card"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (changed && !daysProblem(days) && !save.isPending) save.mutate();
      }}
    >
      <header>
        <h2>Recordings</h2>
      </header>
      <div className="body stack">
        <TextField
          label="Keep recordings, days"
          inputMode="numeric"
          disabled={!r.manage}
          hint="From 7 to 3650; 0: as long as the installation keeps them. It holds for sessions that end from now on."
          value={days}
          check={daysProblem}
          error={save.error ? asProblem(save.error).field("recording_days") : undefined}
          onText={setDays}
        />
        {shorter && <Note meaning="warn">Recordings of later sessions are deleted after {days} days. What is deleted cannot be shown to anybody again.</Note>}
        <FormProblem error={save.error} fields={["recording_days"]} />
        {r.manage && (
          <div>
            <Button type="submit" disabled={!changed || daysProblem(days) !== undefined} busy={save.isPending}>
              Save retention
            </Button>
          </div>
        )}
      </div>
    </form>
  );
}
