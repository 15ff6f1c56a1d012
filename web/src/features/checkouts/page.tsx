import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import type { Checkout, OpenedCheckout, Safe } from "../../api/types";
import { Button } from "../../ui/button";
import { Segmented } from "../../ui/field";
import { ClearFilters } from "../../ui/filter";
import { PageHead } from "../../ui/page";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { PersonChip } from "../people/person-chip";
import { AskDialog } from "../requests/ask";
import { SafeChip } from "../safes/safe-chip";
import { useMe, useOrg, useRights } from "../shell/org";
import { CheckIn } from "./check-in";
import { CheckOutDialog } from "./check-out";
import { CheckoutPanel, CheckoutState } from "./panel";
import { checkoutsQuery, useCheckoutChanges } from "./queries";
import { ShownDialog } from "./shown";

/** Credentials that the reader holds; for who oversees or manages, what others hold too. */
export default function CheckoutsPage() {
  const org = useOrg();
  const r = useRights();
  const me = useMe().user.id;
  const search = useSearch({ from: "/in/shell/o/$org/checkouts" });
  const navigate = useNavigate({ from: "/o/$org/checkouts" });
  const toasts = useToasts();
  const all = search.show === "all";
  const list = useInfiniteQuery(checkoutsQuery(org.id, { active: !all, account: search.account, user: search.user, safe: search.of }));
  const { reveal } = useCheckoutChanges();
  const [shown, setShown] = useState<OpenedCheckout>(); // the credential lives here and nowhere else
  const [ending, setEnding] = useState<Checkout>();
  const [asking, setAsking] = useState<Safe>();
  const rows = list.data?.pages.flatMap((p) => p.items);
  const mine = rows?.filter((c) => c.user.id === me);
  const others = rows?.filter((c) => c.user.id !== me);
  const open = (id: string | undefined) => void navigate({ search: (s) => ({ ...s, open: id }), replace: true });
  const begun = () => void navigate({ search: ({ new: _n, safe: _s, ...rest }) => rest, replace: true });
  const show = (c: Checkout) => !reveal.isPending && reveal.mutate({ id: c.id, safe: c.safe.id, show: setShown }, { onError: toasts.fail });
  const filtered = search.user !== undefined || search.of !== undefined;
  const account = search.account && (rows?.[0]?.account.name ?? "one account");
  const part = { open, selected: search.open, showing: reveal.isPending ? reveal.variables.id : undefined, onShow: show, onEnd: setEnding };
  return (
    <>
      <PageHead
        title="Checkouts"
        lead="Credentials that are shown to one person for a time. A session is the better way in where it does the work: there nobody sees them."
        action={
          r.launch && (
            <Button kind="primary" icon={KeyRound} onClick={() => void navigate({ search: (s) => ({ ...s, new: "1" }), replace: true })}>
              Check out
            </Button>
          )
        }
      />
      <div className="filters">
        <Segmented
          label="Which checkouts"
          value={all ? "all" : "now"}
          options={[
            { value: "now", label: "Now" },
            { value: "all", label: "Also what is over" },
          ]}
          onPick={(v) => void navigate({ search: (s) => ({ ...s, show: v === "all" ? "all" : undefined }), replace: true })}
        />
        {(r.inspect || filtered || (others && others.length > 0)) && (
          <>
            <PersonChip label="Person" value={search.user} onPick={(user) => void navigate({ search: (s) => ({ ...s, user }), replace: true })} />
            <SafeChip label="Safe" value={search.of} onPick={(of) => void navigate({ search: (s) => ({ ...s, of }), replace: true })} />
            <ClearFilters shown={filtered} onClear={() => void navigate({ search: ({ user: _u, of: _o, ...rest }) => rest, replace: true })} />
          </>
        )}
        {account && (
          <span className="small dim">
            Only {account}.{" "}
            <Link to="/o/$org/checkouts" params={{ org: org.slug }} search={{ ...(all ? { show: "all" } : {}) }}>
              All accounts
            </Link>
          </span>
        )}
      </div>
      {list.error ? (
        <Failed error={list.error} what="the checkouts" retry={() => void list.refetch()} />
      ) : rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={KeyRound} title={filtered ? "Nothing like that is checked out" : "Nothing is checked out"}>
            {filtered ? "None fits these filters. Take one away." : all ? "When somebody checks a credential out, it stands here, with why and for how long." : "Check a credential out for what no session can do: a rescue console, an installer, a machine without a network."}
          </Empty>
        </div>
      ) : (
        <div className="stack wide comfortable">
          {r.launch && (!rows || (mine && mine.length > 0) || (!r.inspect && !filtered)) && <Part title="You hold" rows={mine} none={all ? "You have checked nothing out." : "You hold nothing now."} own {...part} />}
          {(!rows || (others && others.length > 0)) && (r.inspect || others) && <Part title="Others hold" rows={others} none="" {...part} />}
          {list.hasNextPage && (
            <Button kind="ghost" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              Show more
            </Button>
          )}
        </div>
      )}
      {search.open && <CheckoutPanel key={search.open} id={search.open} showing={reveal.isPending} onShow={show} onCheckIn={setEnding} onClose={() => open(undefined)} />}
      {search.new === "1" && !asking && (
        <CheckOutDialog
          safe={search.safe}
          onClose={begun}
          onAsk={setAsking}
          onShown={(o) => {
            setShown(o);
            begun();
          }}
        />
      )}
      {asking && (
        <AskDialog
          safe={asking}
          use="checkout"
          onClose={() => {
            setAsking(undefined);
            begun();
          }}
        />
      )}
      {shown && (
        <ShownDialog
          opened={shown}
          onCheckIn={() => {
            setEnding(shown.checkout);
            setShown(undefined);
          }}
          onGone={(why) => {
            setShown(undefined);
            if (why) toasts.say(`The credential is hidden. ${why}.`);
          }}
        />
      )}
      {ending && <CheckIn checkout={ending} own={ending.user.id === me} onClose={() => setEnding(undefined)} />}
    </>
  );
}

interface PartProps {
  title: string;
  rows: readonly Checkout[] | undefined;
  none: string;
  own?: boolean;
  open: (id: string) => void;
  selected: string | undefined;
  showing: string | undefined;
  onShow: (c: Checkout) => void;
  onEnd: (c: Checkout) => void;
}

function Part({ title, rows, none, own, open, selected, showing, onShow, onEnd }: PartProps) {
  const r = useRights();
  const columns: Column<Checkout>[] = [
    {
      name: "Safe",
      skeleton: 140,
      cell: (c) => (
        <span className="stack tight gapless">
          <button type="button" className="row-open breaks plain-link" onClick={() => open(c.id)}>
            {c.safe.name}
          </button>
          <span className="faint small break">{own ? c.reason : `${c.user.name}: ${c.reason}`}</span>
        </span>
      ),
    },
    {
      name: "Account",
      from: "tablet",
      cell: (c) => <code className="truncate">{c.account.name}</code>,
    },
    { name: "State", from: "phone", cell: (c) => <CheckoutState checkout={c} /> },
    { name: "Until", cell: (c) => <Time at={c.ended_at ?? c.expires_at} /> },
    {
      name: "Show it",
      quiet: true,
      right: true,
      from: "desk", // narrower, it is in the panel
      cell: (c) =>
        own &&
        !c.ended_at && (
          <Button small busy={showing === c.id} onClick={() => onShow(c)} aria-label={`Show the credential of ${c.safe.name} again`}>
            Show
          </Button>
        ),
    },
    {
      name: "End it",
      quiet: true,
      right: true,
      cell: (c) =>
        !c.ended_at &&
        r.launch && (
          <Button small onClick={() => onEnd(c)} aria-label={own ? `Check in ${c.safe.name}` : `End the checkout of ${c.safe.name} by ${c.user.name}`}>
            {own ? "Check in" : "End"}
          </Button>
        ),
    },
  ];
  return (
    <section className="stack">
      <h2>{title}</h2>
      {rows?.length === 0 ? <p className="dim">{none}</p> : <Table label={title} columns={columns} rows={rows} id={(c) => c.id} onOpen={(c) => open(c.id)} selected={selected} />}
    </section>
  );
}
