import { asProblem } from "../../api/problem";
import { duration } from "../../ui/format";

/** A limit says when it ends; the server's sentence says the rest. */
export function signInProblem(err: unknown): unknown {
  if (err === null) return null;
  const p = asProblem(err);
  if (p.retryAfterSeconds !== undefined && p.retryAfterSeconds > 0 && !/ again in /.test(p.message)) p.message = `${p.message.replace(/\.?$/, ".")} You can try again in ${duration(p.retryAfterSeconds)}.`;
  return p;
}
