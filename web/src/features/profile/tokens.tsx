import { useQuery } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { Membership, Token } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { Check, SelectField, TextArea, TextField } from "../../ui/field";
import { Empty, Failed, FormProblem, Note } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Command, State, Time } from "../../ui/text";
import { networksProblem, parseNetworks } from "./networks";
import { tokensQuery, useProfileChanges } from "./queries";
import { scopeGroups } from "./scopes";

export function Tokens({ org }: { org: Membership | undefined }) {
  const { data, error, refetch } = useQuery({ ...tokensQuery(org?.org_id), enabled: org !== undefined });
  const { revokeToken } = useProfileChanges(org?.org_id);
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<Token>();
  if (!org) return <Note meaning="plain">API tokens belong to an organization, and you are a member of none.</Note>;
  if (error) return <Failed error={error} what="your API tokens" retry={() => void refetch()} />;
  const add = (
    <Button kind="primary" icon={Plus} onClick={() => setAdding(true)}>
      New token
    </Button>
  );
  const columns: Column<Token>[] = [
    { name: "Name", cell: (t) => <strong>{t.name}</strong> },
    { name: "Scopes", from: "phone", cell: (t) => <span className="small">{t.scopes.join(", ")}</span> },
    { name: "From", from: "desk", cell: (t) => <span className="small">{t.networks?.join(", ") || "anywhere"}</span> },
    { name: "Last used", from: "tablet", cell: (t) => (t.last_used_at ? <Time at={t.last_used_at} /> : <span className="faint">never</span>) },
    { name: "Expires", cell: (t) => (t.expires_at.getTime() < Date.now() ? <State meaning="warn">Expired</State> : <Time at={t.expires_at} />) },
    {
      name: "Revoke",
      right: true,
      quiet: true,
      cell: (t) => (
        <Button small kind="danger" aria-label={`Revoke token ${t.name}`} onClick={() => setLeaving(t)}>
          Revoke
        </Button>
      ),
    },
  ];
  return (
    <div className="stack">
      <div className="row between wrap">
        <p className="dim prose">For scripts and pipelines, in {org.name}. A token does at most what you may do, and only what its scopes say.</p>
        {data && data.items.length > 0 && add}
      </div>
      {data && data.items.length === 0 ? (
        <div className="card">
          <Empty icon={KeyRound} title="No API tokens" action={add}>
            Make one for a script, with the few scopes that it needs and an end.
          </Empty>
        </div>
      ) : (
        <Table label="API tokens" columns={columns} rows={data?.items} id={(t) => t.id} />
      )}
      {adding && <NewToken org={org} onClose={() => setAdding(false)} />}
      {leaving && (
        <Confirm
          title={`Revoke ${leaving.name}`}
          verb="Revoke token"
          busy={revokeToken.isPending}
          error={revokeToken.error}
          onClose={() => setLeaving(undefined)}
          onConfirm={() => revokeToken.mutate(leaving.id, { onSuccess: () => setLeaving(undefined) })}
        >
          Whatever uses it is refused from the next call on. This cannot be undone.
        </Confirm>
      )}
    </div>
  );
}

const lifetimes = [
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "180", label: "180 days, the longest" },
] as const;

function NewToken({ org, onClose }: { org: Membership; onClose: () => void }) {
  const { addToken } = useProfileChanges(org.org_id);
  const [name, setName] = useState("");
  const [days, setDays] = useState<string>("30");
  const [scopes, setScopes] = useState<string[]>([]);
  const problem = addToken.error ? asProblem(addToken.error) : undefined;
  const [networks, setNetworks] = useState("");
  const ready = name.trim() !== "" && scopes.length > 0 && !networksProblem(networks);

  if (addToken.data) {
    return (
      <Dialog title="Copy your token now" sticky onClose={onClose} footer={<Button kind="primary" onClick={onClose}>I have it</Button>}>
        <Note meaning="warn">It is shown only now. Whoever has it can act as you within its scopes.</Note>
        <Command text={addToken.data.token ?? ""} what="token" prompt={false} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title="New API token"
      wide
      onClose={onClose}
      onSubmit={() => ready && !addToken.isPending && addToken.mutate({ name: name.trim(), scopes, expires_in_days: Number(days), networks: parseNetworks(networks) })}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={addToken.isPending}>
            Create token
          </Button>
        </>
      }
    >
      <div className="pair">
        <TextField label="Name" autoFocus hint="What uses it, for example nightly-backup." value={name} error={problem?.field("name")} onText={setName} />
        <SelectField label="Expires after" value={days} options={lifetimes} error={problem?.field("expires_in_days")} onPick={setDays} />
      </div>
      <TextArea
        label="Networks"
        optional
        mono
        rows={2}
        hint="Where it may be used from, such as 192.0.2.0/24, one a line. Empty: from anywhere."
        value={networks}
        check={networksProblem}
        error={problem?.field("networks")}
        onText={setNetworks}
      />
      <fieldset className="stack">
        <legend className="legend">Scopes</legend>
        {problem?.field("scopes") && <p className="dim">{problem.field("scopes")}</p>}
        {scopeGroups(org.role).map((g) => (
          <div key={g.label} className="scope-group">
            <span className="small dim">{g.label}</span>
            <div className="scope-list">
              {g.scopes.map((s) => (
                <Check key={s.value} label={s.value} means={s.means} checked={scopes.includes(s.value)} onCheck={(on) => setScopes(on ? [...scopes, s.value] : scopes.filter((x) => x !== s.value))} />
              ))}
            </div>
          </div>
        ))}
      </fieldset>
      <FormProblem error={addToken.error} fields={["name", "scopes", "expires_in_days", "networks"]} />
    </Dialog>
  );
}
