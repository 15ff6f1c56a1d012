import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, Smartphone, Trash2 } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { Factor } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { SecretField } from "../../ui/field";
import { plural } from "../../ui/format";
import { Failed, FormProblem, Note, Skeleton } from "../../ui/states";
import { Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { BackupCodes } from "../auth/backup-codes";
import { passwordProblem } from "../auth/password-rules";
import { TotpSetup } from "../auth/totp-setup";
import { factorsQuery, useProfileChanges } from "./queries";

export function Security() {
  return (
    <div className="form-page stack wide">
      <Factors />
      <Password />
    </div>
  );
}

function Factors() {
  const client = useQueryClient();
  const { data, error, refetch } = useQuery(factorsQuery);
  const changes = useProfileChanges();
  const toasts = useToasts();
  const [dialog, setDialog] = useState<"add" | "codes" | "new-codes">();
  const [codes, setCodes] = useState<string[]>([]);
  const [leaving, setLeaving] = useState<Factor>();
  if (error) return <Failed error={error} what="your second factors" retry={() => void refetch()} />;
  const only = data?.items.length === 1;
  const show = (list: string[]) => {
    setCodes(list);
    setDialog("codes");
  };
  return (
    <section className="card">
      <header>
        <h2>Second factor</h2>
        <Button small icon={Plus} onClick={() => setDialog("add")}>
          Add an app
        </Button>
      </header>
      <ul className="item-list">
        {!data && (
          <li>
            <Skeleton width={220} />
          </li>
        )}
        {data?.items.map((f) => (
          <li key={f.id}>
            <Smartphone className="icon" aria-hidden />
            <div className="grow">
              <div>{f.name || "Authenticator app"}</div>
              <div className="small dim">
                Added <Time at={f.created_at} />
                {f.last_used_at && (
                  <>
                    , last used <Time at={f.last_used_at} />
                  </>
                )}
              </div>
            </div>
            {!only && <IconButton small icon={Trash2} label={`Remove the app added ${f.created_at.toLocaleDateString()}`} onClick={() => setLeaving(f)} />}
          </li>
        ))}
        {data && (
          <li>
            <div className="grow">
              <div>Backup codes</div>
              <div className="small dim">{data.backup_codes_left === 0 ? "None left" : `${plural(data.backup_codes_left, "code")} left of ten`}</div>
            </div>
            <Button small onClick={() => setDialog("new-codes")}>
              Make new codes
            </Button>
          </li>
        )}
      </ul>
      {data && data.backup_codes_left <= 2 && (
        <div className="body">
          <Note meaning="warn">Few backup codes are left. Make new ones while you can still sign in.</Note>
        </div>
      )}
      {dialog === "add" && (
        <Dialog title="Add an authenticator app" sticky onClose={() => setDialog(undefined)}>
          <TotpSetup
            done={(backup) => {
              void client.invalidateQueries({ queryKey: factorsQuery.queryKey });
              if (backup && backup.length > 0) show(backup);
              else {
                setDialog(undefined);
                toasts.say("The app is added.");
              }
            }}
          />
        </Dialog>
      )}
      {dialog === "new-codes" && (
        <Confirm
          title="Make new backup codes"
          verb="Make new codes"
          busy={changes.newBackupCodes.isPending}
          error={changes.newBackupCodes.error}
          onClose={() => setDialog(undefined)}
          onConfirm={() => changes.newBackupCodes.mutate(undefined, { onSuccess: (a) => show(a.backup_codes ?? []) })}
        >
          The old codes stop working at once.
        </Confirm>
      )}
      {dialog === "codes" && (
        <Dialog title="Your backup codes" sticky onClose={() => setDialog(undefined)}>
          <BackupCodes codes={codes} verb="Done" done={() => setDialog(undefined)} />
        </Dialog>
      )}
      {leaving && (
        <Confirm
          title="Remove this app"
          verb="Remove"
          busy={changes.removeFactor.isPending}
          error={changes.removeFactor.error}
          onClose={() => setLeaving(undefined)}
          onConfirm={() => changes.removeFactor.mutate(leaving.id, { onSuccess: () => window.location.assign("/sign-in") })}
        >
          Its codes stop working, and all your sign-ins end, this one too. Sign in again with another app.
        </Confirm>
      )}
    </section>
  );
}

function Password() {
  const { changePassword } = useProfileChanges();
  const toasts = useToasts();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const problem = changePassword.error ? asProblem(changePassword.error) : undefined;
  const ready = current !== "" && next !== "" && !passwordProblem(next);
  return (
    <section className="card">
      <header>
        <h2>Password</h2>
      </header>
      <form
        className="body stack narrow-form"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (!ready || changePassword.isPending) return;
          changePassword.mutate(
            { current, new: next },
            {
              onSuccess: () => {
                setCurrent("");
                setNext("");
                toasts.say("Your password is changed. Your other sign-ins have ended.");
              },
            },
          );
        }}
      >
        <SecretField label="Current password" autoComplete="current-password" value={current} error={problem?.field("current")} onText={setCurrent} />
        <SecretField label="New password" autoComplete="new-password" hint="At least 12 characters." value={next} check={passwordProblem} error={problem?.field("new")} onText={setNext} />
        <FormProblem error={changePassword.error} fields={["current", "new"]} />
        <div>
          <Button type="submit" disabled={!ready} busy={changePassword.isPending}>
            Change password
          </Button>
        </div>
      </form>
    </section>
  );
}
