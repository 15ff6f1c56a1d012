import { infiniteQueryOptions, queryOptions, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FolderSync, KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { del, get, getAll, post, put } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { Page, ScimGroupWire, ScimPersonWire, ScimStateWire, ScimTokenWire, SsoRule } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { SelectField, TextField } from "../../ui/field";
import { plural } from "../../ui/format";
import { Empty, Failed, FormProblem, Note, Skeleton } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Command, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { useOrg, useRights } from "../shell/org";
import { roleWords } from "../shell/rights";

const stateQuery = (org: string) => queryOptions({ queryKey: [org, "scim"], queryFn: ({ signal }) => get<ScimStateWire>("/org/scim", { org, signal }) });
const tokensQuery = (org: string) => queryOptions({ queryKey: [org, "scim", "tokens"], queryFn: ({ signal }) => getAll<ScimTokenWire>("/org/scim/tokens", { org, signal }) });
const groupsQuery = (org: string) => queryOptions({ queryKey: [org, "scim", "groups"], queryFn: ({ signal }) => getAll<ScimGroupWire>("/org/scim/groups", { org, signal }) });
const pushedQuery = (org: string) =>
  infiniteQueryOptions({
    queryKey: [org, "scim", "people"],
    queryFn: ({ signal, pageParam }) => get<Page<ScimPersonWire>>("/org/scim/people", { org, signal, query: { limit: 50, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
  });

function useScimChanges() {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const onSuccess = () => client.invalidateQueries({ queryKey: [org, "scim"] });
  return {
    addToken: useMutation({ mutationFn: (body: { name: string; expires_in_days: number }) => stepUp(() => post<ScimTokenWire>("/org/scim/tokens", { org, body })), onSuccess, gcTime: 0 }),
    revoke: useMutation({ mutationFn: (id: string) => stepUp(() => del(`/org/scim/tokens/${id}`, { org })), onSuccess }),
    save: useMutation({ mutationFn: (body: { default_role?: string; roles: SsoRule[] }) => stepUp(() => put<unknown>("/org/scim", { org, body })), onSuccess }),
  };
}

/** How a directory pushes people and groups here, and what it has pushed. */
export function Directory() {
  const org = useOrg();
  const state = useQuery(stateQuery(org.id));
  if (state.error) return <Failed error={state.error} what="the directory" retry={() => void state.refetch()} />;
  return (
    <div className="stack wide">
      <div className="form-page stack wide">
        <section className="card">
          <header>
            <h2>Address</h2>
          </header>
          <div className="body stack">
            <p className="dim prose">Your directory (Entra ID, Okta and others) pushes people and groups to this address over SCIM 2.0, with a token from below. Whom it takes out there loses their place here at once.</p>
            {state.data ? <Command text={state.data.base_url} what="SCIM address" prompt={false} /> : <Skeleton width={280} />}
          </div>
        </section>
        <Tokens />
        {state.data && <Roles state={state.data} />}
      </div>
      <Pushed />
    </div>
  );
}

function Tokens() {
  const org = useOrg();
  const r = useRights();
  const { data, error } = useQuery(tokensQuery(org.id));
  const { revoke } = useScimChanges();
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<Dated<ScimTokenWire>>();
  return (
    <section className="card">
      <header>
        <h2>Tokens</h2>
        {r.manage && (
          <Button small icon={Plus} onClick={() => setAdding(true)}>
            New SCIM token
          </Button>
        )}
      </header>
      <FormProblem error={error} />
      <ul className="item-list">
        {!data && !error && (
          <li>
            <Skeleton width={200} />
          </li>
        )}
        {data?.items.length === 0 && <li className="dim">None. Without a token no directory is let in.</li>}
        {data?.items.map((t) => (
          <li key={t.id}>
            <KeyRound className="icon" aria-hidden />
            <div className="grow">
              <div>{t.name}</div>
              <div className="small dim">
                Last used {t.last_used_at ? <Time at={t.last_used_at} /> : "never"}, ends <Time at={t.expires_at} />
              </div>
            </div>
            {t.expires_at.getTime() < Date.now() && <State meaning="warn">Expired</State>}
            {r.manage && (
              <Button small kind="danger" aria-label={`Revoke token ${t.name}`} onClick={() => setLeaving(t)}>
                Revoke
              </Button>
            )}
          </li>
        ))}
      </ul>
      {adding && <NewToken onClose={() => setAdding(false)} />}
      {leaving && (
        <Confirm
          title={`Revoke ${leaving.name}`}
          verb="Revoke token"
          busy={revoke.isPending}
          error={revoke.error}
          onClose={() => {
            setLeaving(undefined);
            revoke.reset();
          }}
          onConfirm={() => revoke.mutate(leaving.id, { onSuccess: () => setLeaving(undefined) })}
        >
          The directory that uses it is refused from the next call on. People and groups that it has pushed stay.
        </Confirm>
      )}
    </section>
  );
}

const lifetimes = [
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "180", label: "180 days" },
  { value: "365", label: "A year, the longest" },
] as const;

function NewToken({ onClose }: { onClose: () => void }) {
  const { addToken } = useScimChanges();
  const [name, setName] = useState("");
  const [days, setDays] = useState<string>("180");
  const problem = addToken.error ? asProblem(addToken.error) : undefined;
  if (addToken.data) {
    return (
      <Dialog
        title="Copy the token now"
        sticky
        onClose={onClose}
        footer={
          <Button kind="primary" onClick={onClose}>
            I have it
          </Button>
        }
      >
        <Note meaning="warn">It is shown only now. Whoever has it can make and remove members here.</Note>
        <Command text={addToken.data.token ?? ""} what="token" prompt={false} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title="New SCIM token"
      sticky
      onClose={onClose}
      onSubmit={() => name.trim() !== "" && !addToken.isPending && addToken.mutate({ name: name.trim(), expires_in_days: Number(days) })}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={name.trim() === ""} busy={addToken.isPending}>
            Create token
          </Button>
        </>
      }
    >
      <TextField label="Name" autoFocus hint="The directory that it is for." value={name} error={problem?.field("name")} onText={setName} />
      <SelectField label="Expires after" value={days} options={lifetimes} error={problem?.field("expires_in_days")} onPick={setDays} />
      <FormProblem error={addToken.error} fields={["name", "expires_in_days"]} />
    </Dialog>
  );
}

const roles = (["admin", "operator", "auditor"] as const).map((value) => ({ value, label: roleWords[value].label }));

function Roles({ state }: { state: Dated<ScimStateWire> }) {
  const r = useRights();
  const [editing, setEditing] = useState(false);
  return (
    <section className="card">
      <header>
        <h2>Roles by group</h2>
        {r.manage && (
          <Button small onClick={() => setEditing(true)}>
            Edit roles
          </Button>
        )}
      </header>
      <div className="body stack">
        {state.roles && state.roles.length > 0 ? (
          <table className="diff">
            <thead>
              <tr>
                <th scope="col">Group in the directory</th>
                <th scope="col">Role here</th>
              </tr>
            </thead>
            <tbody>
              {state.roles.map((rule, i) => (
                <tr key={i}>
                  <td>
                    <code>{rule.group}</code>
                  </td>
                  <td>{roleWords[rule.role].label}</td>
                </tr>
              ))}
            </tbody>
          </table>
        ) : (
          <p className="dim">No rules: members keep the role that they have.</p>
        )}
        <p className="dim">Everybody else: {state.default_role ? roleWords[state.default_role].label : "no place here"}.</p>
      </div>
      {editing && <EditRoles state={state} onClose={() => setEditing(false)} />}
    </section>
  );
}

function EditRoles({ state, onClose }: { state: Dated<ScimStateWire>; onClose: () => void }) {
  const { save } = useScimChanges();
  const toasts = useToasts();
  const [rules, setRules] = useState<SsoRule[]>(state.roles ?? []);
  const [role, setRole] = useState<string>(state.default_role ?? "");
  const ready = rules.every((x) => x.group.trim() !== "");
  return (
    <Dialog
      title="Roles by group"
      wide
      sticky
      onClose={onClose}
      onSubmit={() =>
        ready &&
        !save.isPending &&
        save.mutate(
          { roles: rules, ...(role ? { default_role: role } : {}) },
          {
            onSuccess: () => {
              toasts.say("Saved. It holds for everybody whom the directory has pushed.");
              onClose();
            },
          },
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={save.isPending}>
            Save roles
          </Button>
        </>
      }
    >
      <p className="dim">The first group that matches counts, at once for everybody whom the directory has pushed. The last owner stays owner.</p>
      {rules.map((rule, i) => (
        <div className="rule-row" key={i}>
          <TextField label={`Group ${i + 1}`} mono value={rule.group} onText={(group) => setRules(rules.map((x, n) => (n === i ? { ...x, group } : x)))} />
          <SelectField label={`Role of group ${i + 1}`} value={rule.role} options={roles} onPick={(picked) => setRules(rules.map((x, n) => (n === i ? { ...x, role: picked } : x)))} />
          <IconButton icon={Trash2} label={`Remove group ${i + 1}`} onClick={() => setRules(rules.filter((_, n) => n !== i))} />
        </div>
      ))}
      <div>
        <Button small icon={Plus} onClick={() => setRules([...rules, { group: "", role: "operator" }])}>
          Add a group
        </Button>
      </div>
      <SelectField label="Role of everybody else" optional placeholder="None: they have no place here" value={role} options={roles} onPick={setRole} />
      <FormProblem error={save.error} />
    </Dialog>
  );
}

function Pushed() {
  const org = useOrg();
  const list = useInfiniteQuery(pushedQuery(org.id));
  const groups = useQuery(groupsQuery(org.id));
  const rows = list.data?.pages.flatMap((p) => p.items);
  const columns: Column<Dated<ScimPersonWire>>[] = [
    {
      name: "Person",
      skeleton: 150,
      cell: (p) => (
        <span className="stack tight gapless">
          <Link to="/o/$org/people" params={{ org: org.slug }} search={{ q: p.email, open: p.user_id }}>
            {p.name || p.user_name}
          </Link>
          <span className="faint small truncate">{p.email}</span>
        </span>
      ),
    },
    { name: "Name there", from: "tablet", cell: (p) => <code>{p.user_name}</code> },
    { name: "State there", cell: (p) => (p.active ? <State meaning="good">Active</State> : <State>Not active</State>) },
    { name: "Role here", from: "phone", cell: (p) => (p.role ? roleWords[p.role].label : <span className="faint">no place</span>) },
    { name: "Changed", from: "phone", cell: (p) => <Time at={p.changed_at} /> },
  ];
  return (
    <section className="stack">
      <h2>What was pushed</h2>
      <FormProblem error={groups.error} />
      {groups.data && groups.data.items.length > 0 && (
        <p className="dim">
          {plural(groups.data.items.length, "group")}: {groups.data.items.map((g) => `${g.name} (${g.members})`).join(", ")}
        </p>
      )}
      {list.error ? (
        <Failed error={list.error} what="who was pushed" retry={() => void list.refetch()} />
      ) : rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={FolderSync} title="Nobody yet">
            Give the directory the address and a token. Who it pushes appears here, with the role that they got.
          </Empty>
        </div>
      ) : (
        <Table label="Pushed by the directory" columns={columns} rows={rows} id={(p) => p.user_id} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />
      )}
    </section>
  );
}
