import { KeyRound } from "lucide-react";
import { LinkButton } from "../../ui/button";
import { useOrg } from "../shell/org";

/** Leads to the checkout of a safe's credential. */
export function CheckOutLink({ safe, name, kind = "plain" }: { safe: string; name: string; kind?: "primary" | "plain" }) {
  const org = useOrg();
  return (
    <LinkButton kind={kind} icon={KeyRound} to="/o/$org/checkouts" params={{ org: org.slug }} search={{ new: "1", safe }} aria-label={`Check out the credential of ${name}`}>
      Check out
    </LinkButton>
  );
}
