import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { asProblem } from "../../api/problem";
import { Button, LinkButton } from "../../ui/button";
import { SelectField, TextField } from "../../ui/field";
import { PageHead } from "../../ui/page";
import { Failed, FormProblem, Note } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { accountsQuery } from "../accounts/queries";
import { resourcesQuery } from "../resources/queries";
import { useOrg } from "../shell/org";
import { defaultPolicy, formErrors, fromForm, toForm } from "./policy";
import { PolicyFields } from "./policy-form";
import { useSafeChanges } from "./queries";

export function safeNameProblem(name: string): string | undefined {
  return name === "" || /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name) ? undefined : "1 to 63 small letters, digits and hyphens, no hyphen at its ends: people type it in ssh.";
}

export default function NewSafe() {
  const org = useOrg();
  const search = useSearch({ from: "/in/shell/o/$org/safes/new" });
  const navigate = useNavigate();
  const toasts = useToasts();
  const resources = useQuery(resourcesQuery(org.id));
  const accounts = useQuery(accountsQuery(org.id));
  const { create } = useSafeChanges();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [resource, setResource] = useState(search.resource ?? "");
  const [account, setAccount] = useState("");
  const [policy, setPolicy] = useState(() => toForm(defaultPolicy, Intl.DateTimeFormat().resolvedOptions().timeZone));
  const errors = useMemo(() => formErrors(policy), [policy]);
  const problem = create.error ? asProblem(create.error) : undefined;

  if (resources.error) return <Failed error={resources.error} what="the resources" retry={() => void resources.refetch()} />;
  const params = { org: org.slug };
  const fitting = accounts.data?.items.filter((a) => a.resource_id === resource && a.state === "enabled") ?? [];
  const chosen = resources.data?.items.find((r) => r.id === resource);
  const ready = name !== "" && !safeNameProblem(name) && resource !== "" && account !== "" && Object.keys(errors).length === 0;

  return (
    <>
      <PageHead
        title="New safe"
        lead="Binds people to one account on one resource, under a policy. You add the people next."
        back={
          <Link to="/o/$org/safes" params={params} search={{}}>
            Safes
          </Link>
        }
      />
      <form
        className="form-page stack wide"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (!ready || create.isPending) return;
          create.mutate(
            { name, description: description.trim(), resource_id: resource, account_id: account, policy: fromForm(policy) },
            {
              onSuccess: (safe) => {
                toasts.say(`${safe.name} exists. Add its members.`);
                void navigate({ to: "/o/$org/safes/$safe", params: { ...params, safe: safe.id }, search: { tab: "access" } });
              },
            },
          );
        }}
      >
        <section className="card pad stack">
          <h2>What it opens</h2>
          <div className="pair">
            <TextField label="Name" mono autoFocus hint="Used in ssh: handle+name@gateway." check={safeNameProblem} error={problem?.field("name")} value={name} onText={setName} />
            <TextField label="Description" optional error={problem?.field("description")} value={description} onText={setDescription} />
          </div>
          <div className="pair">
            <SelectField
              label="Resource"
              value={resource}
              placeholder={resources.data ? "Choose a resource" : "Loading"}
              options={resources.data?.items.map((r) => ({ value: r.id, label: `${r.name} (${r.host})` })) ?? []}
              error={problem?.field("resource_id")}
              onPick={(v) => {
                setResource(v);
                setAccount("");
              }}
            />
            <SelectField
              label="Account"
              value={account}
              placeholder={resource === "" ? "Choose the resource first" : fitting.length > 0 ? "Choose an account" : "No account on this resource yet"}
              disabled={fitting.length === 0}
              options={fitting.map((a) => ({ value: a.id, label: `${a.name} (signs in as ${a.username})` }))}
              error={problem?.field("account_id")}
              onPick={setAccount}
            />
          </div>
          {resources.data?.items.length === 0 && (
            <Note meaning="plain">
              There is no resource yet.{" "}
              <Link to="/o/$org/resources" params={params} search={{ new: "1" }}>
                Add one first
              </Link>
              .
            </Note>
          )}
          {resource !== "" && accounts.data && fitting.length === 0 && (
            <Note meaning="plain">
              No enabled account signs in to this resource.{" "}
              <Link to="/o/$org/accounts" params={params} search={{ new: "1", resource }}>
                Add one first
              </Link>
              .
            </Note>
          )}
          {chosen && chosen.host_keys.length === 0 && <Note meaning="warn">The host key of {chosen.name} is not confirmed. Sessions are refused until it is.</Note>}
        </section>
        <section className="card">
          <header>
            <h2>Policy</h2>
          </header>
          <PolicyFields form={policy} errors={errors} set={(part) => setPolicy((f) => ({ ...f, ...part }))} />
        </section>
        <FormProblem error={create.error} fields={["name", "description", "resource_id", "account_id"]} />
        <div className="row end">
          <LinkButton to="/o/$org/safes" params={params} search={{}}>
            Cancel
          </LinkButton>
          <Button type="submit" kind="primary" disabled={!ready} busy={create.isPending}>
            Create safe
          </Button>
        </div>
      </form>
    </>
  );
}
