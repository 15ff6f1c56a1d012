import { useMutation } from "@tanstack/react-query";
import { CircleCheck, CircleDashed, CircleX, ShieldCheck } from "lucide-react";
import type { AuditEventWire } from "../../api/types";
import { Button } from "../../ui/button";
import { FormProblem, Note } from "../../ui/states";
import { Command, Facts, Id } from "../../ui/text";
import { Problem } from "../../api/problem";
import { useOrg } from "../shell/org";
import { inclusionProof, ledgerKeys } from "./queries";
import { type Step, type Verdict, verifyEvent } from "./verify";

const icons = { held: CircleCheck, failed: CircleX, "not-checked": CircleDashed } as const;
const words = { held: "Holds", failed: "Does not hold", "not-checked": "Not checked here" } as const;

/** Proves the entry in this browser, and says how to do it without this server. */
export function Proof({ event }: { event: AuditEventWire }) {
  const org = useOrg();
  const verify = useMutation({
    mutationFn: async () => {
      const [proof, keys] = await Promise.all([inclusionProof(org.id, event.id), ledgerKeys(org.id)]);
      try {
        return await verifyEvent(event, proof, keys);
      } catch (err) {
        throw new Problem({ status: 0, code: "PROOF", message: err instanceof Error ? err.message : "The proof could not be read." });
      }
    },
  });
  return (
    <section>
      <h3>Proof</h3>
      <div className="stack">
        {!verify.data && (
          <>
            <p className="dim">Fetches the path from this entry to the signed root of the ledger and computes it again, here in your browser.</p>
            <div>
              <Button icon={ShieldCheck} busy={verify.isPending} onClick={() => verify.mutate()}>
                Verify this entry
              </Button>
            </div>
          </>
        )}
        <FormProblem error={verify.error} />
        {verify.data && <Result verdict={verify.data} event={event} />}
      </div>
    </section>
  );
}

function Result({ verdict, event }: { verdict: Verdict; event: AuditEventWire }) {
  return (
    <>
      <Note meaning={verdict.intact ? "good" : "bad"} live>
        {verdict.intact ? `Entry ${event.seq} is in the ledger, unaltered, as its signed checkpoint of ${verdict.size} entries has it.` : "This entry could not be proved. Do not rely on it; check the exported bundle offline."}
      </Note>
      <ol className="proof-steps">
        {verdict.steps.map((s) => (
          <StepLine key={s.what} step={s} />
        ))}
      </ol>
      <Facts
        rows={[
          ["Checkpoint", verdict.checkpoint?.split("\n")[0] ?? ""],
          ["Entries", String(verdict.size)],
          ["Root", <Id key="r" value={verdict.root ?? ""} what="root hash" />],
        ]}
      />
      <p className="dim">Without this server: export the ledger, then on any machine, with the key that you keep and any older checkpoint:</p>
      <Command text={`vaultpam audit verify vaultpam-audit.ndjson --key '${verdict.key ?? "the verifier key"}' --since old-checkpoint.txt`} />
    </>
  );
}

function StepLine({ step }: { step: Step }) {
  const Icon = icons[step.result];
  return (
    <li className={step.result}>
      <Icon className="icon" aria-hidden />
      <div>
        <strong>{step.what}</strong> <span className="small dim">{words[step.result]}</span>
        <div className="dim">{step.detail}</div>
      </div>
    </li>
  );
}
