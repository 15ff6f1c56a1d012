import { useQuery } from "@tanstack/react-query";
import { Monitor } from "lucide-react";
import { useState } from "react";
import type { Dated } from "../../api/dated";
import type { Member, SignInWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { plural } from "../../ui/format";
import { FormProblem, Skeleton } from "../../ui/states";
import { Badge, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useOrg } from "../shell/org";
import { memberSignInsQuery, useMemberChanges } from "./queries";

type SignIn = Dated<SignInWire>;

/** Where a member is signed in, and the end of it: of one, or of all. */
export function MemberSignIns({ member: m, self }: { member: Member; self: boolean }) {
  const org = useOrg();
  const { data, error } = useQuery(memberSignInsQuery(org.id, m.user_id));
  const { signOut, endSignIn } = useMemberChanges();
  const toasts = useToasts();
  const [asking, setAsking] = useState(false);
  const [ending, setEnding] = useState<SignIn>();
  const [comment, setComment] = useState("");
  return (
    <section className="stack">
      <h3>Where they are signed in</h3>
      <FormProblem error={error} />
      {!data && !error && <Skeleton width={220} />}
      {data?.items.length === 0 && <p className="dim">Nowhere in the browser or the command line.</p>}
      {data && data.items.length > 0 && (
        <ul className="item-list">
          {data.items.map((s) => (
            <li key={s.id} className="top">
              <Monitor className="icon" aria-hidden />
              <div className="grow">
                <div className="row wrap">
                  <code>{s.source_ip}</code> {s.current && <Badge meaning="accent">This one</Badge>} {s.enrolment && <Badge>Only to set up a second factor</Badge>}
                </div>
                <div className="small dim truncate" title={s.user_agent}>
                  Since <Time at={s.created_at} />, last used <Time at={s.last_seen_at} />, {s.user_agent || "unknown program"}
                </div>
              </div>
              {!self && (
                <Button small aria-label={`End the sign-in from ${s.source_ip}`} onClick={() => setEnding(s)}>
                  End
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {!self && (
        <div>
          <Button onClick={() => setAsking(true)}>End all sign-ins and sessions</Button>
        </div>
      )}
      {ending && (
        <Confirm
          title={`End the sign-in from ${ending.source_ip}`}
          verb="End it"
          busy={endSignIn.isPending}
          error={endSignIn.error}
          onClose={() => {
            setEnding(undefined);
            endSignIn.reset();
          }}
          onConfirm={() =>
            endSignIn.mutate(
              { user: m.user_id, signIn: ending.id, comment: comment.trim() },
              {
                onSuccess: (ended) => {
                  setEnding(undefined);
                  setComment("");
                  toasts.say(`${m.name}: that sign-in and ${plural(ended.sessions_ended ?? 0, "live session")} ended.`);
                },
              },
            )
          }
        >
          <div className="stack">
            <p>
              Only this one, {ending.user_agent || "of an unknown program"}, and the live sessions in {org.name} that were started from it. Their other sign-ins and their certificates go on.
            </p>
            <TextField label="Message to them" optional hint="Shown where a live session ends." maxLength={256} value={comment} onText={setComment} />
          </div>
        </Confirm>
      )}
      {asking && (
        <Confirm
          title={`End the sign-ins of ${m.name}`}
          verb="End them"
          busy={signOut.isPending}
          error={signOut.error}
          onClose={() => {
            setAsking(false);
            signOut.reset();
          }}
          onConfirm={() =>
            signOut.mutate(
              { user: m.user_id, comment: comment.trim() },
              {
                onSuccess: (ended) => {
                  setAsking(false);
                  setComment("");
                  toasts.say(`${m.name}: ${plural(ended.sign_ins_ended, "sign-in")} and ${plural(ended.sessions_ended ?? 0, "live session")} ended.`);
                },
              },
            )
          }
        >
          <div className="stack">
            <p>Their sign-ins end everywhere, and their live sessions and certificates in {org.name} at once. They can sign in again: suspend or remove whoever must not.</p>
            <TextField label="Message to them" optional hint="Shown where a live session ends." maxLength={256} value={comment} onText={setComment} />
          </div>
        </Confirm>
      )}
    </section>
  );
}
