import { useQuery } from "@tanstack/react-query";
import { Outlet, useParams } from "@tanstack/react-router";
import { Building2 } from "lucide-react";
import { useEffect, useMemo } from "react";
import { LinkButton } from "../../ui/button";
import { Empty } from "../../ui/states";
import { membershipsQuery } from "../auth/queries";
import { type Org, OrgContext, rememberOrg } from "./org";

/** The organization that the address names, for every page below. */
export function useOrgOfAddress(): Org | undefined {
  const { org: slug } = useParams({ strict: false });
  const { data } = useQuery(membershipsQuery);
  const found = data?.memberships.find((m) => m.slug === slug);
  useEffect(() => {
    if (found) rememberOrg(found.slug);
  }, [found]);
  return useMemo(() => (found ? { id: found.org_id, slug: found.slug, name: found.name, role: found.role } : undefined), [found]);
}

export function OrgLayout() {
  const org = useOrgOfAddress();
  const { org: slug } = useParams({ strict: false });
  if (!org) {
    return (
      <Empty page icon={Building2} title="You are not a member here" action={<LinkButton to="/">Go to your organization</LinkButton>}>
        No organization with the address “{slug}” has you as a member. Its owner can add you.
      </Empty>
    );
  }
  return (
    <OrgContext.Provider value={org}>
      <Outlet key={org.id} />
    </OrgContext.Provider>
  );
}
