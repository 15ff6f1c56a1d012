import { useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { AuthFrame } from "./frame";
import { BackupCodes } from "./backup-codes";
import { safeNext } from "./next";
import { TotpSetup } from "./totp-setup";

/** A person without a second factor sets one up before anything else. */
export default function Enrol() {
  const { next } = useSearch({ from: "/enrol" });
  const client = useQueryClient();
  const router = useRouter();
  const [codes, setCodes] = useState<string[]>();

  const enter = () => {
    client.clear();
    router.history.replace(safeNext(next)); // an address with its search, as it was asked for
  };

  if (codes) {
    return (
      <AuthFrame title="Keep your backup codes" wide>
        <BackupCodes codes={codes} verb="Go to the console" done={() => enter()} />
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Set up your second factor" lead="Everyone signs in with a password and a code. It takes a minute." wide>
      <TotpSetup done={(backup) => (backup && backup.length > 0 ? setCodes(backup) : enter())} />
    </AuthFrame>
  );
}
