import { useState } from "react";
import { asProblem } from "../../api/problem";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Check, RadioList, TextField } from "../../ui/field";
import type { Pick } from "../../ui/picker";
import { FormProblem } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { GroupPicker } from "../groups/picker";
import { PersonPicker } from "../people/picker";
import { SafePicker } from "../safes/picker";
import { useReviewChanges } from "./queries";

const rules = [
  { value: "revoke", label: "Revoke", means: "What nobody decides by the deadline is taken away." },
  { value: "keep", label: "Keep", means: "What nobody decides by the deadline stays." },
] as const;

/** In two weeks at this hour, as the field shows a time. */
function inTwoWeeks(): string {
  const d = new Date(Date.now() + 14 * 86_400_000);
  d.setMinutes(d.getMinutes() - d.getTimezoneOffset());
  return d.toISOString().slice(0, 16);
}

/** Opens a review over safes and groups, or over all there are. */
export function ReviewForm({ onClose }: { onClose: (made?: string) => void }) {
  const toasts = useToasts();
  const { open } = useReviewChanges("");
  const [name, setName] = useState("");
  const [all, setAll] = useState(false);
  const [safes, setSafes] = useState<readonly Pick[]>([]);
  const [groups, setGroups] = useState<readonly Pick[]>([]);
  const [people, setPeople] = useState<readonly Pick[]>([]);
  const [rule, setRule] = useState<"keep" | "revoke">("revoke");
  const [deadline, setDeadline] = useState(inTwoWeeks);
  const problem = open.error ? asProblem(open.error) : undefined;
  const ready = name.trim() !== "" && deadline !== "" && (all || safes.length + groups.length > 0);
  const ids = (p: readonly Pick[]) => p.map((x) => x.value);
  return (
    <Dialog
      title="New access review"
      sticky
      onClose={() => onClose()}
      onSubmit={() =>
        ready &&
        !open.isPending &&
        open.mutate(
          { name: name.trim(), ...(all ? { all } : { safe_ids: ids(safes), group_ids: ids(groups) }), reviewer_ids: ids(people), rule, deadline: new Date(deadline).toISOString() },
          {
            onSuccess: (made) => {
              toasts.say(`${made.name} is open. Its reviewers get a message.`);
              onClose(made.id);
            },
          },
        )
      }
      footer={
        <>
          <Button onClick={() => onClose()}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={open.isPending}>
            Open review
          </Button>
        </>
      }
    >
      <TextField label="Name" maxLength={100} value={name} error={problem?.field("name")} onText={setName} />
      <Check label="All safes and groups" means="A review has at most 12,000 rights." checked={all} onCheck={setAll} />
      {!all && <SafePicker many label="Safes" hint="Who is a member, and which groups are bound." picked={safes} onPicked={setSafes} error={problem?.field("safe_ids") ?? problem?.field("scope")} />}
      {!all && <GroupPicker many label="Groups" hint="Who is in them." picked={groups} onPicked={setGroups} error={problem?.field("group_ids")} />}
      <PersonPicker many optional label="Reviewers" hint="Nobody named: the managers of each safe. Nobody reviews a right of their own; where nobody else is left, owners and admins do." picked={people} onPicked={setPeople} error={problem?.field("reviewer_ids")} />
      <TextField label="Deadline" type="datetime-local" value={deadline} error={problem?.field("deadline")} onText={setDeadline} />
      <RadioList legend="At the deadline" value={rule} options={rules} onPick={setRule} />
      <FormProblem error={open.error} fields={["name", "scope", "safe_ids", "group_ids", "reviewer_ids", "deadline"]} />
    </Dialog>
  );
}
