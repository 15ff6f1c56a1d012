import { infiniteQueryOptions, useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { MailPlus, UserCog } from "lucide-react";
import { useState } from "react";
import { del, get, post, put } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { Page, PlatformRole, PlatformUserWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm, Dialog, Panel } from "../../ui/dialog";
import { RadioList, TextField } from "../../ui/field";
import { initials } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Empty, Failed, FormProblem, Note } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Badge, Facts, Id, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { emailProblem } from "../auth/password-rules";
import { useStepUp } from "../auth/step-up";
import { useMe } from "../shell/org";
import { PlatformInvitations } from "./invitations";
import { platformRoles } from "./roles";

type User = Dated<PlatformUserWire>;

// Each list is an entry of the platform's ledger: it is asked for once, and after a change.
const usersQuery = infiniteQueryOptions({
  queryKey: ["platform", "users"],
  queryFn: ({ signal, pageParam }) => get<Page<PlatformUserWire>>("/platform/users", { signal, query: { limit: 100, cursor: pageParam } }),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last) => last.next_cursor || undefined,
  staleTime: 60_000,
  refetchOnWindowFocus: false,
});

/** Who operates the installation, and who is asked to. */
export default function PlatformUsersPage() {
  const me = useMe();
  const search = useSearch({ from: "/in/shell/platform/users" });
  const navigate = useNavigate({ from: "/platform/users" });
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const mayChange = me.platform_role === "platform_admin";
  return (
    <>
      <PageHead
        title="Operators"
        lead="Who runs this installation, across organizations. Each list and each change is in the platform’s ledger."
        action={
          mayChange && (
            <Button kind="primary" icon={MailPlus} onClick={() => set({ new: "1" })}>
              Invite operator
            </Button>
          )
        }
      />
      <nav className="tabs" aria-label="Operators and invitations">
        <Link to="/platform/users" search={{}} aria-current={search.tab ? undefined : "page"} activeOptions={{ exact: true, includeSearch: true }}>
          Operators
        </Link>
        <Link to="/platform/users" search={{ tab: "invitations" }} aria-current={search.tab ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
          Invitations
        </Link>
      </nav>
      <div className="tab-body">{search.tab === "invitations" ? <PlatformInvitations /> : <Users />}</div>
      {search.new && mayChange && <InviteOperator onClose={(sent) => set({ new: undefined, ...(sent ? { tab: "invitations", open: undefined } : {}) })} />}
    </>
  );
}

function Users() {
  const me = useMe();
  const search = useSearch({ from: "/in/shell/platform/users" });
  const navigate = useNavigate({ from: "/platform/users" });
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const list = useInfiniteQuery(usersQuery);
  const rows = list.data?.pages.flatMap((p) => p.items);
  const open = rows?.find((u) => u.user_id === search.open);
  if (list.error) return <Failed error={list.error} what="the operators" retry={() => void list.refetch()} />;
  const columns: Column<User>[] = [
    {
      name: "Operator",
      skeleton: 150,
      cell: (u) => (
        <span className="row">
          <span className="avatar" aria-hidden="true" data-mark={initials(u.name)} />
          <span className="stack tight gapless">
            <span className="row">
              <button type="button" className="row-open truncate" onClick={() => set({ open: u.user_id })}>
                {u.name}
              </button>
              {u.user_id === me.user.id && <Badge meaning="accent">You</Badge>}
            </span>
            <span className="faint small truncate">{u.email}</span>
          </span>
        </span>
      ),
    },
    { name: "Handle", from: "desk", cell: (u) => <code>{u.handle}</code> },
    { name: "Role", cell: (u) => platformRoles[u.role].label },
    { name: "Second factor", from: "phone", cell: (u) => <Factor user={u} /> },
    { name: "Since", from: "tablet", cell: (u) => <Time at={new Date(u.since)} /> },
  ];
  return (
    <>
      {rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={UserCog} title="No operators">
            Nobody operates this installation.
          </Empty>
        </div>
      ) : (
        <div className="comfortable">
          <Table label="Operators" columns={columns} rows={rows} id={(u) => u.user_id} selected={search.open} onOpen={(u) => set({ open: u.user_id })} more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined} />
        </div>
      )}
      {open && <UserPanel key={open.user_id} user={open} onClose={() => set({ open: undefined })} />}
    </>
  );
}

function Factor({ user: u }: { user: User }) {
  return u.mfa_enrolled ? <State meaning="good">Set up</State> : <State meaning="warn">Not set up</State>;
}

function UserPanel({ user: u, onClose }: { user: User; onClose: () => void }) {
  const me = useMe();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const mayChange = me.platform_role === "platform_admin";
  const self = u.user_id === me.user.id;
  const [role, setRole] = useState<PlatformRole>(u.role);
  const [asking, setAsking] = useState<"reset" | "remove">();
  const onSuccess = () => client.invalidateQueries({ queryKey: usersQuery.queryKey });
  const change = useMutation({ mutationFn: () => stepUp(() => put<unknown>(`/platform/users/${u.user_id}/role`, { body: { role } })), onSuccess });
  const reset = useMutation({ mutationFn: () => stepUp(() => post<unknown>(`/platform/users/${u.user_id}/mfa/reset`)), onSuccess });
  const remove = useMutation({ mutationFn: () => stepUp(() => del(`/platform/users/${u.user_id}`)), onSuccess });
  return (
    <Panel
      title={u.name}
      subtitle={u.email}
      onClose={onClose}
      footer={
        mayChange && (
          <>
            <Button onClick={() => setAsking("reset")}>Reset second factor</Button>
            <Button kind="danger" onClick={() => setAsking("remove")}>
              Remove
            </Button>
          </>
        )
      }
    >
      <section>
        <Facts
          rows={[
            ["Handle", <code key="h">{u.handle}</code>],
            ["Role", platformRoles[u.role].label],
            ["Second factor", <Factor key="f" user={u} />],
            ["Since", <Time key="s" at={new Date(u.since)} />],
            ["Id", <Id key="i" value={u.user_id} what="user id" />],
          ]}
        />
      </section>
      <section className="stack">
        <h3>Role</h3>
        <RadioList legend="What they may do" value={role} options={(Object.keys(platformRoles) as PlatformRole[]).map((value) => ({ value, ...platformRoles[value] }))} disabled={!mayChange} onPick={setRole} />
        {self && role !== u.role && <Note meaning="warn">This is you. You lose what the new role does not have, at once.</Note>}
        <FormProblem error={change.error} />
        {mayChange && (
          <div>
            <Button kind="primary" disabled={role === u.role} busy={change.isPending} onClick={() => change.mutate(undefined, { onSuccess: () => toasts.say(`${u.name} is now ${platformRoles[role].label.toLowerCase()}.`) })}>
              Change role
            </Button>
          </div>
        )}
      </section>
      {asking === "reset" && (
        <Confirm
          title={`Reset the second factor of ${u.name}`}
          verb="Reset it"
          busy={reset.isPending}
          error={reset.error}
          onClose={() => {
            setAsking(undefined);
            reset.reset();
          }}
          onConfirm={() =>
            reset.mutate(undefined, {
              onSuccess: () => {
                setAsking(undefined);
                toasts.say(`${u.name} sets up a new second factor at their next sign-in.`);
              },
            })
          }
        >
          All their second factors and backup codes are cleared, and their sign-ins and API tokens end. At their next sign-in they set up a new one, so be sure that it is them who asks.
        </Confirm>
      )}
      {asking === "remove" && (
        <Confirm
          title={`Remove ${u.name}`}
          verb="Remove operator"
          typeName={u.handle}
          busy={remove.isPending}
          error={remove.error}
          onClose={() => {
            setAsking(undefined);
            remove.reset();
          }}
          onConfirm={() =>
            // The panel may be gone with its row before the answer is told, and a mutation tells nothing to who is gone.
            remove.mutateAsync(undefined).then(
              () => {
                toasts.say(`${u.name} operates this installation no more.`);
                onClose();
              },
              () => undefined, // the dialog shows it
            )
          }
        >
          {self ? "This is you. Nobody removes themselves: another administrator does. " : ""}Their sign-ins and their API tokens of the platform end, and so do the invitations that they have sent. They stay a member of their organizations.
        </Confirm>
      )}
    </Panel>
  );
}

function InviteOperator({ onClose }: { onClose: (sent: boolean) => void }) {
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<PlatformRole>("platform_auditor");
  const send = useMutation({
    mutationFn: () => stepUp(() => post<unknown>("/platform/invitations", { body: { email: email.trim(), role } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["platform", "invitations"] });
      toasts.say(`${email.trim()} is invited.`);
      onClose(true);
    },
  });
  const ready = email.trim() !== "" && !emailProblem(email);
  return (
    <Dialog
      title="Invite an operator"
      sticky
      onClose={() => onClose(false)}
      onSubmit={() => ready && !send.isPending && send.mutate()}
      footer={
        <>
          <Button onClick={() => onClose(false)}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={send.isPending}>
            Send invitation
          </Button>
        </>
      }
    >
      <TextField label="Email" type="email" autoFocus hint="They get a link that works once, for seven days." value={email} check={emailProblem} error={send.error ? asProblem(send.error).field("email") : undefined} onText={setEmail} />
      <RadioList legend="Role" value={role} options={(["platform_auditor", "platform_admin"] as const).map((value) => ({ value, ...platformRoles[value] }))} onPick={setRole} />
      <FormProblem error={send.error} fields={["email"]} />
    </Dialog>
  );
}
