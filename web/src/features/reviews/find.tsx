import { useQuery } from "@tanstack/react-query";
import { Navigate, useParams } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { get } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { AccessReviewWire } from "../../api/types";
import { LinkButton } from "../../ui/button";
import { Empty, Failed, PageSkeleton } from "../../ui/states";
import { membershipsQuery } from "../auth/queries";

/** Where messages lead: they name a review and no organization. */
export default function FindReview() {
  const { review } = useParams({ from: "/in/shell/access-reviews/$review" });
  const own = useQuery(membershipsQuery);
  const found = useQuery({
    queryKey: ["review-anywhere", review],
    enabled: own.data !== undefined,
    retry: false,
    queryFn: async ({ signal }) => {
      for (const m of own.data?.memberships ?? []) {
        try {
          await get<AccessReviewWire>(`/access-reviews/${review}`, { org: m.org_id, signal });
          return m.slug;
        } catch (err) {
          const p = asProblem(err);
          if (!p.isNotFound && !p.isDenied) throw err;
        }
      }
      return null;
    },
  });
  if (own.error ?? found.error) return <Failed page error={own.error ?? found.error} what="this review" retry={() => void found.refetch()} />;
  if (found.data) return <Navigate to="/o/$org/reviews/$review" params={{ org: found.data, review }} search={{}} replace />;
  if (found.data === null) {
    return (
      <Empty page icon={SearchX} title="There is no such review for you" action={<LinkButton to="/">Go to the first page</LinkButton>}>
        It asks other people, or the message was meant for another account of yours.
      </Empty>
    );
  }
  return <PageSkeleton label="the review" />;
}
