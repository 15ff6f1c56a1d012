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
        ...(r.launch ? [{ value: "safes:write", means: r.manage ? "Make, change and delete safes, their members and policy" : "Change the safes that you manage" }] : []),
        ...(r.launch ? [{ value: "secrets:reveal", means: "Reveal credentials, where your role in a safe allows it" }] : []),
      ],
    },
    {
      label: "Sessions",
      scopes: [
        { value: "sessions:read", means: "List and read sessions" },
        ...(r.launch ? [{ value: "sessions:launch", means: "Open sessions" }] : []),
        ...(r.launch ? [{ value: "sessions:write", means: "End sessions" }] : []),
        { value: "sessions:playback", means: r.oversee ? "Play and download recordings" : "Play recordings that you may see" },
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
        ...write("members:write", "Invite and add people, change roles, end sign-ins"),
        ...(r.manage ? [{ value: "sso:read", means: "Read how members sign in" }] : []),
        { value: "mail:read", means: "Read which messages were sent" },
      ],
    });
  }
  groups.push({
    label: "Yourself",
    scopes: [
      { value: "self:read", means: "Read your profile" },
      { value: "tokens:read", means: "List your API tokens" },
      { value: "tokens:write", means: "Revoke your API tokens" },
    ],
  });
  return groups;
}
