import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Failed } from "../../ui/states";
import { useOrg } from "../shell/org";
import { EventLines } from "./lines";
import { sessionEventsQuery } from "./queries";

/** What the ledger says about one session, newest first. */
export function SessionEvents({ session, ended }: { session: string; ended: boolean }) {
  const org = useOrg();
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery(sessionEventsQuery(org.id, session, ended));
  return (
    <section className="stack">
      <div className="row between">
        <h2>Events</h2>
        <Link to="/o/$org/audit" params={{ org: org.slug }} search={{ session }}>
          Open in audit
        </Link>
      </div>
      {error ? (
        <Failed error={error} what="the events of this session" retry={() => void refetch()} />
      ) : (
        <EventLines label="Events of this session" rows={data?.items} onOpen={(e) => void navigate({ to: "/o/$org/audit", params: { org: org.slug }, search: { session, event: e.id } })} />
      )}
    </section>
  );
}
