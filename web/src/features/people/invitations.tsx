import { infiniteQueryOptions, keepPreviousData, useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { MailPlus, RotateCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { del, get, post } from "../../api/client";
import type { Dated } from "../../api/dated";
import type { InvitationWire, Page } from "../../api/types";
import { IconButton } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { PickChip } from "../../ui/filter";
import { plural } from "../../ui/format";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Badge, type Meaning, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { useNames } from "../groups/names";
import { useOrg, useRights } from "../shell/org";
import { roleWords } from "../shell/rights";

type Invitation = Dated<InvitationWire>;

function invitationsQuery(org: string, state: string | undefined) {
  return infiniteQueryOptions({
    queryKey: [org, "invitations", state],
    placeholderData: keepPreviousData,
    queryFn: ({ signal, pageParam }) => get<Page<InvitationWire>>("/org/invitations", { org, signal, query: { state, limit: 50, cursor: pageParam } }),
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
  const search = useSearch({ from: "/in/shell/o/$org/people" });
  const navigate = useNavigate({ from: "/o/$org/people" });
  const list = useInfiniteQuery(invitationsQuery(org.id, search.state));
  const [leaving, setLeaving] = useState<Invitation>();
  const onSuccess = () => client.invalidateQueries({ queryKey: [org.id, "invitations"] });
  const resend = useMutation({ mutationFn: (i: Invitation) => stepUp(() => post<unknown>(`/org/invitations/${i.id}/resend`, { org: org.id })), onSuccess, onError: toasts.fail });
  const revoke = useMutation({ mutationFn: (i: Invitation) => stepUp(() => del(`/org/invitations/${i.id}`, { org: org.id })), onSuccess });
  const rows = list.data?.pages.flatMap((p) => p.items);
  const names = useNames(rows?.flatMap((i) => i.safes?.map((s) => s.safe_id) ?? []) ?? []);
  const nameOf = (id: string) => (names(id) === id ? "a safe" : names(id));
  if (list.error) return <Failed error={list.error} what="the invitations" retry={() => void list.refetch()} />;
  const columns: Column<Invitation>[] = [
    {
      name: "Address",
      skeleton: 170,
      cell: (i) => (
        <span className="stack tight gapless">
          <strong className="breaks">{i.email}</strong>
          {((i.safes?.length ?? 0) > 0 || i.require_mfa) && (
            <span className="row wrap">
              {i.safes && i.safes.length > 0 && <Badge title={i.safes.map((s) => nameOf(s.safe_id)).join(", ")}>{i.safes.length === 1 ? nameOf(i.safes[0]?.safe_id ?? "") : plural(i.safes.length, "safe")}</Badge>}
              {i.require_mfa && <Badge>Second factor demanded</Badge>}
            </span>
          )}
        </span>
      ),
    },
    { name: "Role", from: "phone", cell: (i) => roleWords[i.role].label },
    { name: "State", cell: (i) => <State meaning={states[i.state].meaning}>{states[i.state].label}</State> },
    {
      name: "Sent",
      from: "tablet",
      cell: (i) => (
        <span className="nowrap">
          <Time at={i.sent_at} />
          {i.resends > 0 && <span className="faint"> {`(${i.resends + 1} times)`}</span>}
        </span>
      ),
    },
    { name: "Ends", from: "tablet", cell: (i) => (i.state === "pending" ? <Time at={i.expires_at} /> : i.ended_at ? <Time at={i.ended_at} /> : <span className="faint">over</span>) },
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
  const pick = (state: string | undefined) => void navigate({ search: (old) => ({ ...old, state }), replace: true });
  return (
    <>
      <div className="filters" role="group" aria-label="Filters">
        <PickChip label="State" value={search.state} options={(Object.keys(states) as (keyof typeof states)[]).map((value) => ({ value, label: states[value].label }))} onPick={pick} />
      </div>
      {rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={MailPlus} title={search.state ? "None is in this state" : "Nobody was invited yet"}>
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

