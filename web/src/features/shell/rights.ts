import type { OrgRole, SafeRole } from "../../api/types";

/**
 * What the console shows to a role. It only hides: the server decides every
 * time, and its refusal is shown like any other answer.
 */
export interface Rights {
  launch: boolean; // safes of one's own
  oversee: boolean; // all sessions and recordings, the audit log
  terminate: boolean; // other people's sessions
  inspect: boolean; // read resources, accounts, safes, people
  manage: boolean; // change them
  makeOwner: boolean;
}

export function rights(role: OrgRole): Rights {
  const manage = role === "owner" || role === "admin";
  return {
    launch: role !== "auditor",
    oversee: manage || role === "auditor",
    terminate: manage,
    inspect: manage || role === "auditor",
    manage,
    makeOwner: role === "owner",
  };
}

/** A manager of one safe edits its members and settings; an auditor never does. */
export function managesSafe(r: Rights, myRole: SafeRole | "" | null | undefined): boolean {
  return r.manage || (r.launch && myRole === "manager");
}

export const roleWords: Record<OrgRole, { label: string; means: string }> = {
  owner: { label: "Owner", means: "Everything, including other owners and the end of the organization." },
  admin: { label: "Admin", means: "Manages people, resources, accounts and safes; sees all sessions and the audit log." },
  operator: { label: "Operator", means: "Opens sessions on the safes they belong to, and sees their own sessions." },
  auditor: { label: "Auditor", means: "Reads all sessions, recordings, the audit log and the configuration. Opens no sessions, changes nothing." },
};

export const safeRoleWords: Record<SafeRole, { label: string; means: string }> = {
  user: { label: "User", means: "Opens sessions." },
  checkout: { label: "Checkout", means: "Opens sessions and may reveal the credential." },
  approver: { label: "Approver", means: "Does what checkout does, and decides requests for this safe." },
  manager: { label: "Manager", means: "Does what approver does, edits the members, sees and ends all sessions." },
};
