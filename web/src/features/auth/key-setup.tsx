import { useMutation } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import { Button } from "../../ui/button";
import { Check, TextField } from "../../ui/field";
import { FormProblem } from "../../ui/states";
import { enrolKey } from "./queries";

/** Enrols a security key or passkey. `done` gets the backup codes when this was the first factor. */
export function KeySetup({ done, guard = (act) => act() }: { done: (backupCodes: string[] | undefined) => void; guard?: <T>(act: () => Promise<T>) => Promise<T> }) {
  const [name, setName] = useState("");
  const [passkey, setPasskey] = useState(true);
  const enrol = useMutation({
    mutationFn: () => guard(() => enrolKey(name.trim(), passkey)),
    onSuccess: (answer) => done(answer.backup_codes ?? undefined),
    gcTime: 0,
  });
  const problem = enrol.error ? asProblem(enrol.error) : undefined;
  return (
    <form
      className="stack"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (!enrol.isPending) enrol.mutate();
      }}
    >
      <p className="dim">A key that you plug in or hold to the device, or the device itself by finger, face or PIN. It cannot be phished: it answers to this address only.</p>
      <TextField label="Label" optional hint="To tell several apart, for example blue YubiKey." maxLength={64} value={name} error={problem?.field("name")} onText={setName} />
      <Check
        label="Sign in without a password"
        means="The key keeps a passkey and asks for its PIN or your finger, which are both factors. Leave it out for old keys."
        checked={passkey}
        onCheck={setPasskey}
      />
      <FormProblem error={enrol.error} fields={["name"]} />
      <Button type="submit" kind="primary" full icon={KeyRound} busy={enrol.isPending}>
        {enrol.isPending ? "Waiting for your key" : "Add key"}
      </Button>
    </form>
  );
}
