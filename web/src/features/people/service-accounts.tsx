import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Bot } from "lucide-react";
import { useState } from "react";
import { del, getAll, post } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { OrgRole, ServiceAccountWire, Token, TokenWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Dialog, Panel } from "../../ui/dialog";
import { RadioList, TextField } from "../../ui/field";
import { plural } from "../../ui/format";
import { Empty, Failed, FormProblem, Skeleton } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Facts, Id, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { useOrg, useRights } from "../shell/org";
import { roleWords } from "../shell/rights";
import { ServiceToken } from "./service-token";

export type ServiceAccount = Dated<ServiceAccountWire>;

function accountsQuery(org: string) {
  return queryOptions({ queryKey: [org, "service-accounts"], queryFn: ({ signal }) => getAll<ServiceAccountWire>("/service-accounts", { org, signal }) });
}

/** The tokens of everybody: those of service accounts are among them. */
function allTokensQuery(org: string) {
  return queryOptions({ queryKey: [org, "service-accounts", "tokens"], queryFn: ({ signal }) => getAll<TokenWire>("/tokens", { org, signal, query: { all: true } }) });
}

export function useServiceAccountChanges() {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const onSuccess = () => Promise.all([client.invalidateQueries({ queryKey: [org, "service-accounts"] }), client.invalidateQueries({ queryKey: [org, "members"] })]);
  return {
    add: useMutation({ mutationFn: (body: { name: string; role: string }) => stepUp(() => post<ServiceAccountWire>("/service-accounts", { org, body })), onSuccess }),
    remove: useMutation({ mutationFn: (id: string) => stepUp(() => del(`/service-accounts/${id}`, { org })), onSuccess }),
    addToken: useMutation({
      mutationFn: (body: { name: string; scopes: string[]; networks?: string[]; expires_in_days: number; service_account_id: string }) => stepUp(() => post<TokenWire>("/tokens", { org, body })),
      onSuccess,
      gcTime: 0,
    }),
    revokeToken: useMutation({ mutationFn: (id: string) => stepUp(() => del(`/tokens/${id}`, { org })), onSuccess }),
  };
}

/** Members that nobody signs in as: programs, by the tokens that are issued to them. */
export function ServiceAccounts() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/people" });
  const navigate = useNavigate({ from: "/o/$org/people" });
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const { data, error, refetch } = useQuery(accountsQuery(org.id));
  if (error) return <Failed error={error} what="the service accounts" retry={() => void refetch()} />;
  const open = data?.items.find((a) => a.id === search.open);
  const columns: Column<ServiceAccount>[] = [
    {
      name: "Name",
      cell: (a) => (
        <button type="button" className="row-open" onClick={() => set({ open: a.id })}>
          {a.name}
        </button>
      ),
    },
    { name: "Handle", from: "tablet", cell: (a) => <code>{a.handle}</code> },
    { name: "Role", cell: (a) => roleWords[a.role].label },
    { name: "Tokens", cell: (a) => (a.tokens > 0 ? plural(a.tokens, "valid token") : <span className="faint">none</span>) },
    { name: "Made", from: "phone", cell: (a) => <Time at={a.created_at} /> },
  ];
  return (
    <>
      <p className="dim prose section">Members for programs: nobody signs in as one. They act by API tokens that you issue, and join safes as people do.</p>
      {data && data.items.length === 0 ? (
        <div className="card">
          <Empty icon={Bot} title="No service accounts" action={r.manage && <Button kind="primary" onClick={() => set({ new: "service-account" })}>New service account</Button>}>
            Make one for a pipeline or a script, so that it does not act in a person’s name.
          </Empty>
        </div>
      ) : (
        <Table label="Service accounts" columns={columns} rows={data?.items} id={(a) => a.id} selected={search.open} onOpen={(a) => set({ open: a.id })} />
      )}
      {open && <AccountPanel key={open.id} account={open} onClose={() => set({ open: undefined })} />}
      {search.new === "service-account" && r.manage && <NewAccount onClose={(made) => set({ new: undefined, ...(made ? { open: made } : {}) })} />}
    </>
  );
}

function AccountPanel({ account: a, onClose }: { account: ServiceAccount; onClose: () => void }) {
  const org = useOrg();
  const r = useRights();
  const tokens = useQuery({ ...allTokensQuery(org.id), enabled: r.manage });
  const { remove, revokeToken } = useServiceAccountChanges();
  const toasts = useToasts();
  const [leaving, setLeaving] = useState(false);
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<Token>();
  const own = tokens.data?.items.filter((t) => t.owner_id === a.id) ?? [];
  return (
    <Panel
      title={a.name}
      subtitle="Service account"
      onClose={onClose}
      footer={
        r.manage && (
          <>
            <Button kind="primary" onClick={() => setAdding(true)}>
              New token
            </Button>
            <Button kind="danger" onClick={() => setLeaving(true)}>
              Remove
            </Button>
          </>
        )
      }
    >
      <section>
        <Facts
          rows={[
            ["Role", roleWords[a.role].label],
            ["Handle", <code key="h">{a.handle}</code>],
            ["Made", <Time key="m" at={a.created_at} />],
            ["Id", <Id key="i" value={a.id} what="service account id" />],
          ]}
        />
      </section>
      {r.manage && (
        <section className="stack">
          <h3>Tokens</h3>
          <FormProblem error={tokens.error ?? revokeToken.error} />
          {!tokens.data && !tokens.error && <Skeleton width={200} />}
          {tokens.data && own.length === 0 && <p className="dim">None. Without a token it can do nothing.</p>}
          <ul className="item-list">
            {own.map((t) => (
              <li key={t.id} className="top">
                <div className="grow stack tight">
                  <div className="row wrap">
                    <strong>{t.name}</strong> {t.expires_at.getTime() < Date.now() && <State meaning="warn">Expired</State>}
                  </div>
                  <div className="small dim">{t.scopes.join(", ")}</div>
                  <div className="small dim">{t.networks && t.networks.length > 0 ? `From ${t.networks.join(", ")} only` : "From anywhere"}</div>
                  <div className="small dim">
                    Ends <Time at={t.expires_at} />, last used {t.last_used_at ? <Time at={t.last_used_at} /> : "never"}
                  </div>
                </div>
                <Button small kind="danger" aria-label={`Revoke token ${t.name}`} onClick={() => setRevoking(t)}>
                  Revoke
                </Button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {adding && <ServiceToken account={a} onClose={() => setAdding(false)} />}
      {revoking && (
        <Confirm
          title={`Revoke ${revoking.name}`}
          verb="Revoke token"
          busy={revokeToken.isPending}
          error={revokeToken.error}
          onClose={() => setRevoking(undefined)}
          onConfirm={() => revokeToken.mutate(revoking.id, { onSuccess: () => setRevoking(undefined) })}
        >
          Whatever uses it is refused from the next call on. This cannot be undone.
        </Confirm>
      )}
      {leaving && (
        <Confirm
          title={`Remove ${a.name}`}
          verb="Remove service account"
          typeName={a.name}
          busy={remove.isPending}
          error={remove.error}
          onClose={() => setLeaving(false)}
          onConfirm={() =>
            // The panel may be gone with its row before the answer is told, and a mutation tells nothing to who is gone.
            remove.mutateAsync(a.id).then(
              () => {
                toasts.say(`${a.name} is removed.`);
                onClose();
              },
              () => undefined, // the dialog shows it
            )
          }
        >
          Its tokens and live sessions end at once, and it leaves its safes. What it did stays in the audit log.
        </Confirm>
      )}
    </Panel>
  );
}

const roles = (["operator", "auditor", "admin"] as const).map((value) => ({ value, ...roleWords[value] }));

function nameProblem(name: string): string | undefined {
  return name === "" || /^[a-z][a-z0-9-]{1,31}$/.test(name) ? undefined : "2 to 32 small letters, digits and hyphens, beginning with a letter.";
}

function NewAccount({ onClose }: { onClose: (made?: string) => void }) {
  const { add } = useServiceAccountChanges();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Exclude<OrgRole, "owner">>("operator");
  const ready = name !== "" && !nameProblem(name);
  return (
    <Dialog
      title="New service account"
      sticky
      onClose={() => onClose()}
      onSubmit={() => ready && !add.isPending && add.mutate({ name, role }, { onSuccess: (made) => onClose(made.id) })}
      footer={
        <>
          <Button onClick={() => onClose()}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={add.isPending}>
            Create service account
          </Button>
        </>
      }
    >
      <TextField label="Name" mono autoFocus hint="What it is for, such as nightly-backup." value={name} check={nameProblem} error={add.error ? asProblem(add.error).field("name") : undefined} onText={setName} />
      <RadioList legend="Role" value={role} options={roles} onPick={setRole} />
      <FormProblem error={add.error} fields={["name"]} />
    </Dialog>
  );
}
