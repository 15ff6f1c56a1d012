import { useParams } from "@tanstack/react-router";
import { useMe } from "../shell/org";
import { GovernancePage } from "./action";

export default function PlatformGovernanceAction() {
  const { action } = useParams({ from: "/in/shell/platform/governance/$action" });
  return <GovernancePage key={action} desk={{ org: undefined, slug: undefined, path: "/platform/governance" }} id={action} mayDecide={useMe().platform_role === "platform_admin"} mayWithdraw={false} />;
}
