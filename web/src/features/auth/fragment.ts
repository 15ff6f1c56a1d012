import { useMemo, useSyncExternalStore } from "react";

/**
 * The one-time token of a link, which stands after # so that no server log sees
 * it. A second link that is opened in the same tab counts.
 */
export function useFragment(): string {
  return useSyncExternalStore(subscribe, () => window.location.hash.slice(1));
}

/** The same, kept in this tab while one signs in on the way: it must not stand in an address that a server sees. */
export function useKeptFragment(key: string): string {
  const now = useFragment();
  return useMemo(() => {
    try {
      if (now !== "") window.sessionStorage.setItem(key, now);
      return now || (window.sessionStorage.getItem(key) ?? "");
    } catch {
      return now;
    }
  }, [key, now]);
}

function subscribe(fn: () => void): () => void {
  window.addEventListener("hashchange", fn);
  return () => window.removeEventListener("hashchange", fn);
}
