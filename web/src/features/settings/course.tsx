import type { Dated } from "../../api/dated";
import type { DeliveryWire, MailWire } from "../../api/types";
import { plural } from "../../ui/format";
import { Facts, Id, type Meaning, State, Time } from "../../ui/text";

// How the delivery of a message went, by e-mail or by a channel.

export function underWay(m: { state: MailWire["state"] }): boolean {
  return m.state === "queued" || m.state === "sending";
}

export const states: Record<MailWire["state"], { label: string; meaning?: Meaning }> = {
  queued: { label: "Waits", meaning: "info" },
  sending: { label: "On its way", meaning: "info" },
  sent: { label: "Delivered", meaning: "good" },
  failed: { label: "Failed", meaning: "bad" },
  expired: { label: "Too late", meaning: "warn" },
};

const outcomes: Record<NonNullable<MailWire["tries"]>[number]["outcome"], string> = {
  sent: "Delivered",
  retry: "Tried again later",
  refused: "Refused for good",
  lost: "The server stopped meanwhile",
};

/** "mfa_recovery_grant" as people read it. */
export function kindWords(kind: string): string {
  const words = kind.replaceAll("_", " ").replace(/\bmfa\b/g, "MFA").replace(/\bsmtp\b/g, "SMTP");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Where a delivery stands, and each of its tries. */
export function Course({ of: m, what }: { of: Dated<MailWire> | Dated<DeliveryWire>; what: string }) {
  return (
    <>
      <section className="stack">
        <Facts
          rows={[
            ["State", <State key="s" meaning={states[m.state].meaning}>{states[m.state].label}</State>],
            ["Queued", <Time key="q" at={m.created_at} />],
            m.next_at && ["Tried again", <Time key="n" at={m.next_at} />],
            m.ended_at && ["Ended", <Time key="e" at={m.ended_at} />],
            m.state !== "sent" && ["Of no use after", <Time key="x" at={m.expires_at} />],
            m.last_error && ["Last error", m.last_error],
            ["Id", <Id key="i" value={m.id} what={`${what} id`} />],
          ]}
        />
        <p className="small dim">What it says is never shown, and is deleted once it is delivered.</p>
      </section>
      <section className="stack">
        <h3>{plural(m.tries?.length ?? 0, "try", "tries")}</h3>
        <ul className="item-list">
          {m.tries?.map((t) => (
            <li key={t.n} className="top">
              <div className="grow stack tight">
                <div>{outcomes[t.outcome]}</div>
                <div className="small dim">
                  <Time at={t.started_at} /> {t.via && <>by <code>{t.via}</code></>}
                </div>
                {t.error && <div className="small breaks">{t.error}</div>}
              </div>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}
