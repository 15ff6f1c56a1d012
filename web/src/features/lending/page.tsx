import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Handshake, Plus } from "lucide-react";
import { useState } from "react";
import type { Loan } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { Segmented } from "../../ui/field";
import { PageHead } from "../../ui/page";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useMe, useOrg, useRights } from "../shell/org";
import { LendDialog } from "./lend";
import { loansQuery, useLoanChanges } from "./queries";

const endWords: Record<string, string> = {
  revoked_by_delegator: "Taken back",
  revoked_by_delegate: "Given back",
  revoked_by_admin: "Ended by an admin",
  expired: "Its time was over",
  delegator_lost_right: "Its lender lost the access",
};

/** What the reader lends, and what is lent to them; for who oversees, what others lend too. */
export default function LendingPage() {
  const org = useOrg();
  const r = useRights();
  const me = useMe().user.id;
  const search = useSearch({ from: "/in/shell/o/$org/lending" });
  const navigate = useNavigate({ from: "/o/$org/lending" });
  const all = search.show === "all";
  const list = useInfiniteQuery(loansQuery(org.id, !all));
  const [ending, setEnding] = useState<Loan>();
  const rows = list.data?.pages.flatMap((p) => p.items);
  const mine = rows?.filter((l) => l.lender.id === me);
  const toMe = rows?.filter((l) => l.delegate.id === me);
  const others = rows?.filter((l) => l.lender.id !== me && l.delegate.id !== me);
  const more = list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined;
  const nothing = (what: string) => (all ? `${what} was ever lent.` : `${what} is lent now.`);
  return (
    <>
      <PageHead
        title="Lent access"
        lead="Lend your own access to a safe to a colleague for a time. They never get more than you have, and lose it when you do."
        action={
          r.launch && (
            <Button kind="primary" icon={Plus} onClick={() => void navigate({ search: (s) => ({ ...s, new: "1" }), replace: true })}>
              Lend access
            </Button>
          )
        }
      />
      <div className="filters">
        <Segmented
          label="Which loans"
          value={all ? "all" : "now"}
          options={[
            { value: "now", label: "Now" },
            { value: "all", label: "Also what is over" },
          ]}
          onPick={(v) => void navigate({ search: (s) => ({ ...s, show: v === "all" ? "all" : undefined }), replace: true })}
        />
      </div>
      {list.error ? (
        <Failed error={list.error} what="what is lent" retry={() => void list.refetch()} />
      ) : rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={Handshake} title="Nothing is lent">
            {all ? "When you lend a safe, or somebody lends you one, it stands here." : "Before you are away, lend a colleague the safes that they look after for you."}
          </Empty>
        </div>
      ) : (
        <div className="stack wide comfortable">
          {r.launch && <Part title="You lend" rows={mine} none={nothing("Nothing of yours")} person="To" onEnd={setEnding} />}
          {r.launch && <Part title="Lent to you" rows={toMe} none={nothing("Nothing")} person="By" onEnd={setEnding} />}
          {r.inspect && <Part title="Lent by others" rows={others} none={nothing("Nothing else")} onEnd={r.manage ? setEnding : undefined} />}
          {more && (
            <Button kind="ghost" busy={more.busy} onClick={more.load}>
              Show more
            </Button>
          )}
        </div>
      )}
      {search.new === "1" && <LendDialog safe={search.safe} onClose={() => void navigate({ search: ({ new: _n, safe: _s, ...rest }) => rest, replace: true })} />}
      {ending && <End loan={ending} mine={ending.lender.id === me} given={ending.delegate.id === me} onClose={() => setEnding(undefined)} />}
    </>
  );
}

function Part({ title, rows, none, person, onEnd }: { title: string; rows: readonly Loan[] | undefined; none: string; person?: "To" | "By"; onEnd: ((l: Loan) => void) | undefined }) {
  const org = useOrg();
  const people: Column<Loan>[] = [];
  if (person !== "To") people.push({ name: "By", ...(person ? {} : { from: "phone" as const }), cell: (l) => <Who person={l.lender} /> });
  if (person !== "By") people.push({ name: "To", cell: (l) => <Who person={l.delegate} /> });
  const columns: Column<Loan>[] = [
    {
      name: "Safe",
      skeleton: 140,
      cell: (l) => (
        <span className="stack tight gapless">
          <Link className="plain-link break" to="/o/$org/safes/$safe" params={{ org: org.slug, safe: l.safe.id }} search={{}}>
            {l.safe.name}
          </Link>
          <span className="faint small break">{[whatWords(l), l.reason].filter(Boolean).join(". ")}</span>
        </span>
      ),
    },
    ...people,
    { name: "Until", from: "phone", cell: (l) => <Time at={l.ended_at ?? l.ends_at} /> },
    { name: "State", from: "phone", cell: (l) => <LoanState loan={l} /> },
    {
      name: "End it",
      quiet: true,
      right: true,
      cell: (l) =>
        onEnd &&
        !l.ended_at && (
          <Button small onClick={() => onEnd(l)} aria-label={`${verb(person)} ${l.safe.name}, ${l.delegate.handle}`}>
            {verb(person)}
          </Button>
        ),
    },
  ];
  return (
    <section className="stack">
      <h2>{title}</h2>
      {rows?.length === 0 ? <p className="dim">{none}</p> : <Table label={title} columns={columns} rows={rows} id={(l) => l.id} />}
    </section>
  );
}

function whatWords(l: Loan): string {
  if (l.right === "approve") return "Deciding about requests";
  return l.parent_id ? "Lent on" : "";
}

function Who({ person: p }: { person: Loan["lender"] }) {
  return (
    <span className="stack tight gapless">
      <span className="truncate">{p.name || p.handle}</span>
      {p.name && <span className="faint small truncate">{p.handle}</span>}
    </span>
  );
}

function verb(person: "To" | "By" | undefined): string {
  return person === "To" ? "Take back" : person === "By" ? "Give back" : "End";
}

function LoanState({ loan: l }: { loan: Loan }) {
  if (l.ended_at) return <State>{endWords[l.end_reason ?? ""] ?? "Over"}</State>;
  if (l.starts_at.getTime() > Date.now()) {
    return (
      <State meaning="info">
        From <Time at={l.starts_at} />
      </State>
    );
  }
  return <State meaning="good">Lent</State>;
}

function End({ loan: l, mine, given, onClose }: { loan: Loan; mine: boolean; given: boolean; onClose: () => void }) {
  const { end } = useLoanChanges();
  const toasts = useToasts();
  const does = mine ? "Take it back" : given ? "Give it back" : "End it";
  return (
    <Confirm
      title={`${does}: ${l.safe.name}`}
      verb={does}
      busy={end.isPending}
      error={end.error}
      onClose={onClose}
      onConfirm={() =>
        end.mutate(l.id, {
          onSuccess: () => {
            toasts.say(`${l.safe.name} is lent no more.`);
            onClose();
          },
        })
      }
    >
      <p>
        {given ? "You lose" : `${l.delegate.name} loses`} it at once, with what was lent on from it. Sessions that rest on it end within two seconds.
      </p>
    </Confirm>
  );
}
