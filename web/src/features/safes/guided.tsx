import { useQuery } from "@tanstack/react-query";
import { Boxes, CircleCheck, KeyRound, Server } from "lucide-react";
import { LinkButton } from "../../ui/button";
import { accountsQuery } from "../accounts/queries";
import { resourcesQuery } from "../resources/queries";
import { useOrg } from "../shell/org";

/** The first page of an organization without safes: three steps, the next one marked. */
export function GuidedSetup() {
  const org = useOrg();
  const { data: resources } = useQuery(resourcesQuery(org.id));
  const { data: accounts } = useQuery(accountsQuery(org.id));
  const confirmed = resources?.items.some((r) => r.host_keys.length > 0) ?? false;
  const hasAccount = (accounts?.items.length ?? 0) > 0;
  const params = { org: org.slug };
  const next = !confirmed ? 0 : !hasAccount ? 1 : 2;
  const steps = [
    {
      icon: Server,
      title: "Add a resource",
      text: "The host and port, and the host key that you have confirmed.",
      action: (
        <LinkButton kind={next === 0 ? "primary" : "plain"} to="/o/$org/resources" params={params} search={resources?.items.length ? {} : { new: "1" }}>
          {resources?.items.length ? "Confirm its host key" : "Add resource"}
        </LinkButton>
      ),
    },
    {
      icon: KeyRound,
      title: "Add an account",
      text: "The login on that host, with its password or private key. It is sealed at once and shown to nobody.",
      action: (
        <LinkButton kind={next === 1 ? "primary" : "plain"} to="/o/$org/accounts" params={params} search={{ new: "1" }}>
          Add account
        </LinkButton>
      ),
    },
    {
      icon: Boxes,
      title: "Make a safe",
      text: "It binds people to that account under a policy. Then ssh works.",
      action: (
        <LinkButton kind={next === 2 ? "primary" : "plain"} to="/o/$org/safes/new" params={params} search={{}}>
          New safe
        </LinkButton>
      ),
    },
  ];
  return (
    <div className="guided">
      <h2>Three steps to the first recorded session</h2>
      <ol>
        {steps.map((s, i) => {
          const done = i < next;
          const Icon = done ? CircleCheck : s.icon;
          return (
            <li key={s.title} className={done ? "done" : i === next ? "next" : undefined} aria-current={i === next ? "step" : undefined}>
              <span className="kind-mark">
                <Icon className="icon" aria-hidden />
              </span>
              <div className="grow">
                <h3>
                  {i + 1}. {s.title} {done && <span className="dim">(done)</span>}
                </h3>
                <p className="dim">{s.text}</p>
              </div>
              {!done && s.action}
            </li>
          );
        })}
      </ol>
    </div>
  );
}
