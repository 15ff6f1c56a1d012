import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ClipboardCheck, Plus } from "lucide-react";
import type { AccessReview } from "../../api/types";
import { Button } from "../../ui/button";
import { PickChip } from "../../ui/filter";
import { plural } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Time } from "../../ui/text";
import { useOrg, useRights } from "../shell/org";
import { ReviewForm } from "./form";
import { reviewsQuery } from "./queries";
import { counted, ReviewState, ruleWords, stateOptions } from "./words";

/** The access reviews: all of them for who oversees, else those that ask the reader. */
export default function ReviewsPage() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/reviews" });
  const navigate = useNavigate({ from: "/o/$org/reviews" });
  const list = useInfiniteQuery(reviewsQuery(org.id, search.state));
  const rows = list.data?.pages.flatMap((p) => p.items);
  const see = (review: string) => void navigate({ to: "/o/$org/reviews/$review", params: { org: org.slug, review }, search: {} });
  const start = () => void navigate({ search: (s) => ({ ...s, new: "1" }), replace: true });
  const columns: Column<AccessReview>[] = [
    {
      name: "Review",
      skeleton: 180,
      cell: (c) => (
        <span className="stack tight gapless">
          <Link className="row-open truncate plain-link" to="/o/$org/reviews/$review" params={{ org: org.slug, review: c.id }} search={{}}>
            {c.name}
          </Link>
          <span className="faint small truncate">{c.mine > 0 ? `${plural(c.mine, "right")} for you to decide` : ruleWords[c.rule]}</span>
        </span>
      ),
    },
    { name: "State", cell: (c) => <ReviewState review={c} /> },
    {
      name: "Decided",
      cell: (c) => (
        <span className="nowrap">
          {counted(c).done} of {counted(c).all}
        </span>
      ),
    },
    { name: "Deadline", from: "phone", cell: (c) => (c.ended_at ? <span className="faint">—</span> : <Time at={new Date(c.deadline)} />) },
    { name: "Ended", from: "tablet", cell: (c) => (c.ended_at ? <Time at={c.ended_at} /> : <span className="faint">—</span>) },
    { name: "Opened by", from: "tablet", cell: (c) => c.created_by_name },
  ];
  return (
    <>
      <PageHead
        title="Access reviews"
        lead="Who still needs which right? Reviewers keep or revoke each; what nobody decides by the deadline follows the rule of the review."
        action={
          r.manage && (
            <Button kind="primary" icon={Plus} onClick={start}>
              New review
            </Button>
          )
        }
      />
      <div className="filters" role="group" aria-label="Filters">
        <PickChip label="State" value={search.state} options={stateOptions} onPick={(state) => void navigate({ search: (s) => ({ ...s, state }), replace: true })} />
      </div>
      {list.error ? (
        <Failed error={list.error} what="the access reviews" retry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <div className="card">
          <Empty icon={ClipboardCheck} title={search.state ? "No such review" : r.inspect ? "No access review yet" : "No review asks you"}>
            {r.manage ? "Open one to ask the managers of safes, or people you name, who still needs what." : "When a review asks you about rights, it stands here, and you get a message."}
          </Empty>
        </div>
      ) : (
        <div className="comfortable">
          <Table label="Access reviews" columns={columns} rows={rows} id={(c) => c.id} onOpen={(c) => see(c.id)} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />
        </div>
      )}
      {search.new === "1" && r.manage && (
        <ReviewForm
          onClose={(made) => {
            if (made) see(made);
            else void navigate({ search: ({ new: _n, ...rest }) => rest, replace: true });
          }}
        />
      )}
    </>
  );
}
