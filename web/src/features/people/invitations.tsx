import { infiniteQueryOptions, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { MailPlus, RotateCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { del, get, post } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { InvitationResultWire, InvitationWire, OrgRole, Page } from "../../api/types";
import { Button, IconButton } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { Check, RadioList, TextArea } from "../../ui/field";
import { plural } from "../../ui/format";
import { Empty, Failed, FormProblem, Note } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { type Meaning, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { safesQuery } from "../safes/queries";
import { useOrg, useRights } from "../shell/org";
import { roleWords } from "../shell/rights";

type Invitation = Dated<InvitationWire>;

function invitationsQuery(org: string) {
  return infiniteQueryOptions({
    queryKey: [org, "invitations"],
    queryFn: ({ signal, pageParam }) => get<Page<InvitationWire>>("/org/invitations", { org, signal, query: { limit: 50, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
  });
}

const states: Record<InvitationWire["state"], { label: string; meaning?: Meaning }> = {
  pending: { label: "Open", meaning: "info" },
  accepted: { label: "Accepted", meaning: "good" },
  revoked: { label: "Withdrawn" },
  expired: { label: "Expired", meaning: "warn" },
};

/** Who was asked to join, and what became of it. */
export function Invitations() {
  const org = useOrg();
  const r = useRights();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const list = useInfiniteQuery(invitationsQuery(org.id));
  const [leaving, setLeaving] = useState<Invitation>();
  const onSuccess = () => client.invalidateQueries({ queryKey: [org.id, "invitations"] });
  const resend = useMutation({ mutationFn: (i: Invitation) => stepUp(() => post<unknown>(`/org/invitations/${i.id}/resend`, { org: org.id })), onSuccess, onError: toasts.fail });
  const revoke = useMutation({ mutationFn: (i: Invitation) => stepUp(() => del(`/org/invitations/${i.id}`, { org: org.id })), onSuccess });
  const rows = list.data?.pages.flatMap((p) => p.items);
  if (list.error) return <Failed error={list.error} what="the invitations" retry={() => void list.refetch()} />;
  const columns: Column<Invitation>[] = [
    { name: "Address", skeleton: 170, cell: (i) => <strong className="breaks">{i.email}</strong> },
    { name: "Role", from: "phone", cell: (i) => roleWords[i.role].label },
    { name: "State", cell: (i) => <State meaning={states[i.state].meaning}>{states[i.state].label}</State> },
    { name: "Sent", from: "tablet", cell: (i) => <Time at={i.sent_at} /> },
    { name: "Ends", from: "tablet", cell: (i) => (i.state === "pending" ? <Time at={i.expires_at} /> : <span className="faint">over</span>) },
    { name: "By", from: "desk", cell: (i) => i.invited_by },
  ];
  if (r.manage) {
    columns.push({
      name: "Actions",
      right: true,
      quiet: true,
      cell: (i) =>
        i.state === "pending" && (
          <span className="row end">
            <IconButton
              small
              icon={RotateCw}
              label={`Send the invitation of ${i.email} again`}
              disabled={resend.isPending}
              onClick={() => resend.mutate(i, { onSuccess: () => toasts.say(`A new link is on its way to ${i.email}. The old one is void.`) })}
            />
            <IconButton small icon={Trash2} label={`Withdraw the invitation of ${i.email}`} onClick={() => setLeaving(i)} />
          </span>
        ),
    });
  }
  return (
    <>
      {rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={MailPlus} title="Nobody was invited yet">
            An invitation is an e-mail with a link that works once, for seven days.
          </Empty>
        </div>
      ) : (
        <Table label="Invitations" columns={columns} rows={rows} id={(i) => i.id} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />
      )}
      {leaving && (
        <Confirm
          title={`Withdraw the invitation of ${leaving.email}`}
          verb="Withdraw"
          busy={revoke.isPending}
          error={revoke.error}
          onClose={() => setLeaving(undefined)}
          onConfirm={() => revoke.mutate(leaving, { onSuccess: () => setLeaving(undefined) })}
        >
          The link in their mail stops working at once.
        </Confirm>
      )}
    </>
  );
}

/** One or many addresses, with a role and safes for all of them. */
export function InviteForm({ onClose }: { onClose: () => void }) {
  const org = useOrg();
  const r = useRights();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const safes = useQuery(safesQuery(org.id, { mine: false }));
  const [text, setText] = useState("");
  const [role, setRole] = useState<OrgRole>("operator");
  const [chosen, setChosen] = useState<string[]>([]);
  const [mfa, setMfa] = useState(false);
  const emails = [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
  const send = useMutation({
    mutationFn: () =>
      stepUp(() =>
        post<{ results: InvitationResultWire[] }>("/org/invitations/bulk", {
          org: org.id,
          body: { invitations: emails.map((email) => ({ email, role, require_mfa: mfa, safes: chosen.map((safe_id) => ({ safe_id, role: "user" })) })) },
        }),
      ),
    onSuccess: async ({ results }) => {
      await client.invalidateQueries({ queryKey: [org.id, "invitations"] });
      const bad = results.filter((x) => x.problem);
      if (bad.length > 0) return setText(bad.map((x) => x.email).join("\n")); // what is left to mend
      toasts.say(`${plural(results.length, "invitation")} sent.`);
      onClose();
    },
  });
  const refused = send.data?.results.filter((x) => x.problem && emails.includes(x.email)) ?? [];
  const options = (Object.keys(roleWords) as OrgRole[]).filter((v) => r.makeOwner || v !== "owner").map((value) => ({ value, ...roleWords[value] }));
  const ready = emails.length > 0 && emails.length <= 200;
  return (
    <Dialog
      title="Invite people"
      wide
      sticky
      onClose={onClose}
      onSubmit={() => ready && !send.isPending && send.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={send.isPending}>
            {emails.length > 1 ? `Send ${emails.length} invitations` : "Send invitation"}
          </Button>
        </>
      }
    >
      <TextArea label="Email addresses" hint="One or more, on lines of their own or separated by commas; at most 200." rows={3} value={text} error={send.error ? asProblem(send.error).field("invitations") : undefined} onText={setText} />
      {refused.length > 0 && (
        <Note meaning="bad" live>
          {plural(refused.length, "invitation was", "invitations were")} not sent. The others were.
          <ul>
            {refused.map((x) => (
              <li key={x.email}>
                {x.email}: {x.problem?.detail}
              </li>
            ))}
          </ul>
        </Note>
      )}
      <RadioList legend="Role" value={role} options={options} onPick={setRole} />
      {safes.data && safes.data.items.length > 0 && (
        <fieldset className="stack">
          <legend className="legend">Safes that they may open</legend>
          <div className="scope-list">
            {safes.data.items.map((s) => (
              <Check key={s.id} label={s.name} checked={chosen.includes(s.id)} onCheck={(on) => setChosen(on ? [...chosen, s.id] : chosen.filter((x) => x !== s.id))} />
            ))}
          </div>
        </fieldset>
      )}
      <Check label="Demand a proved second factor" means="Who has an account already must prove a second factor of their own to accept. Somebody new always sets one up." checked={mfa} onCheck={setMfa} />
      <FormProblem error={send.error} fields={["invitations"]} />
    </Dialog>
  );
}
