import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { MailPlus, Plus, Users } from "lucide-react";
import type { Member } from "../../api/types";
import { Button } from "../../ui/button";
import { SearchInput } from "../../ui/field";
import { initials } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, Time } from "../../ui/text";
import { useOrg, useRights } from "../shell/org";
import { roleWords } from "../shell/rights";
import { MemberForm } from "./form";
import { Invitations, InviteForm } from "./invitations";
import { MemberPanel } from "./panel";
import { membersQuery } from "./queries";

export default function PeoplePage() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/people" });
  const navigate = useNavigate({ from: "/o/$org/people" });
  const { data, error, refetch } = useQuery(membersQuery(org.id));
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const q = (search.q ?? "").toLowerCase();
  const rows = data?.items.filter((p) => q === "" || `${p.name} ${p.email} ${p.handle}`.toLowerCase().includes(q));
  const open = data?.items.find((p) => p.user_id === search.open);
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
    { name: "Handle", from: "tablet", cell: (p) => <code>{p.handle}</code> },
    { name: "Role", cell: (p) => roleWords[p.role].label },
    { name: "State", from: "phone", cell: (p) => (p.active ? <State meaning="good">Active</State> : <State meaning="warn">Suspended</State>) },
    { name: "Joined", from: "tablet", cell: (p) => <Time at={p.joined_at} /> },
  ];
  return (
    <>
      <PageHead
        title="People"
        lead="Who belongs to this organization, and in which role. Access to systems comes from safes, not from here."
        action={
          r.manage && (
            <>
              <Button icon={Plus} onClick={() => set({ new: "1" })}>
                Add person
              </Button>
              <Button kind="primary" icon={MailPlus} onClick={() => set({ new: "invite" })}>
                Invite
              </Button>
            </>
          )
        }
      />
      {r.inspect && (
        <nav className="tabs" aria-label="Members and invitations">
          <Link to="/o/$org/people" params={{ org: org.slug }} search={{}} aria-current={search.tab ? undefined : "page"} activeOptions={{ exact: true, includeSearch: true }}>
            Members
          </Link>
          <Link to="/o/$org/people" params={{ org: org.slug }} search={{ tab: "invitations" }} aria-current={search.tab ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            Invitations
          </Link>
        </nav>
      )}
      {search.tab === "invitations" ? (
        <div className="tab-body">
          <Invitations />
        </div>
      ) : error ? (
        <Failed error={error} what="the people" retry={() => void refetch()} />
      ) : (
        <>
          <div className="filters">
            <SearchInput label="Search people" value={search.q ?? ""} onText={(v) => set({ q: v || undefined })} />
          </div>
          {rows && rows.length === 0 ? (
            <div className="card">
              <Empty icon={Users} title="Nobody matches">
                No name, email or handle is like “{search.q}”.
              </Empty>
            </div>
          ) : (
            <div className="comfortable">
              <Table label="People" columns={columns} rows={rows} id={(p) => p.user_id} selected={search.open} onOpen={(p) => set({ open: p.user_id })} />
            </div>
          )}
        </>
      )}
      {open && <MemberPanel key={open.user_id} member={open} owners={data?.items.filter((p) => p.role === "owner").length ?? 0} onClose={() => set({ open: undefined })} />}
      {search.new === "1" && r.manage && <MemberForm onClose={() => set({ new: undefined })} />}
      {search.new === "invite" && r.manage && <InviteForm onClose={() => set({ new: undefined, tab: "invitations" })} />}
    </>
  );
}
