import { infiniteQueryOptions, queryOptions, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Mail as MailIcon, RotateCw, Send } from "lucide-react";
import { get, post } from "../../api/client";
import type { Dated } from "../../api/dated";
import type { MailWire, Page } from "../../api/types";
import { Button } from "../../ui/button";
import { Panel } from "../../ui/dialog";
import { Empty, Failed, FormProblem, Skeleton } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { Course, kindWords, states, underWay } from "./course";

type Message = Dated<MailWire>;

/** Whose mail: an organization's, by id, or the platform's. */
export interface MailOf {
  org?: string | undefined;
}

const base = (of: MailOf) => (of.org ? "/org/mail" : "/platform/mail");

export function mailQuery(of: MailOf) {
  return infiniteQueryOptions({
    queryKey: [of.org ?? "platform", "mail"],
    queryFn: ({ signal, pageParam }) => get<Page<MailWire>>(base(of), { org: of.org, signal, query: { limit: 50, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    // Deliveries under way are looked at again until they have ended.
    refetchInterval: (q) => (q.state.data?.pages.some((p) => p.items.some(underWay)) ? 5_000 : false),
  });
}

function messageQuery(of: MailOf, id: string) {
  return queryOptions({
    queryKey: [of.org ?? "platform", "mail", id],
    queryFn: ({ signal }) => get<MailWire>(`${base(of)}/${id}`, { org: of.org, signal }),
    refetchInterval: (q) => (q.state.data && underWay(q.state.data) ? 2_000 : false),
  });
}

function useMailChanges(of: MailOf) {
  const client = useQueryClient();
  const stepUp = useStepUp();
  const onSuccess = () => client.invalidateQueries({ queryKey: [of.org ?? "platform", "mail"] });
  return {
    test: useMutation({ mutationFn: () => stepUp(() => post<MailWire>(`${base(of)}/test`, { org: of.org })), onSuccess }),
    resend: useMutation({ mutationFn: (id: string) => stepUp(() => post<MailWire>(`${base(of)}/${id}/resend`, { org: of.org })), onSuccess }),
  };
}

/** What was sent to whom, and how its delivery went. Contents are never shown. */
export function MailList({ of, mayManage, open, onOpen }: { of: MailOf; mayManage: boolean; open: string | undefined; onOpen: (id: string | undefined) => void }) {
  const { test } = useMailChanges(of);
  const list = useInfiniteQuery(mailQuery(of));
  const rows = list.data?.pages.flatMap((p) => p.items);
  if (list.error) return <Failed error={list.error} what="the messages" retry={() => void list.refetch()} />;
  const columns: Column<Message>[] = [
    {
      name: "To",
      skeleton: 160,
      cell: (m) => (
        <button type="button" className="row-open breaks" onClick={() => onOpen(m.id)}>
          {m.recipient}
        </button>
      ),
    },
    { name: "What", from: "phone", cell: (m) => kindWords(m.kind) },
    { name: "State", cell: (m) => <State meaning={states[m.state].meaning}>{states[m.state].label}</State> },
    { name: "Tries", right: true, from: "tablet", cell: (m) => m.attempts },
    { name: "Last error", from: "desk", cell: (m) => (m.last_error ? <span className="small breaks">{m.last_error}</span> : "") },
    { name: "Queued", from: "phone", cell: (m) => <Time at={m.created_at} /> },
  ];
  return (
    <>
      {mayManage && (
        <div className="stack section">
          <div className="row between wrap">
            <p className="dim prose">A test message goes to your own address, the way that the others go.</p>
            <Button icon={Send} busy={test.isPending} onClick={() => test.mutate(undefined, { onSuccess: (m) => onOpen(m.id) })}>
              Send a test message
            </Button>
          </div>
          <FormProblem error={test.error} />
        </div>
      )}
      {rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={MailIcon} title="No messages yet">
            Invitations, recoveries and notices that are sent by e-mail appear here, with how their delivery went.
          </Empty>
        </div>
      ) : (
        <Table label="Messages" columns={columns} rows={rows} id={(m) => m.id} selected={open} onOpen={(m) => onOpen(m.id)} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />
      )}
      {open && <MessagePanel key={open} of={of} id={open} mayManage={mayManage} onClose={() => onOpen(undefined)} />}
    </>
  );
}

function MessagePanel({ of, id, mayManage, onClose }: { of: MailOf; id: string; mayManage: boolean; onClose: () => void }) {
  const { data: m, error } = useQuery(messageQuery(of, id));
  const { resend } = useMailChanges(of);
  const toasts = useToasts();
  const again = m && mayManage && (m.state === "failed" || m.state === "queued") && m.expires_at.getTime() > Date.now();
  return (
    <Panel
      title={m ? kindWords(m.kind) : "Message"}
      subtitle={m?.recipient}
      onClose={onClose}
      footer={
        again && (
          <Button icon={RotateCw} busy={resend.isPending} onClick={() => resend.mutate(m.id, { onSuccess: () => toasts.say(`The message to ${m.recipient} is tried again.`) })}>
            {m.state === "queued" ? "Try now" : "Send again"}
          </Button>
        )
      }
    >
      <FormProblem error={resend.error} />
      {error && <Failed error={error} what="the message" />}
      {!m && !error && <Skeleton width={240} />}
      {m && <Course of={m} what="message" />}
    </Panel>
  );
}
