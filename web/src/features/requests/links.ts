// The token of a message's link, from its page to the decision that uses it up. It
// stays in this tab's memory and never stands in an address that a server sees.
const held = new Map<string, string>();

export const linkKey = "vaultpam.request-link";

export function keepLink(request: string, token: string): void {
  held.set(request, token);
  try {
    window.sessionStorage.removeItem(linkKey);
  } catch {
    // it was not kept, then
  }
}

export function heldLink(request: string): string | undefined {
  return held.get(request);
}
