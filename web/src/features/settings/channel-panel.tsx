import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { KeyRound, Pencil, Power, Send, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/button";
import { Confirm, Panel } from "../../ui/dialog";
import { FormProblem, Note, Skeleton } from "../../ui/states";
import { Facts, Id, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useOrg, useRights } from "../shell/org";
import { Rotate } from "./channel-form";
import { type Channel, isTicketSystem, kindsQuery, useChannelChanges, useDelivery, ways } from "./channel-queries";
import { states } from "./course";

/** How a channel is, in a word. */
export function ChannelState({ channel: c }: { channel: Channel }) {
  if (!c.enabled) return <State>Off</State>;
  if (c.failing_since) return <State meaning="bad">Failing</State>;
  return c.last_sent_at ? <State meaning="good">Works</State> : <State meaning="info">Not used yet</State>;
}

export function ChannelPanel({ channel: c, onEdit, onClose }: { channel: Channel; onEdit: () => void; onClose: () => void }) {
  const org = useOrg();
  const r = useRights();
  const toasts = useToasts();
  const kinds = useQuery(kindsQuery(org.id));
  const { change, remove, test } = useChannelChanges();
  const [asking, setAsking] = useState<"rotate" | "remove">();
  const tickets = isTicketSystem(c);
  const title = (k: string) => kinds.data?.items.find((i) => i.kind === k)?.title ?? k;
  return (
    <Panel
      title={c.name}
      subtitle={`${tickets ? "Ticket system" : ways[c.kind]}, ${c.host}`}
      onClose={onClose}
      footer={
        r.manage && (
          <>
            {!tickets && (
              <Button icon={Send} busy={test.isPending} onClick={() => test.mutate(c.id)}>
                Send a test
              </Button>
            )}
            <Button icon={Pencil} onClick={onEdit}>
              Edit
            </Button>
            <Button
              icon={Power}
              busy={change.isPending}
              onClick={() => change.mutate({ id: c.id, body: { version: c.version, enabled: !c.enabled } }, { onSuccess: () => toasts.say(c.enabled ? `${c.name} is off: it ${tickets ? "is not asked" : "hears of nothing"}.` : `${c.name} is on.`) })}
            >
              {c.enabled ? "Switch off" : "Switch on"}
            </Button>
            {c.kind === "webhook" && (
              <Button icon={KeyRound} onClick={() => setAsking("rotate")}>
                New secret
              </Button>
            )}
            <Button icon={Trash2} kind="danger" onClick={() => setAsking("remove")}>
              Remove
            </Button>
          </>
        )
      }
    >
      <FormProblem error={change.error} />
      <FormProblem error={test.error} />
      {test.data && (
        <section>
          <Tested key={test.data.id} id={test.data.id} />
        </section>
      )}
      <section className="stack">
        <Facts
          rows={[
            ["State", <ChannelState key="s" channel={c} />],
            c.failing_since && ["Failing since", <Time key="f" at={new Date(c.failing_since)} />],
            c.last_error && ["Last failure", <span key="l" className="breaks">{c.last_error}</span>],
            [tickets ? "Last answered" : "Last delivered", c.last_sent_at ? <Time key="d" at={c.last_sent_at} /> : "Never"],
            ["Leads to", <code key="h" className="breaks">{c.host}</code>],
            ["Verified with", c.own_authorities ? "Authorities of your own" : "The usual authorities"],
            c.previous_until && c.previous_until.getTime() > Date.now() && ["Old secret signs", <>until <Time key="u" at={c.previous_until} /></>],
            ["Changed", <Time key="c" at={c.changed_at} />],
            ["Id", <Id key="i" value={c.id} what="channel id" />],
          ]}
        />
      </section>
      <section className="stack">
        <h3>{tickets ? "What it is asked" : "What it hears"}</h3>
        {tickets ? (
          <p className="dim">Whether a ticket is open, when a member of a safe that approves by open tickets asks for access. It hears of no notices.</p>
        ) : c.kinds.length === 0 ? (
          <p className="dim">Every kind of notice that channels can be told of.</p>
        ) : (
          <ul className="link-list">
            {c.kinds.map((k) => (
              <li key={k}>{title(k)}</li>
            ))}
          </ul>
        )}
      </section>
      {!tickets && (
        <section>
          <Link to="/o/$org/settings/notifications" params={{ org: org.slug }} search={{ tab: "deliveries", channel: c.id }}>
            What was sent by {c.name}
          </Link>
        </section>
      )}
      {asking === "rotate" && <Rotate channel={c} onClose={() => setAsking(undefined)} />}
      {asking === "remove" && (
        <Confirm
          title={`Remove ${c.name}`}
          verb="Remove channel"
          busy={remove.isPending}
          error={remove.error}
          onClose={() => {
            setAsking(undefined);
            remove.reset();
          }}
          onConfirm={() =>
            remove.mutate(c.id, {
              onSuccess: () => {
                toasts.say(`${c.name} is removed.`);
                onClose();
              },
            })
          }
        >
          {tickets ? `${c.name} is asked no more: where an open ticket would have approved, people decide.` : `Nobody is told of anything by ${c.name} any more. What still waits for it goes by the next channel.`} Its URL and secret are deleted.
        </Confirm>
      )}
    </Panel>
  );
}

/** How a test went, as it goes. */
function Tested({ id }: { id: string }) {
  const org = useOrg();
  const { data: d } = useDelivery(id);
  if (!d) return <Skeleton width={180} />;
  return (
    <Note live meaning={d.state === "sent" ? "good" : d.state === "failed" || d.state === "expired" ? "bad" : "info"}>
      The test: {states[d.state].label.toLowerCase()}
      {d.last_error && <span className="breaks">, {d.last_error}</span>}.{" "}
      <Link to="/o/$org/settings/notifications" params={{ org: org.slug }} search={{ tab: "deliveries", open: id }}>
        Each try
      </Link>
    </Note>
  );
}
