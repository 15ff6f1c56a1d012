import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Building2, Plus } from "lucide-react";
import { useState } from "react";
import { getAll, post } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { Organization, OrganizationWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { SearchInput, SecretField, TextField } from "../../ui/field";
import { PickChip } from "../../ui/filter";
import { PageHead } from "../../ui/page";
import { Empty, Failed, FormProblem } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Id, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { emailProblem, handleProblem, passwordProblem } from "../auth/password-rules";
import { useStepUp } from "../auth/step-up";
import { useMe } from "../shell/org";
import { OrganizationPanel, OrganizationState, seatWords } from "./organization-panel";

const organizationsQuery = queryOptions({
  queryKey: ["platform", "organizations"],
  queryFn: ({ signal }) => getAll<OrganizationWire>("/platform/organizations", { signal }),
});

export default function OrganizationsPage() {
  const me = useMe();
  const search = useSearch({ from: "/in/shell/platform/organizations" });
  const navigate = useNavigate({ from: "/platform/organizations" });
  const { data, error, refetch } = useQuery(organizationsQuery);
  const set = (part: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...part }), replace: true });
  const q = (search.q ?? "").toLowerCase();
  const rows = data?.items.filter((o) => (q === "" || `${o.name} ${o.slug} ${o.id}`.toLowerCase().includes(q)) && (search.state === undefined || stateOf(o) === search.state));
  const open = data?.items.find((o) => o.id === search.open);
  const add = me.platform_role === "platform_admin" && (
    <Button kind="primary" icon={Plus} onClick={() => set({ new: "1" })}>
      New organization
    </Button>
  );
  const columns: Column<Organization>[] = [
    {
      name: "Organization",
      cell: (o) => (
        <button type="button" className="row-open" onClick={() => set({ open: o.id })}>
          {o.name}
        </button>
      ),
    },
    { name: "Slug", cell: (o) => <code>{o.slug}</code> },
    { name: "State", from: "phone", cell: (o) => <OrganizationState org={o} /> },
    { name: "Members", from: "phone", right: true, cell: (o) => seatWords(o) },
    { name: "Made", from: "phone", cell: (o) => <Time at={o.created_at} /> },
    { name: "Id", from: "tablet", cell: (o) => <Id value={o.id} what="organization id" /> },
  ];
  return (
    <>
      <PageHead title="Organizations" lead="The tenants of this installation. Their contents belong to their own members; nothing of it is shown here." action={add} />
      {error ? (
        <Failed error={error} what="the organizations" retry={() => void refetch()} />
      ) : data && data.items.length === 0 ? (
        <div className="card">
          <Empty icon={Building2} title="No organizations yet" action={add}>
            Make the first one, with the person who will own it.
          </Empty>
        </div>
      ) : (
        <>
          <div className="filters" role="group" aria-label="Filters">
            <SearchInput label="Search organizations" value={search.q ?? ""} onText={(v) => set({ q: v || undefined })} />
            <PickChip label="State" value={search.state} options={stateOptions} onPick={(state) => set({ state })} />
          </div>
          {rows && rows.length === 0 ? (
            <div className="card">
              <Empty icon={Building2} title="None matches">
                No organization has this name, short name or state.
              </Empty>
            </div>
          ) : (
            <Table label="Organizations" columns={columns} rows={rows} id={(o) => o.id} selected={search.open} onOpen={(o) => set({ open: o.id })} />
          )}
        </>
      )}
      {open && <OrganizationPanel key={open.id} org={open} onClose={() => set({ open: undefined })} />}
      {search.new && me.platform_role === "platform_admin" && <NewOrganization onClose={() => set({ new: undefined })} />}
    </>
  );
}

const stateOptions = [
  { value: "active", label: "Active" },
  { value: "suspended", label: "Suspended" },
  { value: "deleted", label: "Deleted" },
];

function stateOf(o: Organization): string {
  return o.deleted ? "deleted" : o.active ? "active" : "suspended";
}

function slugProblem(slug: string): string | undefined {
  return slug === "" || /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(slug) ? undefined : "Small letters, digits and hyphens, no hyphen at its ends.";
}

function NewOrganization({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [org, setOrg] = useState({ name: "", slug: "" });
  const [owner, setOwner] = useState({ name: "", email: "", handle: "", password: "" });
  const create = useMutation({
    mutationFn: () => stepUp(() => post<unknown>("/platform/organizations", { body: { ...org, owner } })),
    gcTime: 0,
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: organizationsQuery.queryKey });
      toasts.say(`${org.name} exists, owned by ${owner.name}.`);
      onClose();
    },
  });
  const problem = create.error ? asProblem(create.error) : undefined;
  const set = (part: Partial<typeof owner>) => setOwner((o) => ({ ...o, ...part }));
  const filled = [...Object.values(org), ...Object.values(owner)].every((v) => v.trim() !== "");
  const ready = filled && !slugProblem(org.slug) && !emailProblem(owner.email) && !handleProblem(owner.handle) && !passwordProblem(owner.password);
  return (
    <Dialog
      title="New organization"
      wide
      sticky
      onClose={onClose}
      onSubmit={() => ready && !create.isPending && create.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={!ready} busy={create.isPending}>
            Create organization
          </Button>
        </>
      }
    >
      <div className="pair">
        <TextField label="Name" autoFocus value={org.name} error={problem?.field("name")} onText={(name) => setOrg((o) => ({ ...o, name }))} />
        <TextField label="Slug" mono hint="In addresses; it cannot be changed later." value={org.slug} check={slugProblem} error={problem?.field("slug")} onText={(slug) => setOrg((o) => ({ ...o, slug }))} />
      </div>
      <h3>Its first owner</h3>
      <div className="pair">
        <TextField label="Owner's name" value={owner.name} error={problem?.field("owner.name")} onText={(name) => set({ name })} />
        <TextField label="Email" type="email" value={owner.email} check={emailProblem} error={problem?.field("owner.email")} onText={(email) => set({ email })} />
      </div>
      <div className="pair">
        <TextField label="Handle" mono value={owner.handle} check={handleProblem} error={problem?.field("owner.handle")} onText={(handle) => set({ handle })} />
        <SecretField label="First password" autoComplete="new-password" value={owner.password} check={passwordProblem} error={problem?.field("owner.password")} onText={(password) => set({ password })} />
      </div>
      <FormProblem error={create.error} fields={["name", "slug", "owner.name", "owner.email", "owner.handle", "owner.password"]} />
    </Dialog>
  );
}
