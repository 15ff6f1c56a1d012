import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowDown, ArrowUp, MessageSquare, Plus, Ticket, Webhook } from "lucide-react";
import { useEffect, useState } from "react";
import { Button, IconButton } from "../../ui/button";
import { plural } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Empty, Failed, FormProblem, PageSkeleton } from "../../ui/states";
import { Time } from "../../ui/text";
import { useOrg, useRights } from "../shell/org";
import { ChannelForm } from "./channel-form";
import { ChannelPanel, ChannelState } from "./channel-panel";
import { type Channel, channelsQuery, isTicketSystem, useChannelChanges, ways } from "./channel-queries";
import { Deliveries } from "./deliveries";
import { Introductions } from "./introductions";

const tabs = [
  { tab: undefined, label: "Channels" },
  { tab: "deliveries", label: "Deliveries" },
  { tab: "introductions", label: "Introductions" },
] as const;

export default function Notifications() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/settings/notifications" });
  const navigate = useNavigate({ from: "/o/$org/settings/notifications" });
  const set = (part: typeof search) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const deliveries = search.tab === "deliveries";
  const introductions = search.tab === "introductions";
  const other = deliveries || introductions;
  const { data, error, refetch } = useQuery(channelsQuery(org.id));
  if (error) return <Failed page error={error} what="the channels" retry={() => void refetch()} />;
  const open = data?.items.find((c) => c.id === search.open);
  const edited = data?.items.find((c) => c.id === search.edit);
  return (
    <>
      <PageHead
        title="Notifications"
        lead="Where this organization is told of what happens in it, besides the e-mails to each person."
        action={
          r.manage &&
          !other && (
            <Button kind="primary" icon={Plus} onClick={() => set({ edit: "new" })}>
              Add channel
            </Button>
          )
        }
      />
      <nav className="tabs" aria-label="Parts of notifications">
        {tabs.map((t) => (
          <Link key={t.label} to="/o/$org/settings/notifications" params={{ org: org.slug }} search={t.tab ? { tab: t.tab } : {}} aria-current={search.tab === t.tab ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            {t.label}
          </Link>
        ))}
      </nav>
      <div className="tab-body">
        {introductions ? <Introductions /> : deliveries ? <Deliveries filter={{ channel: search.channel, state: search.state }} open={search.open} set={set} /> : data ? <>
            <Channels all={data.items.filter((c) => !isTicketSystem(c))} others={data.items.filter(isTicketSystem)} onOpen={(id) => set({ open: id })} />
            <TicketSystems all={data.items.filter(isTicketSystem)} onOpen={(id) => set({ open: id })} />
          </> : <PageSkeleton label="the channels" />}
      </div>
      {!other && open && !edited && <ChannelPanel key={open.id} channel={open} onEdit={() => set({ edit: open.id })} onClose={() => set({ open: undefined })} />}
      {r.manage && (edited || search.edit === "new") && <ChannelForm channel={edited} onClose={() => set({ edit: undefined })} />}
    </>
  );
}

/** Webhooks that are asked, and told of nothing. */
function TicketSystems({ all, onOpen }: { all: Channel[]; onOpen: (id: string) => void }) {
  if (all.length === 0) return null;
  return (
    <div className="form-page stack">
      <h2>Ticket system</h2>
      <p className="dim prose">It hears of no notices. Safes that approve by open tickets ask it, when a request names a ticket, whether that ticket is open.{all.length > 1 && " The first that is switched on is asked."}</p>
      <section className="card" aria-label="Ticket system">
        <ol className="item-list">
          {all.map((c) => (
            <li key={c.id} id={c.id}>
              <Ticket className="icon" aria-hidden />
              <div className="grow stack tight">
                <div className="row wrap">
                  <button type="button" className="link-button breaks" onClick={() => onOpen(c.id)}>
                    {c.name}
                  </button>
                  <ChannelState channel={c} />
                </div>
                <div className="small dim breaks">{c.host}, is asked whether tickets are open</div>
                <Failing channel={c} />
              </div>
            </li>
          ))}
        </ol>
      </section>
    </div>
  );
}

function Failing({ channel: c }: { channel: Channel }) {
  if (!c.failing_since) return null;
  return (
    <div className="small breaks">
      Since <Time at={new Date(c.failing_since)} />: {c.last_error}
    </div>
  );
}

function Channels({ all, others, onOpen }: { all: Channel[]; others: Channel[]; onOpen: (id: string) => void }) {
  const r = useRights();
  const { order } = useChannelChanges();
  const [moved, setMoved] = useState<{ id: string; by: 1 | -1; at: number }>();
  const place = moved ? all.findIndex((c) => c.id === moved.id) : -1;
  // A row that moves takes the focus with it; at an end, to the button that still works.
  useEffect(() => {
    if (!moved || place !== moved.at) return;
    const row = document.getElementById(moved.id);
    (row?.querySelector<HTMLButtonElement>(`[data-by="${moved.by}"]:not(:disabled)`) ?? row?.querySelector<HTMLButtonElement>("[data-by]:not(:disabled)"))?.focus();
  }, [moved, place]);
  if (all.length === 0) {
    return (
      <div className="card">
        <Empty icon={Webhook} title="No channels yet">
          People are told by e-mail alone. Add Slack or a signed webhook, and the organization hears of requests, emergencies and failures there too.
        </Empty>
      </div>
    );
  }
  const move = (from: number, by: 1 | -1) => {
    const ids = all.map((c) => c.id as string);
    const [id] = ids.splice(from, 1);
    if (id === undefined || order.isPending) return;
    ids.splice(from + by, 0, id);
    order.mutate([...ids, ...others.map((c) => c.id)], { onSuccess: () => setMoved({ id, by, at: from + by }) });
  };
  return (
    <div className="form-page stack">
      <p className="dim prose">A notice goes to every channel that wants its kind. Where one fails three times, or refuses for good, the next in this order gets it, and last the administrators by e-mail.</p>
      <FormProblem error={order.error} />
      <section className="card" aria-label="Channels">
        <ol className="item-list">
          {all.map((c, i) => {
            const Icon = c.kind === "slack" ? MessageSquare : Webhook;
            return (
              <li key={c.id} id={c.id}>
                <Icon className="icon" aria-hidden />
                <div className="grow stack tight">
                  <div className="row wrap">
                    <button type="button" className="link-button breaks" onClick={() => onOpen(c.id)}>
                      {c.name}
                    </button>
                    <ChannelState channel={c} />
                  </div>
                  <div className="small dim breaks">
                    {ways[c.kind]}, {c.host}, hears of {c.kinds.length === 0 ? "everything" : plural(c.kinds.length, "kind")}
                  </div>
                  <Failing channel={c} />
                </div>
                {r.manage && all.length > 1 && (
                  <div className="row">
                    <IconButton small icon={ArrowUp} label={`Ask ${c.name} earlier`} data-by={-1} disabled={i === 0} onClick={() => move(i, -1)} />
                    <IconButton small icon={ArrowDown} label={`Ask ${c.name} later`} data-by={1} disabled={i === all.length - 1} onClick={() => move(i, 1)} />
                  </div>
                )}
              </li>
            );
          })}
        </ol>
      </section>
      <p className="sr-only" role="status">
        {moved && place >= 0 && `${all[place]?.name} is now ${place + 1} of ${all.length}.`}
      </p>
    </div>
  );
}
