import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Phone as PhoneIcon } from "lucide-react";
import { useState } from "react";
import { del, get, post } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { PhoneWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { Field, TextField } from "../../ui/field";
import { plural } from "../../ui/format";
import { Failed, FormProblem, Note, Skeleton } from "../../ui/states";
import { State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";

export const phoneQuery = queryOptions({ queryKey: ["my", "phone"], queryFn: ({ signal }) => get<PhoneWire>("/auth/me/phone", { signal }) });

type Change = NonNullable<Dated<PhoneWire>["change"]>;

/** The person's number: it is theirs once they have brought the code that was sent to it. */
export function Phone() {
  const { data, error, refetch } = useQuery(phoneQuery);
  const [asking, setAsking] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const toasts = useToasts();
  const remove = usePhoneChange((version: number) => del("/auth/me/phone", { query: { version } }));
  if (error) return <Failed error={error} what="your telephone number" retry={() => void refetch()} />;
  return (
    <section className="card">
      <header>
        <h2>Telephone number</h2>
        {data && (
          <span className="row">
            {data.number && (
              <Button small kind="danger" onClick={() => setLeaving(true)}>
                Remove
              </Button>
            )}
            {!data.change && (
              <Button small onClick={() => setAsking(true)}>
                {data.number ? "Change" : "Add a number"}
              </Button>
            )}
          </span>
        )}
      </header>
      <ul className="item-list">
        {!data && (
          <li>
            <Skeleton width={180} />
          </li>
        )}
        {data && !data.number && !data.change && <li className="dim">None. It is used to reach you and to show that you are you; it is no second factor.</li>}
        {data?.number && (
          <li>
            <PhoneIcon className="icon" aria-hidden />
            <div className="grow">
              <div className="num">{data.number}</div>
              {data.verified_at && (
                <div className="small dim">
                  Verified <Time at={data.verified_at} />
                </div>
              )}
            </div>
            <State meaning="good">Verified</State>
          </li>
        )}
        {data?.change && (
          <li className="top">
            <PhoneIcon className="icon" aria-hidden />
            <Pending key={data.change.id} change={data.change} version={data.version} />
          </li>
        )}
      </ul>
      {leaving && data && (
        <Confirm
          title="Remove your telephone number"
          verb="Remove number"
          busy={remove.isPending}
          error={remove.error}
          onClose={() => setLeaving(false)}
          onConfirm={() =>
            remove.mutate(data.version, {
              onSuccess: () => {
                setLeaving(false);
                toasts.say("Your number is removed.");
              },
            })
          }
        >
          You get no more messages at {data.number}. You can add it again, with a new code.
        </Confirm>
      )}
      {asking && <AskNumber onClose={() => setAsking(false)} />}
    </section>
  );
}

function usePhoneChange<V>(act: (v: V) => Promise<unknown>) {
  const client = useQueryClient();
  const stepUp = useStepUp();
  // Also after a refusal: a try is gone, the code may be over, or another window was faster.
  return useMutation({ mutationFn: (v: V) => stepUp(() => act(v)), onSettled: () => client.invalidateQueries({ queryKey: phoneQuery.queryKey }), gcTime: 0 });
}

function AskNumber({ onClose }: { onClose: () => void }) {
  const [number, setNumber] = useState("");
  const request = usePhoneChange((v: string) => post<unknown>("/auth/me/phone/changes", { body: { number: v } }));
  const problem = request.error ? asProblem(request.error) : undefined;
  const ready = number.trim() !== "";
  return (
    <Dialog
      title="Your telephone number"
      onClose={onClose}
      onSubmit={() => ready && !request.isPending && request.mutate(number.trim(), { onSuccess: onClose })}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={request.isPending}>
            Send a code
          </Button>
        </>
      }
    >
      <TextField label="Number" type="tel" autoComplete="tel" autoFocus hint="With the country, such as +49 151 23456789. A code of six digits is sent there." value={number} error={problem?.field("number")} onText={setNumber} />
      <FormProblem error={request.error} fields={["number"]} />
    </Dialog>
  );
}

function Pending({ change: c, version }: { change: Change; version: number }) {
  const toasts = useToasts();
  const [code, setCode] = useState("");
  const confirm = usePhoneChange((v: string) => post<unknown>(`/auth/me/phone/changes/${c.id}/confirm`, { body: { code: v, version } }));
  const resend = usePhoneChange(() => post<unknown>(`/auth/me/phone/changes/${c.id}/resend`, { body: { version } }));
  const cancel = usePhoneChange(() => del(`/auth/me/phone/changes/${c.id}`, { query: { version } }));
  const over = c.attempts_left === 0 || c.code_expires_at.getTime() < Date.now();
  const send = (text: string) => {
    if (!confirm.isPending && text.length === 6) confirm.mutate(text, { onSuccess: () => toasts.say(`${c.number} is your number.`), onError: () => setCode("") });
  };
  return (
    <form
      className="grow stack"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        send(code);
      }}
    >
      <div>
        <span className="num">{c.number}</span> <span className="dim">waits for its code</span>
        {c.by_admin && <span className="dim">, as an administrator asked</span>}
      </div>
      {over ? (
        <Note meaning="warn">This code is over. Send a new one.</Note>
      ) : (
        <Field label="Code from the message" hint={`Six digits, good until ${c.code_expires_at.toLocaleTimeString()}. ${plural(c.attempts_left, "try", "tries")} left.`}>
          {(w) => (
            <input
              {...w}
              className="input code-input narrow"
              inputMode="numeric"
              autoComplete="one-time-code"
              value={code}
              onChange={(e) => {
                const next = e.target.value.replace(/\D/g, "").slice(0, 6);
                setCode(next);
                if (next !== code) send(next);
              }}
            />
          )}
        </Field>
      )}
      <FormProblem error={confirm.error ?? resend.error ?? cancel.error} fields={["code"]} />
      <div className="row wrap">
        {!over && (
          <Button type="submit" kind="primary" small disabled={code.length !== 6} busy={confirm.isPending}>
            Confirm
          </Button>
        )}
        <Button small busy={resend.isPending} onClick={() => resend.mutate(undefined, { onSuccess: () => toasts.say(`A new code is on its way to ${c.number}.`) })}>
          Send a new code
        </Button>
        <Button small kind="ghost" busy={cancel.isPending} onClick={() => cancel.mutate(undefined)}>
          Give it up
        </Button>
      </div>
    </form>
  );
}
