import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { Member } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { FormProblem, Skeleton } from "../../ui/states";
import { Facts, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useOrg } from "../shell/org";
import { memberPhoneQuery, useMemberChanges } from "./queries";

/** A member's telephone number: its last digits, and a change that they are asked to confirm. */
export function MemberPhone({ member: m, self }: { member: Member; self: boolean }) {
  const org = useOrg();
  const { data, error } = useQuery(memberPhoneQuery(org.id, m.user_id));
  const { askPhone, cancelPhone } = useMemberChanges();
  const toasts = useToasts();
  const [asking, setAsking] = useState(false);
  const [number, setNumber] = useState("");
  const change = data?.change;
  return (
    <section className="stack">
      <h3>Telephone</h3>
      <FormProblem error={error ?? cancelPhone.error} />
      {!data && !error && <Skeleton width={160} />}
      {data && (
        <Facts
          rows={[
            ["Number", data.number ? <code key="n">{data.number}</code> : "None"],
            data.number && ["Verified", data.verified_at ? <Time key="v" at={data.verified_at} /> : <State key="v" meaning="warn">Not verified</State>],
            change && ["Waits for its code", <code key="c">{change.number}</code>],
            change && ["Asked by", change.by_admin ? "An administrator" : "Themselves"],
            change && ["Ends", <Time key="e" at={change.expires_at} />],
          ]}
        />
      )}
      {data && !self && (
        <div className="row wrap">
          {change ? (
            <Button busy={cancelPhone.isPending} onClick={() => cancelPhone.mutate({ user: m.user_id, change: change.id, version: data.version }, { onSuccess: () => toasts.say("The change is given up. The number stays as it was.") })}>
              Give the change up
            </Button>
          ) : (
            <Button onClick={() => setAsking(true)}>{data.number ? "Ask for another number" : "Ask to verify a number"}</Button>
          )}
        </div>
      )}
      {asking && (
        <Dialog
          title={`A number of ${m.name}`}
          onClose={() => {
            setAsking(false);
            askPhone.reset();
          }}
          onSubmit={() =>
            number.trim() !== "" &&
            !askPhone.isPending &&
            askPhone.mutate(
              { user: m.user_id, number: number.trim() },
              {
                onSuccess: () => {
                  setAsking(false);
                  setNumber("");
                  toasts.say(`A code is on its way. ${m.name} enters it in their profile.`);
                },
              },
            )
          }
          footer={
            <>
              <Button onClick={() => setAsking(false)}>Cancel</Button>
              <Button type="submit" kind="primary" disabled={number.trim() === ""} busy={askPhone.isPending}>
                Send the code
              </Button>
            </>
          }
        >
          <TextField label="Number" type="tel" mono hint="With the country’s code, such as +49 151 23456789. They get a code there, and enter it themselves." value={number} error={askPhone.error ? asProblem(askPhone.error).field("number") : undefined} onText={setNumber} />
          <FormProblem error={askPhone.error} fields={["number"]} />
        </Dialog>
      )}
    </section>
  );
}
