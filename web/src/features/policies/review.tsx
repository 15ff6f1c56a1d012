import { useState } from "react";
import type { AccessPolicy } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { FormProblem } from "../../ui/states";
import { useNames } from "../groups/names";
import { TextDiff } from "./diff";
import type { Draft } from "./queries";
import { SimulationOf } from "./simulate";

/** What a save would change, and for whom it would have changed something. */
export function Review({ policy: p, draft, text, busy, error, onClose, onSave }: { policy: AccessPolicy | undefined; draft: Draft; text: string; busy: boolean; error: unknown; onClose: () => void; onSave: (comment: string) => void }) {
  const [comment, setComment] = useState("");
  const name = useNames([...(draft.safes ?? []), ...(p?.safes.map((s) => s.id) ?? [])]);
  const where = (everywhere: boolean | undefined, safes: readonly string[] | undefined) => (everywhere ? "every safe" : (safes ?? []).map(name).sort().join(", ") || "no safe");
  const facts: [string, string, string][] = [
    ["Name", p?.name ?? "", draft.name ?? ""],
    ["State", p ? (p.enabled ? "on" : "off") : "", draft.enabled ? "on" : "off"],
    ["Where", p ? where(p.everywhere, p.safes.map((s) => s.id)) : "", where(draft.everywhere, draft.safes)],
    ["Priority", p ? String(p.priority) : "", String(draft.priority)],
  ];
  const changed = facts.filter(([, was, is]) => was !== is);
  return (
    <Dialog
      title={p ? `Change ${p.name}` : `Create ${draft.name}`}
      wide
      sticky
      onClose={onClose}
      onSubmit={() => !busy && onSave(comment.trim())}
      footer={
        <>
          <Button onClick={onClose}>Back</Button>
          <Button type="submit" kind="primary" busy={busy}>
            {p ? "Save policy" : "Create policy"}
          </Button>
        </>
      }
    >
      {changed.length > 0 && (
        <table className="diff">
          <thead>
            <tr>
              <th scope="col">What</th>
              {p && <th scope="col">Now</th>}
              <th scope="col">Then</th>
            </tr>
          </thead>
          <tbody>
            {changed.map(([what, was, is]) => (
              <tr key={what}>
                <th scope="row">{what}</th>
                {p && <td className="dim">{was}</td>}
                <td>{is}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <TextDiff before={p?.text ?? ""} after={text} />
      <SimulationOf days={30} policies={[{ ...draft, ...(p ? { id: p.id } : {}) }]} />
      <TextField label="Why" optional maxLength={2000} hint="Kept in its history." value={comment} onText={setComment} />
      <FormProblem error={error} />
    </Dialog>
  );
}
