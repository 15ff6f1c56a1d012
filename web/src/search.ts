// Search parameters are plain text: what is in the address is what was typed,
// and "123" stays text.

export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== "") out.set(key, String(value));
  }
  const text = out.toString();
  return text === "" ? "" : `?${text}`;
}

/** A search validator that keeps the named parameters and drops the rest. */
export function optional<K extends string>(...keys: K[]): (search: Record<string, unknown>) => { [P in K]?: string | undefined } {
  return (search) => {
    const out: { [P in K]?: string | undefined } = {};
    for (const key of keys) {
      const value = search[key];
      if (typeof value === "string" && value !== "") out[key] = value;
    }
    return out;
  };
}
