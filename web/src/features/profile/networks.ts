/** One network or address a line or between commas, as the server takes them. */
export function parseNetworks(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean);
}

/** What is wrong with typed networks, before the server is asked. Loose: the server knows them exactly. */
export function networksProblem(text: string): string | undefined {
  const wrong = parseNetworks(text).find((n) => !/^(\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?|[0-9a-f:.]*:[0-9a-f:.]*(\/\d{1,3})?)$/i.test(n));
  return wrong === undefined ? undefined : `“${wrong}” is no network. Write them like 192.0.2.0/24 or 2001:db8::/32.`;
}
