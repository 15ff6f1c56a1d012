import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMe } from "../shell/org";
import { type QueueSearch, RecoveryQueue } from "./queue";

/** Operators, and those whom nobody in their organization may decide about. */
export default function PlatformRecoveries() {
  const search = useSearch({ from: "/in/shell/platform/recoveries" });
  const navigate = useNavigate({ from: "/platform/recoveries" });
  const set = (part: QueueSearch) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  return (
    <RecoveryQueue
      desk={{ org: undefined, path: "/platform/recoveries" }}
      mayDecide={useMe().platform_role === "platform_admin"}
      lead="Operators of this installation, and owners about whom nobody in their organization may decide."
      search={search}
      set={set}
    />
  );
}
