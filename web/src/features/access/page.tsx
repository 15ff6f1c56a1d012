import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { CircleHelp } from "lucide-react";
import type { ReactNode } from "react";
import type { Dated } from "../../api/dated";
import { asSentence } from "../../api/problem";
import type { ExplanationWire, ReachWire, SafeRole } from "../../api/types";
import { SelectField, TextField } from "../../ui/field";
import { duration } from "../../ui/format";
import { PageHead } from "../../ui/page";
import type { Pick } from "../../ui/picker";
import { useSettled } from "../../ui/settled";
import { Empty, Failed, Skeleton } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Facts, Time } from "../../ui/text";
import { useNames } from "../groups/names";
import { PersonPicker } from "../people/picker";
import { DecisionState } from "../policies/effect";
import { effectWords } from "../policies/model";
import { SafePicker } from "../safes/picker";
import { useOrg, useRights } from "../shell/org";
import { roleWords, safeRoleWords } from "../shell/rights";
import { explainQuery, type Moment, whatCanQuery, whoCanQuery } from "./queries";

const tabs = [
  { id: undefined, label: "Why" },
  { id: "who", label: "Who can" },
  { id: "what", label: "What can" },
] as const;

const factors = [
  { value: "now", label: "Just now" },
  { value: "10m", label: "10 minutes before" },
  { value: "1h", label: "An hour before" },
  { value: "8h", label: "8 hours before" },
  { value: "never", label: "Never" },
];

/** Asks the code that decides launches, without launching. The question is in the address. */
export default function AccessPage() {
  const org = useOrg();
  const search = useSearch({ from: "/in/shell/o/$org/access" });
  const navigate = useNavigate({ from: "/o/$org/access" });
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const tab = tabs.find((t) => t.id === search.tab)?.id;
  const name = useNames([search.user, search.safe].filter((x) => x !== undefined));
  const picks = (id: string | undefined): Pick[] => (id ? [{ value: id, label: name(id) }] : []);
  const moment = useSettled<string>(JSON.stringify({ at: search.at, from: search.from, mfa: search.mfa, ticket: search.ticket, use: search.use }), 400);
  const m = JSON.parse(moment) as Moment;
  return (
    <>
      <PageHead title="Explain access" lead="What a launch or a checkout would be answered, and why, by the code that decides them. Nothing is opened or shown." />
      <nav className="tabs" aria-label="What to ask">
        {tabs.map((t) => (
          <Link key={t.label} to="/o/$org/access" params={{ org: org.slug }} search={({ tab: _t, ...rest }) => ({ ...rest, ...(t.id ? { tab: t.id } : {}) })} aria-current={tab === t.id ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            {t.label}
          </Link>
        ))}
      </nav>
      <div className="tab-body stack wide">
        <section className="card pad stack" aria-label="The question">
          <div className="pair">
            {tab !== "who" && <PersonPicker label="Person" picked={picks(search.user)} onPicked={(p) => set({ user: p[0]?.value })} />}
            {tab !== "what" && <SafePicker label="Safe" picked={picks(search.safe)} onPicked={(p) => set({ safe: p[0]?.value })} />}
          </div>
          <SelectField
            label="What they want"
            value={search.use === "checkout" ? "checkout" : "session"}
            options={[
              { value: "session", label: "A session" },
              { value: "checkout", label: "A checkout: the credential is shown to them" },
            ]}
            onPick={(use) => set({ use: use === "checkout" ? use : undefined })}
          />
          <div className="quad">
            <TextField label="When" type="datetime-local" optional hint="Empty: now." value={search.at ?? ""} onText={(at) => set({ at: at || undefined })} />
            <TextField label="From address" mono optional hint="Empty: from no network." placeholder="192.0.2.7" value={search.from ?? ""} onText={(from) => set({ from: from || undefined })} />
            <SelectField label="Second factor proved" value={search.mfa ?? "now"} options={factors} onPick={(mfa) => set({ mfa: mfa === "now" ? undefined : mfa })} />
            <TextField label="Ticket" optional value={search.ticket ?? ""} onText={(ticket) => set({ ticket: ticket || undefined })} />
          </div>
        </section>
        {tab === "who" ? (
          <Reaches of="who" id={search.safe} moment={m} />
        ) : tab === "what" ? (
          <Reaches of="what" id={search.user} moment={m} />
        ) : search.user && search.safe ? (
          <Answer user={search.user} safe={search.safe} moment={m} />
        ) : (
          <Ask>Choose a person and a safe.</Ask>
        )}
      </div>
    </>
  );
}

function Ask({ children }: { children: ReactNode }) {
  return (
    <div className="card">
      <Empty icon={CircleHelp} title="Ask something">
        {children}
      </Empty>
    </div>
  );
}

function Answer({ user, safe, moment }: { user: string; safe: string; moment: Moment }) {
  const org = useOrg();
  const { data: e, error, refetch } = useQuery(explainQuery(org.id, user, safe, moment));
  if (error) return <Failed error={error} what="the answer" retry={() => void refetch()} />;
  if (!e) return <Skeleton width="60%" height={80} />;
  return <Explained explanation={e} />;
}

function Explained({ explanation: e }: { explanation: Dated<ExplanationWire> }) {
  const org = useOrg();
  const r = useRights();
  const name = useNames(e.groups);
  const meaning = e.decision === "allow" ? "good" : e.decision === "deny" ? "bad" : "warn";
  const does =
    e.use === "checkout"
      ? { allow: "may check out the credential of", deny: "may not check out the credential of", require_approval: "needs approval to check out the credential of" }[e.decision]
      : { allow: "may open", deny: "may not open", require_approval: "needs approval to open" }[e.decision];
  return (
    <>
      <section className={`answer ${meaning}`} aria-live="polite" aria-label="The answer">
        <div className="row between wrap">
          <h2>
            {e.user.name} {does} {e.safe.name}
          </h2>
          <DecisionState decision={e.decision} />
        </div>
        {e.sentence && <p>{asSentence(e.sentence)}</p>}
        {e.approval && (
          <p>
            {e.approval.count === 2 ? "Two other people" : "One other person"} must approve.{" "}
            {e.can_approve.length > 0 ? `${e.can_approve.map((p) => p.name).join(", ")}${e.can_approve_more ? " and more" : ""} can, and owners and admins.` : "No approver that it names is active; owners and admins decide."}
          </p>
        )}
        {e.grant_id && <p className="dim">It rests on an approved request.</p>}
      </section>
      <div className="two-columns">
        <section className="card">
          <header>
            <h2>Why</h2>
          </header>
          <ol className="item-list">
            {e.reasons.length === 0 && <li className="dim">Nothing permits it.</li>}
            {e.reasons.map((x) => (
              <li key={`${x.id}${x.statement ?? ""}`} className="top">
                <div className="grow stack tight">
                  <span>
                    {x.kind === "organization" && r.inspect ? (
                      <Link to="/o/$org/policies/$policy" params={{ org: org.slug, policy: x.id }} search={{}}>
                        {x.name}
                      </Link>
                    ) : x.kind === "safe" ? (
                      <Link to="/o/$org/safes/$safe" params={{ org: org.slug, safe: e.safe.id }} search={{ tab: "policy" }}>
                        {x.name}
                      </Link>
                    ) : (
                      x.name
                    )}
                    {x.version ? <span className="faint small"> version {x.version}</span> : null}
                  </span>
                  <span className="small dim">{[kindWords[x.kind], x.message && `“${x.message}”`, x.why && `it would have to be different: ${whyWords[x.why] ?? x.why.replaceAll("_", " ")}`].filter(Boolean).join(", ")}</span>
                </div>
                <span className="small">{effectWords[x.effect].label}</span>
              </li>
            ))}
          </ol>
        </section>
        <section className="card">
          <header>
            <h2>What it was decided upon</h2>
          </header>
          <div className="body">
            <Facts
              rows={[
                ["Role here", roleWords[e.role as keyof typeof roleWords]?.label ?? e.role],
                ["Role on the safe", e.safe_role ? safeRoleWords[e.safe_role as SafeRole].label : "none"],
                ["Groups", e.groups.length > 0 ? e.groups.map(name).join(", ") : "none"],
                ["At", e.at.toLocaleString()],
                ["From", e.from ? <code key="f">{e.from}</code> : "no network"],
                e.session && ["Longest session", duration(e.session.session_ttl_seconds ?? 0)],
                e.session && ["Recording", e.session.recording ? "on" : "off"],
                e.session && ["Files", e.session.file_transfer ?? ""],
                e.session && ["Clipboard", e.session.clipboard ?? ""],
              ]}
            />
            {e.settings_text.trim() !== "" && (
              <details>
                <summary>The safe's own conditions, as Cedar</summary>
                <pre className="code-view" tabIndex={0} aria-label="The safe's own conditions">
                  {e.settings_text}
                </pre>
              </details>
            )}
          </div>
        </section>
      </div>
    </>
  );
}

const kindWords: Record<string, string> = { organization: "policy of the organization", safe: "setting of the safe", builtin: "rule of the product", role: "role in the organization", account: "state of the account" };
const whyWords: Record<string, string> = { outside_valid_hours: "the hour", source_not_allowed: "the network", mfa_required: "a fresher second factor", no_approval: "an approved request", policy_denied: "the policy", not_a_member: "a role on the safe" };

function Reaches({ of, id, moment }: { of: "who" | "what"; id: string | undefined; moment: Moment }) {
  return id === undefined ? <Ask>{of === "who" ? "Choose a safe: everybody who reaches it is listed, through what, and with what a launch of theirs is answered." : "Choose a person: every safe that they reach is listed, through what, and with what a launch is answered."}</Ask> : <ReachTable of={of} id={id} moment={moment} />;
}

const openingWords = { request: "an approved request", emergency: "an emergency", loan: "a loan" };

/** The role on the safe, and what else opens it for a time. */
function Through({ reach }: { reach: Dated<ReachWire> }) {
  return (
    <>
      {reach.safe_role && <div>{safeRoleWords[reach.safe_role as SafeRole].label}</div>}
      {reach.openings.map((o) => (
        <div key={o.request_id ?? o.delegation_id}>
          {openingWords[o.kind]}
          {o.lender && ` of ${o.lender.name}`}, until <Time at={o.ends_at} />
        </div>
      ))}
    </>
  );
}

function ReachTable({ of, id, moment }: { of: "who" | "what"; id: string; moment: Moment }) {
  const org = useOrg();
  const list = useInfiniteQuery(of === "who" ? whoCanQuery(org.id, id, moment) : whatCanQuery(org.id, id, moment));
  const rows = list.data?.pages.flatMap((p) => p.items);
  const params = { org: org.slug };
  const columns: Column<Dated<ReachWire>>[] = [
    of === "who"
      ? {
          name: "Person",
          skeleton: 120,
          cell: (x) => (
            <Link className="row-open plain-link" to="/o/$org/people" params={params} search={{ q: x.user.name, open: x.user.id }}>
              {x.user.name}
            </Link>
          ),
        }
      : {
          name: "Safe",
          skeleton: 120,
          cell: (x) => (
            <Link className="row-open plain-link" to="/o/$org/safes/$safe" params={{ ...params, safe: x.safe.id }} search={{ tab: "access" }}>
              {x.safe.name}
            </Link>
          ),
        },
    { name: "Through", from: "phone", cell: (x) => <Through reach={x} /> },
    { name: moment.use === "checkout" ? "A checkout is" : "A launch is", cell: (x) => <DecisionState decision={x.decision} /> },
    { name: "Because of", from: "tablet", cell: (x) => x.reasons.map((y) => y.name).slice(0, 2).join(", ") },
    {
      name: "Explain",
      right: true,
      quiet: true,
      cell: (x) => (
        <Link to="/o/$org/access" params={params} search={{ user: x.user.id, safe: x.safe.id, at: moment.at, from: moment.from, mfa: moment.mfa, ticket: moment.ticket, use: moment.use }} aria-label={`Why, for ${of === "who" ? x.user.name : x.safe.name}`}>
          Why
        </Link>
      ),
    },
  ];
  if (list.error) return <Failed error={list.error} what="the answer" retry={() => void list.refetch()} />;
  if (rows?.length === 0) {
    return (
      <div className="card">
        <Empty icon={CircleHelp} title={of === "who" ? "Nobody reaches it" : "They reach no safe"}>
          Access comes from the members and groups of a safe, from approved requests and from loans.
        </Empty>
      </div>
    );
  }
  return <Table label={of === "who" ? "Who can" : "What can"} columns={columns} rows={rows} id={(x) => `${x.user.id}${x.safe.id}`} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />;
}
