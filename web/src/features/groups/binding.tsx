import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { SafeRole } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { plural } from "../../ui/format";
import type { Pick } from "../../ui/picker";
import { FormProblem, Note } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { SimulationOf } from "../policies/simulate";
import { SafePicker } from "../safes/picker";
import { endOf, endProblem, endText, RoleFields } from "../safes/role-fields";
import { useRights } from "../shell/org";
import { safeRoleWords } from "../shell/rights";
import { GroupPicker } from "./picker";
import { useGroupChanges } from "./queries";

interface End {
  id: string;
  name: string;
}

/** Binds a group to a safe, from either of the two. */
export function BindDialog({ group, safe, members, onClose }: { group?: End; safe?: End; members?: number; onClose: () => void }) {
  const { bind } = useGroupChanges(group?.id);
  const toasts = useToasts();
  const [picked, setPicked] = useState<readonly Pick[]>([]);
  const [role, setRole] = useState<SafeRole>("user");
  const [ends, setEnds] = useState("");
  const problem = bind.error ? asProblem(bind.error) : undefined;
  const other = picked[0];
  const ready = other !== undefined && !endProblem(ends);
  const count = members === undefined ? other?.detail : plural(members, "person", "people");
  const submit = () => {
    if (!ready || bind.isPending) return;
    const until = endOf(ends);
    bind.mutate(
      { safe: safe?.id ?? other.value, group: group?.id ?? other.value, role, ...(until ? { ends_at: until } : {}) },
      {
        onSuccess: () => {
          toasts.say(`${group?.name ?? other.label} is bound to ${safe?.name ?? other.label}.`);
          onClose();
        },
      },
    );
  };
  return (
    <Dialog
      title={group ? `Bind ${group.name} to a safe` : `Add a group to ${safe?.name}`}
      sticky
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={bind.isPending}>
            {group ? "Bind to safe" : "Add group"}
          </Button>
        </>
      }
    >
      {group ? (
        <SafePicker label="Safe" picked={picked} onPicked={setPicked} error={problem?.field("safe_id")} />
      ) : (
        <GroupPicker label="Group" picked={picked} onPicked={setPicked} error={problem?.field("group_id")} />
      )}
      <RoleFields role={role} ends={ends} onRole={setRole} onEnds={setEnds} error={problem?.field("ends_at")} />
      {other && (
        <Note meaning="plain">
          {count} in {group?.name ?? other.label} have at least the role {safeRoleWords[role].label.toLowerCase()} on {safe?.name ?? other.label} then, and so has whoever joins the group later.
        </Note>
      )}
      <FormProblem error={bind.error} fields={["group_id", "ends_at"]} />
    </Dialog>
  );
}

/** Another role, or another end, for a group on a safe. */
export function EditBinding({ group, safe, binding, onClose }: { group: End; safe: End; binding: { role: SafeRole; ends_at?: Date; version?: number }; onClose: () => void }) {
  const { rebind } = useGroupChanges(group.id);
  const toasts = useToasts();
  const [role, setRole] = useState<SafeRole>(binding.role);
  const [ends, setEnds] = useState(endText(binding.ends_at));
  const ready = !endProblem(ends) && (role !== binding.role || ends !== endText(binding.ends_at));
  return (
    <Dialog
      title={`${group.name} on ${safe.name}`}
      onClose={onClose}
      onSubmit={() =>
        ready &&
        !rebind.isPending &&
        rebind.mutate(
          { safe: safe.id, group: group.id, role, ends_at: endOf(ends), ...(binding.version ? { version: binding.version } : {}) },
          {
            onSuccess: () => {
              toasts.say("Saved. It holds at once.");
              onClose();
            },
          },
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={rebind.isPending}>
            Save
          </Button>
        </>
      }
    >
      <RoleFields role={role} ends={ends} onRole={setRole} onEnds={setEnds} error={rebind.error ? asProblem(rebind.error).field("ends_at") : undefined} />
      <FormProblem error={rebind.error} fields={["ends_at"]} />
    </Dialog>
  );
}

export function UnbindDialog({ group, safe, members, onClose }: { group: End; safe: End; members: number; onClose: () => void }) {
  const r = useRights();
  const { unbind } = useGroupChanges(group.id);
  const toasts = useToasts();
  return (
    <Confirm
      title={`Take ${group.name} off ${safe.name}`}
      verb="Take it off"
      busy={unbind.isPending}
      error={unbind.error}
      onClose={onClose}
      onConfirm={() =>
        unbind.mutate(
          { safe: safe.id, group: group.id },
          {
            onSuccess: () => {
              toasts.say(`${group.name} is no longer bound to ${safe.name}.`);
              onClose();
            },
          },
        )
      }
    >
      {plural(members, "person is", "people are")} in {group.name}. Whoever of them reaches {safe.name} by nothing else loses it, and their live sessions there end within two seconds.
      {r.manage && <SimulationOf days={30} group_roles={[{ safe_id: safe.id, group_id: group.id, role: "" }]} />}
    </Confirm>
  );
}
