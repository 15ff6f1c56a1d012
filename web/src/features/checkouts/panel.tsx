import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Eye, LogIn } from "lucide-react";
import type { Checkout } from "../../api/types";
import { Button } from "../../ui/button";
import { Panel } from "../../ui/dialog";
import { plural } from "../../ui/format";
import { Failed, Skeleton } from "../../ui/states";
import { Facts, Id, State, Time } from "../../ui/text";
import { useMe, useOrg, useRights } from "../shell/org";
import { checkoutQuery } from "./queries";
import { stateOf } from "./words";

export function CheckoutPanel({ id, showing, onShow, onCheckIn, onClose }: { id: string; showing: boolean; onShow: (c: Checkout) => void; onCheckIn: (c: Checkout) => void; onClose: () => void }) {
  const org = useOrg();
  const r = useRights();
  const me = useMe();
  const { data: c, error, refetch } = useQuery(checkoutQuery(org.id, id));
  const own = c?.user.id === me.user.id;
  const params = { org: org.slug };
  return (
    <Panel
      title={c ? `Checkout of ${c.safe.name}` : "Checkout"}
      subtitle={c && <CheckoutState checkout={c} />}
      onClose={onClose}
      footer={
        c &&
        !c.ended_at &&
        r.launch && (
          <>
            {own && (
              <Button icon={Eye} busy={showing} onClick={() => onShow(c)}>
                Show again
              </Button>
            )}
            <Button icon={LogIn} kind={own ? "plain" : "danger"} onClick={() => onCheckIn(c)}>
              {own ? "Check in" : "End it now"}
            </Button>
          </>
        )
      }
    >
      {error ? (
        <Failed error={error} what="this checkout" retry={() => void refetch()} />
      ) : !c ? (
        <Skeleton width="60%" />
      ) : (
        <>
          <section>
            <blockquote className="quote">{c.reason}</blockquote>
          </section>
          <section>
            <h3>Facts</h3>
            <Facts
              rows={[
                ["Person", `${c.user.name}${c.user.email ? ` (${c.user.email})` : ""}`],
                c.user.token_id && ["By", "an API token"],
                [
                  "Safe",
                  <Link key="s" to="/o/$org/safes/$safe" params={{ ...params, safe: c.safe.id }} search={{}}>
                    {c.safe.name}
                  </Link>,
                ],
                [
                  "Account",
                  r.inspect ? (
                    <Link key="a" to="/o/$org/accounts" params={params} search={{ open: c.account.id }}>
                      {c.account.name}
                    </Link>
                  ) : (
                    c.account.name
                  ),
                ],
                ["Signs in as", <code key="u">{c.account.username}</code>],
                ["From", <code key="f">{c.source_ip}</code>],
                c.ticket && ["Ticket", c.ticket],
                c.access_request_id && [
                  "Request",
                  <Link key="r" to="/o/$org/requests/$request" params={{ ...params, request: c.access_request_id }}>
                    It rests on an approved request
                  </Link>,
                ],
                ["Checked out", <Time key="o" at={c.started_at} />],
                [c.ended_at ? "Ended" : "Ends by itself", <Time key="e" at={c.ended_at ?? c.expires_at} />],
                c.end_comment && ["Comment", c.end_comment],
                ["Shown", c.reveals === 0 ? "Never" : `${plural(c.reveals, "time")}${c.secret_version ? `, last version ${c.secret_version}` : ""}`],
                ["Id", <Id key="i" value={c.id} what="checkout id" />],
              ]}
            />
          </section>
        </>
      )}
    </Panel>
  );
}

export function CheckoutState({ checkout: c }: { checkout: Checkout }) {
  return <State meaning={c.ended_at ? (c.ended_by === "failed" ? "warn" : undefined) : "live"}>{stateOf(c)}</State>;
}
