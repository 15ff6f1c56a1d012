import { Check, X } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { GovernanceAction } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextArea } from "../../ui/field";
import { FormProblem } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { type Desk, useDecision, type Verb } from "./queries";

const words: Record<Verb, { button: string; sure: string; title: (a: GovernanceAction) => string; means: string; done: string; hint: string }> = {
  approve: { button: "Approve", sure: "Approve it", title: (a) => `Approve: ${a.title}`, means: "The change is made at once, as it stands on the page. Approve it only when you know why it is asked for.", done: "Approved. The change is made.", hint: "Whoever asked is told it, and the audit log keeps it." },
  reject: { button: "Reject", sure: "Reject it", title: (a) => `Reject: ${a.title}`, means: "Nothing is changed. It may be asked for again.", done: "Rejected. Nothing was changed.", hint: "Whoever asked is told it, and the audit log keeps it." },
  withdraw: { button: "Withdraw", sure: "Withdraw it", title: (a) => `Withdraw: ${a.title}`, means: "Nobody decides about it any more. You may ask again.", done: "Withdrawn.", hint: "The audit log keeps it." },
};

/** The verbs that the reader has for an action that waits, each with a word on why. */
export function Decide({ action: a, desk, verbs }: { action: GovernanceAction; desk: Desk; verbs: readonly Verb[] }) {
  const [verb, setVerb] = useState<Verb>();
  const [comment, setComment] = useState("");
  const decide = useDecision(desk);
  const toasts = useToasts();
  const close = () => {
    setVerb(undefined);
    decide.reset();
  };
  // The buttons go with the state that they end, and a mutation tells nothing to who is gone.
  const run = (v: Verb) =>
    decide.mutateAsync({ id: a.id, verb: v, comment: comment.trim() }).then(
      () => {
        toasts.say(words[v].done);
        close();
        if (v === "approve" && a.kind === "organization_delete" && desk.org) window.location.assign("/");
      },
      (err: unknown) => {
        const { code } = asProblem(err);
        if (code !== "GOVERNANCE_STALE" && code !== "GOVERNANCE_CLOSED") return; // the dialog shows it
        toasts.fail(err);
        close();
      },
    );
  return (
    <>
      {verbs.map((v) => (
        <Button key={v} kind={v === "approve" ? "primary" : v === "reject" ? "danger" : "plain"} {...(v === "approve" ? { icon: Check } : v === "reject" ? { icon: X } : {})} onClick={() => setVerb(v)}>
          {words[v].button}
        </Button>
      ))}
      {verb && (
        <Dialog
          title={words[verb].title(a)}
          onClose={close}
          onSubmit={() => !decide.isPending && void run(verb)}
          footer={
            <>
              <Button onClick={close}>Cancel</Button>
              <Button type="submit" kind={verb === "reject" ? "danger solid" : "primary"} busy={decide.isPending}>
                {words[verb].sure}
              </Button>
            </>
          }
        >
          <p className="dim">{words[verb].means}</p>
          <TextArea label="Comment" optional rows={2} maxLength={500} hint={words[verb].hint} value={comment} error={decide.error ? asProblem(decide.error).field("comment") : undefined} onText={setComment} />
          <FormProblem error={decide.error} fields={["comment"]} />
        </Dialog>
      )}
    </>
  );
}
