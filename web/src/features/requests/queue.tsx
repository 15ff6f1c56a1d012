import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { CircleCheck } from "lucide-react";
import type { AccessRequest } from "../../api/types";
import { Button } from "../../ui/button";
import { PickChip } from "../../ui/filter";
import { PageHead } from "../../ui/page";
import { Empty, Failed, Skeleton } from "../../ui/states";
import { useOrg } from "../shell/org";
import { Decide } from "./decide";
import { Before, RequestFacts } from "./facts";
import { requestsQuery } from "./queries";
import { RequestTable } from "./table";
import { stateOptions } from "./words";

const tabs = [
  { id: undefined, label: "Waiting for you" },
  { id: "all", label: "All requests" },
] as const;

/** What waits for the reader's decision, each with everything that it takes. */
export default function ApprovalsPage() {
  const org = useOrg();
  const search = useSearch({ from: "/in/shell/o/$org/approvals" });
  const all = search.tab === "all";
  return (
    <>
      <PageHead title="Approvals" lead="People who ask to open a safe. Approve what fits its reason; nobody decides about their own." />
      <nav className="tabs" aria-label="Which requests">
        {tabs.map((t) => (
          <Link key={t.label} to="/o/$org/approvals" params={{ org: org.slug }} search={t.id ? { tab: t.id } : {}} aria-current={search.tab === t.id ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            {t.label}
          </Link>
        ))}
      </nav>
      <div className="tab-body">{all ? <All /> : <Waiting />}</div>
    </>
  );
}

function Waiting() {
  const org = useOrg();
  const list = useInfiniteQuery(requestsQuery(org.id, { to_decide: true }));
  const rows = list.data?.pages.flatMap((p) => p.items);
  if (list.error) return <Failed error={list.error} what="what waits for you" retry={() => void list.refetch()} />;
  if (!rows) return <Skeleton width="50%" height={80} />;
  if (rows.length === 0) {
    return (
      <div className="card">
        <Empty icon={CircleCheck} title="Nothing waits for you">
          When somebody asks for a safe that you decide about, it stands here, and you get a message.
        </Empty>
      </div>
    );
  }
  return (
    <>
      <ul className="request-cards">
        {rows.map((r) => (
          <li key={r.id}>
            <RequestCard request={r} />
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <Button kind="ghost" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          Show more
        </Button>
      )}
    </>
  );
}

function RequestCard({ request: r }: { request: AccessRequest }) {
  const org = useOrg();
  return (
    <article className="card" aria-label={`${r.requester.name} asks for ${r.safe.name}`}>
      <header>
        <h2>
          <Link className="plain-link" to="/o/$org/requests/$request" params={{ org: org.slug, request: r.id }}>
            {r.requester.name} asks for {r.safe.name}
          </Link>
        </h2>
      </header>
      <div className="body stack">
        <blockquote className="quote">{r.reason}</blockquote>
        <RequestFacts request={r} />
        <Before request={r} />
        <div className="row">
          <Decide request={r} />
        </div>
      </div>
    </article>
  );
}

function All() {
  const org = useOrg();
  const search = useSearch({ from: "/in/shell/o/$org/approvals" });
  const navigate = useNavigate({ from: "/o/$org/approvals" });
  const list = useInfiniteQuery(requestsQuery(org.id, { state: search.state }));
  if (list.error) return <Failed error={list.error} what="the requests" retry={() => void list.refetch()} />;
  return (
    <>
      <div className="filters" role="group" aria-label="Filters">
        <PickChip label="State" value={search.state} options={stateOptions} onPick={(state) => void navigate({ search: (s) => ({ ...s, state }), replace: true })} />
      </div>
      <RequestTable label="All requests" list={list} none="Nobody has asked for a safe that you decide about or oversee." />
    </>
  );
}
