import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { MailPlus, Plus, Users } from "lucide-react";
import type { Member, OrgRole } from "../../api/types";
import { Button } from "../../ui/button";
import { SearchInput } from "../../ui/field";
import { ClearFilters, PickChip } from "../../ui/filter";
import { initials } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { useSettled } from "../../ui/settled";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, Time } from "../../ui/text";
import { useOrg, useRights } from "../shell/org";
import { roleWords } from "../shell/rights";
import { MemberForm } from "./form";
import { InviteForm } from "./invite-form";
import { Invitations } from "./invitations";
import { MemberPanel } from "./panel";
import { memberQuery, peopleQuery } from "./queries";
import { ServiceAccounts } from "./service-accounts";

const tabs = [
  { tab: undefined, label: "Members" },
  { tab: "invitations", label: "Invitations" },
  { tab: "service-accounts", label: "Service accounts" },
] as const;

export default function PeoplePage() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/people" });
  const navigate = useNavigate({ from: "/o/$org/people" });
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const service = search.tab === "service-accounts";
  return (
    <>
      <PageHead
        title="People"
        lead="Who belongs to this organization, and in which role. Access to systems comes from safes, not from here."
        action={
          r.manage &&
          (service ? (
            <Button kind="primary" icon={Plus} onClick={() => set({ new: "service-account" })}>
              New service account
            </Button>
          ) : (
            <>
              <Button icon={Plus} onClick={() => set({ new: "1" })}>
                Add person
              </Button>
              <Button kind="primary" icon={MailPlus} onClick={() => set({ new: "invite" })}>
                Invite
              </Button>
            </>
          ))
        }
      />
      {r.inspect && (
        <nav className="tabs" aria-label="Members, invitations and service accounts">
          {tabs.map((t) => (
            <Link key={t.label} to="/o/$org/people" params={{ org: org.slug }} search={t.tab ? { tab: t.tab } : {}} aria-current={search.tab === t.tab ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
              {t.label}
            </Link>
          ))}
        </nav>
      )}
      <div className="tab-body">{search.tab === "invitations" ? <Invitations /> : service ? <ServiceAccounts /> : <Members />}</div>
      {search.new === "1" && r.manage && <MemberForm onClose={() => set({ new: undefined })} />}
      {search.new === "invite" && r.manage && <InviteForm onClose={(sent) => set({ new: undefined, ...(sent ? { tab: "invitations", q: undefined, role: undefined, open: undefined } : {}) })} />}
    </>
  );
}

const roleOptions = (Object.keys(roleWords) as OrgRole[]).map((value) => ({ value, label: roleWords[value].label }));

function Members() {
  const org = useOrg();
  const search = useSearch({ from: "/in/shell/o/$org/people" });
  const navigate = useNavigate({ from: "/o/$org/people" });
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const q = useSettled(search.q);
  const list = useInfiniteQuery(peopleQuery(org.id, { q, role: search.role }));
  const rows = list.data?.pages.flatMap((p) => p.items);
  const listed = rows?.find((p) => p.user_id === search.open);
  const single = useQuery({ ...memberQuery(org.id, search.open ?? ""), enabled: Boolean(search.open && rows && !listed) });
  const open = listed ?? single.data ?? undefined;
  const columns: Column<Member>[] = [
    {
      name: "Person",
      skeleton: 150,
      cell: (p) => (
        <span className="row">
          <span className="avatar" aria-hidden="true" data-mark={initials(p.name)} />
          <span className="stack tight gapless">
            <button type="button" className="row-open truncate" onClick={() => set({ open: p.user_id })}>
              {p.name}
            </button>
            <span className="faint small truncate">{p.email}</span>
          </span>
        </span>
      ),
    },
    { name: "Handle", from: "desk", cell: (p) => <code>{p.handle}</code> },
    { name: "Role", cell: (p) => roleWords[p.role].label },
    { name: "State", from: "phone", cell: (p) => <MemberState member={p} /> },
    { name: "Second factor", from: "tablet", cell: (p) => <FactorState member={p} /> },
    { name: "Joined", from: "tablet", cell: (p) => <Time at={p.joined_at} /> },
  ];
  if (list.error) return <Failed error={list.error} what="the people" retry={() => void list.refetch()} />;
  const filtered = Boolean(search.q || search.role);
  return (
    <>
      <div className="filters" role="group" aria-label="Filters">
        <SearchInput label="Search people" placeholder="Search name, email or handle" value={search.q ?? ""} onText={(v) => set({ q: v || undefined })} />
        <PickChip label="Role" value={search.role} options={roleOptions} onPick={(role) => set({ role })} />
        <ClearFilters shown={filtered} onClear={() => set({ q: undefined, role: undefined })} />
      </div>
      {rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={Users} title="Nobody matches">
            {search.q ? `No name, email or handle here is like “${search.q}”.` : "Nobody has this role."}
          </Empty>
        </div>
      ) : (
        <div className="comfortable">
          <Table
            label="People"
            columns={columns}
            rows={rows}
            id={(p) => p.user_id}
            selected={search.open}
            onOpen={(p) => set({ open: p.user_id })}
            more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined}
          />
        </div>
      )}
      {open && <MemberPanel key={open.user_id} member={open} onClose={() => set({ open: undefined })} />}
    </>
  );
}

export function MemberState({ member }: { member: Member }) {
  return member.active ? <State meaning="good">Active</State> : <State meaning="warn">Suspended</State>;
}

export function FactorState({ member }: { member: Member }) {
  return member.mfa_enrolled ? <State meaning="good">Set up</State> : <State meaning="warn">Not set up</State>;
}
