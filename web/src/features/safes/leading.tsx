import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Button } from "../../ui/button";
import { FormProblem, Skeleton } from "../../ui/states";
import { useOrg } from "../shell/org";
import { safesQuery } from "./queries";

/** The safes that lead to a resource or use an account, and whether there are any. */
export function useSafesOf(of: { resource: string } | { account: string }) {
  const org = useOrg();
  const list = useInfiniteQuery(safesQuery(org.id, of));
  return { list, rows: list.data?.pages.flatMap((p) => p.items) };
}

export function SafeLinks({ of: { list, rows }, none }: { of: ReturnType<typeof useSafesOf>; none: string }) {
  const org = useOrg();
  if (list.error) return <FormProblem error={list.error} />;
  if (!rows) return <Skeleton width={160} />;
  if (rows.length === 0) return <p className="dim">{none}</p>;
  return (
    <>
      <ul className="link-list">
        {rows.map((s) => (
          <li key={s.id}>
            <Link to="/o/$org/safes/$safe" params={{ org: org.slug, safe: s.id }} search={{}}>
              {s.name}
            </Link>
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <Button small kind="ghost" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          Show more
        </Button>
      )}
    </>
  );
}
