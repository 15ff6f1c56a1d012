import { useParams } from "@tanstack/react-router";
import { useOrg, useRights } from "../shell/org";
import { GovernancePage } from "./action";

export default function OrgGovernanceAction() {
  const org = useOrg();
  const { action } = useParams({ from: "/in/shell/o/$org/governance/$action" });
  return <GovernancePage key={action} desk={{ org: org.id, slug: org.slug, path: "/org/governance" }} id={action} mayDecide={useRights().manage} mayWithdraw />;
}
