// Times are strings on the wire and Dates everywhere else. Which fields are
// times is decided by their name, in one place, for values and for types.

type TimeKey = `${string}_at` | "at" | "time" | `${string}_until`;

/** T with every time field turned from string into Date. */
export type Dated<T> = T extends readonly (infer U)[]
  ? Dated<U>[]
  : T extends object
    ? { [K in keyof T]: K extends TimeKey ? DatedValue<T[K]> : Dated<T[K]> }
    : T;

type DatedValue<V> = V extends string ? Date : Dated<V>;

const timeKey = /(_at|_until)$|^(at|time)$/;
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Turns the time fields of a parsed answer into Dates, in place. */
export function revive<T>(value: unknown): Dated<T> {
  walk(value);
  return value as Dated<T>;
}

function walk(value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const record = value as Record<string, unknown>;
  for (const [key, child] of Object.entries(record)) {
    if (typeof child === "string") {
      if (timeKey.test(key) && rfc3339.test(child)) record[key] = new Date(child);
    } else if (key !== "metadata") {
      walk(child); // metadata of events stays as written
    }
  }
}
