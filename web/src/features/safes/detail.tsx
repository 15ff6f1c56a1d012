import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Safe } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { TextArea, TextField } from "../../ui/field";
import { duration, plural } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Failed, FormProblem, Note, PageSkeleton } from "../../ui/states";
import { Command, Facts, Id, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { asProblem, asSentence } from "../../api/problem";
import { CheckOutLink } from "../checkouts/link";
import { AskButtons, AskDialog } from "../requests/ask";
import { useOrg, useRights } from "../shell/org";
import { managesSafe, safeRoleWords } from "../shell/rights";
import { SessionTable } from "../sessions/table";
import { sessionsOfSafeQuery } from "../sessions/queries";
import { lendProblem } from "../lending/terms";
import { LaunchLink } from "../terminal/launch-link";
import { AccessTab } from "./access-tab";
import { PolicyBadges } from "./badges";
import { blockedSentence, liftable } from "./blocked";
import { fileWords, hours, lendWords } from "./policy";
import { PolicyTab } from "./policy-tab";
import { safeMembersQuery, safeQuery, useSafeChanges } from "./queries";

type Tab = "overview" | "access" | "policy" | "sessions";

export default function SafePage() {
  const org = useOrg();
  const r = useRights();
  const { safe: id } = useParams({ from: "/in/shell/o/$org/safes/$safe" });
  const search = useSearch({ from: "/in/shell/o/$org/safes/$safe" });
  const { data: safe, error, refetch } = useQuery(safeQuery(org.id, id));
  const editable = managesSafe(r, safe?.my_role);
  const seesMembers = editable || r.inspect;
  const members = useQuery({ ...safeMembersQuery(org.id, id), enabled: seesMembers });
  const [dialog, setDialog] = useState<"edit" | "delete">();

  if (error) return <Failed page error={error} what="this safe" retry={() => void refetch()} />;
  if (!safe) return <PageSkeleton label="the safe" />;

  const tabs: { id: Tab; label: string; count?: number | undefined }[] = [{ id: "overview", label: "Overview" }];
  if (seesMembers) tabs.push({ id: "access", label: "Access" });
  tabs.push({ id: "policy", label: "Policy" }, { id: "sessions", label: "Sessions" });
  const tab = tabs.find((t) => t.id === search.tab)?.id ?? "overview";
  const open = safe.can_launch || liftable(safe.blocked_by);

  return (
    <>
      <PageHead
        title={safe.name}
        lead={safe.description || undefined}
        meta={<PolicyBadges policy={safe.policy} />}
        back={
          <Link to="/o/$org/safes" params={{ org: org.slug }} search={{}}>
            Safes
          </Link>
        }
        action={
          <>
            {editable && (
              <Button icon={Pencil} onClick={() => setDialog("edit")}>
                Edit
              </Button>
            )}
            {r.manage && (
              <Button kind="danger" icon={Trash2} onClick={() => setDialog("delete")}>
                Delete
              </Button>
            )}
            <AskButtons safe={safe} />
            {reveals(safe) && <CheckOutLink safe={safe.id} name={safe.name} />}
            {open && (
              <LaunchLink safe={safe.id} name={safe.name} />
            )}
          </>
        }
      />
      <nav className="tabs" aria-label="Parts of this safe">
        {tabs.map((t) => (
          <Link key={t.id} to="/o/$org/safes/$safe" params={{ org: org.slug, safe: id }} search={t.id === "overview" ? {} : { tab: t.id }} aria-current={tab === t.id ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            {t.label}
            {t.count !== undefined && <span className="count">{t.count}</span>}
          </Link>
        ))}
      </nav>
      <div className="tab-body">
        {tab === "overview" && <Overview safe={safe} open={open} />}
        {tab === "access" && <AccessTab safe={safe} editable={editable} />}
        {tab === "policy" && <PolicyTab safe={safe} members={members.data?.items.length} editable={r.manage} />}
        {tab === "sessions" && <SafeSessions safe={safe} />}
      </div>
      {dialog === "edit" && <EditSafe safe={safe} onClose={() => setDialog(undefined)} />}
      {dialog === "delete" && <DeleteSafe safe={safe} members={members.data?.items.length} onClose={() => setDialog(undefined)} />}
    </>
  );
}

function Overview({ safe, open }: { safe: Safe; open: boolean }) {
  const org = useOrg();
  const p = safe.policy;
  const forwards = [p.local_forward && "local", p.remote_forward && "remote", p.agent_forward && "agent", p.x11_forward && "X11", p.jump === "allow" && "ssh -J"].filter(Boolean);
  return (
    <div className="two-columns">
      <div className="stack">
        {safe.can_launch || !(safe.my_role || safe.lent) ? null : <Note meaning={liftable(safe.blocked_by) ? "info" : "warn"}>{safe.blocked ? asSentence(safe.blocked) : blockedSentence(safe.blocked_by)}</Note>}
        {open ? (
          <section className="card">
            <header>
              <h2>Connect from your terminal</h2>
            </header>
            <div className="body stack">
              <p className="dim">Plain OpenSSH, scp, sftp, rsync and git work. Your own SSH key from your profile, or password and code.</p>
              <Command text={safe.ssh_command ?? ""} what="SSH command" />
              <p className="dim">With the command line client, after one login:</p>
              <Command text={`vaultpam ssh ${safe.name}`} />
            </div>
          </section>
        ) : (
          !safe.my_role && !safe.lent && <Note meaning="plain">{blockedSentence(undefined)}</Note>
        )}
        <section className="card">
          <header>
            <h2>What the policy says</h2>
          </header>
          <div className="body">
            <Facts
              rows={[
                ["Recording", p.recording ? (p.record_input ? "On, with typed input" : "On") : "Off"],
                ["Longest session", duration(p.session_ttl_seconds)],
                ["Ends when idle for", duration(p.idle_timeout_seconds)],
                ["Open", capital(hours(p))],
                ["From", p.source_networks.length === 0 ? "Anywhere" : <code>{p.source_networks.join(", ")}</code>],
                ["Fresh code", p.step_up ? `Not older than ${duration(p.step_up_freshness_seconds)}` : "Not asked"],
                ["Approval", p.approvals === 0 ? "Nobody has to approve" : p.approvals === 1 ? "One other person approves" : "Two other people approve"],
                ["Files", capital(fileWords[p.file_transfer])],
                ["Clipboard", p.clipboard === "allow" ? "Allowed" : "Blocked"],
                ["Forwards", forwards.length === 0 ? "Blocked" : `Allowed: ${forwards.join(", ")}`],
                [
                  "Lending",
                  lendProblem(safe) ? (
                    capital(lendWords[p.delegation])
                  ) : (
                    <Link key="l" to="/o/$org/lending" params={{ org: org.slug }} search={{ new: "1", safe: safe.id }}>
                      Lend your access
                    </Link>
                  ),
                ],
                ["Longest checkout", <Longest key="c" safe={safe} />],
                ["Sessions at once", p.max_sessions === 0 ? "No limit" : String(p.max_sessions)],
              ]}
            />
          </div>
        </section>
      </div>
      <section className="card">
        <header>
          <h2>Leads to</h2>
        </header>
        <div className="body">
          <Facts
            rows={[
              ["Resource", safe.resource.name],
              [
                "Address",
                <code key="a">
                  {safe.resource.host}:{safe.resource.port}
                </code>,
              ],
              ["Protocol", safe.resource.protocol.toUpperCase()],
              ["Account", safe.account.name],
              ["Signs in as", <code key="u">{safe.account.username}</code>],
              safe.lent && [
                "Lent to me",
                <span key="l">
                  By {safe.lent.by.name || safe.lent.by.handle}, until <Time at={safe.lent.ends_at} />
                </span>,
              ],
              !safe.lent && ["My role", safe.my_role ? `${safeRoleWords[safe.my_role].label}. ${safeRoleWords[safe.my_role].means}` : "None"],
              ["Id", <Id key="i" value={safe.id} what="safe id" />],
            ]}
          />
        </div>
      </section>
    </div>
  );
}

/** Whether the reader's own role on the safe reveals its credential. */
function reveals(safe: Safe): boolean {
  return safe.my_role !== "" && safe.my_role !== "user";
}

/** How long a checkout lasts; who opens sessions only may ask for one. */
function Longest({ safe }: { safe: Safe }) {
  const [asking, setAsking] = useState(false);
  return (
    <span className="row wrap">
      {duration(safe.policy.checkout_timeout_seconds)}
      {safe.my_role === "user" && (
        <Button small kind="ghost" onClick={() => setAsking(true)}>
          Ask for a checkout
        </Button>
      )}
      {asking && <AskDialog safe={safe} use="checkout" onClose={() => setAsking(false)} />}
    </span>
  );
}

function SafeSessions({ safe }: { safe: Safe }) {
  const org = useOrg();
  const { data, error, refetch } = useQuery(sessionsOfSafeQuery(org.id, safe.id));
  if (error) return <Failed error={error} what="the sessions of this safe" retry={() => void refetch()} />;
  return <SessionTable label={`Sessions on ${safe.name}`} rows={data?.items} hide={["safe"]} empty="No session has run on this safe yet." />;
}

function EditSafe({ safe, onClose }: { safe: Safe; onClose: () => void }) {
  const [name, setName] = useState(safe.name);
  const [description, setDescription] = useState(safe.description);
  const { update } = useSafeChanges(safe.id);
  const toasts = useToasts();
  const problem = update.error ? asProblem(update.error) : undefined;
  return (
    <Dialog
      title={`Edit ${safe.name}`}
      onClose={onClose}
      onSubmit={() =>
        name.trim() !== "" &&
        update.mutate(
          { name: name.trim(), description: description.trim(), version: safe.version },
          {
            onSuccess: () => {
              toasts.say("Saved.");
              onClose();
            },
          },
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={name.trim() === ""} busy={update.isPending}>
            Save
          </Button>
        </>
      }
    >
      <TextField label="Name" mono value={name} error={problem?.field("name")} hint={name !== safe.name ? "People connect by this name: scripts that use the old one stop working." : undefined} onText={setName} />
      <TextArea label="Description" optional value={description} error={problem?.field("description")} onText={setDescription} />
      <FormProblem error={update.error} fields={["name", "description"]} />
    </Dialog>
  );
}

function DeleteSafe({ safe, members, onClose }: { safe: Safe; members: number | undefined; onClose: () => void }) {
  const org = useOrg();
  const navigate = useNavigate();
  const { remove } = useSafeChanges(safe.id);
  const toasts = useToasts();
  return (
    <Confirm
      title={`Delete ${safe.name}`}
      verb="Delete safe"
      typeName={safe.name}
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(undefined, {
          onSuccess: () => {
            toasts.say(`${safe.name} is deleted.`);
            void navigate({ to: "/o/$org/safes", params: { org: org.slug }, search: {} });
          },
        })
      }
    >
      {members === undefined ? "Its members lose" : `${plural(members, "member")} ${members === 1 ? "loses" : "lose"}`} this way to {safe.resource.name}, and running sessions end. The account, its credential, the recordings and the audit log stay.
    </Confirm>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
