import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Inbox } from "lucide-react";
import type { Dated } from "../../api/dated";
import type { AccessRequest, AccessRequestWire, Page } from "../../api/types";
import { duration } from "../../ui/format";
import { Empty } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Time } from "../../ui/text";
import { useOrg } from "../shell/org";
import { RequestState, usesWords } from "./words";

export function RequestTable({ label, list, none, mine }: { label: string; list: UseInfiniteQueryResult<InfiniteData<Dated<Page<AccessRequestWire>>>>; none: string; mine?: boolean }) {
  const org = useOrg();
  const navigate = useNavigate();
  const rows = list.data?.pages.flatMap((p) => p.items);
  const columns: Column<AccessRequest>[] = [
    {
      name: mine ? "Safe" : "Request",
      skeleton: 150,
      cell: (r) => (
        <span className="stack tight gapless">
          <Link className="row-open truncate plain-link" to="/o/$org/requests/$request" params={{ org: org.slug, request: r.id }}>
            {mine ? r.safe.name : `${r.requester.name} on ${r.safe.name}`}
          </Link>
          <span className="faint small truncate">{r.reason}</span>
        </span>
      ),
    },
    { name: "State", cell: (r) => <RequestState request={r} /> },
    { name: "Use", from: "tablet", cell: (r) => usesWords[r.uses].label },
    { name: "For", from: "phone", cell: (r) => duration(r.duration_seconds) },
    { name: "Until", from: "tablet", cell: (r) => (r.grant ? <Time at={r.grant.ended_at ?? r.grant.ends_at} /> : <span className="faint">—</span>) },
    { name: "Asked", from: "phone", cell: (r) => <Time at={r.created_at} /> },
  ];
  if (rows?.length === 0) {
    return (
      <div className="card">
        <Empty icon={Inbox} title="No requests">
          {none}
        </Empty>
      </div>
    );
  }
  return (
    <div className="comfortable">
      <Table
        label={label}
        columns={columns}
        rows={rows}
        id={(r) => r.id}
        onOpen={(r) => void navigate({ to: "/o/$org/requests/$request", params: { org: org.slug, request: r.id } })}
        more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined}
      />
    </div>
  );
}
