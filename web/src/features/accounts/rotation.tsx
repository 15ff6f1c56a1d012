import { useQuery, useQueryClient } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { useEffect, useState } from "react";
import { asProblem } from "../../api/problem";
import type { Account, Rotation } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { plural } from "../../ui/format";
import { Failed, FormProblem, Note } from "../../ui/states";
import { Facts, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useOrg, useRights } from "../shell/org";
import { rotationsQuery, underWay, useAccountChanges } from "./queries";

const because = { incident: "an emergency has used it", checkin: "somebody has seen it", policy: "a policy asks for it" } as const;
const triggers = { manual: "By hand", schedule: "By schedule", checkin: "After a checkout", policy: "By policy", incident: "After an emergency" } as const;

/** When the credential is replaced at its host, what became of it, and doing it now. */
export function RotationSection({ account }: { account: Account }) {
  const org = useOrg();
  const r = useRights();
  const client = useQueryClient();
  const toasts = useToasts();
  const { rotate } = useAccountChanges(account.id);
  const { data, error, refetch } = useQuery(rotationsQuery(org.id, account.id));
  const [dialog, setDialog] = useState<"rotate" | "schedule">();
  const last = data?.items[0];
  const busy = last !== undefined && underWay(last);
  const seen = last && `${last.id} ${last.state} ${last.new_version ?? 0}`;
  useEffect(() => {
    if (seen) void client.invalidateQueries({ queryKey: [org.id, "account", account.id] });
  }, [client, org.id, account.id, seen]);
  const close = () => setDialog(undefined);
  return (
    <section>
      <h3>Rotation</h3>
      <div className="stack">
        {error && <Failed error={error} what="the rotations" retry={() => void refetch()} />}
        {account.rotation_due_since && (
          <Note meaning="warn">
            To be rotated{account.rotation_due_reason && `, because ${because[account.rotation_due_reason]}`}: due since <Time at={new Date(account.rotation_due_since)} />. It begins by itself when nobody uses it for that any more.
          </Note>
        )}
        {last && <Outcome last={last} />}
        <Facts
          rows={[
            ["Last rotated", account.last_rotation_at ? <Time key="l" at={account.last_rotation_at} /> : "Never"],
            ["Schedule", account.rotate_every > 0 ? `Every ${plural(account.rotate_every, "day")}` : "None: by hand, and after a checkout or an emergency"],
            account.next_rotation_at && ["Next", <Time key="n" at={account.next_rotation_at} />],
            last && ["Latest", `${triggers[last.trigger]}, ${plural(last.attempt, "attempt")}`],
          ]}
        />
        {r.manage && (
          <div className="row wrap">
            <Button icon={RefreshCw} disabled={busy} onClick={() => setDialog("rotate")}>
              Rotate now
            </Button>
            <Button onClick={() => setDialog("schedule")}>Change schedule</Button>
          </div>
        )}
      </div>
      {dialog === "rotate" && (
        <Confirm
          title={`Rotate the credential of ${account.name}`}
          verb="Rotate credential"
          kind="primary"
          busy={rotate.isPending}
          error={rotate.error}
          onClose={close}
          onConfirm={() =>
            rotate.mutate(undefined, {
              onSuccess: () => {
                toasts.say(`The credential of ${account.name} is being rotated.`);
                close();
              },
            })
          }
        >
          A new {account.kind === "ssh_key" ? "key" : "password"} is set on the host, proved by a sign-in, and used from then on. The old one stops working there, also for whatever uses it outside of VaultPAM. Running sessions stay.
        </Confirm>
      )}
      {dialog === "schedule" && <Schedule account={account} onClose={close} />}
    </section>
  );
}

function Outcome({ last }: { last: Rotation }) {
  if (underWay(last)) {
    return (
      <p aria-live="polite">
        <State meaning="live">Being rotated now</State>
      </p>
    );
  }
  if (last.state === "completed" && last.old_key !== "left") return null;
  if (last.state === "superseded") return null;
  return (
    <Note meaning="bad" live>
      {last.state === "tidying" || last.state === "completed" ? "The new key is in use, but the host still accepts the old one" : "The last rotation failed"}
      {last.detail && `: ${last.detail}`}.{" "}
      {last.next_attempt_at ? (
        <>
          Next attempt: <Time at={last.next_attempt_at} />.
        </>
      ) : (
        "It is not tried again by itself."
      )}{" "}
      {last.state !== "tidying" && last.state !== "completed" && (last.target_state === "unchanged" ? "The host is unchanged: sessions go on with the present credential." : "Which credential the host accepts is not known: both are kept, and the next attempt asks it first.")}
    </Note>
  );
}

function Schedule({ account, onClose }: { account: Account; onClose: () => void }) {
  const [days, setDays] = useState(account.rotate_every > 0 ? String(account.rotate_every) : "");
  const { update } = useAccountChanges(account.id);
  const toasts = useToasts();
  const check = (v: string) => (/^\d{0,3}$/.test(v) && Number(v) <= 365 ? undefined : "A number of days from 1 to 365, or nothing.");
  const ready = check(days) === undefined;
  return (
    <Dialog
      title={`Schedule of ${account.name}`}
      onClose={onClose}
      onSubmit={() =>
        ready &&
        !update.isPending &&
        update.mutate(
          { rotate_every: Number(days), version: account.version },
          {
            onSuccess: () => {
              toasts.say(Number(days) > 0 ? `${account.name} is rotated every ${plural(Number(days), "day")}.` : `${account.name} has no schedule.`);
              onClose();
            },
          },
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={update.isPending}>
            Save schedule
          </Button>
        </>
      }
    >
      <TextField
        label="Rotate every so many days"
        optional
        inputMode="numeric"
        value={days}
        onText={setDays}
        check={check}
        error={update.error ? asProblem(update.error).field("rotate_every") : undefined}
        hint="Counted from when the present credential was made: one that is older is rotated at once. Empty: no schedule."
      />
      <FormProblem error={update.error} fields={["rotate_every"]} />
    </Dialog>
  );
}
