import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { Resource } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextArea, TextField } from "../../ui/field";
import { FormProblem, Note } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { type ResourceDraft, useResourceChanges } from "./queries";

const known = ["name", "host", "port", "description"];

function portProblem(port: string): string | undefined {
  return port === "" || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535) ? undefined : "A port is a number from 1 to 65535.";
}

/** Makes a resource, or changes one. */
export function ResourceForm({ resource, onClose, onDone }: { resource?: Resource; onClose: () => void; onDone: (r: Resource) => void }) {
  const [form, setForm] = useState({ name: resource?.name ?? "", host: resource?.host ?? "", port: String(resource?.port ?? 22), description: resource?.description ?? "" });
  const set = (part: Partial<typeof form>) => setForm((f) => ({ ...f, ...part }));
  const changes = useResourceChanges(resource?.id);
  const toasts = useToasts();
  const { isPending, error } = resource ? changes.update : changes.create;
  const problem = error ? asProblem(error) : undefined;
  const moved = resource !== undefined && (form.host !== resource.host || form.port !== String(resource.port));
  const ready = form.name.trim() !== "" && form.host.trim() !== "" && form.port !== "" && !portProblem(form.port);
  const submit = () => {
    if (!ready) return;
    const draft: ResourceDraft = { name: form.name.trim(), host: form.host.trim(), port: Number(form.port), description: form.description.trim() };
    const onSuccess = (made: Resource) => {
      toasts.say(resource ? "Saved." : `${made.name} is added. Confirm its host key next.`);
      onDone(made);
    };
    if (resource) changes.update.mutate({ ...draft, version: resource.version }, { onSuccess });
    else changes.create.mutate(draft, { onSuccess });
  };
  return (
    <Dialog
      title={resource ? `Edit ${resource.name}` : "New resource"}
      onClose={onClose}
      onSubmit={submit}
      sticky
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={isPending}>
            {resource ? "Save" : "Create resource"}
          </Button>
        </>
      }
    >
      <TextField label="Name" mono autoFocus hint="For example prod-web-01." value={form.name} error={problem?.field("name")} onText={(name) => set({ name })} />
      <div className="host-port">
        <TextField label="Host" mono hint="Name or address, as the server reaches it." value={form.host} error={problem?.field("host")} onText={(host) => set({ host })} />
        <TextField label="Port" mono inputMode="numeric" value={form.port} check={portProblem} error={problem?.field("port")} onText={(port) => set({ port })} />
      </div>
      <TextArea label="Description" optional rows={2} value={form.description} error={problem?.field("description")} onText={(description) => set({ description })} />
      {moved && <Note meaning="warn">Sessions go to the new address from now on, and only if it shows the confirmed host key.</Note>}
      <FormProblem error={error} fields={known} />
    </Dialog>
  );
}
