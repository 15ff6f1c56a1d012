import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Building2, Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { PageHead } from "../../ui/page";
import { Failed, FormProblem, Note, Skeleton } from "../../ui/states";
import { State } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useOrg, useRights } from "../shell/org";
import { Directory } from "./directory";
import { Domains } from "./domains";
import { ProviderPanel } from "./provider-panel";
import { ProviderForm } from "./provider-form";
import { providersQuery, requirementQuery, useSsoChanges } from "./queries";

const tabs = [
  { tab: undefined, label: "Identity providers" },
  { tab: "directory", label: "Directory (SCIM)" },
] as const;

export default function SsoPage() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/settings/sso" });
  const navigate = useNavigate({ from: "/o/$org/settings/sso" });
  const directory = search.tab === "directory";
  const set = (part: typeof search) => void navigate({ search: part, replace: true });
  const { data, error, refetch } = useQuery(providersQuery(org.id));
  if (error) return <Failed page error={error} what="single sign-on" retry={() => void refetch()} />;
  const open = data?.items.find((p) => p.id === search.open);
  const editing = search.edit === "new" ? undefined : data?.items.find((p) => p.id === search.edit);
  return (
    <>
      <PageHead
        title="Single sign-on"
        lead="Members come in through your own identity provider, over OpenID Connect or SAML, and your directory keeps them up to date."
        action={
          r.manage &&
          !directory && (
            <Button kind="primary" icon={Plus} onClick={() => set({ edit: "new" })}>
              Add provider
            </Button>
          )
        }
      />
      <nav className="tabs" aria-label="Identity providers and directory">
        {tabs.map((t) => (
          <Link key={t.label} to="/o/$org/settings/sso" params={{ org: org.slug }} search={t.tab ? { tab: t.tab } : {}} aria-current={search.tab === t.tab ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            {t.label}
          </Link>
        ))}
      </nav>
      {directory ? (
        <div className="tab-body">
          <Directory />
        </div>
      ) : (
      <div className="tab-body form-page stack wide">
        <section className="card">
          <header>
            <h2>Identity providers</h2>
          </header>
          <ul className="item-list">
            {!data && (
              <li>
                <Skeleton width={220} />
              </li>
            )}
            {data?.items.length === 0 && <li className="dim">None yet. First verify the mail domain of your people, then add the provider.</li>}
            {data?.items.map((p) => (
              <li key={p.id}>
                <Building2 className="icon" aria-hidden />
                <div className="grow">
                  <button type="button" className="link-button" onClick={() => set({ open: p.id })}>
                    {p.name}
                  </button>
                  <div className="small dim truncate">
                    {p.protocol === "saml" ? "SAML" : "OpenID Connect"}, {p.issuer || (p.protocol === "saml" ? "no metadata yet" : "no issuer yet")}
                  </div>
                </div>
                {p.enabled ? <State meaning="good">Enabled</State> : <State>Disabled</State>}
                {r.manage && (
                  <Button small onClick={() => set({ edit: p.id })} aria-label={`Edit ${p.name}`}>
                    Edit
                  </Button>
                )}
              </li>
            ))}
          </ul>
        </section>
        <Domains />
        <Requirement enabled={data?.items.some((p) => p.enabled) ?? false} />
      </div>
      )}
      {open && <ProviderPanel key={open.id} provider={open} onEdit={() => set({ edit: open.id })} onClose={() => set({})} />}
      {r.manage && search.edit && data && (search.edit === "new" || editing) && <ProviderForm provider={editing} onClose={(id) => set(id ? { open: id } : {})} />}
    </>
  );
}

/** No other door: what it means, and who is locked out by it. */
function Requirement({ enabled }: { enabled: boolean }) {
  const org = useOrg();
  const r = useRights();
  const { data, error } = useQuery(requirementQuery(org.id));
  const { require } = useSsoChanges();
  const toasts = useToasts();
  const [asking, setAsking] = useState(false);
  const on = data?.required ?? false;
  const change = () =>
    require.mutate(!on, {
      onSuccess: () => {
        toasts.say(on ? "Members can come in by every door again." : "Members come in through the identity provider only.");
        setAsking(false);
      },
    });
  return (
    <section className="card">
      <header>
        <h2>Only through the provider</h2>
        {data && (on ? <State meaning="good">Required</State> : <State>Not required</State>)}
      </header>
      <div className="body stack">
        <p className="dim prose">When required, members of {org.name} come in through its identity provider and by no other door:</p>
        <ul className="means-list dim">
          <li>A password opens nothing here, in the browser or over SSH. In their other organizations it goes on working.</li>
          <li>An SSH key works for 12 hours after a sign-in through the provider.</li>
          <li>API tokens and service accounts go on working.</li>
          <li>Members whom the provider does not know are locked out, owners too.</li>
          <li>If the provider is lost, a platform administrator lifts this.</li>
        </ul>
        {data && !on && (
          <Note meaning="plain">
            {enabled ? "To require it, sign in through the provider yourself and switch it on from there: it shows that the provider works." : "First enable a provider and sign in through it: only somebody who came in that way can require it."}
          </Note>
        )}
        <FormProblem error={error} />
        {r.manage && data && (on || enabled) && (
          <div>
            <Button kind={on ? "danger" : "plain"} onClick={() => setAsking(true)}>
              {on ? "Allow other sign-ins" : "Require single sign-on"}
            </Button>
          </div>
        )}
      </div>
      {asking && (
        <Confirm title={on ? "Allow other sign-ins" : "Require single sign-on"} verb={on ? "Allow" : "Require"} busy={require.isPending} error={require.error} onClose={() => setAsking(false)} onConfirm={change}>
          {on ? (
            `Members of ${org.name} can sign in with a password and second factor again.`
          ) : (
            <div className="stack">
              <p>Members whom the provider does not know cannot sign in to {org.name} any more. Who is signed in by a password is asked to come in through the provider.</p>
              <Note meaning="plain">You must be signed in through the provider yourself: it shows that it works.</Note>
            </div>
          )}
        </Confirm>
      )}
    </section>
  );
}
