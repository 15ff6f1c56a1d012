import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { MailPlus } from "lucide-react";
import { get, post } from "../../api/client";
import type { JoinedWire, OfferWire } from "../../api/types";
import { Button } from "../../ui/button";
import { FormProblem } from "../../ui/states";
import { Time } from "../../ui/text";
import { useStepUp } from "../auth/step-up";
import { rememberOrg } from "../shell/org";
import { roleWords } from "../shell/rights";

export const offersQuery = queryOptions({ queryKey: ["my", "invitations"], queryFn: ({ signal }) => get<{ items: OfferWire[] }>("/invitations", { signal }) });

/** Open invitations to one's own address, to be accepted without the link of the message. */
export function MyInvitations() {
  const { data } = useQuery(offersQuery); // most have none; nothing is missed when it fails, for the message has the link
  const client = useQueryClient();
  const navigate = useNavigate();
  const stepUp = useStepUp();
  const accept = useMutation({
    mutationFn: (id: string) => stepUp(() => post<JoinedWire>(`/invitations/${id}/accept`)),
    onSuccess: (joined) => {
      rememberOrg(joined.org.slug);
      client.clear();
      void navigate({ to: "/o/$org", params: { org: joined.org.slug } });
    },
  });
  if (!data || data.items.length === 0) return null;
  return (
    <section className="card">
      <header>
        <h2>Invitations to you</h2>
      </header>
      <FormProblem error={accept.error} />
      <ul className="item-list">
        {data.items.map((i) => (
          <li key={i.id}>
            <MailPlus className="icon" aria-hidden />
            <div className="grow">
              <div>
                {i.organization}, as {roleWords[i.role].label.toLowerCase()}
              </div>
              <div className="small dim">
                {i.invited_by} invites you. Open until <Time at={i.expires_at} />
              </div>
            </div>
            <Button small kind="primary" busy={accept.isPending} aria-label={`Join ${i.organization}`} onClick={() => accept.mutate(i.id)}>
              Join
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
