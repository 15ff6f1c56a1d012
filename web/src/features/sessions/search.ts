import { parseRange, type Range } from "../../ui/range";

export interface SessionsSearch extends Range {
  state?: "live" | "ended" | undefined;
  user?: string | undefined;
  safe?: string | undefined;
}

export function parseSessionsSearch(search: Record<string, unknown>): SessionsSearch {
  const out: SessionsSearch = parseRange(search);
  if (search["state"] === "live" || search["state"] === "ended") out.state = search["state"];
  if (typeof search["user"] === "string" && search["user"] !== "") out.user = search["user"];
  if (typeof search["safe"] === "string" && search["safe"] !== "") out.safe = search["safe"];
  return out;
}
