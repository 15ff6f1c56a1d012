import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Pencil, Plus, Trash2, Users, UsersRound } from "lucide-react";
import { type ReactNode, useState } from "react";
import { asProblem } from "../../api/problem";
import type { Dated } from "../../api/dated";
import type { AccessWire, Safe, SafeGroup, SafeMember, SafeRole } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { initials } from "../../ui/format";
import type { Pick } from "../../ui/picker";
import { Empty, Failed, FormProblem } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { BindDialog, EditBinding, UnbindDialog } from "../groups/binding";
import { SourceBadge } from "../groups/words";
import { PersonPicker } from "../people/picker";
import { SimulationOf } from "../policies/simulate";
import { useOrg, useRights } from "../shell/org";
import { safeRoleWords } from "../shell/rights";
import { safeAccessQuery, safeGroupsQuery, safeMembersQuery, useSafeChanges } from "./queries";
import { endOf, endProblem, RoleFields, safeRoleOptions } from "./role-fields";

/** Who has a role here: given to people, given to groups, and what follows from both. */
export function AccessTab({ safe, editable }: { safe: Safe; editable: boolean }) {
  return (
    <div className="stack wide">
      <Members safe={safe} editable={editable} />
      <Groups safe={safe} editable={editable} />
      <Reach safe={safe} />
    </div>
  );
}

function Person({ name, email, children }: { name: string; email: string; children?: ReactNode }) {
  return (
    <span className="row">
      <span className="avatar" aria-hidden="true" data-mark={initials(name)} />
      <span className="stack tight gapless">
        {children ?? <span className="truncate">{name}</span>}
        <span className="faint small truncate">{email}</span>
      </span>
    </span>
  );
}

function End({ at }: { at: Date | undefined }) {
  return at ? <Time at={at} /> : <span className="faint">never</span>;
}

function Members({ safe, editable }: { safe: Safe; editable: boolean }) {
  const org = useOrg();
  const r = useRights();
  const { data, error, refetch } = useQuery(safeMembersQuery(org.id, safe.id));
  const changes = useSafeChanges(safe.id);
  const toasts = useToasts();
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<SafeMember>();
  const columns: Column<SafeMember>[] = [
    { name: "Person", skeleton: 160, cell: (m) => <Person name={m.name} email={m.email} /> },
    {
      name: "Role",
      cell: (m) =>
        editable ? (
          <select
            className="input inline-select"
            aria-label={`Role of ${m.name}`}
            value={m.role}
            disabled={changes.setMemberRole.isPending}
            onChange={(e) => {
              const role = e.target.value as SafeRole;
              changes.setMemberRole.mutate({ user_id: m.user_id, role }, { onSuccess: () => toasts.say(`${m.name} is now ${safeRoleWords[role].label.toLowerCase()} of ${safe.name}.`), onError: toasts.fail });
            }}
          >
            {safeRoleOptions.map((o) => (
              <option key={o.value} value={o.value}>
                {o.label}
              </option>
            ))}
          </select>
        ) : (
          safeRoleWords[m.role].label
        ),
    },
    { name: "Ends", from: "phone", cell: (m) => <End at={m.ends_at} /> },
    { name: "Added", from: "tablet", cell: (m) => <Time at={m.added_at} /> },
  ];
  if (editable) columns.push({ name: "Remove", right: true, quiet: true, cell: (m) => <IconButton icon={Trash2} small label={`Remove ${m.name}`} onClick={() => setLeaving(m)} /> });
  return (
    <section className="stack">
      <div className="row between">
        <div>
          <h2>Direct members</h2>
          <p className="dim">A removed member's running sessions on this safe end within two seconds.</p>
        </div>
        {editable && (
          <Button icon={Plus} onClick={() => setAdding(true)}>
            Add member
          </Button>
        )}
      </div>
      {error ? (
        <Failed error={error} what="the members of this safe" retry={() => void refetch()} />
      ) : data?.items.length === 0 ? (
        <div className="card">
          <Empty icon={Users} title="No direct members">
            {editable ? "Add the people who should open sessions here, or a group of them." : "Nobody was added by name."}
          </Empty>
        </div>
      ) : (
        <Table label={`Members of ${safe.name}`} columns={columns} rows={data?.items} id={(m) => m.user_id} />
      )}
      {adding && <AddMember safe={safe} onClose={() => setAdding(false)} />}
      {leaving && (
        <Confirm
          title={`Remove ${leaving.name} from ${safe.name}`}
          verb="Remove"
          busy={changes.removeMember.isPending}
          error={changes.removeMember.error}
          onClose={() => {
            setLeaving(undefined);
            changes.removeMember.reset();
          }}
          onConfirm={() =>
            changes.removeMember.mutate(leaving.user_id, {
              onSuccess: () => {
                toasts.say(`${leaving.name} is no longer a direct member of ${safe.name}.`);
                setLeaving(undefined);
              },
            })
          }
        >
          {leaving.name} keeps only what groups bring here. Without any, they open no more sessions, and running ones end. You can add them again at any time.
          {r.manage && <SimulationOf days={30} members={[{ safe_id: safe.id, user_id: leaving.user_id, role: "" }]} />}
        </Confirm>
      )}
    </section>
  );
}

function AddMember({ safe, onClose }: { safe: Safe; onClose: () => void }) {
  const { addMember } = useSafeChanges(safe.id);
  const toasts = useToasts();
  const [picked, setPicked] = useState<readonly Pick[]>([]);
  const [role, setRole] = useState<SafeRole>("user");
  const [ends, setEnds] = useState("");
  const problem = addMember.error ? asProblem(addMember.error) : undefined;
  const person = picked[0];
  const ready = person !== undefined && !endProblem(ends);
  const submit = () => {
    if (!ready || addMember.isPending) return;
    const until = endOf(ends);
    addMember.mutate(
      { user_id: person.value, role, ...(until ? { ends_at: until } : {}) },
      {
        onSuccess: () => {
          toasts.say(`${person.label} is ${safeRoleWords[role].label.toLowerCase()} of ${safe.name}.`);
          onClose();
        },
      },
    );
  };
  return (
    <Dialog
      title={`Add a member to ${safe.name}`}
      onClose={onClose}
      sticky
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={addMember.isPending}>
            Add member
          </Button>
        </>
      }
    >
      <PersonPicker label="Person" launchers picked={picked} onPicked={setPicked} error={problem?.field("user_id")} />
      <RoleFields role={role} ends={ends} onRole={setRole} onEnds={setEnds} error={problem?.field("ends_at")} />
      <FormProblem error={addMember.error} fields={["user_id", "ends_at"]} />
    </Dialog>
  );
}

function Groups({ safe, editable }: { safe: Safe; editable: boolean }) {
  const org = useOrg();
  const { data, error, refetch } = useQuery(safeGroupsQuery(org.id, safe.id));
  const [adding, setAdding] = useState(false);
  const [editing, setEditing] = useState<SafeGroup>();
  const [leaving, setLeaving] = useState<SafeGroup>();
  const named = (g: SafeGroup) => ({ id: g.group_id, name: g.name });
  const columns: Column<SafeGroup>[] = [
    {
      name: "Group",
      skeleton: 140,
      cell: (g) => (
        <span className="row wrap">
          <Link className="plain-link break" to="/o/$org/groups/$group" params={{ org: org.slug, group: g.group_id }} search={{}}>
            {g.name}
          </Link>
          <SourceBadge source={g.source} />
        </span>
      ),
    },
    { name: "Role", cell: (g) => <span title={safeRoleWords[g.role].means}>{safeRoleWords[g.role].label}</span> },
    { name: "People", from: "phone", right: true, cell: (g) => g.members.toLocaleString() },
    { name: "Ends", from: "phone", cell: (g) => <End at={g.ends_at} /> },
  ];
  if (editable) {
    columns.push({
      name: "Change",
      right: true,
      quiet: true,
      cell: (g) => (
        <span className="row end">
          <IconButton icon={Pencil} small label={`Change ${g.name}`} onClick={() => setEditing(g)} />
          <IconButton icon={Trash2} small label={`Take off ${g.name}`} onClick={() => setLeaving(g)} />
        </span>
      ),
    });
  }
  return (
    <section className="stack">
      <div className="row between">
        <div>
          <h2>Groups</h2>
          <p className="dim">Whoever is in one of them has its role here, as long as they are in it.</p>
        </div>
        {editable && (
          <Button icon={Plus} onClick={() => setAdding(true)}>
            Add group
          </Button>
        )}
      </div>
      {error ? (
        <Failed error={error} what="the groups of this safe" retry={() => void refetch()} />
      ) : data?.items.length === 0 ? (
        <div className="card">
          <Empty icon={UsersRound} title="No group is bound to it">
            A group saves adding its people one by one.
          </Empty>
        </div>
      ) : (
        <Table label={`Groups of ${safe.name}`} columns={columns} rows={data?.items} id={(g) => g.id} />
      )}
      {adding && <BindDialog safe={safe} onClose={() => setAdding(false)} />}
      {editing && <EditBinding group={named(editing)} safe={safe} binding={editing} onClose={() => setEditing(undefined)} />}
      {leaving && <UnbindDialog group={named(leaving)} safe={safe} members={leaving.members} onClose={() => setLeaving(undefined)} />}
    </section>
  );
}

function Reach({ safe }: { safe: Safe }) {
  const org = useOrg();
  const r = useRights();
  const list = useInfiniteQuery(safeAccessQuery(org.id, safe.id));
  const rows = list.data?.pages.flatMap((p) => p.items);
  const columns: Column<Dated<AccessWire>>[] = [
    {
      name: "Person",
      skeleton: 160,
      cell: (a) => (
        <Person name={a.name ?? a.handle ?? ""} email={a.email ?? ""}>
          {r.inspect && (
            <Link className="row-open truncate plain-link" to="/o/$org/people" params={{ org: org.slug }} search={{ q: a.handle, open: a.user_id }}>
              {a.name}
            </Link>
          )}
        </Person>
      ),
    },
    { name: "Role", cell: (a) => <span title={safeRoleWords[a.role].means}>{safeRoleWords[a.role].label}</span> },
    { name: "Through", cell: (a) => <Through access={a} /> },
    { name: "Ends", from: "phone", cell: (a) => <End at={a.ends_at} /> },
    {
      name: "Explain",
      from: "phone",
      right: true,
      quiet: true,
      cell: (a) => (
        <Link to="/o/$org/access" params={{ org: org.slug }} search={{ user: a.user_id, safe: safe.id }} aria-label={`Why, for ${a.name}`}>
          Why
        </Link>
      ),
    },
  ];
  return (
    <section className="stack">
      <div>
        <h2>Who can reach this safe, and through what</h2>
        <p className="dim">The strongest role that each has by one way or the other. Policies, hours and networks decide on top of it at each launch.</p>
      </div>
      {list.error ? (
        <Failed error={list.error} what="who can reach this safe" retry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <div className="card">
          <Empty icon={Users} title="Nobody can reach it yet">
            Neither a person nor a group with people in it has a role here.
          </Empty>
        </div>
      ) : (
        <Table label={`Who can reach ${safe.name}`} columns={columns} rows={rows} id={(a) => a.user_id} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />
      )}
    </section>
  );
}

/** The ways that a role comes by: directly, or through the group that brings the most. */
export function Through({ access: a }: { access: Dated<AccessWire> }) {
  const org = useOrg();
  return (
    <span className="stack tight gapless">
      {a.direct_role && <span>Directly{a.group_role && a.direct_role !== a.role && `, as ${safeRoleWords[a.direct_role].label.toLowerCase()}`}</span>}
      {a.group_role && a.group_id && (
        <span>
          Group{" "}
          <Link to="/o/$org/groups/$group" params={{ org: org.slug, group: a.group_id }} search={{}}>
            {a.group_name}
          </Link>
          {a.direct_role && a.group_role !== a.role && `, as ${safeRoleWords[a.group_role].label.toLowerCase()}`}
        </span>
      )}
    </span>
  );
}
