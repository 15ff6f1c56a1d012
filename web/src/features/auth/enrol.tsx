import { useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { Button } from "../../ui/button";
import { AuthFrame } from "./frame";
import { BackupCodes } from "./backup-codes";
import { KeySetup } from "./key-setup";
import { safeNext } from "./next";
import { TotpSetup } from "./totp-setup";
import { hasWebAuthn } from "./webauthn";

/** A person without a second factor sets one up before anything else. */
export default function Enrol() {
  const { next, recovery } = useSearch({ from: "/enrol" });
  const recovers = recovery !== undefined; // then the session ends with the enrolment, as every other of theirs
  const client = useQueryClient();
  const router = useRouter();
  const [codes, setCodes] = useState<string[]>();
  const [key, setKey] = useState(false);

  const enter = () => {
    client.clear();
    router.history.replace(recovers ? "/sign-in" : safeNext(next)); // an address with its search, as it was asked for
  };
  const done = (backup: string[] | undefined) => (backup && backup.length > 0 ? setCodes(backup) : enter());

  if (codes) {
    return (
      <AuthFrame title="Keep your backup codes" wide>
        <BackupCodes codes={codes} verb={recovers ? "Sign in with it" : "Go to the console"} done={() => enter()} />
      </AuthFrame>
    );
  }
  return (
    <AuthFrame
      title={recovers ? "Set up your new second factor" : "Set up your second factor"}
      lead={recovers ? "With it the old ones and their backup codes are gone, and you are signed out everywhere." : "Everyone signs in with something they know and something they have. It takes a minute."}
      wide
    >
      {key ? <KeySetup done={done} /> : <TotpSetup done={done} />}
      {hasWebAuthn() && (
        <Button kind="ghost" onClick={() => setKey(!key)}>
          {key ? "Use an authenticator app instead" : "Use a security key or passkey instead"}
        </Button>
      )}
    </AuthFrame>
  );
}
