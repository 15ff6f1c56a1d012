import type { PlatformRole } from "../../api/types";

export const platformRoles: Record<PlatformRole, { label: string; means: string }> = {
  platform_admin: { label: "Platform admin", means: "Makes, suspends and resumes organizations, decides submissions, invites and removes operators, changes keys." },
  platform_auditor: { label: "Platform auditor", means: "Reads what operators do and how the installation is. Changes nothing." },
};
