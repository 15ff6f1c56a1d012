import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { Checkout } from "../../api/types";
import { Confirm } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { useToasts } from "../../ui/toast";
import { useCheckoutChanges } from "./queries";

/** Ends a checkout: one's own, or somebody else's by order. */
export function CheckIn({ checkout: c, own, onClose }: { checkout: Checkout; own: boolean; onClose: () => void }) {
  const { checkIn } = useCheckoutChanges();
  const toasts = useToasts();
  const [comment, setComment] = useState("");
  return (
    <Confirm
      title={own ? `Check in ${c.safe.name}` : `End the checkout of ${c.user.name}`}
      verb={own ? "Check it in" : "End it now"}
      kind={own ? "primary" : "danger solid"}
      busy={checkIn.isPending}
      error={checkIn.error}
      onClose={onClose}
      onConfirm={() =>
        checkIn.mutate(
          { id: c.id, comment: comment.trim() },
          {
            onSuccess: () => {
              toasts.say(`${c.safe.name} is checked in. Its credential is due to be replaced.`);
              onClose();
            },
          },
        )
      }
    >
      <div className="stack">
        <p>
          {own
            ? "You cannot show it again then, and others may check it out."
            : `${c.user.name} can no longer show the credential of ${c.safe.name}, and others may check it out. What they have copied stays good until it is replaced.`}
        </p>
        <TextField label="Comment" optional maxLength={500} hint="It is kept with the checkout." value={comment} error={checkIn.error ? asProblem(checkIn.error).field("comment") : undefined} onText={setComment} />
      </div>
    </Confirm>
  );
}
