import { useNavigate, useSearch } from "@tanstack/react-router";
import { useOrg, useRights } from "../shell/org";
import { type QueueSearch, RecoveryQueue } from "./queue";

/** The members of an organization who have lost their second factor. */
export default function OrgRecoveries() {
  const org = useOrg();
  const search = useSearch({ from: "/in/shell/o/$org/recoveries" });
  const navigate = useNavigate({ from: "/o/$org/recoveries" });
  const set = (part: QueueSearch) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  return <RecoveryQueue desk={{ org: org.id, path: "/org/recoveries" }} mayDecide={useRights().manage} lead="Members who cannot give a second factor any more, and ask you for a new one." search={search} set={set} />;
}
