import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Boxes } from "lucide-react";
import type { Membership, OwnReach, Safe } from "../../api/types";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, Time } from "../../ui/text";
import { membershipsQuery } from "../auth/queries";
import { blockedSentence } from "../safes/blocked";
import { safesQuery } from "../safes/queries";
import { useMe } from "../shell/org";
import { roleWords, safeRoleWords } from "../shell/rights";
import { MyInvitations } from "./invitations";
import { reachQuery } from "./queries";

/** What one can reach in each of one's organizations, as what, through what, and until when. */
export function Access() {
  const { data, error, refetch } = useQuery(membershipsQuery);
  if (error) return <Failed error={error} what="your organizations" retry={() => void refetch()} />;
  if (data && data.memberships.length === 0) {
    return (
      <div className="stack wide">
        <MyInvitations />
        <div className="card">
          <Empty icon={Boxes} title="You belong to no organization">
            Access to systems comes from an organization. Somebody there has to invite you.
          </Empty>
        </div>
      </div>
    );
  }
  return (
    <div className="stack wide">
      <MyInvitations />
      {data?.memberships.map((m) => (
        <InOrganization key={m.org_id} membership={m} />
      ))}
    </div>
  );
}

function InOrganization({ membership: m }: { membership: Membership }) {
  const me = useMe();
  const { data, error, refetch, ...pages } = useInfiniteQuery(safesQuery(m.org_id, { mine: true }));
  const rows = data?.pages.flatMap((p) => p.items);
  const reach = useQuery(reachQuery(m.org_id, me.user.id));
  const through = new Map(reach.data?.items.map((r) => [r.safe_id, r]));
  const columns: Column<Safe>[] = [
    {
      name: "Safe",
      skeleton: 120,
      cell: (s) => (
        <Link className="row-open" to="/o/$org/safes/$safe" params={{ org: m.slug, safe: s.id }}>
          {s.name}
        </Link>
      ),
    },
    { name: "Leads to", from: "phone", cell: (s) => <span className="break">{`${s.account.username}@${s.resource.host}`}</span> },
    { name: "You are", cell: (s) => <span title={safeRoleWords[s.my_role || "user"].means}>{safeRoleWords[s.my_role || "user"].label}</span> },
    { name: "Through", cell: (s) => (s.lent ? <Lent lent={s.lent} /> : reach.error ? <span className="dim">Not known just now</span> : <Through reach={through.get(s.id)} />) },
    {
      name: "Explain",
      from: "phone",
      quiet: true,
      cell: (s) => (
        <Link to="/o/$org/access" params={{ org: m.slug }} search={{ user: me.user.id, safe: s.id }} aria-label={`Why, for ${s.name}`}>
          Why
        </Link>
      ),
    },
    { name: "Now", from: "phone", cell: (s) => (s.can_launch ? <State meaning="good">Open</State> : <State meaning="warn">{blockedSentence(s.blocked_by)}</State>) },
  ];
  return (
    <section className="stack">
      <div className="stack tight">
        <h2>{m.name}</h2>
        <p className="dim">
          {roleWords[m.role].label}: {roleWords[m.role].means}
        </p>
      </div>
      {error ? (
        <Failed error={error} what={`your safes in ${m.name}`} retry={() => void refetch()} />
      ) : rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={Boxes} title="No safe has you as a member">
            {m.role === "auditor" ? "Auditors oversee the sessions of others and open none." : "A manager of a safe can add you to it."}
          </Empty>
        </div>
      ) : (
        <Table label={`Safes in ${m.name}`} columns={columns} rows={rows} id={(s) => s.id} more={pages.hasNextPage ? { load: () => void pages.fetchNextPage(), busy: pages.isFetchingNextPage } : undefined} />
      )}
    </section>
  );
}

function Lent({ lent }: { lent: NonNullable<Safe["lent"]> }) {
  return (
    <span className="stack tight gapless">
      <span>
        Lent by {lent.by.name || lent.by.handle}
        <span className="small dim">
          , until <Time at={lent.ends_at} />
        </span>
      </span>
    </span>
  );
}

/** Each thing that gives one the safe, the strongest first; a weaker one is what would be left. */
function Through({ reach: r }: { reach: OwnReach | undefined }) {
  if (!r) return null;
  return (
    <span className="stack tight gapless">
      {r.ways?.map((w) => (
        <span key={w.group_id ?? ""}>
          {w.group_id ? `Group ${w.group_name ?? ""}` : "Directly"}
          <span className="small dim">
            {w.role !== r.role && `, as ${safeRoleWords[w.role].label.toLowerCase()}`}
            {w.ends_at && (
              <>
                , ends <Time at={w.ends_at} />
              </>
            )}
          </span>
        </span>
      ))}
    </span>
  );
}
