import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, Server } from "lucide-react";
import type { Resource } from "../../api/types";
import { Button } from "../../ui/button";
import { SearchInput } from "../../ui/field";
import { PageHead } from "../../ui/page";
import { Empty, Failed } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { State, Time } from "../../ui/text";
import { useOrg, useRights } from "../shell/org";
import { ResourceForm } from "./form";
import { ResourcePanel } from "./panel";
import { resourcesQuery } from "./queries";

export default function ResourcesPage() {
  const org = useOrg();
  const r = useRights();
  const search = useSearch({ from: "/in/shell/o/$org/resources" });
  const navigate = useNavigate({ from: "/o/$org/resources" });
  const { data, error, refetch } = useQuery(resourcesQuery(org.id));
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const q = (search.q ?? "").toLowerCase();
  const rows = data?.items.filter((x) => q === "" || `${x.name} ${x.host} ${x.description}`.toLowerCase().includes(q));
  const add = r.manage && (
    <Button kind="primary" icon={Plus} onClick={() => set({ new: "1" })}>
      New resource
    </Button>
  );
  const columns: Column<Resource>[] = [
    {
      name: "Resource",
      skeleton: 120,
      cell: (x) => (
        <button type="button" className="row-open" onClick={() => set({ open: x.id })}>
          {x.name}
        </button>
      ),
    },
    {
      name: "Address",
      skeleton: 160,
      cell: (x) => (
        <code className="break">
          {x.host}:{x.port}
        </code>
      ),
    },
    { name: "Host key", from: "phone", skeleton: 120, cell: (x) => <HostKeyState resource={x} /> },
    { name: "Protocol", from: "tablet", cell: (x) => x.protocol.toUpperCase() },
    { name: "Added", from: "tablet", cell: (x) => <Time at={x.created_at} /> },
  ];
  return (
    <>
      <PageHead title="Resources" lead="The hosts that safes lead to. A resource alone gives nobody access." action={add} />
      {error ? (
        <Failed error={error} what="the resources" retry={() => void refetch()} />
      ) : data && data.items.length === 0 ? (
        <div className="card">
          <Empty icon={Server} title="No resources yet" action={add}>
            Add the first host. You will confirm its host key from the fingerprint, then no other machine can pose as it.
          </Empty>
        </div>
      ) : (
        <>
          <div className="filters">
            <SearchInput label="Search resources" value={search.q ?? ""} onText={(v) => set({ q: v || undefined })} />
          </div>
          {rows && rows.length === 0 ? (
            <div className="card">
              <Empty icon={Server} title="No resource matches">
                Nothing here is named like “{search.q}”.
              </Empty>
            </div>
          ) : (
            <Table label="Resources" columns={columns} rows={rows} id={(x) => x.id} selected={search.open} onOpen={(x) => set({ open: x.id })} />
          )}
        </>
      )}
      {search.open && <ResourcePanel key={search.open} id={search.open} onClose={() => set({ open: undefined })} />}
      {search.new && r.manage && <ResourceForm onClose={() => set({ new: undefined })} onDone={(made) => set({ new: undefined, open: made.id })} />}
    </>
  );
}

export function HostKeyState({ resource }: { resource: Resource }) {
  return resource.host_keys.length > 0 ? <State meaning="good">Confirmed</State> : <State meaning="warn">Not confirmed</State>;
}
