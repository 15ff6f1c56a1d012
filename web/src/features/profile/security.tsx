import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Fingerprint, KeyRound, Pencil, Plus, Smartphone, Trash2 } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { Factor } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { SecretField, TextField } from "../../ui/field";
import { plural } from "../../ui/format";
import { Failed, FormProblem, Note, Skeleton } from "../../ui/states";
import { Badge, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { BackupCodes } from "../auth/backup-codes";
import { KeySetup } from "../auth/key-setup";
import { passwordProblem } from "../auth/password-rules";
import { useStepUp } from "../auth/step-up";
import { TotpSetup } from "../auth/totp-setup";
import { hasWebAuthn } from "../auth/webauthn";
import { Phone } from "./phone";
import { factorsQuery, useProfileChanges } from "./queries";
import { SignIns } from "./sign-ins";

export function Security() {
  return (
    <div className="form-page stack wide">
      <Factors />
      <Password />
      <Phone />
      <SignIns />
    </div>
  );
}

function Factors() {
  const client = useQueryClient();
  const { data, error, refetch } = useQuery(factorsQuery);
  const changes = useProfileChanges();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [dialog, setDialog] = useState<"app" | "key" | "codes" | "new-codes">();
  const [codes, setCodes] = useState<string[]>([]);
  const [leaving, setLeaving] = useState<Factor>();
  const [naming, setNaming] = useState<Factor>();
  if (error) return <Failed error={error} what="your second factors" retry={() => void refetch()} />;
  const only = data?.items.length === 1;
  const show = (list: string[]) => {
    setCodes(list);
    setDialog("codes");
  };
  const added = (said: string) => (backup: string[] | undefined) => {
    void client.invalidateQueries({ queryKey: factorsQuery.queryKey });
    if (backup && backup.length > 0) return show(backup);
    setDialog(undefined);
    toasts.say(said);
  };
  return (
    <section className="card">
      <header>
        <h2>Second factors</h2>
        <span className="row">
          <Button small icon={Plus} onClick={() => setDialog("app")}>
            Add an app
          </Button>
          {hasWebAuthn() && (
            <Button small icon={Plus} onClick={() => setDialog("key")}>
              Add a key
            </Button>
          )}
        </span>
      </header>
      <ul className="item-list">
        {!data && (
          <li>
            <Skeleton width={220} />
          </li>
        )}
        {data?.items.map((f) => (
          <li key={f.id}>
            <FactorIcon factor={f} />
            <div className="grow">
              <div className="row wrap">
                {factorName(f)} {f.passkey && <Badge title="It signs you in without a password.">Passkey</Badge>} {f.synced && <Badge title="Your device may copy it to your other devices.">Synced</Badge>}
              </div>
              <div className="small dim">
                Added <Time at={f.created_at} />
                {f.last_used_at ? (
                  <>
                    , last used <Time at={f.last_used_at} />
                  </>
                ) : (
                  ", not used yet"
                )}
              </div>
            </div>
            <IconButton small icon={Pencil} label={`Rename ${factorName(f)}`} onClick={() => setNaming(f)} />
            {!only && <IconButton small icon={Trash2} label={`Remove ${factorName(f)}, added ${f.created_at.toLocaleDateString()}`} onClick={() => setLeaving(f)} />}
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
      {dialog === "app" && (
        <Dialog title="Add an authenticator app" sticky onClose={() => setDialog(undefined)}>
          <TotpSetup labelled guard={stepUp} done={added("The app is added.")} />
        </Dialog>
      )}
      {dialog === "key" && (
        <Dialog title="Add a security key or passkey" sticky onClose={() => setDialog(undefined)}>
          <KeySetup guard={stepUp} done={added("The key is added.")} />
        </Dialog>
      )}
      {naming && <Rename factor={naming} onClose={() => setNaming(undefined)} />}
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
          title={`Remove ${factorName(leaving)}`}
          verb="Remove"
          busy={changes.removeFactor.isPending}
          error={changes.removeFactor.error}
          onClose={() => setLeaving(undefined)}
          onConfirm={() => changes.removeFactor.mutate(leaving.id, { onSuccess: () => window.location.assign("/sign-in") })}
        >
          It stops working, and all your sign-ins end, this one too. Sign in again with another factor.
        </Confirm>
      )}
    </section>
  );
}

function factorName(f: Factor): string {
  return f.name || (f.kind === "totp" ? "Authenticator app" : f.passkey ? "Passkey" : "Security key");
}

function FactorIcon({ factor: f }: { factor: Factor }) {
  const Icon = f.kind === "totp" ? Smartphone : f.passkey ? Fingerprint : KeyRound;
  return <Icon className="icon" aria-hidden />;
}

function Rename({ factor, onClose }: { factor: Factor; onClose: () => void }) {
  const { renameFactor } = useProfileChanges();
  const [name, setName] = useState(factor.name);
  const problem = renameFactor.error ? asProblem(renameFactor.error) : undefined;
  return (
    <Dialog
      title={`Rename ${factorName(factor)}`}
      onClose={onClose}
      onSubmit={() => !renameFactor.isPending && renameFactor.mutate({ id: factor.id, name: name.trim() }, { onSuccess: onClose })}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={renameFactor.isPending}>
            Rename
          </Button>
        </>
      }
    >
      <TextField label="Label" autoFocus maxLength={64} value={name} error={problem?.field("name")} onText={setName} />
      <FormProblem error={renameFactor.error} fields={["name"]} />
    </Dialog>
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
