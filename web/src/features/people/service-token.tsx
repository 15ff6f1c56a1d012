import { useState } from "react";
import { asProblem } from "../../api/problem";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Check, SelectField, TextArea, TextField } from "../../ui/field";
import { FormProblem, Note } from "../../ui/states";
import { Command } from "../../ui/text";
import { scopeGroups } from "../profile/scopes";
import { type ServiceAccount, useServiceAccountChanges } from "./service-accounts";

const lifetimes = [
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "180", label: "180 days, the longest" },
] as const;

/** A token for a service account: what it may do, from where, until when; shown once. */
export function ServiceToken({ account: a, onClose }: { account: ServiceAccount; onClose: () => void }) {
  const { addToken } = useServiceAccountChanges();
  const [name, setName] = useState("");
  const [days, setDays] = useState<string>("90");
  const [networks, setNetworks] = useState("");
  const [scopes, setScopes] = useState<string[]>([]);
  const problem = addToken.error ? asProblem(addToken.error) : undefined;
  const ready = name.trim() !== "" && scopes.length > 0;
  const from = networks.split(/[\s,]+/).filter(Boolean);
  if (addToken.data) {
    return (
      <Dialog
        title="Copy the token now"
        sticky
        onClose={onClose}
        footer={
          <Button kind="primary" onClick={onClose}>
            I have it
          </Button>
        }
      >
        <Note meaning="warn">It is shown only now. Whoever has it acts as {a.name} within its scopes.</Note>
        <Command text={addToken.data.token ?? ""} what="token" prompt={false} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title={`New token for ${a.name}`}
      wide
      sticky
      onClose={onClose}
      onSubmit={() => ready && !addToken.isPending && addToken.mutate({ name: name.trim(), scopes, expires_in_days: Number(days), service_account_id: a.id, ...(from.length > 0 ? { networks: from } : {}) })}
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
        <TextField label="Name" autoFocus hint="Where it is used, for example ci-runner-3." value={name} error={problem?.field("name")} onText={setName} />
        <SelectField label="Expires after" value={days} options={lifetimes} error={problem?.field("expires_in_days")} onPick={setDays} />
      </div>
      <TextArea label="Networks" optional mono rows={2} hint="Where it may be used from, one a line, such as 192.0.2.0/24. Without one, from anywhere." value={networks} error={problem?.fields.find((f) => f.path.includes("networks"))?.message} onText={setNetworks} />
      <fieldset className="stack">
        <legend className="legend">Scopes</legend>
        {problem?.field("scopes") && <p className="dim">{problem.field("scopes")}</p>}
        {scopeGroups(a.role).map((g) => (
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
