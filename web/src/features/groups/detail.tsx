import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Boxes, Pencil, Plus, Trash2, UsersRound } from "lucide-react";
import { useState } from "react";
import type { Dated } from "../../api/dated";
import type { Group, GroupMember, GroupSafeWire } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { SearchInput } from "../../ui/field";
import { initials, plural } from "../../ui/format";
import { PageHead } from "../../ui/page";
import type { Pick } from "../../ui/picker";
import { useSettled } from "../../ui/settled";
import { Empty, Failed, FormProblem, Note, PageSkeleton } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { PersonPicker } from "../people/picker";
import { SimulationOf } from "../policies/simulate";
import { useOrg, useRights } from "../shell/org";
import { safeRoleWords } from "../shell/rights";
import { providersQuery } from "../sso/queries";
import { BindDialog, EditBinding, UnbindDialog } from "./binding";
import { GroupForm } from "./form";
import { groupMembersQuery, groupQuery, groupSafesQuery, useGroupChanges } from "./queries";
import { SourceBadge, sourceWords } from "./words";

const route = "/in/shell/o/$org/groups/$group";

export default function GroupPage() {
  const org = useOrg();
  const r = useRights();
  const { group: id } = useParams({ from: route });
  const search = useSearch({ from: route });
  const { data: g, error, refetch } = useQuery(groupQuery(org.id, id));
  const [dialog, setDialog] = useState<"edit" | "delete">();
  if (error) return <Failed page error={error} what="this group" retry={() => void refetch()} />;
  if (!g) return <PageSkeleton label="the group" />;
  const seesSafes = r.inspect;
  const tab = search.tab === "safes" && seesSafes ? "safes" : "members";
  const tabs = [
    { id: "members", label: "People", count: g.members },
    ...(seesSafes ? [{ id: "safes", label: "Safes", count: g.safes }] : []),
  ];
  return (
    <>
      <PageHead
        title={g.name}
        lead={g.description || undefined}
        meta={<SourceBadge source={g.source} />}
        back={
          <Link to="/o/$org/groups" params={{ org: org.slug }} search={{}}>
            Groups
          </Link>
        }
        action={
          r.manage && (
            <>
              {g.source !== "scim" && (
                <Button icon={Pencil} onClick={() => setDialog("edit")}>
                  Edit
                </Button>
              )}
              {g.source !== "scim" && (
                <Button kind="danger" icon={Trash2} onClick={() => setDialog("delete")}>
                  Delete
                </Button>
              )}
            </>
          )
        }
      />
      {g.source !== "local" && <ManagedBy group={g} />}
      <nav className="tabs" aria-label="Parts of this group">
        {tabs.map((t) => (
          <Link key={t.id} to="/o/$org/groups/$group" params={{ org: org.slug, group: id }} search={t.id === "members" ? {} : { tab: t.id }} aria-current={tab === t.id ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            {t.label}
            <span className="count">{t.count}</span>
          </Link>
        ))}
      </nav>
      <div className="tab-body">{tab === "safes" ? <SafesOf group={g} /> : <People group={g} />}</div>
      {dialog === "edit" && <GroupForm group={g} onClose={() => setDialog(undefined)} />}
      {dialog === "delete" && <DeleteGroup group={g} onClose={() => setDialog(undefined)} />}
    </>
  );
}

/** Who else keeps the group, and where that is changed. */
function ManagedBy({ group: g }: { group: Group }) {
  const org = useOrg();
  const r = useRights();
  const providers = useQuery({ ...providersQuery(org.id), enabled: r.manage && g.source === "sso" });
  const provider = providers.data?.items.find((p) => p.id === g.provider_id);
  return (
    <Note meaning="info">
      {sourceWords[g.source].by}{" "}
      {g.source === "sso" && (
        <>
          {provider ? `${provider.name} calls it` : "The provider calls it"} <code>{g.provider_group}</code>.{" "}
        </>
      )}
      {r.manage && (
        <Link to="/o/$org/settings/sso" params={{ org: org.slug }} search={g.source === "scim" ? { tab: "directory" } : g.provider_id ? { open: g.provider_id } : {}}>
          {g.source === "scim" ? "The directory" : "The provider"}
        </Link>
      )}
    </Note>
  );
}

function People({ group: g }: { group: Group }) {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: route });
  const navigate = useNavigate({ from: "/o/$org/groups/$group" });
  const list = useInfiniteQuery(groupMembersQuery(org.id, g.id, useSettled(search.q)));
  const rows = list.data?.pages.flatMap((p) => p.items);
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<GroupMember>();
  const editable = r.manage && g.source === "local";
  const columns: Column<GroupMember>[] = [
    {
      name: "Person",
      skeleton: 150,
      cell: (m) => (
        <span className="row">
          <span className="avatar" aria-hidden="true" data-mark={initials(m.name)} />
          <span className="stack tight gapless">
            {r.inspect ? (
              <Link className="row-open truncate plain-link" to="/o/$org/people" params={{ org: org.slug }} search={{ q: m.handle, open: m.user_id }}>
                {m.name}
              </Link>
            ) : (
              <span className="truncate">{m.name}</span>
            )}
            <span className="faint small truncate">{m.email}</span>
          </span>
        </span>
      ),
    },
    { name: "Handle", from: "desk", cell: (m) => <code>{m.handle}</code> },
    { name: "In it since", from: "phone", cell: (m) => <Time at={m.added_at} /> },
  ];
  if (editable) columns.push({ name: "Remove", right: true, quiet: true, cell: (m) => <IconButton icon={Trash2} small label={`Remove ${m.name}`} onClick={() => setLeaving(m)} /> });
  if (list.error) return <Failed error={list.error} what="the members of this group" retry={() => void list.refetch()} />;
  return (
    <>
      <div className="filters" role="group" aria-label="Filters">
        <SearchInput label="Search members" placeholder="Search name, email or handle" value={search.q ?? ""} onText={(v) => void navigate({ search: (s) => ({ ...s, q: v || undefined }), replace: true })} />
        <span className="grow" />
        {editable && (
          <Button icon={Plus} onClick={() => setAdding(true)}>
            Add people
          </Button>
        )}
      </div>
      {rows?.length === 0 ? (
        <div className="card">
          <Empty icon={UsersRound} title={search.q ? "Nobody matches" : "Nobody is in this group"}>
            {search.q ? `No name, email or handle in it is like “${search.q}”.` : g.source === "local" ? "Add the people who should reach its safes." : "They appear here as soon as who keeps the group names them."}
          </Empty>
        </div>
      ) : (
        <div className="comfortable">
          <Table label={`Members of ${g.name}`} columns={columns} rows={rows} id={(m) => m.user_id} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />
        </div>
      )}
      {adding && <AddPeople group={g} onClose={() => setAdding(false)} />}
      {leaving && <RemovePerson group={g} member={leaving} onClose={() => setLeaving(undefined)} />}
    </>
  );
}

/** The safes of the group in one sentence: what comes to somebody, or goes. */
function useBrings(group: Group) {
  const org = useOrg();
  const { data } = useQuery(groupSafesQuery(org.id, group.id));
  const list = data?.items ?? [];
  const named = list.slice(0, 6).map((s) => `${s.name} (${safeRoleWords[s.role].label.toLowerCase()})`);
  return list.length === 0 ? undefined : named.join(", ") + (list.length > 6 ? ` and ${plural(list.length - 6, "more safe")}` : "");
}

function AddPeople({ group: g, onClose }: { group: Group; onClose: () => void }) {
  const { addMembers } = useGroupChanges(g.id);
  const toasts = useToasts();
  const brings = useBrings(g);
  const [picked, setPicked] = useState<readonly Pick[]>([]);
  return (
    <Dialog
      title={`Add people to ${g.name}`}
      sticky
      onClose={onClose}
      onSubmit={() =>
        picked.length > 0 &&
        !addMembers.isPending &&
        addMembers.mutate(
          picked.map((p) => p.value),
          {
            onSuccess: ({ added }) => {
              toasts.say(added === 0 ? "They were in it already." : `${plural(added, "person is", "people are")} in ${g.name} now.`);
              onClose();
            },
          },
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={picked.length === 0} busy={addMembers.isPending}>
            {picked.length > 1 ? `Add ${picked.length} people` : "Add person"}
          </Button>
        </>
      }
    >
      <PersonPicker label="People" many picked={picked} onPicked={setPicked} />
      <Note meaning="plain">{brings ? `Whoever is in it reaches: ${brings}.` : "The group is bound to no safe yet, so this gives nobody anything now."}</Note>
      <FormProblem error={addMembers.error} />
    </Dialog>
  );
}

function RemovePerson({ group: g, member: m, onClose }: { group: Group; member: GroupMember; onClose: () => void }) {
  const r = useRights();
  const { removeMember } = useGroupChanges(g.id);
  const toasts = useToasts();
  const brings = useBrings(g);
  return (
    <Confirm
      title={`Remove ${m.name} from ${g.name}`}
      verb="Remove"
      busy={removeMember.isPending}
      error={removeMember.error}
      onClose={onClose}
      onConfirm={() =>
        removeMember.mutate(m.user_id, {
          onSuccess: () => {
            toasts.say(`${m.name} is no longer in ${g.name}.`);
            onClose();
          },
        })
      }
    >
      {brings ? `The group brings: ${brings}. What ${m.name} has by nothing else, they lose, and live sessions there end within two seconds.` : "The group is bound to no safe, so they lose nothing by it."}
      {r.manage && <SimulationOf days={30} group_members={[{ group_id: g.id, user_id: m.user_id, in: false }]} />}
    </Confirm>
  );
}

function SafesOf({ group: g }: { group: Group }) {
  const org = useOrg();
  const r = useRights();
  const { data, error, refetch } = useQuery(groupSafesQuery(org.id, g.id));
  const [binding, setBinding] = useState(false);
  const [editing, setEditing] = useState<Dated<GroupSafeWire>>();
  const [leaving, setLeaving] = useState<Dated<GroupSafeWire>>();
  if (error) return <Failed error={error} what="the safes of this group" retry={() => void refetch()} />;
  const rows = data && (data.items ?? []);
  const columns: Column<Dated<GroupSafeWire>>[] = [
    {
      name: "Safe",
      skeleton: 120,
      cell: (s) => (
        <Link className="row-open plain-link" to="/o/$org/safes/$safe" params={{ org: org.slug, safe: s.safe_id }} search={{ tab: "access" }}>
          {s.name}
        </Link>
      ),
    },
    { name: "Role there", cell: (s) => <span title={safeRoleWords[s.role].means}>{safeRoleWords[s.role].label}</span> },
    { name: "Ends", from: "phone", cell: (s) => (s.ends_at ? <Time at={s.ends_at} /> : <span className="faint">never</span>) },
  ];
  if (r.manage) {
    columns.push({
      name: "Change",
      right: true,
      quiet: true,
      cell: (s) => (
        <span className="row end">
          <IconButton icon={Pencil} small label={`Change ${s.name}`} onClick={() => setEditing(s)} />
          <IconButton icon={Trash2} small label={`Take ${g.name} off ${s.name}`} onClick={() => setLeaving(s)} />
        </span>
      ),
    });
  }
  const bind = r.manage && (
    <Button icon={Plus} onClick={() => setBinding(true)}>
      Bind to a safe
    </Button>
  );
  return (
    <div className="stack">
      {rows?.length === 0 ? (
        <div className="card">
          <Empty icon={Boxes} title="It is bound to no safe" action={bind}>
            Being in this group brings nobody anything yet.
          </Empty>
        </div>
      ) : (
        <>
          <div className="row between">
            <p className="dim">Whoever is in the group has the role on each of these.</p>
            {bind}
          </div>
          <Table label={`Safes of ${g.name}`} columns={columns} rows={rows} id={(s) => s.safe_id} />
        </>
      )}
      {binding && <BindDialog group={g} members={g.members} onClose={() => setBinding(false)} />}
      {editing && <EditBinding group={g} safe={{ id: editing.safe_id, name: editing.name }} binding={editing} onClose={() => setEditing(undefined)} />}
      {leaving && <UnbindDialog group={g} safe={{ id: leaving.safe_id, name: leaving.name }} members={g.members} onClose={() => setLeaving(undefined)} />}
    </div>
  );
}

function DeleteGroup({ group: g, onClose }: { group: Group; onClose: () => void }) {
  const org = useOrg();
  const r = useRights();
  const navigate = useNavigate();
  const { remove } = useGroupChanges(g.id);
  const toasts = useToasts();
  const brings = useBrings(g);
  return (
    <Confirm
      title={`Delete ${g.name}`}
      verb="Delete group"
      typeName={g.name}
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(g.version, {
          onSuccess: () => {
            toasts.say(`${g.name} is deleted.`);
            void navigate({ to: "/o/$org/groups", params: { org: org.slug }, search: {} });
          },
        })
      }
    >
      {plural(g.members, "person is", "people are")} in it.{" "}
      {brings ? `It brings ${brings}: who has one of these by nothing else loses it, and their live sessions there end within two seconds.` : "It is bound to no safe, so nobody loses anything."} Policies that name it match nobody by it any more.
      {r.manage && <SimulationOf days={30} deleted_groups={[g.id]} />}
    </Confirm>
  );
}
