import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { KeyRound, Plus } from "lucide-react";
import type { Account } from "../../api/types";
import { Button } from "../../ui/button";
import { SearchInput } from "../../ui/field";
import { PageHead } from "../../ui/page";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, Time } from "../../ui/text";
import { resourcesQuery } from "../resources/queries";
import { useOrg, useRights } from "../shell/org";
import { AccountForm } from "./form";
import { AccountPanel } from "./panel";
import { accountsQuery } from "./queries";

export const kindWords = { password: "Password", ssh_key: "SSH key" } as const;

export default function AccountsPage() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/accounts" });
  const navigate = useNavigate({ from: "/o/$org/accounts" });
  const { data, error, refetch } = useQuery(accountsQuery(org.id));
  const resources = useQuery(resourcesQuery(org.id));
  const resourceName = (id: string) => resources.data?.items.find((x) => x.id === id)?.name ?? "";
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const q = (search.q ?? "").toLowerCase();
  const rows = data?.items.filter((a) => q === "" || `${a.name} ${a.username} ${resourceName(a.resource_id)}`.toLowerCase().includes(q));
  const add = r.manage && (
    <Button kind="primary" icon={Plus} onClick={() => set({ new: "1" })}>
      New account
    </Button>
  );
  const columns: Column<Account>[] = [
    {
      name: "Account",
      skeleton: 120,
      cell: (a) => (
        <button type="button" className="row-open" onClick={() => set({ open: a.id })}>
          {a.name}
        </button>
      ),
    },
    { name: "Signs in as", cell: (a) => <code>{a.username}</code> },
    { name: "Resource", from: "phone", cell: (a) => resourceName(a.resource_id) },
    { name: "Secret", from: "tablet", cell: (a) => kindWords[a.kind] },
    { name: "State", from: "phone", cell: (a) => <AccountState account={a} /> },
    { name: "Changed", from: "tablet", cell: (a) => <Time at={a.updated_at} /> },
  ];
  return (
    <>
      <PageHead title="Accounts" lead="Logins on your resources. Their secrets are sealed here and go to the target; a person sees one only by a checkout." action={add} />
      {error ? (
        <Failed error={error} what="the accounts" retry={() => void refetch()} />
      ) : data && data.items.length === 0 ? (
        <div className="card">
          <Empty icon={KeyRound} title="No accounts yet" action={add}>
            Add the login that sessions should use on a resource, with its password or private key.
          </Empty>
        </div>
      ) : (
        <>
          <div className="filters">
            <SearchInput label="Search accounts" value={search.q ?? ""} onText={(v) => set({ q: v || undefined })} />
          </div>
          {rows && rows.length === 0 ? (
            <div className="card">
              <Empty icon={KeyRound} title="No account matches">
                Nothing here is named like “{search.q}”.
              </Empty>
            </div>
          ) : (
            <Table label="Accounts" columns={columns} rows={rows} id={(a) => a.id} selected={search.open} onOpen={(a) => set({ open: a.id })} />
          )}
        </>
      )}
      {search.open && <AccountPanel key={search.open} id={search.open} onClose={() => set({ open: undefined })} />}
      {search.new && r.manage && <AccountForm resource={search.resource} onClose={() => set({ new: undefined, resource: undefined })} onDone={(id) => set({ new: undefined, resource: undefined, open: id })} />}
    </>
  );
}

export function AccountState({ account }: { account: Account }) {
  return account.state === "enabled" ? <State meaning="good">Enabled</State> : <State meaning="warn">Disabled</State>;
}
