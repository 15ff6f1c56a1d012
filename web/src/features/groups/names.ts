import { useQueries } from "@tanstack/react-query";
import { memberQuery } from "../people/queries";
import { safeQuery } from "../safes/queries";
import { useOrg } from "../shell/org";
import { groupQuery } from "./queries";

/** Names of people, groups and safes by their ids, as far as they are known yet. */
export function useNames(ids: readonly string[]): (id: string) => string {
  const { id: org } = useOrg();
  const of = (prefix: string) => [...new Set(ids)].filter((id) => id.startsWith(prefix)).sort();
  const keep = { staleTime: 60_000, retry: false };
  const people = useQueries({ queries: of("usr_").map((id) => ({ ...memberQuery(org, id), ...keep })) });
  const groups = useQueries({ queries: of("grp_").map((id) => ({ ...groupQuery(org, id), ...keep })) });
  const safes = useQueries({ queries: of("safe_").map((id) => ({ ...safeQuery(org, id), ...keep })) });
  const known = new Map<string, string>();
  for (const p of people) if (p.data) known.set(p.data.user_id, p.data.name || p.data.handle);
  for (const g of groups) if (g.data) known.set(g.data.id, g.data.name);
  for (const s of safes) if (s.data) known.set(s.data.id, s.data.name);
  return (id) => known.get(id) ?? id;
}
