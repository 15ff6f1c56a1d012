import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post, put } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { SettingsWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { TextArea } from "../../ui/field";
import { Note } from "../../ui/states";
import { Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { useOrg, useRights } from "../shell/org";
import { settingsQuery } from "./queries";

/** The legal hold: while one is in force, nothing is deleted because it is old. */
export function LegalHold({ saved }: { saved: Dated<SettingsWire> }) {
  const org = useOrg();
  const r = useRights();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [asking, setAsking] = useState<"set" | "lift">();
  const [reason, setReason] = useState("");
  const holds = saved.legal_holds ?? [];
  const own = holds.find((h) => h.set_by === "organization");
  const act = useMutation({
    mutationFn: (what: "set" | "lift") =>
      stepUp(() => (what === "set" ? put<unknown>("/org/legal-hold", { org: org.id, body: { reason } }) : post<unknown>("/org/legal-hold/lift", { org: org.id, body: { reason } }))),
    onSuccess: async (_, what) => {
      close();
      toasts.say(what === "set" ? "The legal hold is in force." : "The legal hold is lifted.");
      await Promise.all([client.invalidateQueries({ queryKey: settingsQuery(org.id).queryKey }), client.invalidateQueries({ queryKey: [org.id, "settings-history"] })]);
    },
  });
  const close = () => {
    setAsking(undefined);
    setReason("");
    act.reset();
  };
  return (
    <section className="card">
      <header>
        <h2>Legal hold</h2>
      </header>
      <div className="body stack">
        {holds.length === 0 && <p className="dim">None is in force. While one is, neither recordings nor the content of the audit log are deleted, however old they are, and the organization cannot be deleted.</p>}
        {holds.map((h) => (
          <Note key={h.set_by} meaning="warn">
            Nothing is deleted because it is old: {h.reason} (set by {h.by} {h.set_by === "platform" ? "for the platform, which alone can lift it, " : ""}
            <Time at={h.at} />)
          </Note>
        ))}
        {r.manage && (
          <div>
            {own ? (
              <Button kind="danger" onClick={() => setAsking("lift")}>
                Lift the legal hold
              </Button>
            ) : (
              <Button onClick={() => setAsking("set")}>Set a legal hold</Button>
            )}
          </div>
        )}
      </div>
      {asking && (
        <Confirm
          title={asking === "set" ? "Set a legal hold" : "Lift the legal hold"}
          verb={asking === "set" ? "Set it" : "Lift it"}
          kind={asking === "set" ? "primary" : "danger solid"}
          busy={act.isPending}
          error={act.error}
          onClose={close}
          onConfirm={() => reason.trim() !== "" && act.mutate(asking)}
        >
          <div className="stack">
            <p>
              {asking === "set"
                ? "From now on nothing is deleted because it is old. Lifting it again waits for a second administrator, where there is one."
                : "What is too old is deleted soon after, and cannot be shown to anybody again. Where another administrator could decide, this waits for them."}
            </p>
            <TextArea label="Why" rows={2} hint="Kept in the history of these settings." value={reason} error={act.error ? asProblem(act.error).field("reason") : undefined} onText={setReason} />
          </div>
        </Confirm>
      )}
    </section>
  );
}
