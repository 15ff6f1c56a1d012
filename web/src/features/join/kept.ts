// Links that are kept in this tab while one signs in on the way.
export const inviteKey = "vaultpam.invite";
export const platformInviteKey = "vaultpam.platform-invite";

export function forgetLink(key: string): void {
  try {
    window.sessionStorage.removeItem(key);
  } catch {
    // it works once only, whatever is kept
  }
}
