import { useNavigate, useSearch } from "@tanstack/react-router";
import { useOrg, useRights } from "../shell/org";
import { GovernanceQueue, type QueueSearch } from "./queue";

/** The sensitive changes of an organization. */
export default function OrgGovernance() {
  const org = useOrg();
  const search = useSearch({ from: "/in/shell/o/$org/governance" });
  const navigate = useNavigate({ from: "/o/$org/governance" });
  const set = (part: QueueSearch) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  return <GovernanceQueue desk={{ org: org.id, slug: org.slug, path: "/org/governance" }} mayExport={useRights().manage} lead="Changes that one person does not make alone. Another owner or admin looks at each and decides." search={search} set={set} />;
}
