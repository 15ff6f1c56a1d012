import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Link, type LinkProps, useNavigate } from "@tanstack/react-router";
import { CircleCheck, Download } from "lucide-react";
import type { GovernanceAction } from "../../api/types";
import { Button } from "../../ui/button";
import { Chip, PickChip } from "../../ui/filter";
import { PageHead } from "../../ui/page";
import { saveFile } from "../../ui/save-file";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { actionsQuery, type ActionFilter, type Desk, exportQueue } from "./queries";
import { ActionState, kindOptions, stateOptions } from "./words";

export interface QueueSearch {
  tab?: string | undefined;
  state?: string | undefined;
  kind?: string | undefined;
  org?: string | undefined;
}

interface Props {
  desk: Desk;
  lead: string;
  mayExport: boolean;
  search: QueueSearch;
  set: (part: QueueSearch) => void;
}

const tabs = [
  { id: undefined, label: "Waiting" },
  { id: "all", label: "All" },
] as const;

/** Changes that one person does not make alone: those that wait first, all of them beside. */
export function GovernanceQueue({ desk, lead, mayExport, search, set }: Props) {
  const all = search.tab === "all";
  const filter: ActionFilter = { state: all ? search.state : "open", kind: search.kind, org_id: search.org };
  const list = useInfiniteQuery(actionsQuery(desk, filter));
  const here: LinkProps = desk.slug ? { to: "/o/$org/governance", params: { org: desk.slug } } : { to: "/platform/governance" };
  return (
    <>
      <PageHead title="Sensitive changes" lead={lead} action={mayExport && <Export desk={desk} filter={filter} />} />
      <nav className="tabs" aria-label="Which changes">
        {tabs.map((t) => (
          <Link key={t.label} {...here} search={{ kind: search.kind, org: search.org, ...(t.id ? { tab: t.id } : {}) }} aria-current={search.tab === t.id ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            {t.label}
          </Link>
        ))}
      </nav>
      <div className="tab-body">
        <div className="filters" role="group" aria-label="Filters">
          {all && <PickChip label="State" value={search.state} options={stateOptions} onPick={(state) => set({ state })} />}
          <PickChip label="Kind" value={search.kind} options={kindOptions} onPick={(kind) => set({ kind })} />
          {search.org && (
            <Chip label="Organization" value={list.data?.pages[0]?.items[0]?.org_name ?? search.org} onClear={() => set({ org: undefined })}>
              {() => null}
            </Chip>
          )}
        </div>
        {list.error ? (
          <Failed error={list.error} what="the sensitive changes" retry={() => void list.refetch()} />
        ) : (
          <Actions desk={desk} rows={list.data?.pages.flatMap((p) => p.items)} waiting={!all} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />
        )}
      </div>
    </>
  );
}

export function actionAt(desk: Desk, action: string): LinkProps {
  return desk.slug ? { to: "/o/$org/governance/$action", params: { org: desk.slug, action } } : { to: "/platform/governance/$action", params: { action } };
}

function Actions({ desk, rows, waiting, more }: { desk: Desk; rows: GovernanceAction[] | undefined; waiting: boolean; more: { load: () => void; busy: boolean } | undefined }) {
  const navigate = useNavigate();
  if (rows?.length === 0) {
    return (
      <div className="card">
        <Empty icon={CircleCheck} title={waiting ? "Nothing waits for a second person" : "No such change"}>
          {waiting ? "When somebody asks for a change that nobody makes alone, like turning recording off, it stands here and those who can decide get a message." : "What was asked for and decided stands here."}
        </Empty>
      </div>
    );
  }
  const columns: Column<GovernanceAction>[] = [
    {
      name: "Change",
      skeleton: 200,
      cell: (a) => (
        <span className="stack tight gapless">
          <Link className="row-open truncate plain-link" {...actionAt(desk, a.id)}>
            {a.title}
          </Link>
          <span className="faint small truncate">{a.subject_name}</span>
        </span>
      ),
    },
    ...(desk.org ? [] : [{ name: "Organization", from: "tablet" as const, cell: (a: GovernanceAction) => a.org_name ?? a.org_id }]),
    { name: "State", cell: (a) => <ActionState action={a} /> },
    { name: "Asked by", from: "phone", cell: (a) => (a.mine ? "you" : a.requested_by.name) },
    { name: "Asked", from: "tablet", cell: (a) => <Time at={a.created_at} /> },
    { name: waiting ? "Lapses" : "Ended", from: "phone", cell: (a) => (waiting ? <Time at={a.expires_at} /> : a.decided_at ? <Time at={a.decided_at} /> : <span className="faint">—</span>) },
  ];
  return (
    <div className="comfortable">
      <Table label="Sensitive changes" columns={columns} rows={rows} id={(a) => a.id} onOpen={(a) => void navigate(actionAt(desk, a.id))} more={more} />
    </div>
  );
}

function Export({ desk, filter }: { desk: Desk; filter: ActionFilter }) {
  const toasts = useToasts();
  const run = useMutation({
    mutationFn: (format: "json" | "csv") => exportQueue(desk, format, filter),
    onSuccess: (b, format) => {
      saveFile(`vaultpam-governance-${desk.slug ?? "platform"}-${new Date().toISOString().slice(0, 10)}.${format}`, b);
      toasts.say("The file is saved. Who took it is in the audit log.");
    },
    onError: toasts.fail,
  });
  return (
    <>
      {(["csv", "json"] as const).map((format) => (
        <Button key={format} icon={Download} busy={run.isPending && run.variables === format} onClick={() => run.mutate(format)}>
          {`Export ${format.toUpperCase()}`}
        </Button>
      ))}
    </>
  );
}
