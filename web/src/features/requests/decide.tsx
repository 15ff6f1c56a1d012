import { Check, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { asProblem } from "../../api/problem";
import type { AccessRequest } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextArea } from "../../ui/field";
import { duration } from "../../ui/format";
import { FormProblem } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { useRequestChanges } from "./queries";
import { opens } from "./words";

/** Approve and Reject, each with a word to the requester. By keyboard, where one request is the page: A and R. */
export function Decide({ request: r, keys }: { request: AccessRequest; keys?: boolean }) {
  const [verdict, setVerdict] = useState<"approve" | "reject">();
  const [comment, setComment] = useState("");
  const { decide } = useRequestChanges();
  const toasts = useToasts();
  const open = useRef(setVerdict);
  useEffect(() => {
    if (!keys) return;
    const onKey = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog:modal") || (e.target instanceof HTMLElement && e.target.closest("input, textarea, select, [contenteditable]"))) return;
      const key = e.key.toLowerCase();
      if (key !== "a" && key !== "r") return;
      e.preventDefault();
      open.current(key === "a" ? "approve" : "reject");
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [keys]);
  const approve = verdict === "approve";
  const close = () => {
    setVerdict(undefined);
    decide.reset();
  };
  return (
    <>
      <Button kind="primary" icon={Check} onClick={() => setVerdict("approve")} aria-label={`Approve the request of ${r.requester.name}`}>
        Approve
      </Button>
      <Button kind="danger" icon={X} onClick={() => setVerdict("reject")} aria-label={`Reject the request of ${r.requester.name}`}>
        Reject
      </Button>
      {verdict && (
        <Dialog
          title={`${approve ? "Approve" : "Reject"}: ${r.requester.name} on ${r.safe.name}`}
          onClose={close}
          onSubmit={() =>
            !decide.isPending &&
            decide.mutate(
              { id: r.id, verdict, comment: comment.trim(), version: r.version },
              {
                onSuccess: (now) => {
                  toasts.say(approve ? (now.state === "approved" ? r.uses === "checkout" ? `${r.requester.name} may check out the credential of ${r.safe.name} now.` : `${r.requester.name} may open ${r.safe.name} now.` : "Approved. One more person has to.") : "Rejected.");
                  close();
                },
              },
            )
          }
          footer={
            <>
              <Button onClick={close}>Cancel</Button>
              <Button type="submit" kind={approve ? "primary" : "danger solid"} busy={decide.isPending}>
                {approve ? "Approve it" : "Reject it"}
              </Button>
            </>
          }
        >
          <p className="dim">
            {approve
              ? `${r.approvals_needed - r.approvals_have > 1 ? "Another person has to approve it too. Then they" : "They"} may ${opens(r)} there for ${duration(r.duration_seconds)}${r.starts_at ? ` from ${r.starts_at.toLocaleString()}` : ""}.`
              : "This ends the request. They may ask again."}
          </p>
          <TextArea label="Comment" optional rows={2} maxLength={500} hint="They are told it." value={comment} error={decide.error ? asProblem(decide.error).field("comment") : undefined} onText={setComment} />
          <FormProblem error={decide.error} fields={["comment"]} />
        </Dialog>
      )}
    </>
  );
}
