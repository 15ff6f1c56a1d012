import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Download, ScrollText } from "lucide-react";
import { useEffect, useState } from "react";
import { getBlob } from "../../api/client";
import { Button } from "../../ui/button";
import { SearchInput } from "../../ui/field";
import { ClearFilters, NewAbove, PickChip, RangeChip, TextChip } from "../../ui/filter";
import { PageHead } from "../../ui/page";
import { saveFile } from "../../ui/save-file";
import { Empty, Failed } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { PersonChip } from "../people/person-chip";
import { useOrg } from "../shell/org";
import { EventLines } from "./lines";
import { EventPanel } from "./panel";
import { catalogQuery, eventsQuery, ledgerSizeQuery } from "./queries";
import { type AuditSearch, hasFilters, outcomes, severities } from "./search";

const outcomeWords = { success: "Success", failure: "Failed", denied: "Denied" } as const;

export default function AuditPage() {
  const org = useOrg();
  const client = useQueryClient();
  const search = useSearch({ from: "/in/shell/o/$org/audit" });
  const navigate = useNavigate({ from: "/o/$org/audit" });
  const list = useInfiniteQuery(eventsQuery(org.id, search));
  const size = useQuery({ ...ledgerSizeQuery(org.id), enabled: list.isSuccess });
  const rows = list.data?.pages.flatMap((p) => p.items);
  // Our own reading is the entry after the newest one; it is no news.
  const covered = useCovered(list.dataUpdatedAt, size.data);
  const fresh = covered !== undefined && size.data !== undefined ? Math.max(0, size.data - covered) : 0;
  const set = (next: AuditSearch) => void navigate({ search: next, replace: true });
  const open = rows?.find((e) => e.id === search.event);

  return (
    <div className={search.event ? "with-panel" : undefined}>
      <PageHead title="Audit" lead="What happened in this organization. Every entry can be proved." action={<Export />} />
      <Filters search={search} set={set} />
      <NewAbove count={fresh} what="ledger entry" many="ledger entries" show={() => void client.resetQueries({ queryKey: eventsQuery(org.id, search).queryKey })} />
      {list.error ? (
        <Failed error={list.error} what="the audit log" retry={() => void list.refetch()} />
      ) : rows && rows.length === 0 ? (
        <div className="card">
          <Empty icon={ScrollText} title={hasFilters(search) ? "No entry fits" : "Nothing has happened yet"}>
            {hasFilters(search) ? "Take a filter away, or widen the time." : "The first act in this organization will be the first line here."}
          </Empty>
        </div>
      ) : (
        <>
          <EventLines label="Audit events" rows={rows} selected={search.event} onOpen={(e) => set({ ...search, event: e.id === search.event ? undefined : e.id })} />
          {list.hasNextPage && (
            <div className="table-more">
              <Button kind="ghost" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                Show older
              </Button>
            </div>
          )}
        </>
      )}
      {search.event && <EventPanel key={search.event} id={search.event} known={open} onClose={() => set({ ...search, event: undefined })} />}
    </div>
  );
}

/** The size of the ledger when the list was read: the first that was seen after it, plus the reading itself. */
function useCovered(readAt: number, size: number | undefined): number | undefined {
  const [covered, setCovered] = useState<{ readAt: number; size: number }>();
  if (size !== undefined && readAt > 0 && covered?.readAt !== readAt) setCovered({ readAt, size: size + 1 });
  return covered?.size;
}

function Filters({ search, set }: { search: AuditSearch; set: (s: AuditSearch) => void }) {
  const org = useOrg();
  const catalog = useQuery(catalogQuery(org.id));
  const entries = catalog.data?.items ?? [];
  const categories = [...new Set(entries.map((c) => c.category))];
  const shown = search.category ? entries.filter((c) => c.category === search.category) : entries;
  return (
    <div className="filters" role="group" aria-label="Filters">
      <TypedSearch value={search.q ?? ""} onSettled={(q) => set({ ...search, q: q || undefined })} />
      <RangeChip value={search} onRange={(r) => set({ ...search, range: undefined, from: undefined, to: undefined, ...r })} />
      <PickChip label="Category" value={search.category} options={categories.map((c) => ({ value: c, label: c }))} onPick={(category) => set({ ...search, category, constant: undefined })} />
      <PickChip label="Event" value={search.constant} options={shown.map((c) => ({ value: c.constant, label: c.wire }))} onPick={(constant) => set({ ...search, constant })} />
      <PickChip label="Severity" value={search.severity} options={severities.map((s) => ({ value: s, label: s.charAt(0) + s.slice(1).toLowerCase() }))} onPick={(v) => set({ ...search, severity: severities.find((s) => s === v) })} />
      <PickChip label="Outcome" value={search.outcome} options={outcomes.map((o) => ({ value: o, label: outcomeWords[o] }))} onPick={(v) => set({ ...search, outcome: outcomes.find((o) => o === v) })} />
      <PersonChip label="Actor" value={search.actor} onPick={(actor) => set({ ...search, actor })} />
      <TextChip key={`t${search.target}`} label="Target" mono hint="An id, for example of a safe." value={search.target} onText={(target) => set({ ...search, target })} />
      <TextChip key={`s${search.session}`} label="Session" mono hint="The id of a session." value={search.session} onText={(session) => set({ ...search, session })} />
      <ClearFilters shown={hasFilters(search)} onClear={() => set({ event: search.event })} />
    </div>
  );
}

/** Asks the server when the typing pauses, not at each key. */
function TypedSearch({ value, onSettled }: { value: string; onSettled: (v: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onSettled(text), 350);
    return () => clearTimeout(timer);
  });
  return <SearchInput label="Search the audit log" placeholder="Search names, ids, reasons" value={text} onText={setText} />;
}

function Export() {
  const org = useOrg();
  const toasts = useToasts();
  const run = useMutation({
    mutationFn: () => getBlob("/audit/export", { org: org.id }),
    onSuccess: (b) => {
      saveFile(`vaultpam-audit-${org.slug}-${new Date().toISOString().slice(0, 10)}.ndjson`, b);
      toasts.say("The bundle is saved. Check it offline with vaultpam audit verify.");
    },
    onError: toasts.fail,
  });
  return (
    <Button icon={Download} busy={run.isPending} onClick={() => run.mutate()}>
      {run.isPending ? "Exporting" : "Export"}
    </Button>
  );
}
