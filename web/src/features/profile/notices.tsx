import { useQuery } from "@tanstack/react-query";
import type { NoticePreferenceWire } from "../../api/types";
import { Failed, FormProblem, PageSkeleton } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { preferencesQuery, usePrefer } from "../notices/queries";

const whens: Record<NoticePreferenceWire["email"], string> = { now: "At once", hourly: "Hourly summary", daily: "Daily summary", off: "No e-mail" };

/** How one hears of each kind of notice. What one picks holds at once. */
export function NoticePreferences() {
  const { data, error, refetch } = useQuery(preferencesQuery);
  const prefer = usePrefer();
  const toasts = useToasts();
  if (error) return <Failed error={error} what="your choices" retry={() => void refetch()} />;
  if (!data) return <PageSkeleton label="your choices" />;
  const choose = (p: NoticePreferenceWire, part: Partial<NoticePreferenceWire>) => prefer.mutate({ ...p, ...part }, { onSuccess: () => toasts.say("Saved.") });
  return (
    <div className="form-page stack">
      <p className="dim prose">Summaries go at the full hour, or at seven in the morning (UTC). What is about security, and invitations, is always shown and mailed at once.</p>
      <FormProblem error={prefer.error} />
      <section className="card" aria-label="Kinds of notices">
        <ul className="item-list">
          {data.items.map((p) => (
            <li key={p.kind} className="notice-kind">
              <div className="grow">{p.title}</div>
              {p.required ? (
                <span className="small dim">Always</span>
              ) : (
                <div className="row">
                  <label className="check">
                    <input type="checkbox" checked={p.in_app} disabled={prefer.isPending || (p.urgent && p.email === "off")} aria-label={`Show here: ${p.title}`} onChange={(e) => choose(p, { in_app: e.target.checked })} />
                    <span className="small">Show here</span>
                  </label>
                  <select className="input" value={p.email} disabled={prefer.isPending} aria-label={`E-mail: ${p.title}`} onChange={(e) => choose(p, { email: e.target.value as NoticePreferenceWire["email"] })}>
                    {(Object.keys(whens) as NoticePreferenceWire["email"][])
                      .filter((w) => !p.urgent || w === "now" || (w === "off" && p.in_app))
                      .map((w) => (
                        <option key={w} value={w}>
                          {whens[w]}
                        </option>
                      ))}
                  </select>
                </div>
              )}
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
