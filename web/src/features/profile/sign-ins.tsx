import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { LogOut, Monitor } from "lucide-react";
import { del, get } from "../../api/client";
import type { Page, SignInWire } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Failed, FormProblem, Skeleton } from "../../ui/states";
import { Badge, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { programName } from "./program";

const signInsQuery = queryOptions({ queryKey: ["my", "sign-ins"], queryFn: ({ signal }) => get<Page<SignInWire>>("/auth/sessions", { signal }) });

/** Where one is signed in; ending a sign-in ends what was launched from it. */
export function SignIns() {
  const client = useQueryClient();
  const toasts = useToasts();
  const { data, error, refetch } = useQuery(signInsQuery);
  const onSuccess = () => client.invalidateQueries({ queryKey: signInsQuery.queryKey });
  const stepUp = useStepUp();
  const end = useMutation({ mutationFn: (id: string) => stepUp(() => del(`/auth/sessions/${id}`)), onSuccess });
  const others = useMutation({ mutationFn: () => stepUp(() => del("/auth/sessions")), onSuccess });
  if (error) return <Failed error={error} what="your sign-ins" retry={() => void refetch()} />;
  return (
    <section className="card">
      <header>
        <h2>Where you are signed in</h2>
        {data && data.items.length > 1 && (
          <Button small busy={others.isPending} onClick={() => others.mutate(undefined, { onSuccess: () => toasts.say("All your other sign-ins have ended.") })}>
            End all others
          </Button>
        )}
      </header>
      <FormProblem error={end.error ?? others.error} />
      <ul className="item-list">
        {!data && (
          <li>
            <Skeleton width={220} />
          </li>
        )}
        {data?.items.map((s) => (
          <li key={s.id}>
            <Monitor className="icon" aria-hidden />
            <div className="grow">
              <div className="row wrap">
                <code>{s.source_ip}</code> {s.current && <Badge meaning="accent">This one</Badge>} {s.enrolment && <Badge>Only to set up a second factor</Badge>}
              </div>
              <div className="small dim truncate" title={s.user_agent}>
                Since <Time at={s.created_at} />, last used <Time at={s.last_seen_at} />, {programName(s.user_agent)}
              </div>
            </div>
            {!s.current && <IconButton small icon={LogOut} label={`End the sign-in from ${s.source_ip}`} disabled={end.isPending} onClick={() => end.mutate(s.id, { onSuccess: () => toasts.say("That sign-in has ended, with what was launched from it.") })} />}
          </li>
        ))}
      </ul>
    </section>
  );
}
