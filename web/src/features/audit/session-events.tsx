import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { RotateCw } from "lucide-react";
import { Button, LinkButton } from "../../ui/button";
import { Failed } from "../../ui/states";
import { useOrg } from "../shell/org";
import { EventLines } from "./lines";
import { type Phase, sessionEventsQuery } from "./queries";

/** What the ledger says about one session, newest first. */
export function SessionEvents({ session, phase }: { session: string; phase: Phase }) {
  const org = useOrg();
  const navigate = useNavigate();
  const { data, error, refetch, isFetching } = useQuery(sessionEventsQuery(org.id, session, phase));
  return (
    <section className="stack">
      <div className="row between">
        <h2>Events</h2>
        <span className="row">
          <Button kind="ghost" small icon={RotateCw} busy={isFetching} onClick={() => void refetch()}>
            Read again
          </Button>
          <LinkButton kind="ghost" small to="/o/$org/audit" params={{ org: org.slug }} search={{ session }}>
            Open in audit
          </LinkButton>
        </span>
      </div>
      {error ? (
        <Failed error={error} what="the events of this session" retry={() => void refetch()} />
      ) : (
        <EventLines label="Events of this session" rows={data?.items} onOpen={(e) => void navigate({ to: "/o/$org/audit", params: { org: org.slug }, search: { session, event: e.id } })} />
      )}
    </section>
  );
}
