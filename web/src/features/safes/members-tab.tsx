import { useQuery } from "@tanstack/react-query";
import { Plus, Trash2, Users } from "lucide-react";
import { useState } from "react";
import type { Safe, SafeMember, SafeRole } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { RadioList, SelectField } from "../../ui/field";
import { initials } from "../../ui/format";
import { Empty, Failed, FormProblem, Note } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { membersQuery } from "../people/queries";
import { useOrg } from "../shell/org";
import { safeRoleWords } from "../shell/rights";
import { safeMembersQuery, useSafeChanges } from "./queries";

const roleOptions = (Object.keys(safeRoleWords) as SafeRole[]).map((value) => ({ value, ...safeRoleWords[value] }));

export function MembersTab({ safe, editable }: { safe: Safe; editable: boolean }) {
  const org = useOrg();
  const { data, error, refetch } = useQuery(safeMembersQuery(org.id, safe.id));
  const changes = useSafeChanges(safe.id);
  const toasts = useToasts();
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<SafeMember>();

  if (error) return <Failed error={error} what="the members of this safe" retry={() => void refetch()} />;
  const columns: Column<SafeMember>[] = [
    {
      name: "Person",
      skeleton: 160,
      cell: (m) => (
        <span className="row">
          <span className="avatar" aria-hidden="true" data-mark={initials(m.name)} />
          <span className="stack tight gapless">
            <span className="truncate">{m.name}</span>
            <span className="faint small truncate">{m.email}</span>
          </span>
        </span>
      ),
    },
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
              changes.setMemberRole.mutate(
                { user_id: m.user_id, role },
                { onSuccess: () => toasts.say(`${m.name} is now ${safeRoleWords[role].label.toLowerCase()} of ${safe.name}.`), onError: toasts.fail },
              );
            }}
          >
            {roleOptions.map((o) => (
              <option key={o.value} value={o.value}>
                {o.label}
              </option>
            ))}
          </select>
        ) : (
          safeRoleWords[m.role].label
        ),
    },
    { name: "Added", from: "phone", cell: (m) => <Time at={m.added_at} /> },
  ];
  if (editable) {
    columns.push({ name: "Remove", right: true, quiet: true, cell: (m) => <IconButton icon={Trash2} small label={`Remove ${m.name}`} onClick={() => setLeaving(m)} /> });
  }
  return (
    <div className="stack">
      {editable && (
        <div className="row between">
          <p className="dim">A removed member's running sessions on this safe end within two seconds.</p>
          <Button icon={Plus} onClick={() => setAdding(true)}>
            Add member
          </Button>
        </div>
      )}
      {data && data.items.length === 0 ? (
        <div className="card">
          <Empty icon={Users} title="Nobody can open this safe yet" action={editable && <Button kind="primary" onClick={() => setAdding(true)}>Add member</Button>}>
            Add the people who should open sessions here.
          </Empty>
        </div>
      ) : (
        <Table label={`Members of ${safe.name}`} columns={columns} rows={data?.items} id={(m) => m.user_id} />
      )}
      {adding && <AddMember safe={safe} taken={data?.items ?? []} onClose={() => setAdding(false)} />}
      {leaving && (
        <Confirm
          title={`Remove ${leaving.name} from ${safe.name}`}
          verb="Remove"
          busy={changes.removeMember.isPending}
          error={changes.removeMember.error}
          onClose={() => setLeaving(undefined)}
          onConfirm={() =>
            changes.removeMember.mutate(leaving.user_id, {
              onSuccess: () => {
                toasts.say(`${leaving.name} is removed from ${safe.name}.`);
                setLeaving(undefined);
              },
            })
          }
        >
          {leaving.name} can no longer open sessions here, and running ones end. You can add them again at any time.
        </Confirm>
      )}
    </div>
  );
}

function AddMember({ safe, taken, onClose }: { safe: Safe; taken: readonly SafeMember[]; onClose: () => void }) {
  const org = useOrg();
  const people = useQuery(membersQuery(org.id));
  const changes = useSafeChanges(safe.id);
  const toasts = useToasts();
  const [user, setUser] = useState("");
  const [role, setRole] = useState<SafeRole>("user");
  const free = people.data?.items.filter((p) => p.role !== "auditor" && !taken.some((t) => t.user_id === p.user_id)) ?? [];
  const submit = () =>
    user !== "" &&
    changes.addMember.mutate(
      { user_id: user, role },
      {
        onSuccess: () => {
          toasts.say(`${free.find((p) => p.user_id === user)?.name ?? "The person"} can now use ${safe.name}.`);
          onClose();
        },
      },
    );
  return (
    <Dialog
      title={`Add a member to ${safe.name}`}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={user === ""} busy={changes.addMember.isPending}>
            Add member
          </Button>
        </>
      }
    >
      {people.error ? (
        <FormProblem error={people.error} />
      ) : people.data && free.length === 0 ? (
        <Note meaning="plain">Everyone who can launch is a member already. Add people to the organization first.</Note>
      ) : (
        <SelectField
          label="Person"
          value={user}
          placeholder={people.data ? "Choose a person" : "Loading"}
          options={free.map((p) => ({ value: p.user_id, label: `${p.name} (${p.email})` }))}
          onPick={setUser}
        />
      )}
      <RadioList legend="Role on this safe" value={role} options={roleOptions} onPick={setRole} />
      <FormProblem error={changes.addMember.error} />
    </Dialog>
  );
}
