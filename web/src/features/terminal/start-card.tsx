import { SquareTerminal } from "lucide-react";
import type { Safe } from "../../api/types";
import { Button, LinkButton } from "../../ui/button";
import { duration } from "../../ui/format";
import { PolicyBadges } from "../safes/badges";
import { useOrg } from "../shell/org";

/** Before a session that was not asked for by a click: what it is, and the button. */
export function StartCard({ safe, start }: { safe: Safe; start: () => void }) {
  const org = useOrg();
  return (
    <main className="auth">
      <div className="auth-box">
        <div className="card pad stack">
          <h1>Open a session on {safe.name}</h1>
          <p className="dim">
            You will be{" "}
            <code>
              {safe.account.username}@{safe.resource.host}
            </code>{" "}
            for at most {duration(safe.policy.session_ttl_seconds)}.
          </p>
          <PolicyBadges policy={safe.policy} />
          <div className="row end">
            <LinkButton to="/o/$org/safes" params={{ org: org.slug }} search={{}}>
              Back to safes
            </LinkButton>
            <Button kind="primary" icon={SquareTerminal} autoFocus onClick={start}>
              Launch
            </Button>
          </div>
        </div>
      </div>
    </main>
  );
}
