import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Building2 } from "lucide-react";
import { useState } from "react";
import { LinkButton } from "../../ui/button";
import { useTitle } from "../../ui/page";
import { Empty, Failed } from "../../ui/states";
import { safeQuery } from "../safes/queries";
import { OrgContext, useOrg } from "../shell/org";
import { useOrgOfAddress } from "../shell/org-layout";
import { takeIntent } from "./intent";
import { Run } from "./run";
import { StartCard } from "./start-card";

/** A session in the browser, full window. */
export default function TerminalPage() {
  const org = useOrgOfAddress();
  if (!org) {
    return (
      <Empty page icon={Building2} title="You are not a member here" action={<LinkButton to="/">Go to your organization</LinkButton>}>
        The organization in this address does not have you as a member.
      </Empty>
    );
  }
  return (
    <OrgContext.Provider value={org}>
      <Launcher key={org.id} />
    </OrgContext.Provider>
  );
}

function Launcher() {
  const org = useOrg();
  const { safe: id } = useParams({ from: "/in/o/$org/terminal/$safe" });
  const { data: safe, error, refetch } = useQuery({ ...safeQuery(org.id, id), staleTime: Number.POSITIVE_INFINITY });
  const [started, setStarted] = useState(() => takeIntent(id));
  const [attempt, setAttempt] = useState(0);
  useTitle(safe ? `${safe.name} terminal` : "Terminal");

  if (error) return <Failed page error={error} what="this safe" retry={() => void refetch()} />;
  if (!safe) return <div className="terminal-page" aria-busy="true" />;
  if (!started) return <StartCard safe={safe} start={() => setStarted(true)} />;
  return <Run key={attempt} safe={safe} again={() => setAttempt((n) => n + 1)} />;
}
