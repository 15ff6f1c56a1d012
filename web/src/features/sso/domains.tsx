import { useQuery } from "@tanstack/react-query";
import { AtSign, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { SsoDomainWire } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { Failed, FormProblem, Skeleton } from "../../ui/states";
import { Command, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useOrg, useRights } from "../shell/org";
import { domainsQuery, useSsoChanges } from "./queries";

type Domain = Dated<SsoDomainWire>;

/** The mail domains that providers may speak for, each proved by a DNS record. */
export function Domains() {
  const org = useOrg();
  const r = useRights();
  const { data, error, refetch } = useQuery(domainsQuery(org.id));
  const { removeDomain } = useSsoChanges();
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<Domain>();
  if (error) return <Failed error={error} what="the mail domains" retry={() => void refetch()} />;
  return (
    <section className="card">
      <header>
        <h2>Mail domains</h2>
        {r.manage && (
          <Button small icon={Plus} onClick={() => setAdding(true)}>
            Add a domain
          </Button>
        )}
      </header>
      <ul className="item-list">
        {!data && (
          <li>
            <Skeleton width={180} />
          </li>
        )}
        {data?.items.length === 0 && <li className="dim">None yet. A provider speaks only for addresses of domains that are verified here.</li>}
        {data?.items.map((d) => (
          <li key={d.domain} className="top">
            <AtSign className="icon" aria-hidden />
            <div className="grow stack tight">
              <div>{d.domain}</div>
              {d.verified ? (
                <div className="small dim">
                  Verified {d.verified_at && <Time at={d.verified_at} />}
                </div>
              ) : (
                <Unverified domain={d} mayChange={r.manage} />
              )}
            </div>
            {d.verified ? <State meaning="good">Verified</State> : <State meaning="warn">Not verified</State>}
            {r.manage && <IconButton small icon={Trash2} label={`Remove ${d.domain}`} onClick={() => setLeaving(d)} />}
          </li>
        ))}
      </ul>
      {adding && <AddDomain onClose={() => setAdding(false)} />}
      {leaving && (
        <Confirm
          title={`Remove ${leaving.domain}`}
          verb="Remove domain"
          busy={removeDomain.isPending}
          error={removeDomain.error}
          onClose={() => setLeaving(undefined)}
          onConfirm={() => removeDomain.mutate(leaving.domain, { onSuccess: () => setLeaving(undefined) })}
        >
          People with addresses of {leaving.domain} cannot sign in through your providers any more. They stay members.
        </Confirm>
      )}
    </section>
  );
}

function Unverified({ domain: d, mayChange }: { domain: Domain; mayChange: boolean }) {
  const { verifyDomain } = useSsoChanges();
  const toasts = useToasts();
  return (
    <div className="stack">
      <p className="small dim">Publish this TXT record at your DNS provider, then look it up. It may take some minutes to be seen.</p>
      <Command text={d.record_name} what="record name" prompt={false} />
      <Command text={d.record_value} what="record value" prompt={false} />
      <FormProblem error={verifyDomain.error} />
      {mayChange && (
        <div>
          <Button small busy={verifyDomain.isPending} onClick={() => verifyDomain.mutate(d.domain, { onSuccess: () => toasts.say(`${d.domain} is verified.`) })}>
            Look it up
          </Button>
        </div>
      )}
    </div>
  );
}

function AddDomain({ onClose }: { onClose: () => void }) {
  const { addDomain } = useSsoChanges();
  const [domain, setDomain] = useState("");
  const problem = addDomain.error ? asProblem(addDomain.error) : undefined;
  return (
    <Dialog
      title="Add a mail domain"
      onClose={onClose}
      onSubmit={() => domain.trim() !== "" && !addDomain.isPending && addDomain.mutate(domain.trim(), { onSuccess: onClose })}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={domain.trim() === ""} busy={addDomain.isPending}>
            Add domain
          </Button>
        </>
      }
    >
      <TextField label="Domain" mono hint="What stands after the @ in your people's addresses." autoFocus value={domain} error={problem?.field("domain")} onText={setDomain} />
      <FormProblem error={addDomain.error} fields={["domain"]} />
    </Dialog>
  );
}
