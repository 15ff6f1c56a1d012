import { infiniteQueryOptions, useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Inbox } from "lucide-react";
import { useState } from "react";
import { get, post } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { Page, SubmissionWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Dialog, Panel } from "../../ui/dialog";
import { Check, TextArea } from "../../ui/field";
import { PickChip } from "../../ui/filter";
import { PageHead } from "../../ui/page";
import { Empty, Failed, FormProblem } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Facts, Id, type Meaning, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { useMe } from "../shell/org";

type Submission = Dated<SubmissionWire>;

function submissionsQuery(state: string | undefined) {
  return infiniteQueryOptions({
    queryKey: ["platform", "submissions", state],
    queryFn: ({ signal, pageParam }) => get<Page<SubmissionWire>>("/platform/submissions", { signal, query: { state, limit: 50, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
  });
}

const states: Record<SubmissionWire["state"], { label: string; meaning?: Meaning }> = {
  draft: { label: "Begun" },
  submitted: { label: "Waits for you", meaning: "warn" },
  returned: { label: "Returned", meaning: "info" },
  rejected: { label: "Turned down", meaning: "bad" },
  approved: { label: "Let in", meaning: "good" },
};

/** Organizations that ask to be let in. */
export default function SubmissionsPage() {
  const search = useSearch({ from: "/in/shell/platform/submissions" });
  const navigate = useNavigate({ from: "/platform/submissions" });
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const list = useInfiniteQuery(submissionsQuery(search.state));
  const rows = list.data?.pages.flatMap((p) => p.items);
  const open = rows?.find((s) => s.id === search.open);
  const columns: Column<Submission>[] = [
    {
      name: "Organization",
      skeleton: 140,
      cell: (s) => (
        <button type="button" className="row-open" onClick={() => set({ open: s.id })}>
          {s.org_name}
        </button>
      ),
    },
    { name: "Short name", from: "phone", cell: (s) => <code>{s.slug}</code> },
    { name: "Applicant", from: "tablet", cell: (s) => s.email },
    { name: "State", cell: (s) => <State meaning={states[s.state].meaning}>{states[s.state].label}</State> },
    { name: "Sent", from: "phone", cell: (s) => s.submitted_at && <Time at={s.submitted_at} /> },
  ];
  return (
    <>
      <PageHead title="Submissions" lead="Organizations that ask to be let in. Letting one in makes it, with the applicant as its owner." />
      <div className="filters" role="group" aria-label="Filters">
        <PickChip
          label="State"
          value={search.state}
          options={(["submitted", "returned", "rejected", "approved"] as const).map((value) => ({ value, label: states[value].label }))}
          onPick={(state) => set({ state, open: undefined })}
        />
      </div>
      {list.error ? (
        <Failed error={list.error} what="the submissions" retry={() => void list.refetch()} />
      ) : rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={Inbox} title={search.state ? "None is in this state" : "Nobody asks to be let in"}>
            Whoever registers an organization at the sign-up page appears here once they have proved their address.
          </Empty>
        </div>
      ) : (
        <Table
          label="Submissions"
          columns={columns}
          rows={rows}
          id={(s) => s.id}
          selected={search.open}
          onOpen={(s) => set({ open: s.id })}
          more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined}
        />
      )}
      {open && <SubmissionPanel key={open.id} submission={open} onClose={() => set({ open: undefined })} />}
    </>
  );
}

function SubmissionPanel({ submission: s, onClose }: { submission: Submission; onClose: () => void }) {
  const mayDecide = useMe().platform_role === "platform_admin" && s.state === "submitted";
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [asking, setAsking] = useState<"approve" | "reject">();
  const [comment, setComment] = useState("");
  const [again, setAgain] = useState(true);
  const done = (said: string) => async () => {
    await client.invalidateQueries({ queryKey: ["platform"] });
    toasts.say(said);
    setAsking(undefined);
  };
  const approve = useMutation({ mutationFn: () => stepUp(() => post<unknown>(`/platform/submissions/${s.id}/approve`)), onSuccess: done(`${s.org_name} is let in.`) });
  const reject = useMutation({
    mutationFn: () => stepUp(() => post<unknown>(`/platform/submissions/${s.id}/reject`, { body: { comment: comment.trim(), may_resubmit: again } })),
    onSuccess: done(again ? `${s.org_name} is returned for correction.` : `${s.org_name} is turned down.`),
  });
  return (
    <Panel
      title={s.org_name || s.email}
      subtitle={<State meaning={states[s.state].meaning}>{states[s.state].label}</State>}
      onClose={onClose}
      footer={
        mayDecide && (
          <>
            <Button kind="primary" onClick={() => setAsking("approve")}>
              Let in
            </Button>
            <Button kind="danger" onClick={() => setAsking("reject")}>
              Turn down or return
            </Button>
          </>
        )
      }
    >
      <section>
        <Facts
          rows={[
            ["Short name", <code key="s">{s.slug}</code>],
            ["Applicant", s.name ? `${s.name}, ${s.email}` : s.email],
            s.handle && ["Handle", <code key="h">{s.handle}</code>],
            s.note && ["They say", s.note],
            s.submitted_at && ["Sent", <Time key="t" at={s.submitted_at} />],
            ["Sent how often", String(s.submissions)],
            s.decided_at && ["Decided", <Time key="d" at={s.decided_at} />],
            s.comment && ["Comment", s.comment],
            s.org_id && ["Organization", <Id key="o" value={s.org_id} what="organization id" />],
            ["Id", <Id key="i" value={s.id} what="submission id" />],
          ]}
        />
      </section>
      {asking === "approve" && (
        <Confirm title={`Let ${s.org_name} in`} verb="Let in" busy={approve.isPending} error={approve.error} onClose={() => setAsking(undefined)} onConfirm={() => approve.mutate()}>
          The organization is made with the short name {s.slug}, and {s.email} becomes its owner and gets a message.
        </Confirm>
      )}
      {asking === "reject" && (
        <Dialog
          title={`Turn ${s.org_name} down`}
          onClose={() => setAsking(undefined)}
          onSubmit={() => comment.trim() !== "" && !reject.isPending && reject.mutate()}
          footer={
            <>
              <Button onClick={() => setAsking(undefined)}>Cancel</Button>
              <Button type="submit" kind="danger solid" disabled={comment.trim() === ""} busy={reject.isPending}>
                {again ? "Return" : "Turn down"}
              </Button>
            </>
          }
        >
          <TextArea label="Why" hint="The applicant reads it." value={comment} error={reject.error ? asProblem(reject.error).field("comment") : undefined} onText={setComment} />
          <Check label="They may correct it and send it again" checked={again} onCheck={setAgain} />
          <FormProblem error={reject.error} fields={["comment"]} />
        </Dialog>
      )}
    </Panel>
  );
}
