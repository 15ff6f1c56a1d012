import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Boxes, Plus, Server, SquareTerminal } from "lucide-react";
import type { Safe } from "../../api/types";
import { Button, LinkButton } from "../../ui/button";
import { SearchInput, Segmented } from "../../ui/field";
import { PageHead } from "../../ui/page";
import { useSettled } from "../../ui/settled";
import { Empty, Failed, Skeleton } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Badge, CopyButton } from "../../ui/text";
import { useOrg, useRights } from "../shell/org";
import { safeRoleWords } from "../shell/rights";
import { LaunchLink } from "../terminal/launch-link";
import { PolicyBadges } from "./badges";
import { blockedSentence, liftable } from "./blocked";
import { GuidedSetup } from "./guided";
import { safesQuery } from "./queries";

export default function SafesPage() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/safes" });
  const navigate = useNavigate({ from: "/o/$org/safes" });
  const mine = !r.inspect || (r.launch && search.show === "mine");
  const q = useSettled((search.q ?? "").trim());
  const { data, error, refetch, ...pages } = useInfiniteQuery(safesQuery(org.id, { q, mine }));
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const rows = data?.pages.flatMap((p) => p.items);
  const more = pages.hasNextPage ? { load: () => void pages.fetchNextPage(), busy: pages.isFetchingNextPage } : undefined;
  const view = search.view === "table" ? "table" : "cards";

  return (
    <>
      <PageHead
        title="Safes"
        lead="Each safe opens one account on one system, under its policy. You never see the credential."
        action={
          r.manage && (
            <LinkButton kind="primary" icon={Plus} to="/o/$org/safes/new" params={{ org: org.slug }} search={{}}>
              New safe
            </LinkButton>
          )
        }
      />
      {error ? (
        <Failed error={error} what="the safes" retry={() => void refetch()} />
      ) : rows && rows.length === 0 && !search.q && q === "" && !pages.isPlaceholderData ? (
        <div className="card">
          {r.manage && !mine ? (
            <GuidedSetup />
          ) : (
            <Empty icon={Boxes} title="No safe is open to you yet">
              A safe appears here when a manager adds you to it. Ask the person who runs the system that you need.
            </Empty>
          )}
        </div>
      ) : (
        <>
          <div className="filters">
            <SearchInput label="Search safes" placeholder="Search by name, host or account" value={search.q ?? ""} onText={(v) => set({ q: v || undefined })} />
            {r.manage && r.launch && (
              <Segmented
                label="Which safes"
                value={mine ? "mine" : "all"}
                options={[
                  { value: "all", label: "All" },
                  { value: "mine", label: "Mine" },
                ]}
                onPick={(v) => set({ show: v === "mine" ? "mine" : undefined })}
              />
            )}
            <span className="grow" />
            <Segmented
              label="Layout"
              value={view}
              options={[
                { value: "cards", label: "Cards" },
                { value: "table", label: "Table" },
              ]}
              onPick={(v) => set({ view: v === "table" ? "table" : undefined })}
            />
          </div>
          {rows && rows.length === 0 ? (
            <div className="card">
              <Empty icon={Boxes} title="No safe matches">
                Nothing here is named or described like “{search.q}”.
              </Empty>
            </div>
          ) : view === "table" ? (
            <SafeTable rows={rows} more={more} />
          ) : (
            <>
              <SafeCards rows={rows} />
              {more && (
                <div className="table-more">
                  <Button kind="ghost" onClick={more.load} busy={more.busy}>
                    {more.busy ? "Loading" : "Show more"}
                  </Button>
                </div>
              )}
            </>
          )}
        </>
      )}
    </>
  );
}

function SafeCards({ rows }: { rows: readonly Safe[] | undefined }) {
  const org = useOrg();
  if (!rows) {
    return (
      <div className="safe-cards late" role="status" aria-label="Loading safes">
        {[0, 1, 2].map((n) => (
          <div key={n} className="card pad stack">
            <Skeleton width={140} height={16} />
            <Skeleton width={200} />
            <Skeleton width={120} />
          </div>
        ))}
      </div>
    );
  }
  return (
    <ul className="safe-cards">
      {rows.map((s) => (
        <li key={s.id} className="card safe-card">
          <div className="row between">
            <span className="row">
              <span className="kind-mark" title={s.resource.protocol.toUpperCase()}>
                <SquareTerminal className="icon" aria-hidden />
              </span>
              <h2 className="truncate">
                <Link to="/o/$org/safes/$safe" params={{ org: org.slug, safe: s.id }} search={{}} className="plain-link">
                  {s.name}
                </Link>
              </h2>
            </span>
            {s.my_role && <Badge meaning="accent">{safeRoleWords[s.my_role].label}</Badge>}
            {s.lent && (
              <Badge meaning="info" title={`Lent until ${s.lent.ends_at.toLocaleString()}`}>
                Lent by {s.lent.by.name || s.lent.by.handle}
              </Badge>
            )}
          </div>
          <p className="dim truncate" title={s.description}>
            {s.description || "No description"}
          </p>
          <p className="row target">
            <Server className="icon faint" aria-hidden />
            <code className="truncate" title={`${s.account.username}@${s.resource.host}:${s.resource.port}`}>
              {s.account.username}@{s.resource.host}
              {s.resource.port !== 22 && `:${s.resource.port}`}
            </code>
          </p>
          <PolicyBadges policy={s.policy} />
          <div className="safe-card-foot">
            <LaunchLine safe={s} />
          </div>
        </li>
      ))}
    </ul>
  );
}

/** What is between the reader and the session, then the way in. */
function LaunchLine({ safe }: { safe: Safe }) {
  const org = useOrg();
  const open = safe.can_launch || liftable(safe.blocked_by);
  const line = safe.can_launch ? undefined : blockedSentence(safe.blocked_by);
  return (
    <div className="row between">
      <span className="small dim">{line}</span>
      <span className="row">
        {open && safe.ssh_command && <CopyButton text={safe.ssh_command} what={`SSH command for ${safe.name}`} />}
        {open ? (
          <LaunchLink safe={safe.id} name={safe.name} small />
        ) : (
          <LinkButton small to="/o/$org/safes/$safe" params={{ org: org.slug, safe: safe.id }} search={{}} aria-label={`Open ${safe.name}`}>
            Open
          </LinkButton>
        )}
      </span>
    </div>
  );
}

function SafeTable({ rows, more }: { rows: readonly Safe[] | undefined; more: { load: () => void; busy: boolean } | undefined }) {
  const org = useOrg();
  const navigate = useNavigate();
  const columns: Column<Safe>[] = [
    {
      name: "Safe",
      skeleton: 130,
      cell: (s) => (
        <Link className="row-open plain-link" to="/o/$org/safes/$safe" params={{ org: org.slug, safe: s.id }} search={{}}>
          {s.name}
        </Link>
      ),
    },
    {
      name: "Target",
      from: "phone",
      skeleton: 160,
      cell: (s) => (
        <code>
          {s.account.username}@{s.resource.host}
        </code>
      ),
    },
    { name: "My role", from: "tablet", cell: (s) => (s.my_role ? safeRoleWords[s.my_role].label : s.lent ? `Lent by ${s.lent.by.name || s.lent.by.handle}` : <span className="faint">none</span>) },
    { name: "Policy", from: "desk", skeleton: 160, cell: (s) => <PolicyBadges policy={s.policy} /> },
    {
      name: "Launch",
      right: true,
      quiet: true,
      cell: (s) =>
        s.can_launch || liftable(s.blocked_by) ? (
          <LaunchLink safe={s.id} name={s.name} kind="plain" small />
        ) : (
          <span className="small dim">{blockedSentence(s.blocked_by)}</span>
        ),
    },
  ];
  return (
    <Table
      label="Safes"
      columns={columns}
      rows={rows}
      id={(s) => s.id}
      more={more}
      onOpen={(s) => void navigate({ to: "/o/$org/safes/$safe", params: { org: org.slug, safe: s.id }, search: {} })}
    />
  );
}
