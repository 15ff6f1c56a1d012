import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { ArrowRight, BellRing, CheckCheck, SlidersHorizontal } from "lucide-react";
import { useState } from "react";
import { Button, LinkButton } from "../../ui/button";
import { Panel } from "../../ui/dialog";
import { PageHead } from "../../ui/page";
import { Empty, Failed, FormProblem } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, Time } from "../../ui/text";
import { membershipsQuery } from "../auth/queries";
import { lastOrg } from "../shell/org";
import { type Notice, noticesQuery, useMarkRead } from "./queries";

const tabs = [
  { show: undefined, label: "All" },
  { show: "unread", label: "Not read" },
] as const;

/** What one was told, in the organization that is open and about one's account. */
export default function Notices() {
  const search = useSearch({ from: "/in/shell/notices" });
  const navigate = useNavigate({ from: "/notices" });
  const { data: own } = useQuery(membershipsQuery);
  const org = own?.memberships.find((m) => m.slug === lastOrg()) ?? own?.memberships[0];
  const unread = search.show === "unread";
  const list = useInfiniteQuery(noticesQuery(org?.org_id, unread));
  const mark = useMarkRead(org?.org_id);
  const set = (part: typeof search) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  if (list.error) return <Failed page error={list.error} what="your notices" retry={() => void list.refetch()} />;
  const rows = list.data?.pages.flatMap((p) => p.items);
  const first = rows?.[0];
  const [shown, setShown] = useState<Notice>(); // it leaves the list of those not read, and stays open
  const open = rows?.find((n) => n.id === search.open) ?? (shown?.id === search.open ? shown : undefined);
  const show = (n: Notice) => {
    if (!n.read_at) mark.mutate({ ids: [n.id] });
    setShown(n);
    set({ open: n.id });
  };
  const columns: Column<Notice>[] = [
    {
      name: "What",
      skeleton: 320,
      cell: (n) => (
        <button type="button" className={n.read_at ? "row-open breaks dim" : "row-open breaks"} onClick={() => show(n)}>
          {n.subject}
        </button>
      ),
    },
    { name: "State", from: "phone", cell: (n) => (n.read_at ? <State>Read</State> : <State meaning="info">Not read</State>) },
    { name: "About", from: "tablet", cell: (n) => (n.org_id === undefined ? "Your account" : (own?.memberships.find((m) => m.org_id === n.org_id)?.name ?? "Another organization")) },
    { name: "When", cell: (n) => <Time at={n.created_at} /> },
  ];
  return (
    <>
      <PageHead
        title="Notices"
        lead={`What you were told${org ? ` in ${org.name} and` : ""} about your account, for 90 days.`}
        action={
          <>
            <LinkButton icon={SlidersHorizontal} to="/profile" search={{ tab: "notices" }}>
              How you hear
            </LinkButton>
            {first && (
              <Button icon={CheckCheck} busy={mark.isPending} disabled={!rows.some((n) => !n.read_at) && !list.hasNextPage} onClick={() => mark.mutate({ until: first.id })}>
                Mark all as read
              </Button>
            )}
          </>
        }
      />
      <nav className="tabs" aria-label="Which notices">
        {tabs.map((t) => (
          <Link key={t.label} to="/notices" search={t.show ? { show: t.show } : {}} aria-current={search.show === t.show ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            {t.label}
          </Link>
        ))}
      </nav>
      <div className="tab-body">
        <FormProblem error={mark.error} />
        {rows && rows.length === 0 ? (
          <div className="card">
            <Empty icon={BellRing} title={unread ? "You have read everything" : "Nothing yet"}>
              {unread ? "What comes next appears here first." : "Requests that wait for you, decisions about yours, invitations and what concerns your security appear here."}
            </Empty>
          </div>
        ) : (
          <Table label="Notices" columns={columns} rows={rows} id={(n) => n.id} selected={search.open} onOpen={show} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />
        )}
      </div>
      {open && <NoticePanel key={open.id} notice={open} onClose={() => set({ open: undefined })} />}
    </>
  );
}

function NoticePanel({ notice: n, onClose }: { notice: Notice; onClose: () => void }) {
  const router = useRouter();
  const { link } = n;
  return (
    <Panel
      title={n.subject}
      subtitle={<Time at={n.created_at} />}
      onClose={onClose}
      footer={
        link && (
          <Button kind="primary" icon={ArrowRight} onClick={() => router.history.push(link)}>
            {n.link_label || "See it"}
          </Button>
        )
      }
    >
      <section className="stack notice-text">
        {n.text.split("\n\n").map((p, i) => (
          <p key={i} className="breaks">
            {p}
          </p>
        ))}
      </section>
    </Panel>
  );
}
