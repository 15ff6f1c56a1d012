import { useEffect, useMemo, useState } from "react";
import { asProblem } from "../../api/problem";
import type { Safe } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { plural } from "../../ui/format";
import { FormProblem, Note } from "../../ui/states";
import { Badge } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useNames } from "../groups/names";
import { diff, formErrors, fromForm, toForm } from "./policy";
import { PoliciesOnSafe } from "../policies/on-safe";
import { useRights } from "../shell/org";
import { PolicyFields } from "./policy-form";
import { useSafeChanges } from "./queries";

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Edits the policy; before saving it says what changes and whom it touches. */
export function PolicyTab({ safe, members, editable }: { safe: Safe; members: number | undefined; editable: boolean }) {
  const [form, setForm] = useState(() => toForm(safe.policy, here));
  const [asking, setAsking] = useState(false);
  const r = useRights();
  const changes = useSafeChanges(safe.id);
  const toasts = useToasts();
  const base = JSON.stringify(safe.policy);
  useEffect(() => setForm(toForm(JSON.parse(base) as Safe["policy"], here)), [base]);

  const errors = useMemo(() => formErrors(form), [form]);
  const valid = Object.keys(errors).length === 0;
  const name = useNames([...form.autoGroups, ...form.breakGlass, ...safe.policy.auto_approve_groups, ...safe.policy.break_glass]);
  const list = valid ? diff(safe.policy, fromForm(form), name) : [];
  const dirty = !valid || list.length > 0;

  const waits = changes.setPolicy.error !== null && asProblem(changes.setPolicy.error).isWaiting;
  const close = () => {
    setAsking(false);
    if (waits) setForm(toForm(safe.policy, here)); // what was asked for waits elsewhere
    changes.setPolicy.reset();
  };

  return (
    <div className="stack">
      {r.inspect && <PoliciesOnSafe safe={safe} />}
      {!editable && <Note meaning="plain">You can read this policy. Owners and admins of the organization can change it.</Note>}
      <div className="card">
        <PolicyFields form={form} errors={errors} disabled={!editable} set={(part) => setForm((f) => ({ ...f, ...part }))} />
        {editable && (
          <div className={dirty ? "form-foot sticky-foot dirty" : "form-foot sticky-foot"}>
            <span className="grow dim">{!valid ? "Some values need a look." : list.length > 0 ? plural(list.length, "change") : "No changes"}</span>
            <Button disabled={!dirty} onClick={() => setForm(toForm(safe.policy, here))}>
              Undo
            </Button>
            <Button kind="primary" disabled={!valid || list.length === 0} onClick={() => setAsking(true)}>
              Review changes
            </Button>
          </div>
        )}
      </div>
      {asking && (
        <Dialog
          title={`Change the policy of ${safe.name}`}
          onClose={close}
          onSubmit={() =>
            !changes.setPolicy.isPending &&
            changes.setPolicy.mutate({ policy: fromForm(form), version: safe.version }, {
              onSuccess: () => {
                setAsking(false);
                toasts.say("The policy is changed. It holds for the next session.");
              },
            })
          }
          footer={
            waits ? <Button onClick={close}>Close</Button> : <>
              <Button onClick={close}>Back</Button>
              <Button type="submit" kind="primary" busy={changes.setPolicy.isPending}>
                Save policy
              </Button>
            </>
          }
        >
          <table className="diff">
            <thead>
              <tr>
                <th scope="col">Control</th>
                <th scope="col">Now</th>
                <th scope="col">Then</th>
              </tr>
            </thead>
            <tbody>
              {list.map((c) => (
                <tr key={c.control}>
                  <th scope="row">{c.control}</th>
                  <td className="dim">{c.from}</td>
                  <td>
                    {c.to} {c.weaker && <Badge meaning="warn">Weaker</Badge>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <p className="dim">
            {members === undefined ? "This touches every member of the safe." : `This touches ${plural(members, "member")} of the safe.`} The change and its author go into the audit log.
          </p>
          <FormProblem error={changes.setPolicy.error} />
        </Dialog>
      )}
    </div>
  );
}
