import { useSyncExternalStore } from "react";

/**
 * The one-time token of a link, which stands after # so that no server log sees
 * it. A second link that is opened in the same tab counts.
 */
export function useFragment(): string {
  return useSyncExternalStore(subscribe, () => window.location.hash.slice(1));
}

function subscribe(fn: () => void): () => void {
  window.addEventListener("hashchange", fn);
  return () => window.removeEventListener("hashchange", fn);
}
