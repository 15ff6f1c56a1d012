import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import type { AccessPolicy } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { plural } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Failed, Note, PageSkeleton } from "../../ui/states";
import { State } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useNames } from "../groups/names";
import { useOrg, useRights } from "../shell/org";
import { PolicyEditor } from "./editor";
import { EffectState } from "./effect";
import { History } from "./history";
import { describe } from "./model";
import { idsIn, policyQuery, usePolicyChanges } from "./queries";
import { Simulate, SimulationOf } from "./simulate";

const tabs = [
  { id: undefined, label: "Policy" },
  { id: "history", label: "History" },
  { id: "simulate", label: "Simulate" },
] as const;

export default function PolicyPage() {
  const org = useOrg();
  const r = useRights();
  const { policy: id } = useParams({ from: "/in/shell/o/$org/policies/$policy" });
  const search = useSearch({ from: "/in/shell/o/$org/policies/$policy" });
  const { data: p, error, refetch } = useQuery(policyQuery(org.id, id));
  const [deleting, setDeleting] = useState(false);
  if (error) return <Failed page error={error} what="this policy" retry={() => void refetch()} />;
  if (!p) return <PageSkeleton label="the policy" />;
  const tab = tabs.find((t) => t.id === search.tab)?.id;
  return (
    <>
      <PageHead
        title={p.name}
        lead={p.description || undefined}
        meta={
          <>
            {p.effects.map((e) => (
              <EffectState key={e} effect={e} />
            ))}
            {!p.enabled && <State>Off</State>}
          </>
        }
        back={
          <Link to="/o/$org/policies" params={{ org: org.slug }} search={{}}>
            Policies
          </Link>
        }
        action={
          r.manage && (
            <Button kind="danger" icon={Trash2} onClick={() => setDeleting(true)}>
              Delete
            </Button>
          )
        }
      />
      <nav className="tabs" aria-label="Parts of this policy">
        {tabs.map((t) => (
          <Link key={t.label} to="/o/$org/policies/$policy" params={{ org: org.slug, policy: id }} search={t.id ? { tab: t.id } : {}} aria-current={tab === t.id ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            {t.label}
          </Link>
        ))}
      </nav>
      <div className="tab-body">
        {tab === "history" ? (
          <History policy={p} />
        ) : tab === "simulate" ? (
          <Simulate policy={p} />
        ) : (
          <div className="form-page stack">
            <Summary policy={p} />
            {!r.manage && <Note meaning="plain">You can read this policy. Owners and admins of the organization can change it.</Note>}
            <PolicyEditor key={p.id} policy={p} disabled={!r.manage} />
          </div>
        )}
      </div>
      {deleting && <DeletePolicy policy={p} onClose={() => setDeleting(false)} />}
    </>
  );
}

function Summary({ policy: p }: { policy: AccessPolicy }) {
  const org = useOrg();
  const name = useNames(idsIn(p.form));
  return (
    <section className="card pad stack tight" aria-label="In words">
      {p.form ? describe(p.form, name).map((line) => <p key={line}>{line}.</p>) : <p className="dim">Written as text: a form cannot say it.</p>}
      <p className="dim">
        It counts on{" "}
        {p.everywhere
          ? "every safe"
          : p.safes.length === 0
            ? "no safe"
            : p.safes.slice(0, 12).map((s, i) => (
                <span key={s.id}>
                  {i > 0 && ", "}
                  <Link to="/o/$org/safes/$safe" params={{ org: org.slug, safe: s.id }} search={{ tab: "policy" }}>
                    {s.name}
                  </Link>
                </span>
              ))}
        {p.safes.length > 12 && ` and ${plural(p.safes.length - 12, "more safe")}`}
        {p.enabled ? "." : ", and is off."}
      </p>
    </section>
  );
}

function DeletePolicy({ policy: p, onClose }: { policy: AccessPolicy; onClose: () => void }) {
  const org = useOrg();
  const navigate = useNavigate();
  const { remove } = usePolicyChanges(p.id);
  const toasts = useToasts();
  return (
    <Confirm
      title={`Delete ${p.name}`}
      verb="Delete policy"
      typeName={p.name}
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(p.version, {
          onSuccess: () => {
            toasts.say(`${p.name} is deleted. Its history stays.`);
            void navigate({ to: "/o/$org/policies", params: { org: org.slug }, search: {} });
          },
        })
      }
    >
      <div className="stack">
        <p>
          It counts on {p.everywhere ? "every safe" : plural(p.safes.length, "safe")}
          {p.enabled ? "" : ", and is off"}. What it denied is decided without it from now on; what only it allowed is refused, and live sessions on it end.
        </p>
        {p.enabled && <SimulationOf days={30} policies={[{ id: p.id, delete: true }]} />}
      </div>
    </Confirm>
  );
}
