import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Ban, CircleCheck, KeyRound, Trash2 } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { Account } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Dialog, Panel } from "../../ui/dialog";
import { plural } from "../../ui/format";
import { Failed, FormProblem, Note, Skeleton } from "../../ui/states";
import { Command, Facts, Id, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { checkoutsQuery } from "../checkouts/queries";
import { resourcesQuery } from "../resources/queries";
import { SafeLinks, useSafesOf } from "../safes/leading";
import { useOrg, useRights } from "../shell/org";
import { AccountState, kindWords } from "./list";
import { RotationSection } from "./rotation";
import { accountQuery, type Secret, useAccountChanges } from "./queries";
import { cleanSecret, SecretFields, secretReady } from "./secret-fields";

export function AccountPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const org = useOrg();
  const r = useRights();
  const { data: a, error, refetch } = useQuery(accountQuery(org.id, id));
  const leading = useSafesOf({ account: id });
  const resources = useQuery(resourcesQuery(org.id));
  const resource = resources.data?.items.find((x) => x.id === a?.resource_id);
  const changes = useAccountChanges(id);
  const toasts = useToasts();
  const [dialog, setDialog] = useState<"secret" | "disable" | "delete">();
  const using = leading.rows?.length;
  const done = (text: string) => {
    toasts.say(text);
    setDialog(undefined);
  };
  return (
    <Panel
      title={a?.name ?? "Account"}
      subtitle={
        a && (
          <>
            <code>{a.username}</code> on {resource?.name ?? "its resource"}
          </>
        )
      }
      onClose={onClose}
      footer={
        r.manage &&
        a && (
          <>
            <Button icon={KeyRound} onClick={() => setDialog("secret")}>
              Replace secret
            </Button>
            {a.state === "enabled" ? (
              <Button icon={Ban} onClick={() => setDialog("disable")}>
                Disable
              </Button>
            ) : (
              <Button icon={CircleCheck} busy={changes.setEnabled.isPending} onClick={() => changes.setEnabled.mutate(true, { onSuccess: () => done(`${a.name} is enabled.`), onError: toasts.fail })}>
                Enable
              </Button>
            )}
            <Button kind="danger" icon={Trash2} onClick={() => setDialog("delete")}>
              Delete
            </Button>
          </>
        )
      }
    >
      {error ? (
        <Failed error={error} what="this account" retry={() => void refetch()} />
      ) : !a ? (
        <Skeleton width="60%" />
      ) : (
        <>
          {a.state === "disabled" && <Note meaning="warn">Disabled: no safe can use it until an admin enables it again.</Note>}
          <section>
            <h3>Facts</h3>
            <Facts
              rows={[
                ["State", <AccountState key="s" account={a} />],
                ["Secret", `${kindWords[a.kind]}, version ${a.credential_version}`],
                ["Changed", <Time key="t" at={a.updated_at} />],
                a.fingerprint && ["Key", <Id key="f" value={a.fingerprint} what="fingerprint" />],
                [
                  "Resource",
                  <Link key="r" to="/o/$org/resources" params={{ org: org.slug }} search={{ open: a.resource_id }}>
                    {resource?.name ?? a.resource_id}
                  </Link>,
                ],
                ["Id", <Id key="i" value={a.id} what="account id" />],
              ]}
            />
          </section>
          <RotationSection account={a} />
          {a.public_key && (
            <section>
              <h3>Public key</h3>
              <p className="dim small">The line for ~/.ssh/authorized_keys of {a.username} on the host.</p>
              <Command text={a.public_key} what="public key" prompt={false} />
            </section>
          )}
          <section>
            <h3>Checkouts</h3>
            <HeldBy account={a} />
          </section>
          <section>
            <h3>Safes that use it</h3>
            <SafeLinks of={leading} none="None, so nobody can sign in with it." />
          </section>
        </>
      )}
      {dialog === "secret" && a && <ReplaceSecret account={a} onClose={() => setDialog(undefined)} onDone={() => done(`${a.name} has a new secret. Running sessions keep the old one.`)} />}
      {dialog === "disable" && a && (
        <Confirm
          title={`Disable ${a.name}`}
          verb="Disable account"
          busy={changes.setEnabled.isPending}
          error={changes.setEnabled.error}
          onClose={() => setDialog(undefined)}
          onConfirm={() => changes.setEnabled.mutate(false, { onSuccess: () => done(`${a.name} is disabled.`) })}
        >
          {using === 0 ? "No safe uses it." : `${using === undefined || leading.list.hasNextPage ? "The safes that use it stop" : `${plural(using, "safe")} stop${using === 1 ? "s" : ""}`} working, and their running sessions end at once.`} You can enable it again.
        </Confirm>
      )}
      {dialog === "delete" && a && (
        <Confirm
          title={`Delete ${a.name}`}
          verb="Delete account"
          typeName={a.name}
          busy={changes.remove.isPending}
          error={changes.remove.error}
          onClose={() => setDialog(undefined)}
          onConfirm={() =>
            changes.remove.mutate(undefined, {
              onSuccess: () => {
                toasts.say(`${a.name} is deleted.`);
                onClose();
              },
            })
          }
        >
          Its sealed secret is destroyed and cannot be brought back. {using !== 0 && "Safes still use it: the server refuses until they are gone."}
        </Confirm>
      )}
    </Panel>
  );
}

/** Who sees its credential now, and where all who saw it are listed. */
function HeldBy({ account }: { account: Account }) {
  const org = useOrg();
  const list = useInfiniteQuery(checkoutsQuery(org.id, { active: true, account: account.id }));
  const held = list.data?.pages[0]?.items[0];
  return (
    <>
      <p className="dim">
        {held ? (
          <>
            {held.user.name} has its credential checked out, until <Time at={held.expires_at} />.
          </>
        ) : (
          list.data && "Nobody has its credential checked out."
        )}
      </p>
      <Link to="/o/$org/checkouts" params={{ org: org.slug }} search={{ show: "all", account: account.id }}>
        All its checkouts
      </Link>
    </>
  );
}

function ReplaceSecret({ account, onClose, onDone }: { account: Account; onClose: () => void; onDone: () => void }) {
  const [secret, setSecret] = useState<Secret>({});
  const { update } = useAccountChanges(account.id);
  const ready = secretReady(account.kind, secret);
  return (
    <Dialog
      title={`Replace the secret of ${account.name}`}
      onClose={onClose}
      sticky
      onSubmit={() => ready && !update.isPending && update.mutate(cleanSecret(account.kind, secret), { onSuccess: onDone })}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={update.isPending}>
            Seal new secret
          </Button>
        </>
      }
    >
      <p className="dim">Use this when the secret has changed on the host. The next session signs in with the new one.</p>
      <SecretFields kind={account.kind} secret={secret} set={setSecret} problem={update.error ? asProblem(update.error) : undefined} />
      <FormProblem error={update.error} fields={["password", "private_key", "passphrase"]} />
    </Dialog>
  );
}
