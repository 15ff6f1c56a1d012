import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { post } from "../../api/client";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { useOrg, useRights } from "../shell/org";

/** The key that seals this organization's secrets. */
export function OrganizationKey() {
  const org = useOrg();
  const r = useRights();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [asking, setAsking] = useState(false);
  const rotate = useMutation({
    mutationFn: () => stepUp(() => post<unknown>("/org/key/rotate", { org: org.id })),
    onSuccess: () => {
      setAsking(false);
      toasts.say("The organization has a new encryption key.");
    },
  });
  if (!r.manage) return null;
  return (
    <section className="card">
      <header>
        <h2>Encryption key</h2>
      </header>
      <div className="body stack">
        <p className="dim prose">Passwords, private keys and other secrets of {org.name} are sealed under a key of its own. A new key seals from then on; what was sealed before still opens.</p>
        <div>
          <Button onClick={() => setAsking(true)}>Make a new key</Button>
        </div>
      </div>
      {asking && (
        <Confirm
          title={`A new encryption key for ${org.name}`}
          verb="Make a new key"
          kind="primary"
          busy={rotate.isPending}
          error={rotate.error}
          onClose={() => {
            setAsking(false);
            rotate.reset();
          }}
          onConfirm={() => rotate.mutate()}
        >
          Nothing stops meanwhile. It is in the audit log, and asks for a fresh second factor.
        </Confirm>
      )}
    </section>
  );
}
