import { infiniteQueryOptions, keepPreviousData, useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { MailPlus, RotateCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { del, get, post } from "../../api/client";
import type { Dated } from "../../api/dated";
import type { Page, PlatformInvitationWire } from "../../api/types";
import { IconButton } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { PickChip } from "../../ui/filter";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { type Meaning, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { useMe } from "../shell/org";
import { platformRoles } from "./roles";

type Invitation = Dated<PlatformInvitationWire>;

function invitationsQuery(state: string | undefined) {
  return infiniteQueryOptions({
    queryKey: ["platform", "invitations", state],
    queryFn: ({ signal, pageParam }) => get<Page<PlatformInvitationWire>>("/platform/invitations", { signal, query: { state, limit: 50, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
    placeholderData: keepPreviousData,
    staleTime: 60_000, // each list is an entry of the ledger
    refetchOnWindowFocus: false,
  });
}

const states: Record<PlatformInvitationWire["state"], { label: string; meaning?: Meaning }> = {
  pending: { label: "Open", meaning: "info" },
  accepted: { label: "Accepted", meaning: "good" },
  declined: { label: "Turned down", meaning: "bad" },
  revoked: { label: "Withdrawn" },
  expired: { label: "Expired", meaning: "warn" },
};

/** Who was asked to operate the installation, and what became of it. */
export function PlatformInvitations() {
  const mayChange = useMe().platform_role === "platform_admin";
  const search = useSearch({ from: "/in/shell/platform/users" });
  const navigate = useNavigate({ from: "/platform/users" });
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const list = useInfiniteQuery(invitationsQuery(search.state));
  const [leaving, setLeaving] = useState<Invitation>();
  const onSuccess = () => client.invalidateQueries({ queryKey: ["platform", "invitations"] });
  const resend = useMutation({ mutationFn: (i: Invitation) => stepUp(() => post<unknown>(`/platform/invitations/${i.id}/resend`)), onSuccess, onError: toasts.fail });
  const revoke = useMutation({ mutationFn: (i: Invitation) => stepUp(() => del(`/platform/invitations/${i.id}`)), onSuccess });
  const rows = list.data?.pages.flatMap((p) => p.items);
  if (list.error) return <Failed error={list.error} what="the invitations" retry={() => void list.refetch()} />;
  const columns: Column<Invitation>[] = [
    { name: "Address", skeleton: 170, cell: (i) => <strong className="breaks">{i.email}</strong> },
    { name: "Role", from: "phone", cell: (i) => platformRoles[i.role].label },
    { name: "State", cell: (i) => <State meaning={states[i.state].meaning}>{states[i.state].label}</State> },
    { name: "Sent", from: "tablet", cell: (i) => <Time at={i.sent_at} /> },
    { name: "Ends", from: "tablet", cell: (i) => (i.state === "pending" ? <Time at={i.expires_at} /> : i.ended_at ? <Time at={i.ended_at} /> : <span className="faint">over</span>) },
    { name: "By", from: "desk", cell: (i) => i.invited_by },
  ];
  if (mayChange) {
    columns.push({
      name: "Actions",
      right: true,
      quiet: true,
      cell: (i) =>
        i.state === "pending" && (
          <span className="row end">
            <IconButton small icon={RotateCw} label={`Send the invitation of ${i.email} again`} disabled={resend.isPending} onClick={() => resend.mutate(i, { onSuccess: () => toasts.say(`A new link is on its way to ${i.email}. The old one is void.`) })} />
            <IconButton small icon={Trash2} label={`Withdraw the invitation of ${i.email}`} onClick={() => setLeaving(i)} />
          </span>
        ),
    });
  }
  return (
    <>
      <div className="filters" role="group" aria-label="Filters">
        <PickChip label="State" value={search.state} options={(Object.keys(states) as (keyof typeof states)[]).map((value) => ({ value, label: states[value].label }))} onPick={(state) => void navigate({ search: (s) => ({ ...s, state }), replace: true })} />
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
          onClose={() => {
            setLeaving(undefined);
            revoke.reset();
          }}
          onConfirm={() => revoke.mutate(leaving, { onSuccess: () => setLeaving(undefined) })}
        >
          The link in their mail stops working at once.
        </Confirm>
      )}
    </>
  );
}
