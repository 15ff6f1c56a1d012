import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Segmented, SelectField, TextField } from "../../ui/field";
import { FormProblem } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { resourcesQuery } from "../resources/queries";
import { useOrg } from "../shell/org";
import { type Secret, useAccountChanges } from "./queries";
import { cleanSecret, SecretFields, secretReady } from "./secret-fields";

const known = ["name", "resource_id", "username", "password", "private_key", "passphrase"];

export function AccountForm({ resource: preset, onClose, onDone }: { resource: string | undefined; onClose: () => void; onDone: (id: string) => void }) {
  const org = useOrg();
  const resources = useQuery(resourcesQuery(org.id));
  const { create } = useAccountChanges();
  const toasts = useToasts();
  const [name, setName] = useState("");
  const [resource, setResource] = useState(preset ?? "");
  const [username, setUsername] = useState("");
  const [kind, setKind] = useState<"password" | "ssh_key">("password");
  const [secret, setSecret] = useState<Secret>({});
  const problem = create.error ? asProblem(create.error) : undefined;
  const ready = name.trim() !== "" && resource !== "" && username.trim() !== "" && secretReady(kind, secret);
  const submit = () => {
    if (!ready || create.isPending) return;
    create.mutate(
      { name: name.trim(), resource_id: resource, username: username.trim(), kind, ...cleanSecret(kind, secret) },
      {
        onSuccess: (a) => {
          toasts.say(`${a.name} is added and its secret sealed.`);
          onDone(a.id);
        },
      },
    );
  };
  return (
    <Dialog
      title="New account"
      onClose={onClose}
      onSubmit={submit}
      sticky
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={create.isPending}>
            Create account
          </Button>
        </>
      }
    >
      <TextField label="Name" mono autoFocus hint="For example web-01-deploy." value={name} error={problem?.field("name")} onText={setName} />
      <SelectField
        label="Resource"
        value={resource}
        placeholder={resources.data?.items.length === 0 ? "Add a resource first" : "Choose a resource"}
        options={resources.data?.items.map((r) => ({ value: r.id, label: `${r.name} (${r.host})` })) ?? []}
        error={problem?.field("resource_id")}
        onPick={setResource}
      />
      <TextField label="Signs in as" mono hint="The login on the host; capital letters count." value={username} error={problem?.field("username")} onText={setUsername} />
      <div className="field">
        <span className="label">Proves itself with</span>
        <Segmented
          label="Proves itself with"
          value={kind}
          options={[
            { value: "password", label: "Password" },
            { value: "ssh_key", label: "SSH key" },
          ]}
          onPick={(k) => {
            setKind(k);
            setSecret({});
          }}
        />
      </div>
      <SecretFields kind={kind} secret={secret} set={setSecret} problem={problem} />
      <p className="dim small">The secret is sealed when you save. Nobody can read it back in the console.</p>
      <FormProblem error={create.error} fields={known} />
    </Dialog>
  );
}
