import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CirclePause, CirclePlay, UserMinus } from "lucide-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import type { Member, OrgRole } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Panel } from "../../ui/dialog";
import { RadioList, TextField } from "../../ui/field";
import { FormProblem, Note } from "../../ui/states";
import { Facts, Id, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useMe, useOrg, useRights } from "../shell/org";
import { roleWords } from "../shell/rights";
import { FactorState, MemberState } from "./list";
import { MemberPhone } from "./member-phone";
import { MemberSignIns } from "./member-sign-ins";
import { ownersQuery, useMemberChanges } from "./queries";

/** One member: what they are, what an administrator can do about it, and where they were. */
export function MemberPanel({ member: m, onClose }: { member: Member; onClose: () => void }) {
  const org = useOrg();
  const r = useRights();
  const me = useMe();
  const [asking, setAsking] = useState<"suspend" | "resume" | "remove">();
  const [comment, setComment] = useState("");
  const { remove, suspend, resume } = useMemberChanges();
  const toasts = useToasts();
  const owners = useQuery({ ...ownersQuery(org.id), enabled: m.role === "owner" });
  const lastOwner = m.role === "owner" && owners.data !== undefined && owners.data.items.length <= 1;
  // An admin makes no owners and unmakes none.
  const touchable = r.manage && !lastOwner && (r.makeOwner || m.role !== "owner");
  const self = m.user_id === me.user.id;

  return (
    <Panel
      title={m.name}
      subtitle={m.email}
      onClose={onClose}
      footer={
        touchable &&
        !self && (
          <>
            {m.suspended_at ? (
              <Button icon={CirclePlay} onClick={() => setAsking("resume")}>
                Resume
              </Button>
            ) : (
              <Button icon={CirclePause} onClick={() => setAsking("suspend")}>
                Suspend
              </Button>
            )}
            <Button kind="danger" icon={UserMinus} onClick={() => setAsking("remove")}>
              Remove
            </Button>
          </>
        )
      }
    >
      <section>
        <Facts
          rows={[
            ["Handle", <code key="h">{m.handle}</code>],
            ["Role", roleWords[m.role].label],
            ["State", <MemberState key="s" member={m} />],
            m.suspended_at && ["Suspended", <Time key="u" at={m.suspended_at} />],
            ["Second factor", <FactorState key="f" member={m} />],
            ["Joined", <Time key="c" at={m.joined_at} />],
            ["Id", <Id key="i" value={m.user_id} what="user id" />],
          ]}
        />
      </section>
      <Role member={m} touchable={touchable} lastOwner={lastOwner} self={self} />
      {r.manage && !m.service_account && (
        <>
          <MemberSignIns member={m} self={self} />
          <Factor member={m} self={self} />
          <MemberPhone member={m} self={self} />
        </>
      )}
      {r.oversee && (
        <section>
          <h3>More</h3>
          <ul className="link-list">
            <li>
              <Link to="/o/$org/access" params={{ org: org.slug }} search={{ tab: "what", user: m.user_id }}>
                What they can reach, and why
              </Link>
            </li>
            <li>
              <Link to="/o/$org/sessions" params={{ org: org.slug }} search={{ user: m.user_id }}>
                Their sessions
              </Link>
            </li>
            <li>
              <Link to="/o/$org/audit" params={{ org: org.slug }} search={{ actor: m.user_id }}>
                What they did, in the audit log
              </Link>
            </li>
          </ul>
        </section>
      )}
      {asking === "suspend" && (
        <Confirm
          title={`Suspend ${m.name}`}
          verb="Suspend"
          busy={suspend.isPending}
          error={suspend.error}
          onClose={() => {
            setAsking(undefined);
            suspend.reset();
          }}
          onConfirm={() =>
            suspend.mutate(
              { user: m.user_id, comment: comment.trim() },
              {
                onSuccess: () => {
                  toasts.say(`${m.name} is suspended.`);
                  setAsking(undefined);
                  setComment("");
                },
              },
            )
          }
        >
          <div className="stack">
            <p>
              Their live sessions in {org.name} end within two seconds, and they can do nothing here until you resume them. They keep role, safes and tokens.
            </p>
            <TextField label="Why" optional hint="Kept in the audit log." maxLength={2000} value={comment} onText={setComment} />
          </div>
        </Confirm>
      )}
      {asking === "resume" && (
        <Confirm
          title={`Resume ${m.name}`}
          verb="Resume"
          kind="primary"
          busy={resume.isPending}
          error={resume.error}
          onClose={() => {
            setAsking(undefined);
            resume.reset();
          }}
          onConfirm={() =>
            resume.mutate(m.user_id, {
              onSuccess: () => {
                toasts.say(`${m.name} can come in again.`);
                setAsking(undefined);
              },
            })
          }
        >
          They get back what they had: their role, safes and tokens.
        </Confirm>
      )}
      {asking === "remove" && (
        <Confirm
          title={`Remove ${m.name}`}
          verb="Remove person"
          typeName={m.handle}
          busy={remove.isPending}
          error={remove.error}
          onClose={() => {
            setAsking(undefined);
            remove.reset();
          }}
          onConfirm={() =>
            // The panel may be gone with its row before the answer is told, and a mutation tells nothing to who is gone.
            remove.mutateAsync(m.user_id).then(
              () => {
                toasts.say(`${m.name} is no longer a member.`);
                onClose();
              },
              () => undefined, // the dialog shows it
            )
          }
        >
          {m.name} loses every safe in {org.name}, and running sessions end at once. What they did stays in the audit log. They can be invited again.
        </Confirm>
      )}
    </Panel>
  );
}

function Role({ member: m, touchable, lastOwner, self }: { member: Member; touchable: boolean; lastOwner: boolean; self: boolean }) {
  const org = useOrg();
  const r = useRights();
  const [role, setRole] = useState<OrgRole>(m.role);
  const { setRole: change } = useMemberChanges();
  const toasts = useToasts();
  const options = (Object.keys(roleWords) as OrgRole[]).filter((v) => r.makeOwner || v !== "owner" || m.role === "owner").map((value) => ({ value, ...roleWords[value] }));
  return (
    <section className="stack">
      <h3>Role in {org.name}</h3>
      {lastOwner && <Note meaning="plain">The last owner stays owner. Make somebody else owner first.</Note>}
      {!lastOwner && r.manage && !touchable && <Note meaning="plain">Only an owner changes the role of an owner.</Note>}
      <RadioList legend="What they may do" value={role} options={options} disabled={!touchable} onPick={setRole} />
      {self && role !== m.role && <Note meaning="warn">This is you. You lose what the new role does not have, at once.</Note>}
      <FormProblem error={change.error} />
      {touchable && (
        <div>
          <Button kind="primary" disabled={role === m.role} busy={change.isPending} onClick={() => change.mutate({ user: m.user_id, role }, { onError: (err) => asProblem(err).isWaiting && setRole(m.role), onSuccess: () => toasts.say(`${m.name} is now ${roleWords[role].label.toLowerCase()}.`) })}>
            Change role
          </Button>
        </div>
      )}
    </section>
  );
}

/** Nobody takes another's second factor away: the person asks, and an administrator decides. */
function Factor({ member: m, self }: { member: Member; self: boolean }) {
  const org = useOrg();
  if (self) return null;
  return (
    <section className="stack">
      <h3>Second factor</h3>
      <p className="dim">
        {m.mfa_enrolled ? (
          <>
            Who has lost it chooses “Lost your second factor?” after the password and proves their mailbox. You decide under{" "}
            <Link to="/o/$org/recoveries" params={{ org: org.slug }} search={{ state: "pending" }}>
              Lost factors
            </Link>
            , and they set up a new one.
          </>
        ) : (
          "They set one up at their next sign-in in the browser. Until then they open no sessions."
        )}
      </p>
    </section>
  );
}
