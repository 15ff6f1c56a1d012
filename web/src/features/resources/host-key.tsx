import { Radar } from "lucide-react";
import { useState } from "react";
import type { Resource } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { FormProblem, Note } from "../../ui/states";
import { Command, CopyButton, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useRights } from "../shell/org";
import { useResourceChanges } from "./queries";

/**
 * The keys by which the host proves that it is itself. Scan shows what answers
 * now; a person compares it with what they know and confirms.
 */
export function HostKeys({ resource }: { resource: Resource }) {
  const r = useRights();
  const { scan, confirm, unpin } = useResourceChanges(resource.id);
  const [leaving, setLeaving] = useState<string>();
  const toasts = useToasts();
  const seen = scan.data;
  const pinned = resource.host_keys;
  const already = seen !== undefined && pinned.some((k) => k.fingerprint === seen.fingerprint);

  return (
    <section className="stack">
      <h3>Host key</h3>
      {pinned.length === 0 ? (
        <Note meaning="warn">Not confirmed. Sessions to this host are refused until somebody has looked at its key.</Note>
      ) : (
        <ul className="stack">
          {pinned.map((k) => (
            <li key={k.fingerprint} className="fingerprint">
              <span className="row between">
                <span className="badge good">Confirmed</span>
                <span className="small dim">
                  {k.type}
                  {k.confirmed_at && (
                    <>
                      , <Time at={k.confirmed_at} />
                    </>
                  )}
                </span>
              </span>
              <span className="copyable">
                <code>{k.fingerprint}</code>
                <CopyButton text={k.fingerprint} what="fingerprint" />
              </span>
              {r.manage && (
                <span>
                  <Button small kind="danger" onClick={() => setLeaving(k.fingerprint)}>
                    Take away
                  </Button>
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {r.manage && !seen && (
        <div>
          <Button kind={pinned.length === 0 ? "primary" : "plain"} icon={Radar} busy={scan.isPending} onClick={() => scan.mutate()}>
            {scan.isPending ? "Asking the host" : pinned.length === 0 ? "Scan the host key" : "Scan again"}
          </Button>
        </div>
      )}
      <FormProblem error={scan.error} />
      {leaving && (
        <Confirm
          title="Take this host key away"
          verb="Take away"
          busy={unpin.isPending}
          error={unpin.error}
          onClose={() => setLeaving(undefined)}
          onConfirm={() => unpin.mutate(leaving, { onSuccess: () => setLeaving(undefined) })}
        >
          Sessions to {resource.name} are refused when the host shows this key, until it is confirmed again.
        </Confirm>
      )}
      {seen && already && <Note meaning="good">The host shows the confirmed key.</Note>}
      {seen && !already && (
        <div className="stack scan-result">
          {pinned.length > 0 && <Note meaning="bad">The host shows another key than the confirmed one. Confirm it only when you know why it changed: it may be a different machine.</Note>}
          <div className="fingerprint seen">
            <span className="small dim">The host shows this {seen.type} key</span>
            <span className="copyable">
              <code>{seen.fingerprint}</code>
              <CopyButton text={seen.fingerprint} what="fingerprint" />
            </span>
          </div>
          <p className="dim">Compare it with the host itself, on its console or another path that you trust:</p>
          <Command text={`ssh-keygen -lf /etc/ssh/ssh_host_${keyFile(seen.type)}_key.pub`} />
          <FormProblem error={confirm.error} />
          <div className="row">
            <Button
              kind="primary"
              busy={confirm.isPending}
              onClick={() =>
                confirm.mutate(seen.fingerprint, {
                  onSuccess: () => {
                    scan.reset();
                    toasts.say(`The host key of ${resource.name} is confirmed.`);
                  },
                })
              }
            >
              They are the same: confirm
            </Button>
            <Button onClick={() => scan.reset()}>Not now</Button>
          </div>
        </div>
      )}
    </section>
  );
}

function keyFile(type: string): string {
  if (type.includes("ecdsa")) return "ecdsa";
  return type.includes("rsa") ? "rsa" : "ed25519";
}
