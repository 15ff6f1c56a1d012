import { createContext, useContext } from "react";
import type { Me, Membership } from "../../api/types";
import { rights } from "./rights";

/** The organization of the page: from the address, sent with every call. */
export interface Org {
  id: string;
  slug: string;
  name: string;
  role: Membership["role"];
}

export const OrgContext = createContext<Org | undefined>(undefined);
export const MeContext = createContext<Me | undefined>(undefined);

export function useOrg(): Org {
  const org = useContext(OrgContext);
  if (!org) throw new Error("useOrg outside an organization's page");
  return org;
}

export function useMe(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error("useMe outside the console's shell");
  return me;
}

export function useRights() {
  return rights(useOrg().role);
}

const lastKey = "vaultpam.org";

/** The organization that was open last, by slug. */
export function lastOrg(): string | null {
  try {
    return window.localStorage.getItem(lastKey);
  } catch {
    return null;
  }
}

export function rememberOrg(slug: string): void {
  try {
    window.localStorage.setItem(lastKey, slug);
  } catch {
    // the first membership will do next time
  }
}
