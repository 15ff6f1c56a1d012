import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, Scale } from "lucide-react";
import type { AccessPolicy } from "../../api/types";
import { LinkButton } from "../../ui/button";
import { SearchInput } from "../../ui/field";
import { ClearFilters, PickChip } from "../../ui/filter";
import { plural } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, Time } from "../../ui/text";
import { useOrg, useRights } from "../shell/org";
import { EffectState } from "./effect";
import { effectWords } from "./model";
import { policiesQuery } from "./queries";

const effects = (["allow", "require_approval", "deny"] as const).map((value) => ({ value, label: effectWords[value].label }));

export default function PoliciesPage() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/policies" });
  const navigate = useNavigate({ from: "/o/$org/policies" });
  const go = useNavigate();
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const { data, error, refetch } = useQuery(policiesQuery(org.id));
  const typed = search.q?.toLowerCase() ?? "";
  const rows = data?.items.filter((p) => `${p.name} ${p.description}`.toLowerCase().includes(typed) && (!search.effect || p.effects.some((e) => e === search.effect)));
  const params = { org: org.slug };
  const columns: Column<AccessPolicy>[] = [
    {
      name: "Policy",
      skeleton: 150,
      cell: (p) => (
        <span className="stack tight gapless">
          <Link className="row-open truncate plain-link" to="/o/$org/policies/$policy" params={{ ...params, policy: p.id }} search={{}}>
            {p.name}
          </Link>
          {p.description && <span className="faint small truncate">{p.description}</span>}
        </span>
      ),
    },
    {
      name: "Effect",
      cell: (p) => (
        <span className="stack tight gapless">
          {p.effects.map((e) => (
            <EffectState key={e} effect={e} />
          ))}
        </span>
      ),
    },
    { name: "Where", from: "phone", cell: (p) => (p.everywhere ? "Every safe" : p.safes.length === 0 ? <span className="faint">on no safe</span> : p.safes.length <= 2 ? p.safes.map((s) => s.name).join(", ") : plural(p.safes.length, "safe")) },
    { name: "State", from: "phone", cell: (p) => (p.enabled ? <State meaning="good">On</State> : <State>Off</State>) },
    { name: "Priority", from: "desk", right: true, cell: (p) => p.priority },
    { name: "Changed", from: "tablet", cell: (p) => <Time at={p.updated_at} /> },
  ];
  const add = r.manage && (
    <LinkButton kind="primary" icon={Plus} to="/o/$org/policies/new" params={params} search={{}}>
      New policy
    </LinkButton>
  );
  return (
    <>
      <PageHead title="Policies" lead="When and under which conditions people open safes. Deny beats require approval beats allow; what nothing permits is refused." action={add} />
      {error ? (
        <Failed error={error} what="the policies" retry={() => void refetch()} />
      ) : data?.items.length === 0 ? (
        <div className="card">
          <Empty icon={Scale} title="There is no policy yet" action={add}>
            Without any, whoever has a role on a safe may open it, under the safe's own settings. A policy adds conditions for many safes at once.
          </Empty>
        </div>
      ) : (
        <>
          <div className="filters" role="group" aria-label="Filters">
            <SearchInput label="Search policies" placeholder="Search policies" value={search.q ?? ""} onText={(v) => set({ q: v || undefined })} />
            <PickChip label="Effect" value={search.effect} options={effects} onPick={(effect) => set({ effect })} />
            <ClearFilters shown={Boolean(search.q || search.effect)} onClear={() => set({ q: undefined, effect: undefined })} />
          </div>
          {rows?.length === 0 ? (
            <div className="card">
              <Empty icon={Scale} title="No policy matches">
                Nothing here fits these filters.
              </Empty>
            </div>
          ) : (
            <div className="comfortable">
              <Table label="Policies" columns={columns} rows={rows} id={(p) => p.id} onOpen={(p) => void go({ to: "/o/$org/policies/$policy", params: { ...params, policy: p.id }, search: {} })} />
            </div>
          )}
        </>
      )}
    </>
  );
}
