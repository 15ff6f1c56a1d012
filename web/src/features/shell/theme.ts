import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const key = "vaultpam.theme";
const listeners = new Set<() => void>();

export function theme(): Theme {
  try {
    const kept = window.localStorage.getItem(key);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system"; // storage may be switched off
  }
}

export function applyTheme(): void {
  const t = theme();
  if (t === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = t;
}

export function setTheme(t: Theme): void {
  try {
    window.localStorage.setItem(key, t);
  } catch {
    // kept for this page only
  }
  if (t === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = t;
  for (const fn of listeners) fn();
}

export function useTheme(): Theme {
  return useSyncExternalStore((fn) => {
    listeners.add(fn);
    return () => listeners.delete(fn);
  }, theme);
}
