import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { ChannelWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Check, RadioList, SecretField, SelectField, TextArea, TextField } from "../../ui/field";
import { FormProblem, Note, Skeleton } from "../../ui/states";
import { Command } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useOrg } from "../shell/org";
import { type Channel, type ChannelForm as Form, isTicketSystem, kindsQuery, ticketQuestion, useChannelChanges } from "./channel-queries";

const wayOptions = [
  { value: "webhook", label: "Webhook", means: "Signed JSON, as Standard Webhooks has it, to a program of yours." },
  { value: "slack", label: "Slack", means: "By the URL of an incoming webhook of a Slack channel." },
  { value: "tickets", label: "Ticket system", means: "Hears of no notices. A signed webhook that is asked whether a ticket is open, for safes that approve by open tickets." },
] as const;
const heard = [
  { value: "all", label: "Everything", means: "Every kind that channels can be told of, new ones too." },
  { value: "some", label: "Only what is chosen here", means: "It is told of nothing else." },
] as const;
const known = ["kind", "name", "url", "kinds", "ca_pem"];

function urlProblem(url: string): string | undefined {
  return url === "" || /^https:\/\/[^\s/]/i.test(url.trim()) ? undefined : "It begins with https.";
}

/** Adds a channel, or changes one. The URL goes to the server and never comes back. */
export function ChannelForm({ channel: c, onClose }: { channel?: Channel | undefined; onClose: () => void }) {
  const org = useOrg();
  const toasts = useToasts();
  const kinds = useQuery(kindsQuery(org.id));
  const { add, change } = useChannelChanges();
  const save = c ? change : add;
  const [way, setWay] = useState<ChannelWire["kind"] | "tickets">(c && isTicketSystem(c) ? "tickets" : (c?.kind ?? "webhook"));
  const [name, setName] = useState(c?.name ?? "");
  const [url, setURL] = useState("");
  const [hears, setHears] = useState<"all" | "some">(c && c.kinds.length > 0 ? "some" : "all");
  const [chosen, setChosen] = useState<string[]>(c?.kinds ?? []);
  const [ca, setCA] = useState("");
  const [dropCA, setDropCA] = useState(false);
  if (add.data?.secret) return <Secret title="Copy the secret now" secret={add.data.secret} onClose={onClose} />;
  const tickets = way === "tickets";
  const problem = save.error ? asProblem(save.error) : undefined;
  const ready = name.trim() !== "" && (c || url.trim() !== "") && !urlProblem(url) && (tickets || hears === "all" || chosen.length > 0);
  const submit = () => {
    if (!ready || save.isPending) return;
    const body: Form = { name: name.trim(), kinds: tickets ? [ticketQuestion] : hears === "all" ? [] : chosen };
    if (url.trim() !== "") body.url = url.trim();
    if (ca.trim() !== "" || dropCA) body.ca_pem = dropCA ? "" : ca.trim();
    if (c) change.mutate({ id: c.id, body: { ...body, version: c.version } }, { onSuccess: () => (toasts.say(`${name.trim()} is changed.`), onClose()) });
    else add.mutate({ ...body, kind: tickets ? "webhook" : way }, { onSuccess: (made) => made.secret || (toasts.say(`${made.name} is added. Send it a test.`), onClose()) });
  };
  return (
    <Dialog
      title={c ? `Edit ${c.name}` : "Add a channel"}
      wide
      sticky
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={save.isPending}>
            {c ? "Save channel" : "Add channel"}
          </Button>
        </>
      }
    >
      {!c && <RadioList legend="Kind" value={way} options={wayOptions} onPick={setWay} />}
      <TextField label="Name" hint={tickets ? "As people here call it, such as Jira." : "As people here call it, such as on-call."} value={name} error={problem?.field("name")} onText={setName} />
      <SecretField
        label="URL"
        optional={c !== undefined}
        autoComplete="off"
        inputMode="url"
        hint={c ? `Stored, sealed; it leads to ${c.host}. Leave it empty to keep it.` : "Whoever has it can write there: it is kept sealed, and never shown again. Addresses inside are refused unless the installation allows their network."}
        value={url}
        check={urlProblem}
        error={problem?.field("url")}
        onText={setURL}
      />
      {!tickets && <RadioList legend="What it hears" value={hears} options={heard} onPick={setHears} />}
      {!tickets && hears === "some" && (
        <fieldset className="stack tight">
          <legend className="sr-only">Kinds of notices</legend>
          {!kinds.data && !kinds.error && <Skeleton width={260} />}
          <FormProblem error={kinds.error} />
          {kinds.data?.items
            .filter((k) => k.kind !== ticketQuestion)
            .map((k) => (
              <Check key={k.kind} label={k.title} checked={chosen.includes(k.kind)} onCheck={(on) => setChosen(on ? [...chosen, k.kind] : chosen.filter((x) => x !== k.kind))} />
            ))}
        </fieldset>
      )}
      {c?.own_authorities && <Check label="Verify it with the usual authorities again" means="The certificates that were given for it are forgotten." checked={dropCA} onCheck={setDropCA} />}
      {!dropCA && (
        <TextArea
          label="Certificates of an authority of your own"
          optional
          mono
          rows={3}
          hint={c?.own_authorities ? "Some are set. Leave it empty to keep them." : "In PEM form, for a receiver whose certificate no public authority has signed."}
          value={ca}
          error={problem?.field("ca_pem")}
          onText={setCA}
        />
      )}
      <FormProblem error={save.error} fields={known} />
    </Dialog>
  );
}

/** The secret of a webhook, once. */
function Secret({ title, secret, onClose }: { title: string; secret: string; onClose: () => void }) {
  return (
    <Dialog
      title={title}
      sticky
      onClose={onClose}
      footer={
        <Button kind="primary" onClick={onClose}>
          I have it
        </Button>
      }
    >
      <Note meaning="warn">It is shown only now. The receiver checks with it that messages come from here.</Note>
      <Command text={secret} what="secret" prompt={false} />
    </Dialog>
  );
}

const overlaps = [
  { value: "0", label: "Not at all" },
  { value: "1", label: "An hour" },
  { value: "24", label: "A day" },
  { value: "168", label: "Seven days, the longest" },
] as const;

/** Gives a webhook another secret; for a time messages are signed with both. */
export function Rotate({ channel: c, onClose }: { channel: Channel; onClose: () => void }) {
  const { rotate } = useChannelChanges();
  const [hours, setHours] = useState<string>("24");
  if (rotate.data?.secret) return <Secret title="Copy the new secret now" secret={rotate.data.secret} onClose={onClose} />;
  return (
    <Dialog
      title={`A new secret for ${c.name}`}
      sticky
      onClose={onClose}
      onSubmit={() => !rotate.isPending && rotate.mutate({ id: c.id, hours: Number(hours) })}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={rotate.isPending}>
            Make a new secret
          </Button>
        </>
      }
    >
      <SelectField label="Sign with the old secret too, for" value={hours} options={overlaps} hint="For that time messages carry both signatures, and the receiver can be changed without losing one." onPick={setHours} />
      {hours === "0" && <Note meaning="warn">A receiver that knows only the old secret refuses messages from now on.</Note>}
      <FormProblem error={rotate.error} fields={[]} />
    </Dialog>
  );
}
