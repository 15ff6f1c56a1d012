import { useState } from "react";
import type { Session } from "../../api/types";
import { Confirm } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { useToasts } from "../../ui/toast";
import { useTerminate } from "./queries";

/** Asks, with room for a reason that goes into the audit log. */
export function TerminateDialog({ session, onClose }: { session: Session; onClose: () => void }) {
  const [comment, setComment] = useState("");
  const terminate = useTerminate();
  const toasts = useToasts();
  return (
    <Confirm
      title={`End the session of ${session.user.name}`}
      verb="End session"
      busy={terminate.isPending}
      error={terminate.error}
      onClose={onClose}
      onConfirm={() =>
        terminate.mutate(
          { id: session.id, comment: comment.trim() },
          {
            onSuccess: () => {
              toasts.say(`The session of ${session.user.name} on ${session.safe.name} is ended.`);
              onClose();
            },
          },
        )
      }
    >
      <div className="stack">
        <p>
          {session.user.name} loses the connection to {session.safe.name} at once. Programs in its foreground stop; what they have done stays done. The recording is kept.
        </p>
        <TextField label="Reason" optional hint="Shown to the person and kept in the audit log." maxLength={256} value={comment} onText={setComment} />
      </div>
    </Confirm>
  );
}
