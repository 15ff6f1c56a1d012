import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { AuthFrame } from "./frame";
import { BackupCodes } from "./backup-codes";
import { safeNext } from "./next";
import { TotpSetup } from "./totp-setup";

/** A person without a second factor sets one up before anything else. */
export default function Enrol() {
  const { next } = useSearch({ from: "/enrol" });
  const navigate = useNavigate();
  const client = useQueryClient();
  const [codes, setCodes] = useState<string[]>();

  const enter = async () => {
    client.clear();
    await navigate({ to: safeNext(next), replace: true });
  };

  if (codes) {
    return (
      <AuthFrame title="Keep your backup codes" wide>
        <BackupCodes codes={codes} verb="Go to the console" done={() => void enter()} />
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Set up your second factor" lead="Everyone signs in with a password and a code. It takes a minute." wide>
      <TotpSetup done={(backup) => (backup && backup.length > 0 ? setCodes(backup) : void enter())} />
    </AuthFrame>
  );
}
