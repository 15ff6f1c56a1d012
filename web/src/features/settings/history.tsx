import { infiniteQueryOptions, useInfiniteQuery } from "@tanstack/react-query";
import { History as HistoryIcon } from "lucide-react";
import { get } from "../../api/client";
import type { Page, SettingsChangeWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Empty, Failed, PageSkeleton } from "../../ui/states";
import { Badge, Time } from "../../ui/text";
import { useOrg } from "../shell/org";

function historyQuery(org: string) {
  return infiniteQueryOptions({
    queryKey: [org, "settings-history"],
    queryFn: ({ signal, pageParam }) => get<Page<SettingsChangeWire>>("/org/settings/history", { org, signal, query: { limit: 30, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor || undefined,
  });
}

/** Who changed which setting, from what to what. */
export function History() {
  const org = useOrg();
  const list = useInfiniteQuery(historyQuery(org.id));
  const rows = list.data?.pages.flatMap((p) => p.items);
  if (list.error) return <Failed error={list.error} what="the changes" retry={() => void list.refetch()} />;
  if (!rows) return <PageSkeleton label="the changes" />;
  if (rows.length === 0) {
    return (
      <div className="card">
        <Empty icon={HistoryIcon} title="Nothing was changed yet">
          Each saved change of a setting appears here, with what it was before.
        </Empty>
      </div>
    );
  }
  return (
    <section className="card" aria-label="Changes">
      <ul className="item-list">
        {rows.map((h) => (
          <li key={`${h.version}-${h.group}`} className="top">
            <div className="grow stack tight">
              <div className="small dim">
                {h.by}, <Time at={new Date(h.at)} />
              </div>
              <table className="diff">
                <thead>
                  <tr>
                    <th scope="col">Setting</th>
                    <th scope="col">Before</th>
                    <th scope="col">After</th>
                  </tr>
                </thead>
                <tbody>
                  {h.changes?.map((c) => (
                    <tr key={c.field}>
                      <th scope="row">
                        <code>{c.field}</code> {h.weakened?.includes(c.field) && <Badge meaning="warn">protects less</Badge>}
                      </th>
                      <td className="dim breaks">{c.from || "empty"}</td>
                      <td className="breaks">{c.to || "empty"}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <div className="table-more">
          <Button kind="ghost" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Show older
          </Button>
        </div>
      )}
    </section>
  );
}
