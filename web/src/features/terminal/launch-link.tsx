import { SquareTerminal } from "lucide-react";
import { LinkButton } from "../../ui/button";
import { useOrg } from "../shell/org";
import { intend } from "./intent";

export function LaunchLink({ safe, name, kind = "primary", small }: { safe: string; name: string; kind?: "primary" | "plain"; small?: boolean }) {
  const org = useOrg();
  return (
    <LinkButton
      kind={kind}
      small={small ?? false}
      icon={SquareTerminal}
      to="/o/$org/terminal/$safe"
      params={{ org: org.slug, safe }}
      onClick={() => intend(safe)}
      aria-label={`Launch ${name}`}
    >
      Launch
    </LinkButton>
  );
}
