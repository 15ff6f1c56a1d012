import { useQueries, useQuery } from "@tanstack/react-query";
import { LifeBuoy } from "lucide-react";
import { get } from "../../api/client";
import type { Page, RecoveryWire } from "../../api/types";
import { LinkButton } from "../../ui/button";
import { plural } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Empty } from "../../ui/states";
import { membershipsQuery } from "../auth/queries";
import { rights } from "../shell/rights";

/** The address that messages name knows no organization. Who administers several chooses here. */
export default function WhichOrganization() {
  const { data } = useQuery(membershipsQuery);
  const mine = data?.memberships.filter((m) => rights(m.role).manage) ?? [];
  const waiting = useQueries({
    queries: mine.map((m) => ({
      queryKey: [m.org_id, "recoveries", "waiting"],
      queryFn: () => get<Page<RecoveryWire>>("/org/recoveries", { org: m.org_id, query: { state: "pending", limit: 50 } }),
    })),
  });
  if (mine.length === 0) {
    return (
      <Empty page icon={LifeBuoy} title="You decide in no organization" action={<LinkButton to="/">Go to your first page</LinkButton>}>
        Owners and admins decide about lost second factors, and you are none any more. Another one was told too.
      </Empty>
    );
  }
  return (
    <>
      <PageHead title="Lost second factors" lead="In which organization?" />
      <ul className="card item-list">
        {mine.map((m, i) => {
          const found = waiting[i]?.data?.items.length;
          return (
            <li key={m.org_id}>
              <div className="grow">
                <div>{m.name}</div>
                <div className="small dim">{found === undefined ? "" : found === 0 ? "Nobody waits" : `${plural(found, "person waits", "people wait")} for a decision`}</div>
              </div>
              <LinkButton small kind={found ? "primary" : "plain"} to="/o/$org/recoveries" params={{ org: m.slug }} search={{ state: "pending" }} aria-label={`Open the queue of ${m.name}`}>
                Open
              </LinkButton>
            </li>
          );
        })}
      </ul>
    </>
  );
}
