import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { Group } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { RadioList, SelectField, TextArea, TextField } from "../../ui/field";
import { FormProblem, Note } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { useOrg } from "../shell/org";
import { providersQuery } from "../sso/queries";
import { type GroupDraft, useGroupChanges } from "./queries";

const sources = [
  { value: "local", label: "You", means: "Its members are added and removed here." },
  { value: "sso", label: "Your identity provider", means: "Each sign-in through it says whether the person is in the group." },
] as const;

/** Makes or changes a group that no directory has pushed. */
export function GroupForm({ group: g, onClose }: { group?: Group; onClose: (made?: string) => void }) {
  const org = useOrg();
  const { save } = useGroupChanges(g?.id);
  const toasts = useToasts();
  const providers = useQuery(providersQuery(org.id));
  const [name, setName] = useState(g?.name ?? "");
  const [description, setDescription] = useState(g?.description ?? "");
  const [source, setSource] = useState<"local" | "sso">(g?.source === "sso" ? "sso" : "local");
  const [provider, setProvider] = useState(g?.provider_id ?? "");
  const [claim, setClaim] = useState(g?.provider_group ?? "");
  const problem = save.error ? asProblem(save.error) : undefined;
  const follows = !g || source !== g.source || (source === "sso" && (provider !== g.provider_id || claim.trim() !== g.provider_group));
  const empties = Boolean(g && source === "sso" && follows && g.members > 0);
  const ready = name.trim() !== "" && (source === "local" || (provider !== "" && claim.trim() !== ""));
  const draft = (): GroupDraft => ({
    name: name.trim(),
    description: description.trim(),
    ...(follows ? { source, ...(source === "sso" ? { provider_id: provider, provider_group: claim.trim() } : {}) } : {}),
    ...(g ? { version: g.version } : {}),
  });
  return (
    <Dialog
      title={g ? `Edit ${g.name}` : "New group"}
      sticky
      onClose={() => onClose()}
      onSubmit={() =>
        ready &&
        !save.isPending &&
        save.mutate(draft(), {
          onSuccess: (saved) => {
            toasts.say(g ? "Saved." : `${saved.name} exists.${source === "local" ? " Add the people." : ""}`);
            onClose(saved.id);
          },
        })
      }
      footer={
        <>
          <Button onClick={() => onClose()}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={save.isPending}>
            {g ? "Save" : "Create group"}
          </Button>
        </>
      }
    >
      <TextField label="Name" autoFocus maxLength={100} value={name} error={problem?.field("name")} onText={setName} />
      <TextArea label="Description" optional rows={2} value={description} error={problem?.field("description")} onText={setDescription} />
      <RadioList legend="Who keeps its members" value={source} options={sources} onPick={setSource} />
      {source === "sso" && (
        <>
          {providers.data?.items.length === 0 && <Note meaning="plain">There is no identity provider yet. Add one under Single sign-on first.</Note>}
          <SelectField
            label="Identity provider"
            value={provider}
            placeholder={providers.data ? "Choose a provider" : "Loading"}
            options={providers.data?.items.map((p) => ({ value: p.id, label: p.name })) ?? []}
            error={problem?.field("provider_id")}
            onPick={setProvider}
          />
          <TextField label="Its name for the group" mono hint="Exactly as the provider sends it in the groups of a sign-in." value={claim} error={problem?.field("provider_group")} onText={setClaim} />
          <FormProblem error={providers.error} />
        </>
      )}
      {empties && g && <Note meaning="warn">All {g.members} members leave the group now, and come back as they sign in through the provider. Until then they lose what only this group brings, and their live sessions there end.</Note>}
      <FormProblem error={save.error} fields={["name", "description", "provider_id", "provider_group"]} />
    </Dialog>
  );
}
