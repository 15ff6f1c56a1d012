import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { LifeBuoy } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import { Button } from "../../ui/button";
import { Dialog, Panel } from "../../ui/dialog";
import { TextArea } from "../../ui/field";
import { PickChip } from "../../ui/filter";
import { PageHead } from "../../ui/page";
import { Empty, Failed, FormProblem, Note } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Facts, Id, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { useMe } from "../shell/org";
import { decideRecovery, type Desk, recoveriesQuery, type Recovery, seeRecovery } from "./queries";
import { lostWords, recoveryStates } from "./words";

export interface QueueSearch {
  state?: string | undefined;
  open?: string | undefined;
}

interface Props {
  desk: Desk;
  mayDecide: boolean;
  lead: string;
  search: QueueSearch;
  set: (part: QueueSearch) => void;
}

/** Who has lost every second factor and asks to set up a new one. */
export function RecoveryQueue({ desk, mayDecide, lead, search, set }: Props) {
  const list = useInfiniteQuery(recoveriesQuery(desk, search.state));
  const rows = list.data?.pages.flatMap((p) => p.items);
  const columns: Column<Recovery>[] = [
    {
      name: "Person",
      skeleton: 150,
      cell: (c) => (
        <span className="stack tight gapless">
          <button type="button" className="row-open truncate" onClick={() => set({ open: c.id })}>
            {c.person.name}
          </button>
          <span className="faint small truncate">{c.person.email}</span>
        </span>
      ),
    },
    { name: "State", cell: (c) => <State meaning={recoveryStates[c.state].meaning}>{recoveryStates[c.state].label}</State> },
    { name: "Asked from", from: "tablet", cell: (c) => <code>{c.source_ip}</code> },
    { name: "Asked", from: "phone", cell: (c) => <Time at={c.created_at} /> },
    { name: "Lapses", from: "tablet", cell: (c) => (c.state === "pending" || c.state === "approved" ? <Time at={c.expires_at} /> : "") },
  ];
  return (
    <>
      <PageHead title="Lost second factors" lead={lead} />
      <div className="filters" role="group" aria-label="Filters">
        <PickChip
          label="State"
          value={search.state}
          options={(["pending", "approved", "consumed", "completed", "denied", "expired"] as const).map((value) => ({ value, label: recoveryStates[value].label }))}
          onPick={(state) => set({ state, open: undefined })}
        />
      </div>
      {list.error ? (
        <Failed error={list.error} what="who has lost their second factor" retry={() => void list.refetch()} />
      ) : rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={LifeBuoy} title={search.state ? "None is in this state" : "Nobody waits"}>
            Somebody who has lost every second factor says so where they sign in. They appear here when they have confirmed it by e-mail.
          </Empty>
        </div>
      ) : (
        <div className="comfortable">
          <Table
            label="Lost second factors"
            columns={columns}
            rows={rows}
            id={(c) => c.id}
            selected={search.open}
            onOpen={(c) => set({ open: c.id })}
            more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined}
          />
        </div>
      )}
      {search.open && <CasePanel key={search.open} desk={desk} id={search.open} mayDecide={mayDecide} found={rows?.find((c) => c.id === search.open)} onClose={() => set({ open: undefined })} />}
    </>
  );
}

/** One case, also one that the list does not show: an address may name it. */
function CasePanel({ desk, id, mayDecide, found, onClose }: { desk: Desk; id: string; mayDecide: boolean; found: Recovery | undefined; onClose: () => void }) {
  const me = useMe();
  const [asking, setAsking] = useState<"approve" | "deny">();
  const one = useQuery({ queryKey: [desk.org ?? "platform", "recoveries", "one", id], queryFn: ({ signal }) => seeRecovery(desk, id, signal), enabled: found === undefined });
  const c = found ?? one.data;
  if (!c) {
    return (
      <Panel title="Lost second factor" onClose={onClose}>
        {one.error && <Failed error={one.error} what="this case" retry={() => void one.refetch()} />}
      </Panel>
    );
  }
  const own = c.person.id === me.user.id;
  return (
    <Panel
      title={c.person.name}
      subtitle={<State meaning={recoveryStates[c.state].meaning}>{recoveryStates[c.state].label}</State>}
      onClose={onClose}
      footer={
        mayDecide &&
        !own &&
        c.state === "pending" && (
          <>
            <Button kind="primary" onClick={() => setAsking("approve")}>
              Approve
            </Button>
            <Button kind="danger" onClick={() => setAsking("deny")}>
              Turn down
            </Button>
          </>
        )
      }
    >
      <section className="stack">
        {c.state === "pending" && (
          <Note meaning="warn">
            {own ? "This is your own case. Nobody decides their own: another administrator has to." : "Speak with them before you decide, by telephone or in person. A stolen password and mailbox look the same as this."}
          </Note>
        )}
        <Facts
          rows={[
            ["Address", c.person.email],
            ["Handle", <code key="h">{c.person.handle}</code>],
            ["Lost", lostWords(c.lost_methods)],
            c.source_ip && ["Asked from", <code key="s">{c.source_ip}</code>],
            ["Asked", <Time key="c" at={c.created_at} />],
            c.verified_at && ["Confirmed by e-mail", <Time key="v" at={c.verified_at} />],
            c.decided_at && ["Decided", <Time key="d" at={c.decided_at} />],
            c.comment && ["Comment", c.comment],
            (c.state === "pending" || c.state === "approved") && ["Lapses", <Time key="e" at={c.expires_at} />],
            ["Id", <Id key="i" value={c.id} what="case id" />],
          ]}
        />
      </section>
      {asking && <Decide desk={desk} found={c} verb={asking} onClose={() => setAsking(undefined)} />}
    </Panel>
  );
}

function Decide({ desk, found: c, verb, onClose }: { desk: Desk; found: Recovery; verb: "approve" | "deny"; onClose: () => void }) {
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [comment, setComment] = useState("");
  const approve = verb === "approve";
  const decide = useMutation({
    mutationFn: () => stepUp(() => decideRecovery(desk, c.id, verb, comment.trim())),
    onSettled: () => client.invalidateQueries({ queryKey: [desk.org ?? "platform", "recoveries"] }),
    onSuccess: () => {
      toasts.say(approve ? `${c.person.name} was sent the link.` : `${c.person.name} was told that it is turned down.`);
      onClose();
    },
  });
  return (
    <Dialog
      title={approve ? `Let ${c.person.name} set up a new second factor` : `Turn ${c.person.name} down`}
      onClose={onClose}
      onSubmit={() => !decide.isPending && decide.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind={approve ? "primary" : "danger solid"} busy={decide.isPending}>
            {approve ? "Approve" : "Turn down"}
          </Button>
        </>
      }
    >
      <p className="dim">
        {approve
          ? `A link goes to ${c.person.email}. It works once, for 15 minutes, with their password. When the new factor is set up, the old ones, all sign-ins and all API tokens of theirs are gone.`
          : `${c.person.email} gets a message. Their present second factor stays as it is.`}
      </p>
      <TextArea
        label="Comment"
        optional
        maxLength={500}
        hint={approve ? "Kept with the case and in the audit log: how you made sure that it is them." : "Kept in the audit log, and told to them."}
        value={comment}
        error={decide.error ? asProblem(decide.error).field("comment") : undefined}
        onText={setComment}
      />
      <FormProblem error={decide.error} fields={["comment"]} />
    </Dialog>
  );
}
