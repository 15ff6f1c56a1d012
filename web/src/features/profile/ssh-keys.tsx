import { useQuery } from "@tanstack/react-query";
import { KeySquare, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { SshKey } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { TextArea, TextField } from "../../ui/field";
import { Empty, Failed, FormProblem } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Id, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { publicKeyComment, publicKeyProblem } from "./public-key";
import { sshKeysQuery, useProfileChanges } from "./queries";

export function SshKeys() {
  const { data, error, refetch } = useQuery(sshKeysQuery);
  const { removeKey } = useProfileChanges();
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<SshKey>();
  if (error) return <Failed error={error} what="your SSH keys" retry={() => void refetch()} />;
  const add = (
    <Button kind="primary" icon={Plus} onClick={() => setAdding(true)}>
      Add key
    </Button>
  );
  const columns: Column<SshKey>[] = [
    { name: "Name", cell: (k) => <strong>{k.name}</strong> },
    { name: "Type", from: "tablet", cell: (k) => <code>{k.algorithm}</code> },
    { name: "Fingerprint", from: "phone", cell: (k) => <Id value={k.fingerprint} what="fingerprint" /> },
    { name: "Last used", from: "phone", cell: (k) => (k.last_used_at ? <Time at={k.last_used_at} /> : <span className="faint">never</span>) },
    { name: "Remove", right: true, quiet: true, cell: (k) => <IconButton small icon={Trash2} label={`Remove key ${k.name}`} onClick={() => setLeaving(k)} /> },
  ];
  return (
    <div className="stack">
      <div className="row between wrap">
        <p className="dim prose">Sign in to the SSH gateway with your own key instead of password and code. Only the public half is kept here.</p>
        {data && data.items.length > 0 && add}
      </div>
      {data && data.items.length === 0 ? (
        <div className="card">
          <Empty icon={KeySquare} title="No SSH keys yet" action={add}>
            Add the public half of your key, then ssh asks for nothing more.
          </Empty>
        </div>
      ) : (
        <Table label="SSH keys" columns={columns} rows={data?.items} id={(k) => k.id} />
      )}
      {adding && <AddKey onClose={() => setAdding(false)} />}
      {leaving && (
        <Confirm
          title={`Remove the key ${leaving.name}`}
          verb="Remove key"
          busy={removeKey.isPending}
          error={removeKey.error}
          onClose={() => setLeaving(undefined)}
          onConfirm={() => removeKey.mutate(leaving.id, { onSuccess: () => setLeaving(undefined) })}
        >
          Connections with it are refused from now on. Running sessions go on.
        </Confirm>
      )}
    </div>
  );
}

function AddKey({ onClose }: { onClose: () => void }) {
  const { addKey } = useProfileChanges();
  const toasts = useToasts();
  const [name, setName] = useState("");
  const [key, setKey] = useState("");
  const problem = addKey.error ? asProblem(addKey.error) : undefined;
  const ready = name.trim() !== "" && key.trim() !== "" && !publicKeyProblem(key);
  return (
    <Dialog
      title="Add an SSH key"
      onClose={onClose}
      onSubmit={() =>
        ready &&
        !addKey.isPending &&
        addKey.mutate(
          { name: name.trim(), public_key: key.trim() },
          {
            onSuccess: () => {
              toasts.say("The key is added.");
              onClose();
            },
          },
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={addKey.isPending}>
            Add key
          </Button>
        </>
      }
    >
      <TextArea
        label="Public key"
        mono
        rows={4}
        autoFocus
        placeholder="ssh-ed25519 AAAA…"
        hint="The content of a file like ~/.ssh/id_ed25519.pub."
        value={key}
        check={publicKeyProblem}
        error={problem?.field("public_key")}
        onText={(text) => {
          setKey(text);
          if (name === "") setName(publicKeyComment(text));
        }}
      />
      <TextField label="Name" hint="So that you know later which machine it is on." value={name} error={problem?.field("name")} onText={setName} />
      <FormProblem error={addKey.error} fields={["public_key", "name"]} />
    </Dialog>
  );
}
