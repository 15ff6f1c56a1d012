import { useQuery } from "@tanstack/react-query";
import { Navigate, useParams } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { get } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { GovernanceActionWire } from "../../api/types";
import { LinkButton } from "../../ui/button";
import { Empty, Failed, PageSkeleton } from "../../ui/states";
import { membershipsQuery } from "../auth/queries";
import { useMe } from "../shell/org";
import { rights } from "../shell/rights";

/** Where messages lead: they name a change and no organization. */
export default function FindGovernanceAction() {
  const { action } = useParams({ from: "/in/shell/organization/governance/$action" });
  const me = useMe();
  const own = useQuery(membershipsQuery);
  const found = useQuery({
    queryKey: ["governance-anywhere", action],
    enabled: own.data !== undefined,
    retry: false,
    queryFn: async ({ signal }) => {
      for (const m of own.data?.memberships.filter((x) => rights(x.role).oversee) ?? []) {
        try {
          await get<GovernanceActionWire>(`/org/governance/actions/${action}`, { org: m.org_id, signal });
          return m.slug;
        } catch (err) {
          const p = asProblem(err);
          if (!p.isNotFound && !p.isDenied) throw err;
        }
      }
      return null;
    },
  });
  if (own.error ?? found.error) return <Failed page error={own.error ?? found.error} what="this change" retry={() => void found.refetch()} />;
  if (found.data) return <Navigate to="/o/$org/governance/$action" params={{ org: found.data, action }} replace />;
  if (found.data === null) {
    if (me.platform_role) return <Navigate to="/platform/governance/$action" params={{ action }} replace />;
    return (
      <Empty page icon={SearchX} title="There is no such change for you" action={<LinkButton to="/">Go to the first page</LinkButton>}>
        Owners, admins and auditors of its organization see it. If you asked for it, a message tells you what became of it. Its organization may also be gone.
      </Empty>
    );
  }
  return <PageSkeleton label="the change" />;
}
