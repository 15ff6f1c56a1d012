import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { post, put } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { LegalHoldWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { TextArea } from "../../ui/field";
import { Note } from "../../ui/states";
import { Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";

interface Side {
  /** Who looks: each lifts only the hold of its own side. */
  by: LegalHoldWire["set_by"];
  path: "/org/legal-hold" | `/platform/organizations/${string}/legal-hold`;
  org?: string; // id, for an organization's own
  holds: readonly Dated<LegalHoldWire>[];
  mayChange: boolean;
  /** Asks again for what a hold changed. */
  changed: () => Promise<unknown>;
}

/** The legal hold: while one is in force, nothing is deleted because it is old. */
export function LegalHold({ by, path, org, holds, mayChange, changed }: Side) {
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [asking, setAsking] = useState<"set" | "lift">();
  const [reason, setReason] = useState("");
  const own = holds.find((h) => h.set_by === by);
  const act = useMutation({
    mutationFn: (what: "set" | "lift") => stepUp(() => (what === "set" ? put<unknown>(path, { org, body: { reason } }) : post<unknown>(`${path}/lift`, { org, body: { reason } }))),
    onSuccess: async (_, what) => {
      close();
      toasts.say(what === "set" ? "The legal hold is in force." : "The legal hold is lifted.");
      await changed();
    },
  });
  const close = () => {
    setAsking(undefined);
    setReason("");
    act.reset();
  };
  return (
    <>
        {holds.length === 0 && <p className="dim">None is in force. While one is, neither recordings nor the content of the audit log are deleted, however old they are, and the organization cannot be deleted.</p>}
        {holds.map((h) => (
          <Note key={h.set_by} meaning="warn">
            Nothing is deleted because it is old: {h.reason} (set by {h.by} {words(h, by)}
            <Time at={h.at} />)
          </Note>
        ))}
        {mayChange && (
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
                ? `From now on nothing of the organization is deleted because it is old.${by === "organization" ? " Lifting it again waits for a second administrator, where there is one." : ""}`
                : `What is too old is deleted soon after, and cannot be shown to anybody again.${by === "organization" ? " Where another administrator could decide, this waits for them." : ""}`}
            </p>
            <TextArea label="Why" rows={2} hint="Kept in the history of these settings." value={reason} error={act.error ? asProblem(act.error).field("reason") : undefined} onText={setReason} />
          </div>
        </Confirm>
      )}
    </>
  );
}

function words(h: Dated<LegalHoldWire>, seenBy: Side["by"]): string {
  if (h.set_by === seenBy) return "";
  return h.set_by === "platform" ? "for the platform, which alone can lift it, " : "for the organization, which alone can lift it, ";
}
