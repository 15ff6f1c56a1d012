import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { AccessRequest } from "../../api/types";
import { duration, plural } from "../../ui/format";
import { Facts, Time } from "../../ui/text";
import { useNames } from "../groups/names";
import { policyQuery } from "../policies/queries";
import { useOrg, useRights } from "../shell/org";
import { roleWords } from "../shell/rights";
import { requestsQuery } from "./queries";
import { usesWords } from "./words";

/** All that one needs for deciding: who, what, why, for how long, and what asked for it. */
export function RequestFacts({ request: r }: { request: AccessRequest }) {
  const org = useOrg();
  const rights = useRights();
  const policy = useQuery({ ...policyQuery(org.id, r.policy_id ?? ""), enabled: Boolean(r.policy_id && rights.inspect), retry: false });
  const name = useNames(r.approvers.map((a) => a.replace(/^(group|person):/, "")).filter((a) => a !== "safe"));
  const approvers = r.approvers.map((a) => (a === "safe" ? "approvers and managers of the safe" : a.startsWith("group:") ? `who is in ${name(a.slice(6))}` : name(a.slice(7))));
  const leads = r.safe.host && `${r.safe.username ?? ""}@${r.safe.host}${r.safe.port && r.safe.port !== 22 ? `:${r.safe.port}` : ""}`;
  return (
    <Facts
      rows={[
        ["Person", `${r.requester.name}${r.requester.email ? ` (${r.requester.email})` : ""}`],
        r.requester_role && ["Role here", roleWords[r.requester_role as keyof typeof roleWords]?.label ?? r.requester_role],
        [
          "Safe",
          <Link key="s" to="/o/$org/safes/$safe" params={{ org: org.slug, safe: r.safe.id }} search={{}}>
            {r.safe.name}
          </Link>,
        ],
        leads && ["Leads to", <code key="l">{leads}</code>],
        ["Use", usesWords[r.uses].opens],
        r.ticket && ["Ticket", r.ticket],
        r.rule_note && ["Not approved by itself", r.rule_note],
        ["For", `${duration(r.duration_seconds)}${r.one_session && r.uses !== "checkout" ? ", one session" : ""}`],
        r.starts_at && ["From", r.starts_at.toLocaleString()],
        r.kind !== "emergency" && ["Approvals", `${r.approvals_have} of ${r.approvals_needed}`],
        r.kind === "approval" && [
          "Asked for by",
          r.policy_id ? (
            rights.inspect ? (
              <Link key="p" to="/o/$org/policies/$policy" params={{ org: org.slug, policy: r.policy_id }} search={{}}>
                {policy.data?.name ?? "a policy"}
              </Link>
            ) : (
              "a policy of the organization"
            )
          ) : (
            "the settings of the safe"
          ),
        ],
        r.kind === "approval" && ["Who decides", [...approvers, "owners and admins"].join(", ")],
        ["Asked", <Time key="a" at={r.created_at} />],
        r.state === "open" && ["Lapses", <Time key="e" at={r.expires_at} />],
      ]}
    />
  );
}

/** What the person asked for here before, for the eye of who decides. */
export function Before({ request: r }: { request: AccessRequest }) {
  const org = useOrg();
  const { data } = useInfiniteQuery({ ...requestsQuery(org.id, { safe_id: r.safe.id }), refetchInterval: false });
  const theirs = data?.pages[0]?.items.filter((x) => x.requester.id === r.requester.id && x.id !== r.id);
  if (!theirs) return null;
  if (theirs.length === 0) return <p className="small dim">Their first request for this safe.</p>;
  const count = (state: AccessRequest["state"]) => theirs.filter((x) => x.state === state).length;
  const parts = [count("approved") && `${count("approved")} approved`, count("rejected") && `${count("rejected")} rejected`].filter(Boolean);
  const last = theirs[0];
  return (
    <p className="small dim">
      {plural(theirs.length, "request")} for this safe before{parts.length > 0 && ` (${parts.join(", ")})`}
      {last && (
        <>
          , the last{" "}
          <Link to="/o/$org/requests/$request" params={{ org: org.slug, request: last.id }}>
            <Time at={last.created_at} />
          </Link>
        </>
      )}
      .
    </p>
  );
}
