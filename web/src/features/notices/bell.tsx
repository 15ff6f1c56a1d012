import { Link } from "@tanstack/react-router";
import { Bell as BellIcon } from "lucide-react";
import { useUnread } from "./queries";

/** Leads to what one was told, and says how much of it is not read. */
export function Bell({ org }: { org: string | undefined }) {
  const unread = useUnread(org);
  const label = unread > 0 ? `Notices, ${unread} unread` : "Notices";
  return (
    <Link to="/notices" search={{}} className="btn ghost icon-only bell" aria-label={label} title={label}>
      <BellIcon className="icon" aria-hidden />
      {unread > 0 && (
        <span className="count" aria-hidden="true">
          {unread > 99 ? "99+" : unread}
        </span>
      )}
    </Link>
  );
}
