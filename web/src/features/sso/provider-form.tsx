import { Plus, Trash2, Upload } from "lucide-react";
import { useRef, useState } from "react";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { SsoProviderWire, SsoRule } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Check, RadioList, SecretField, SelectField, TextArea, TextField } from "../../ui/field";
import { FormProblem } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { roleWords } from "../shell/rights";
import { type ProviderDraft, useSsoChanges } from "./queries";

const roles = (["admin", "operator", "auditor"] as const).map((value) => ({ value, label: roleWords[value].label }));
const known = ["name", "issuer", "client_id", "client_secret", "scopes", "groups_claim", "ca_pem", "metadata", "default_role"];

const protocols = [
  { value: "oidc", label: "OpenID Connect", means: "Entra ID, Okta, Google Workspace, Keycloak and most others. The simpler choice." },
  { value: "saml", label: "SAML 2.0", means: "Where the provider speaks nothing else. You exchange metadata with it." },
] as const;

/** Makes or changes a provider. A new one begins disabled: its callback address is known only afterwards. */
export function ProviderForm({ provider: p, onClose }: { provider: Dated<SsoProviderWire> | undefined; onClose: (made?: string) => void }) {
  const { save } = useSsoChanges();
  const toasts = useToasts();
  const [form, setForm] = useState({
    name: p?.name ?? "",
    enabled: p?.enabled ?? false,
    issuer: p?.issuer ?? "",
    client_id: p?.client_id ?? "",
    scopes: p?.scopes?.join(" ") ?? "",
    groups_claim: p?.groups_claim ?? "",
    ca_pem: p?.ca_pem ?? "",
    metadata: p?.metadata ?? "",
    trust_mfa: p?.trust_mfa ?? false,
    provision: p?.provision ?? false,
  });
  const [protocol, setProtocol] = useState<"oidc" | "saml">(p?.protocol ?? "oidc");
  const saml = protocol === "saml";
  const file = useRef<HTMLInputElement>(null);
  const [secret, setSecret] = useState("");
  const [role, setRole] = useState(p?.default_role ?? "");
  const [rules, setRules] = useState<SsoRule[]>(p?.roles ?? []);
  const set = (part: Partial<typeof form>) => setForm((f) => ({ ...f, ...part }));
  const problem = save.error ? asProblem(save.error) : undefined;
  const ready = form.name.trim() !== "" && rules.every((r) => r.group.trim() !== "");
  const draft = (): ProviderDraft => ({
    ...form,
    ...(p ? {} : { protocol }),
    name: form.name.trim(),
    issuer: form.issuer.trim(),
    client_id: form.client_id.trim(),
    scopes: form.scopes.split(/\s+/).filter(Boolean),
    roles: rules,
    ...(secret ? { client_secret: secret } : {}),
    ...(role ? { default_role: role } : {}),
    ...(p ? { version: p.version } : {}),
  });
  return (
    <Dialog
      title={p ? `Edit ${p.name}` : "Add an identity provider"}
      wide
      sticky
      onClose={() => onClose()}
      onSubmit={() =>
        ready &&
        !save.isPending &&
        !problem?.isWaiting &&
        save.mutate(
          { id: p?.id, draft: draft() },
          {
            onSuccess: (saved) => {
              toasts.say(p ? `${saved.name} is saved.` : `${saved.name} is added. Register its addresses at the provider, then enable it.`);
              onClose(saved.id);
            },
          },
        )
      }
      footer={
        problem?.isWaiting ? (
          <Button onClick={() => onClose()}>Close</Button>
        ) : (
          <>
            <Button onClick={() => onClose()}>Cancel</Button>
            <Button type="submit" kind="primary" disabled={!ready} busy={save.isPending}>
              {p ? "Save" : "Add provider"}
            </Button>
          </>
        )
      }
    >
      <TextField label="Name" hint="As people read it when they sign in." autoFocus maxLength={100} value={form.name} error={problem?.field("name")} onText={(name) => set({ name })} />
      {!p && <RadioList legend="Protocol" value={protocol} options={protocols} onPick={setProtocol} />}
      {saml ? (
        <>
          <TextArea
            label="Metadata of the provider"
            mono
            optional
            rows={5}
            hint="The XML that it publishes. Without it the provider stays disabled: add it now, or after you have given it the metadata of this server."
            value={form.metadata}
            error={problem?.field("metadata")}
            onText={(metadata) => set({ metadata })}
          />
          <div>
            <input
              ref={file}
              type="file"
              hidden
              accept=".xml,application/xml,text/xml,application/samlmetadata+xml"
              aria-label="Metadata from a file"
              onChange={(e) => {
                const picked = e.target.files?.[0];
                e.target.value = "";
                if (!picked) return;
                if (picked.size > 200 * 1024) return toasts.say("That file is larger than 200 KiB. The metadata of one provider is smaller.");
                void picked.text().then((metadata) => set({ metadata }), toasts.fail);
              }}
            />
            <Button small icon={Upload} onClick={() => file.current?.click()}>
              Take a metadata file
            </Button>
          </div>
        </>
      ) : (
        <>
      <TextField label="Issuer" mono optional hint="Exactly as the provider's discovery document has it." value={form.issuer} error={problem?.field("issuer")} onText={(issuer) => set({ issuer })} />
      <div className="pair">
        <TextField label="Client id" mono optional value={form.client_id} error={problem?.field("client_id")} onText={(client_id) => set({ client_id })} />
        <SecretField
          label="Client secret"
          optional
          hint={p?.has_secret ? "Stored. Leave it empty to keep it." : "Kept sealed, never shown again."}
          autoComplete="off"
          value={secret}
          error={problem?.field("client_secret")}
          onText={setSecret}
        />
      </div>
        </>
      )}
      <Check label="Enabled" means={p ? "People can sign in through it." : saml ? "Enable it after you have given the provider the metadata of this server, which you get when it is added." : "Enable it after you have registered its callback address, which you get when it is added."} checked={form.enabled} onCheck={(enabled) => set({ enabled })} />
      <Check label="Make members at the first sign-in" means="Somebody whom the provider knows and who is no member yet becomes one." checked={form.provision} onCheck={(provision) => set({ provision })} />
      <Check
        label="Trust its second factor"
        means="When the provider says that it asked for one, ours is not asked for. Only for people who belong to this organization alone."
        checked={form.trust_mfa}
        onCheck={(trust_mfa) => set({ trust_mfa })}
      />
      <fieldset className="stack">
        <legend className="legend">Roles by group</legend>
        <p className="small dim">The first that matches counts, at every sign-in. Without any, roles are given by hand.</p>
        {rules.map((rule, i) => (
          <div className="rule-row" key={i}>
            <TextField label={`Group ${i + 1}`} mono value={rule.group} onText={(group) => setRules(rules.map((r, n) => (n === i ? { ...r, group } : r)))} />
            <SelectField label="Role" value={rule.role} options={roles} onPick={(picked) => setRules(rules.map((r, n) => (n === i ? { ...r, role: picked } : r)))} />
            <IconButton icon={Trash2} label={`Remove group ${i + 1}`} onClick={() => setRules(rules.filter((_, n) => n !== i))} />
          </div>
        ))}
        <div>
          <Button small icon={Plus} onClick={() => setRules([...rules, { group: "", role: "operator" }])}>
            Add a group
          </Button>
        </div>
      </fieldset>
      <SelectField label="Role of everybody else" optional placeholder="None: they are refused" value={role} options={roles} error={problem?.field("default_role")} onPick={setRole} />
      <details>
        <summary>More</summary>
        <div className="stack">
          <TextField label={saml ? "Groups attribute" : "Groups claim"} mono optional hint={`The ${saml ? "attribute" : "claim"} that carries groups; without it, groups.`} value={form.groups_claim} error={problem?.field("groups_claim")} onText={(groups_claim) => set({ groups_claim })} />
          {!saml && (
            <>
          <TextField label="More scopes" mono optional hint="Besides openid, email and profile, separated by spaces." value={form.scopes} error={problem?.field("scopes")} onText={(scopes) => set({ scopes })} />
          <TextArea label="Certificates" mono optional hint="In PEM, when a private authority signed the provider's own." rows={4} value={form.ca_pem} error={problem?.field("ca_pem")} onText={(ca_pem) => set({ ca_pem })} />
            </>
          )}
        </div>
      </details>
      <FormProblem error={save.error} fields={known} />
    </Dialog>
  );
}
