import { useNavigate, useSearch } from "@tanstack/react-router";
import { GovernanceQueue, type QueueSearch } from "./queue";

/** The sensitive changes of all organizations. */
export default function PlatformGovernance() {
  const search = useSearch({ from: "/in/shell/platform/governance" });
  const navigate = useNavigate({ from: "/platform/governance" });
  const set = (part: QueueSearch) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  return <GovernanceQueue desk={{ org: undefined, slug: undefined, path: "/platform/governance" }} mayExport lead="What waits for a second person in all organizations. You decide only where nobody else there can. Each look is told in the ledger of the organization." search={search} set={set} />;
}
