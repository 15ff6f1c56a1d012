import type { OrgRole } from "../../api/types";
import { rights } from "../shell/rights";

export interface Scope {
  value: string;
  means: string;
}
export interface ScopeGroup {
  label: string;
  scopes: Scope[];
}

/** A token never does more than its owner; scopes that the role cannot use are left out. */
export function scopeGroups(role: OrgRole): ScopeGroup[] {
  const r = rights(role);
  const groups: ScopeGroup[] = [
    {
      label: "Safes",
      scopes: [
        { value: "safes:read", means: "List and read safes" },
        ...(r.manage ? [{ value: "safes:write", means: "Make, change and delete safes, their members and policy" }] : []),
      ],
    },
    {
      label: "Sessions",
      scopes: [
        { value: "sessions:read", means: "List and read sessions" },
        ...(r.launch ? [{ value: "sessions:launch", means: "Open sessions" }] : []),
        ...(r.launch ? [{ value: "sessions:write", means: "End sessions" }] : []),
        ...(r.oversee ? [{ value: "sessions:playback", means: "Play and download recordings" }] : []),
      ],
    },
  ];
  if (r.oversee) {
    groups.push({
      label: "Audit",
      scopes: [
        { value: "audit:read", means: "Read events, checkpoints and proofs" },
        { value: "audit:export", means: "Export the ledger" },
      ],
    });
  }
  if (r.inspect) {
    const write = (value: string, means: string): Scope[] => (r.manage ? [{ value, means }] : []);
    groups.push({
      label: "Configuration",
      scopes: [
        { value: "resources:read", means: "Read resources" },
        ...write("resources:write", "Make, change and delete resources"),
        { value: "accounts:read", means: "Read accounts, never their secrets" },
        ...write("accounts:write", "Make, change and delete accounts"),
        { value: "members:read", means: "Read people and roles" },
        ...write("members:write", "Add people and change roles"),
      ],
    });
  }
  return groups;
}
