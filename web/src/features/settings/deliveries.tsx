import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { BellRing, RotateCw } from "lucide-react";
import { Button } from "../../ui/button";
import { Panel } from "../../ui/dialog";
import { PickChip } from "../../ui/filter";
import { Empty, Failed, FormProblem, Note, Skeleton } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useOrg, useRights } from "../shell/org";
import { channelsQuery, deliveriesQuery, type Delivery, type DeliveryFilter, useChannelChanges, useDelivery, ways } from "./channel-queries";
import { Course, kindWords, states } from "./course";

const by = (d: Delivery) => (d.channel === "email" ? "E-mail" : ways[d.channel]);

interface Props {
  filter: DeliveryFilter;
  open: string | undefined;
  set: (part: { channel?: string | undefined; state?: string | undefined; open?: string | undefined }) => void;
}

/** What was sent by which way, and how it went. */
export function Deliveries({ filter, open, set }: Props) {
  const org = useOrg();
  const channels = useQuery(channelsQuery(org.id));
  const list = useInfiniteQuery(deliveriesQuery(org.id, filter));
  const rows = list.data?.pages.flatMap((p) => p.items);
  if (list.error) return <Failed error={list.error} what="the deliveries" retry={() => void list.refetch()} />;
  const columns: Column<Delivery>[] = [
    {
      name: "To",
      skeleton: 160,
      cell: (d) => (
        <button type="button" className="row-open breaks" onClick={() => set({ open: d.id })}>
          {d.recipient}
        </button>
      ),
    },
    { name: "By", from: "tablet", cell: by },
    { name: "What", from: "phone", cell: (d) => kindWords(d.kind) },
    { name: "State", cell: (d) => <State meaning={states[d.state].meaning}>{states[d.state].label}</State> },
    { name: "Tries", right: true, from: "tablet", cell: (d) => d.attempts },
    { name: "Last error", from: "desk", cell: (d) => (d.last_error ? <span className="small breaks">{d.last_error}</span> : "") },
    { name: "Queued", from: "phone", cell: (d) => <Time at={d.created_at} /> },
  ];
  const places = [{ value: "email", label: "E-mail" }, ...(channels.data?.items ?? []).map((c) => ({ value: c.id as string, label: c.name }))];
  const stateOptions = Object.entries(states).map(([value, s]) => ({ value, label: s.label }));
  return (
    <>
      <div className="filters">
        <PickChip label="Channel" value={filter.channel} options={places} onPick={(channel) => set({ channel, open: undefined })} />
        <PickChip label="State" value={filter.state} options={stateOptions} onPick={(state) => set({ state, open: undefined })} />
      </div>
      {rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={BellRing} title={filter.channel || filter.state ? "Nothing was sent like this" : "Nothing was sent yet"}>
            {filter.channel || filter.state ? "Take a filter away to see more." : "Each notice appears here once for every way that it goes, with how its delivery went."}
          </Empty>
        </div>
      ) : (
        <Table label="Deliveries" columns={columns} rows={rows} id={(d) => d.id} selected={open} onOpen={(d) => set({ open: d.id })} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />
      )}
      {open && <DeliveryPanel key={open} id={open} onClose={() => set({ open: undefined })} />}
    </>
  );
}

function DeliveryPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const r = useRights();
  const toasts = useToasts();
  const { data: d, error } = useDelivery(id);
  const { resend } = useChannelChanges();
  const again = d && r.manage && (d.state === "failed" || d.state === "queued") && d.expires_at.getTime() > Date.now();
  return (
    <Panel
      title={d ? kindWords(d.kind) : "Delivery"}
      subtitle={d && `${by(d)}, ${d.recipient}`}
      onClose={onClose}
      footer={
        again && (
          <Button icon={RotateCw} busy={resend.isPending} onClick={() => resend.mutate(d.id, { onSuccess: () => toasts.say(`It is sent to ${d.recipient} again.`) })}>
            {d.state === "queued" ? "Try now" : "Send again"}
          </Button>
        )
      }
    >
      <FormProblem error={resend.error} />
      {error && <Failed error={error} what="the delivery" />}
      {!d && !error && <Skeleton width={240} />}
      {d?.fell_back && (
        <section>
          <Note meaning="plain">It kept failing, so the next channel, or last the administrators by e-mail, got it in its place.</Note>
        </section>
      )}
      {d && <Course of={d} what="delivery" />}
    </Panel>
  );
}
