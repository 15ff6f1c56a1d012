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

/** Takes up what was chosen before, before the first paint. */
export function applyTheme(): void {
  const t = theme();
  if (t === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = t;
  try {
    if (window.localStorage.getItem(densityKey) === "comfortable") document.documentElement.dataset["density"] = "comfortable";
  } catch {
    // compact, then
  }
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

const densityKey = "vaultpam.density";

export type Density = "compact" | "comfortable";

export function density(): Density {
  return document.documentElement.dataset["density"] === "comfortable" ? "comfortable" : "compact";
}

export function setDensity(d: Density): void {
  if (d === "comfortable") document.documentElement.dataset["density"] = d;
  else delete document.documentElement.dataset["density"];
  try {
    window.localStorage.setItem(densityKey, d);
  } catch {
    // kept for this page only
  }
  for (const fn of listeners) fn();
}

export function useDensity(): Density {
  return useSyncExternalStore((fn) => {
    listeners.add(fn);
    return () => listeners.delete(fn);
  }, density);
}

export function useTheme(): Theme {
  return useSyncExternalStore((fn) => {
    listeners.add(fn);
    return () => listeners.delete(fn);
  }, theme);
}
