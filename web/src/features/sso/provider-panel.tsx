import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX, Copy, Trash2, Unlink } from "lucide-react";
import { useState } from "react";
import { getText } from "../../api/client";
import { asSentence } from "../../api/problem";
import type { Dated } from "../../api/dated";
import type { SsoFindingWire, SsoProviderWire } from "../../api/types";
import { Button, IconButton, LinkButton } from "../../ui/button";
import { Confirm, Panel } from "../../ui/dialog";
import { plural } from "../../ui/format";
import { FormProblem, Note, Skeleton } from "../../ui/states";
import { Command, Facts, State, Time, writeClipboard } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useOrg, useRights } from "../shell/org";
import { roleWords } from "../shell/rights";
import { linksQuery, useSsoChanges } from "./queries";

/** One provider: what to register there, what it may say here, and who came by it. */
export function ProviderPanel({ provider: p, onEdit, onClose }: { provider: Dated<SsoProviderWire>; onEdit: () => void; onClose: () => void }) {
  const org = useOrg();
  const r = useRights();
  const people = useQuery(linksQuery(org.id, p.id));
  const { removeProvider, unlink } = useSsoChanges();
  const toasts = useToasts();
  const [leaving, setLeaving] = useState(false);
  const [copying, setCopying] = useState(false);
  const copyMetadata = async () => {
    setCopying(true);
    try {
      await writeClipboard(await getText(`/auth/sso/saml/${p.id}/metadata`));
      toasts.say("The metadata of this server is copied.");
    } catch (err) {
      toasts.fail(err);
    } finally {
      setCopying(false);
    }
  };
  return (
    <Panel
      title={p.name}
      subtitle={p.enabled ? <State meaning="good">Enabled</State> : <State>Disabled</State>}
      onClose={onClose}
      footer={
        r.manage && (
          <>
            <Button onClick={onEdit}>Edit</Button>
            <Button kind="danger" icon={Trash2} onClick={() => setLeaving(true)}>
              Remove
            </Button>
          </>
        )
      }
    >
      <section className="stack">
        <h3>To register at the provider</h3>
        {p.protocol === "saml" ? (
          <>
            <p className="dim">The metadata of this server, for providers that take an address:</p>
            <Command text={p.entity_id ?? ""} what="metadata address" prompt={false} />
            <div>
              <Button small icon={Copy} busy={copying} onClick={() => void copyMetadata()}>
                Copy the metadata
              </Button>
            </div>
            <p className="dim">For those that ask for the parts: the entity id is the same address, and answers go to</p>
            <Command text={p.callback_url} what="assertion consumer address" prompt={false} />
          </>
        ) : (
          <>
            <p className="dim">The address that people are sent back to:</p>
            <Command text={p.callback_url} what="callback address" prompt={false} />
            {p.logout_url && (
              <>
                <p className="dim">For its back-channel logout:</p>
                <Command text={p.logout_url} what="logout address" prompt={false} />
              </>
            )}
          </>
        )}
      </section>
      {r.manage && <Test provider={p} org={org.slug} />}
      <section>
        <h3>Settings</h3>
        <Facts
          rows={[
            ["Protocol", p.protocol === "saml" ? "SAML 2.0" : "OpenID Connect"],
            ["Issuer", <code key="i">{p.issuer || "none"}</code>],
            p.protocol === "oidc" && ["Client id", <code key="c">{p.client_id || "none"}</code>],
            p.protocol === "oidc" && ["Client secret", p.has_secret ? "Stored, sealed" : "None"],
            p.protocol === "saml" && ["Metadata", p.metadata ? "Stored" : "None yet"],
            ["Second factor", p.trust_mfa ? "The provider's counts" : "Always ours"],
            ["New people", p.provision ? "Become members at their first sign-in" : "Are refused until added"],
            ["Otherwise", p.default_role ? roleWords[p.default_role].label : "No role: refused"],
            ["Changed", <Time key="t" at={p.updated_at} />],
          ]}
        />
        {p.roles && p.roles.length > 0 && (
          <table className="diff">
            <thead>
              <tr>
                <th scope="col">Group there</th>
                <th scope="col">Role here</th>
              </tr>
            </thead>
            <tbody>
              {p.roles.map((rule, i) => (
                <tr key={i}>
                  <td>
                    <code>{rule.group}</code>
                  </td>
                  <td>{roleWords[rule.role].label}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section>
        <h3>Who came by it</h3>
        <FormProblem error={people.error ?? unlink.error} />
        {!people.data && !people.error && <Skeleton width={200} />}
        {people.data && <p className="dim">{people.data.items.length === 0 ? "Nobody yet." : plural(people.data.items.length, "person", "people")}</p>}
        <ul className="item-list">
          {people.data?.items.map((l) => (
            <li key={l.user_id}>
              <div className="grow">
                <div>{l.name}</div>
                <div className="small dim truncate">
                  {l.email}, {l.last_used_at ? <Time at={l.last_used_at} /> : "never since"}
                </div>
              </div>
              {r.manage && (
                <IconButton
                  small
                  icon={Unlink}
                  label={`Forget who ${l.name} is at ${p.name}`}
                  onClick={() => unlink.mutate(l.user_id, { onSuccess: () => toasts.say(`${l.name} is linked anew at their next sign-in.`) })}
                />
              )}
            </li>
          ))}
        </ul>
      </section>
      {leaving && (
        <Confirm
          title={`Remove ${p.name}`}
          verb="Remove provider"
          typeName={p.name}
          busy={removeProvider.isPending}
          error={removeProvider.error}
          onClose={() => setLeaving(false)}
          onConfirm={() =>
            removeProvider.mutate(p.id, {
              onSuccess: () => {
                toasts.say(`${p.name} is removed.`);
                onClose();
              },
            })
          }
        >
          Nobody signs in through it any more. People stay members; without a password they need a new invitation.
        </Confirm>
      )}
    </Panel>
  );
}

const looked: Record<SsoFindingWire["what"], string> = {
  settings: "Settings",
  discovery: "Discovery",
  keys: "Keys",
  metadata: "Metadata",
  certificate: "Certificate",
  domain: "Mail domains",
};

/** What can be seen of a provider from here; only a sign-in shows the rest. */
function Test({ provider: p, org }: { provider: Dated<SsoProviderWire>; org: string }) {
  const { test } = useSsoChanges();
  return (
    <section className="stack">
      <h3>Test the connection</h3>
      <div className="row wrap">
        <Button busy={test.isPending} onClick={() => test.mutate(p.id)}>
          Test now
        </Button>
        {p.enabled && (
          <LinkButton to="/sign-in" search={{ org }} target="_blank" rel="noopener">
            Try a sign-in
          </LinkButton>
        )}
      </div>
      <FormProblem error={test.error} />
      {test.data && (
        <div role="status" className="stack">
          <ul className="item-list">
            {test.data.findings.map((f) => (
              <li key={f.what} className="top">
                {f.ok ? <CircleCheck className="icon" aria-hidden /> : <CircleX className="icon" aria-hidden />}
                <div className="grow stack tight">
                  <div className="row wrap">
                    <strong>{looked[f.what]}</strong> {f.ok ? <State meaning="good">Good</State> : <State meaning="bad">Not usable</State>}
                  </div>
                  <div className="small dim breaks">{asSentence(f.detail)}</div>
                </div>
              </li>
            ))}
          </ul>
          {test.data.usable && <Note meaning="plain">A sign-in shows the rest: whether the {p.protocol === "saml" ? "metadata of this server is known there" : "client secret and the callback address are right"}.</Note>}
        </div>
      )}
    </section>
  );
}
