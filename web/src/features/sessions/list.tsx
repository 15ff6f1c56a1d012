import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ClearFilters, NewAbove, PickChip, RangeChip } from "../../ui/filter";
import { PageHead } from "../../ui/page";
import { Failed } from "../../ui/states";
import { PersonChip } from "../people/person-chip";
import { SafeChip } from "../safes/safe-chip";
import { useOrg } from "../shell/org";
import { sessionsHeadQuery, sessionsQuery } from "./queries";
import type { SessionsSearch } from "./search";
import { SessionTable } from "./table";

export default function SessionsPage() {
  const org = useOrg();
  const client = useQueryClient();
  const search = useSearch({ from: "/in/shell/o/$org/sessions" });
  const navigate = useNavigate({ from: "/o/$org/sessions" });
  const list = useInfiniteQuery(sessionsQuery(org.id, search));
  const head = useQuery({ ...sessionsHeadQuery(org.id, search), enabled: list.isSuccess });

  const rows = list.data?.pages.flatMap((p) => p.items);
  const known = new Set(rows?.map((s) => s.id));
  const fresh = rows ? (head.data?.items.filter((s) => !known.has(s.id)).length ?? 0) : 0;
  const set = (next: SessionsSearch) => void navigate({ search: next, replace: true });
  const filtered = Object.values(search).some((v) => v !== undefined);

  return (
    <>
      <PageHead title="Sessions" lead="Every session that ran through this organization's safes, with its recording." />
      <div className="filters" role="group" aria-label="Filters">
        <PickChip
          label="State"
          value={search.state}
          options={[
            { value: "live", label: "Running" },
            { value: "ended", label: "Ended" },
          ]}
          onPick={(v) => set({ ...search, state: v === "live" || v === "ended" ? v : undefined })}
        />
        <PersonChip label="Person" value={search.user} onPick={(user) => set({ ...search, user })} />
        <SafeChip label="Safe" value={search.safe} onPick={(safe) => set({ ...search, safe })} />
        <RangeChip value={search} onRange={(r) => set({ state: search.state, user: search.user, safe: search.safe, ...r })} />
        <ClearFilters shown={filtered} onClear={() => set({})} />
      </div>
      <NewAbove count={fresh} what="session" show={() => void client.resetQueries({ queryKey: sessionsQuery(org.id, search).queryKey })} />
      {list.error ? (
        <Failed error={list.error} what="the sessions" retry={() => void list.refetch()} />
      ) : (
        <SessionTable
          label="Sessions"
          rows={rows}
          empty={filtered ? "None fits these filters. Take one away, or widen the time." : "Sessions appear here as soon as somebody launches a safe or connects by ssh."}
          more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined}
        />
      )}
    </>
  );
}
