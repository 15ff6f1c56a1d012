import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { CheckCheck, CircleCheck, Download } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { asProblem } from "../../api/problem";
import type { AccessReview, ReviewRight } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { SearchInput, Segmented, TextArea } from "../../ui/field";
import { plural } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { saveFile } from "../../ui/save-file";
import { Empty, Failed, FormProblem, PageSkeleton } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useOrg, useRights } from "../shell/org";
import { exportReview, reviewQuery, rightsQuery, useReviewChanges } from "./queries";
import { counted, decider, keeper, noted, Result, ReviewState, ruleWords, what, whose } from "./words";

/** One review: what is left to decide first, each with what one needs to know; what was decided beside. */
export default function ReviewPage() {
  const org = useOrg();
  const r = useRights();
  const { review: id } = useParams({ from: "/in/shell/o/$org/reviews/$review" });
  const { data: c, error, refetch } = useQuery(reviewQuery(org.id, id));
  const [calling, setCalling] = useState(false);
  if (error) return <Failed page error={error} what="this review" retry={() => void refetch()} />;
  if (!c) return <PageSkeleton label="the review" />;
  const { all, done } = counted(c);
  const p = c.progress;
  return (
    <>
      <PageHead
        title={c.name}
        lead={
          c.state === "open" ? (
            <>
              {done} of {plural(all, "right")} decided. {ruleWords[c.rule]}: the deadline is <Time at={new Date(c.deadline)} />.{" "}
              {c.reminded_at ? (
                <>
                  Who is still asked was reminded <Time at={c.reminded_at} />.
                </>
              ) : (
                c.remind_at && (
                  <>
                    Who is still asked is reminded <Time at={c.remind_at} />.
                  </>
                )
              )}
            </>
          ) : (
            <>
              {c.state === "closed" ? "Closed" : "Cancelled"} {c.ended_at && <Time at={c.ended_at} />}: {p.kept} kept, {p.revoked} revoked, {p.stale} had changed, {p.failed} not carried out
              {p.undecided > 0 && `, ${p.undecided} undecided`}.{c.comment && ` ${c.comment}`}
            </>
          )
        }
        meta={<ReviewState review={c} />}
        back={
          <Link to="/o/$org/reviews" params={{ org: org.slug }} search={{}}>
            Access reviews
          </Link>
        }
        action={
          <>
            {r.inspect && <Evidence review={c} />}
            {r.manage && c.state === "open" && <Button onClick={() => setCalling(true)}>Cancel review</Button>}
          </>
        }
      />
      <Rights key={id} review={c} />
      {calling && <CallOff review={c} onClose={() => setCalling(false)} />}
    </>
  );
}

const step = 200; // rights that are shown before one asks for more

function Rights({ review: c }: { review: AccessReview }) {
  const org = useOrg();
  const toasts = useToasts();
  const search = useSearch({ from: "/in/shell/o/$org/reviews/$review" });
  const navigate = useNavigate({ from: "/o/$org/reviews/$review" });
  const list = useQuery(rightsQuery(org.id, c.id));
  const { decide, keepAll } = useReviewChanges(c.id);
  const [revoking, setRevoking] = useState<ReviewRight>();
  const [keeping, setKeeping] = useState(false);
  const [most, setMost] = useState(step);
  const open = c.state === "open";
  const show = search.show ?? (open ? "left" : "all");
  const q = (search.q ?? "").trim().toLowerCase();
  const found = list.data?.filter((x) => (show === "all" || !x.verdict) && (q === "" || `${whose(x)} ${what(x)}`.toLowerCase().includes(q)));
  const rows = found?.slice(0, most);
  const mayDecide = (x: ReviewRight) => open && !x.verdict && x.may_decide;
  const left = rows?.filter(mayDecide) ?? [];
  const keep = (x: ReviewRight) => decide.mutateAsync({ item: x.id, verdict: "keep" }).catch(toasts.fail);
  const keys = (x: ReviewRight) => (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey || !mayDecide(x)) return;
    if (e.key === "k" && !decide.isPending) void keep(x);
    else if (e.key === "r") setRevoking(x);
    else return;
    e.preventDefault();
  };
  const columns: Column<ReviewRight>[] = [
    {
      name: "Right",
      skeleton: 200,
      cell: (x) => (
        <span className="stack tight gapless" onKeyDown={keys(x)}>
          <span className="break">{whose(x)}</span>
          <span className="faint small break">{what(x)}</span>
          {!x.verdict && keeper(x) && <span className="small dim break">{keeper(x)}</span>}
          {x.note && <span className="small dim break">{noted(x.note)}</span>}
          {x.verdict && show === "all" && (
            <span className="until-tablet small dim break">
              {decider(x)}
              {x.reason && `: ${x.reason}`}
            </span>
          )}
        </span>
      ),
    },
    { name: "Since", from: "phone", cell: (x) => (x.given_at ? <Time at={x.given_at} /> : <span className="faint">—</span>) },
    { name: "Until", from: "tablet", cell: (x) => (x.ends_at ? <Time at={x.ends_at} /> : <span className="faint">no end</span>) },
    ...(show === "all"
      ? [
          {
            name: "Decided by",
            from: "tablet" as const,
            cell: (x: ReviewRight) =>
              x.verdict && (
                <span className="stack tight gapless">
                  <span>{decider(x)}</span>
                  {x.reason && <span className="faint small break">{x.reason}</span>}
                </span>
              ),
          },
        ]
      : []),
    {
      name: show === "all" ? "Result" : "Decide",
      quiet: show !== "all",
      right: show !== "all",
      cell: (x) =>
        mayDecide(x) ? (
          <span className={show === "all" ? "row" : "row end"} onKeyDown={keys(x)}>
            <Button small busy={decide.isPending && decide.variables.item === x.id} onClick={() => void keep(x)} aria-label={`Keep ${whose(x)}, ${what(x)}`} aria-keyshortcuts="k">
              Keep
            </Button>
            <Button small kind="danger" onClick={() => setRevoking(x)} aria-label={`Revoke ${whose(x)}, ${what(x)}`} aria-keyshortcuts="r">
              Revoke
            </Button>
          </span>
        ) : (
          <span className="stack tight gapless">
            {(x.verdict || show === "all") && <Result right={x} />}
            {open && !x.verdict && x.own && <span className="faint small">yours: somebody else decides</span>}
          </span>
        ),
    },
  ];
  return (
    <>
      <div className="filters" role="group" aria-label="Filters">
        {open && (
          <Segmented
            label="Which rights"
            value={show}
            options={[
              { value: "left", label: "Left to decide" },
              { value: "all", label: "All" },
            ]}
            onPick={(v) => void navigate({ search: (s) => ({ ...s, show: v === "all" ? "all" : undefined }), replace: true })}
          />
        )}
        <SearchInput label="Search person, group or safe" value={search.q ?? ""} onText={(v) => void navigate({ search: (s) => ({ ...s, q: v || undefined }), replace: true })} />
        {left.length > 1 && (
          <Button icon={CheckCheck} busy={keepAll.isPending} onClick={() => setKeeping(true)}>
            {`Keep all ${left.length} shown`}
          </Button>
        )}
      </div>
      {list.error ? (
        <Failed error={list.error} what="the rights" retry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <div className="card">
          <Empty icon={CircleCheck} title={q ? "Nothing is like that" : "Nothing is left to decide"}>
            {q ? "Search for another name." : "All that you are asked about is decided."}
          </Empty>
        </div>
      ) : (
        <div className="comfortable">
          <Table label="Rights" columns={columns} rows={rows} id={(x) => x.id} />
          {rows && found && found.length > rows.length && (
            <Button kind="ghost" onClick={() => setMost(most + step)}>
              {`Show more: ${rows.length} of ${plural(found.length, "right")} are shown`}
            </Button>
          )}
          {left.length > 0 && (
            <p className="faint small from-phone keys-hint">
              On a button: <kbd>K</kbd> keeps, <kbd>R</kbd> revokes.
            </p>
          )}
        </div>
      )}
      {revoking && <Revoke right={revoking} review={c.id} onClose={() => setRevoking(undefined)} />}
      {keeping && (
        <Confirm
          title={`Keep ${plural(left.length, "right")}`}
          verb="Keep them"
          kind="primary"
          busy={keepAll.isPending}
          error={keepAll.error}
          onClose={() => setKeeping(false)}
          onConfirm={() =>
            void keepAll
              .mutateAsync(left.map((x) => x.id))
              .then(({ kept, left: out }) => {
                toasts.say(`${plural(kept, "right")} kept.${out > 0 ? ` ${plural(out, "right")} left out: your own, or decided meanwhile.` : ""}`);
                setKeeping(false);
              })
              .catch(() => undefined) // the dialog shows it
          }
        >
          <p>All that the list shows and that you may decide stays as it is. Each decision is in the audit log with your name.</p>
        </Confirm>
      )}
    </>
  );
}

function Revoke({ right: x, review, onClose }: { right: ReviewRight; review: string; onClose: () => void }) {
  const { decide } = useReviewChanges(review);
  const toasts = useToasts();
  const [reason, setReason] = useState("");
  const ready = reason.trim() !== "";
  return (
    <Dialog
      title={`Revoke: ${whose(x)}`}
      onClose={onClose}
      onSubmit={() =>
        ready &&
        !decide.isPending &&
        void decide
          .mutateAsync({ item: x.id, verdict: "revoke", reason: reason.trim() })
          .then((done) => {
            toasts.say(done.note ? noted(done.note) : "Revoked.");
            onClose();
          })
          .catch(() => undefined)
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="danger solid" disabled={!ready} busy={decide.isPending}>
            Revoke
          </Button>
        </>
      }
    >
      <p className="dim">
        {keeper(x) ?? `${whose(x)}, ${what(x)}: this right ends at once, and so do sessions that rest on it.`}
      </p>
      <TextArea label="Reason" rows={2} maxLength={500} hint="The evidence and the audit log keep it." value={reason} error={decide.error ? asProblem(decide.error).field("reason") : undefined} onText={setReason} />
      <FormProblem error={decide.error} fields={["reason"]} />
    </Dialog>
  );
}

function CallOff({ review: c, onClose }: { review: AccessReview; onClose: () => void }) {
  const { cancel } = useReviewChanges(c.id);
  const [comment, setComment] = useState("");
  return (
    <Dialog
      title={`Cancel ${c.name}`}
      onClose={onClose}
      onSubmit={() => !cancel.isPending && void cancel.mutateAsync(comment.trim()).then(onClose, () => undefined)}
      footer={
        <>
          <Button onClick={onClose}>Go on with it</Button>
          <Button type="submit" kind="danger solid" busy={cancel.isPending}>
            Cancel review
          </Button>
        </>
      }
    >
      <p className="dim">What was decided stays decided. The rest stays as it is, and nobody decides about it here any more.</p>
      <TextArea label="Comment" optional rows={2} maxLength={500} value={comment} onText={setComment} />
      <FormProblem error={cancel.error} />
    </Dialog>
  );
}

function Evidence({ review: c }: { review: AccessReview }) {
  const org = useOrg();
  const toasts = useToasts();
  const run = useMutation({
    mutationFn: (format: "json" | "csv") => exportReview(org.id, c.id, format),
    onSuccess: (b, format) => {
      saveFile(`vaultpam-review-${c.id}.${format}`, b);
      toasts.say("The file is saved. Who took it is in the audit log.");
    },
    onError: toasts.fail,
  });
  return (
    <>
      {(["csv", "json"] as const).map((format) => (
        <Button key={format} icon={Download} busy={run.isPending && run.variables === format} onClick={() => run.mutate(format)}>
          {`Evidence ${format.toUpperCase()}`}
        </Button>
      ))}
    </>
  );
}
