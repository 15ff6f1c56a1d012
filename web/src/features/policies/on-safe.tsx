import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { AccessPolicy, Safe } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { SelectField } from "../../ui/field";
import { FormProblem, Note, Skeleton } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { useOrg, useRights } from "../shell/org";
import { EffectState } from "./effect";
import { policiesQuery, usePolicyChanges } from "./queries";
import { SimulationOf } from "./simulate";

/** The organization's policies that count on a safe, put on it and taken off it. */
export function PoliciesOnSafe({ safe }: { safe: Safe }) {
  const org = useOrg();
  const r = useRights();
  const { data, error } = useQuery(policiesQuery(org.id, safe.id));
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<AccessPolicy>();
  return (
    <section className="card">
      <header>
        <h2>Policies of the organization</h2>
        {r.manage && (
          <Button small icon={Plus} onClick={() => setAdding(true)}>
            Put a policy on it
          </Button>
        )}
      </header>
      <FormProblem error={error} />
      <ul className="item-list">
        {!data && !error && (
          <li>
            <Skeleton width={220} />
          </li>
        )}
        {data?.items.length === 0 && <li className="dim">None counts here. The settings below and the roles on the safe decide.</li>}
        {data?.items.map((p) => (
          <li key={p.id}>
            <div className="grow">
              <Link className="plain-link" to="/o/$org/policies/$policy" params={{ org: org.slug, policy: p.id }} search={{}}>
                {p.name}
              </Link>
              <div className="small dim">
                {p.everywhere ? "On every safe" : "On this safe"}
                {!p.enabled && ", switched off"}
              </div>
            </div>
            {p.effects.map((e) => (
              <EffectState key={e} effect={e} />
            ))}
            {r.manage && !p.everywhere && <IconButton icon={Trash2} small label={`Take ${p.name} off this safe`} onClick={() => setLeaving(p)} />}
          </li>
        ))}
      </ul>
      {adding && <Put safe={safe} taken={data?.items ?? []} onClose={() => setAdding(false)} />}
      {leaving && <TakeOff safe={safe} policy={leaving} onClose={() => setLeaving(undefined)} />}
    </section>
  );
}

function Put({ safe, taken, onClose }: { safe: Safe; taken: readonly AccessPolicy[]; onClose: () => void }) {
  const org = useOrg();
  const all = useQuery(policiesQuery(org.id));
  const { assign } = usePolicyChanges();
  const toasts = useToasts();
  const [policy, setPolicy] = useState("");
  const free = all.data?.items.filter((p) => !p.everywhere && !taken.some((t) => t.id === p.id)) ?? [];
  const chosen = free.find((p) => p.id === policy);
  return (
    <Dialog
      title={`Put a policy on ${safe.name}`}
      wide
      onClose={onClose}
      onSubmit={() =>
        chosen &&
        !assign.isPending &&
        assign.mutate(
          { policy: chosen.id, safe: safe.id },
          {
            onSuccess: () => {
              toasts.say(`${chosen.name} counts on ${safe.name} now.`);
              onClose();
            },
          },
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!chosen} busy={assign.isPending}>
            Put it on
          </Button>
        </>
      }
    >
      {all.data && free.length === 0 ? (
        <Note meaning="plain">
          There is no other policy to put on it.{" "}
          <Link to="/o/$org/policies/new" params={{ org: org.slug }} search={{}}>
            Write one
          </Link>
        </Note>
      ) : (
        <SelectField label="Policy" value={policy} placeholder={all.data ? "Choose a policy" : "Loading"} options={free.map((p) => ({ value: p.id, label: p.name }))} onPick={setPolicy} />
      )}
      {chosen && <SimulationOf key={chosen.id} days={30} policies={[{ id: chosen.id, safes: [...chosen.safes.map((s) => s.id), safe.id] }]} />}
      <FormProblem error={all.error ?? assign.error} />
    </Dialog>
  );
}

function TakeOff({ safe, policy: p, onClose }: { safe: Safe; policy: AccessPolicy; onClose: () => void }) {
  const { unassign } = usePolicyChanges();
  const toasts = useToasts();
  return (
    <Confirm
      title={`Take ${p.name} off ${safe.name}`}
      verb="Take it off"
      busy={unassign.isPending}
      error={unassign.error}
      onClose={onClose}
      onConfirm={() =>
        unassign.mutate(
          { policy: p.id, safe: safe.id },
          {
            onSuccess: () => {
              toasts.say(`${p.name} no longer counts on ${safe.name}.`);
              onClose();
            },
          },
        )
      }
    >
      <div className="stack">
        <p>What it says holds on {safe.name} no more. Where it was the only policy that allows, roles decide again.</p>
        {p.enabled && <SimulationOf days={30} policies={[{ id: p.id, safes: p.safes.map((s) => s.id).filter((s) => s !== safe.id) }]} />}
      </div>
    </Confirm>
  );
}
