import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, UsersRound } from "lucide-react";
import type { Group } from "../../api/types";
import { Button } from "../../ui/button";
import { SearchInput } from "../../ui/field";
import { ClearFilters } from "../../ui/filter";
import { PageHead } from "../../ui/page";
import { useSettled } from "../../ui/settled";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Time } from "../../ui/text";
import { useOrg, useRights } from "../shell/org";
import { GroupForm } from "./form";
import { groupsQuery } from "./queries";
import { SourceBadge } from "./words";

export default function GroupsPage() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/groups" });
  const navigate = useNavigate({ from: "/o/$org/groups" });
  const go = useNavigate();
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const open = (group: string) => void go({ to: "/o/$org/groups/$group", params: { org: org.slug, group }, search: {} });
  const list = useInfiniteQuery(groupsQuery(org.id, useSettled(search.q)));
  const rows = list.data?.pages.flatMap((p) => p.items);
  const none = rows?.length === 0;
  const columns: Column<Group>[] = [
    {
      name: "Group",
      skeleton: 140,
      cell: (g) => (
        <span className="stack tight gapless">
          <Link className="row-open truncate plain-link" to="/o/$org/groups/$group" params={{ org: org.slug, group: g.id }} search={{}}>
            {g.name}
          </Link>
          {g.description && <span className="faint small truncate">{g.description}</span>}
        </span>
      ),
    },
    { name: "Kept by", cell: (g) => <SourceBadge source={g.source} /> },
    { name: "People", right: true, cell: (g) => g.members.toLocaleString() },
    { name: "Safes", from: "phone", right: true, cell: (g) => g.safes.toLocaleString() },
    { name: "Changed", from: "tablet", cell: (g) => <Time at={g.updated_at} /> },
  ];
  return (
    <>
      <PageHead
        title="Groups"
        lead="People who reach the same safes. Bind a group to a safe once, and whoever is in it has the role there."
        action={
          r.manage && (
            <Button kind="primary" icon={Plus} onClick={() => set({ new: "1" })}>
              New group
            </Button>
          )
        }
      />
      {list.error ? (
        <Failed error={list.error} what="the groups" retry={() => void list.refetch()} />
      ) : none && !search.q ? (
        <div className="card">
          <Empty
            icon={UsersRound}
            title="There is no group yet"
            action={
              r.manage && (
                <Button kind="primary" onClick={() => set({ new: "1" })}>
                  New group
                </Button>
              )
            }
          >
            Make one for people who do the same work, or let your identity provider or directory keep it.
          </Empty>
        </div>
      ) : (
        <>
          <div className="filters" role="group" aria-label="Filters">
            <SearchInput label="Search groups" placeholder="Search groups" value={search.q ?? ""} onText={(v) => set({ q: v || undefined })} />
            <ClearFilters shown={Boolean(search.q)} onClear={() => set({ q: undefined })} />
          </div>
          {none ? (
            <div className="card">
              <Empty icon={UsersRound} title="No group matches">
                No group here has “{search.q}” in its name.
              </Empty>
            </div>
          ) : (
            <div className="comfortable">
              <Table label="Groups" columns={columns} rows={rows} id={(g) => g.id} onOpen={(g) => open(g.id)} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />
            </div>
          )}
        </>
      )}
      {search.new === "1" && r.manage && <GroupForm onClose={(made) => (made ? open(made) : set({ new: undefined }))} />}
    </>
  );
}
