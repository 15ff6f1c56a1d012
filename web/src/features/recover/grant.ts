// The one-time grant of a recovery's link, kept in this tab while one signs in
// through an identity provider on the way.
export const grantKey = "vaultpam.recovery";

export function keptGrant(): string {
  try {
    return window.sessionStorage.getItem(grantKey) ?? "";
  } catch {
    return "";
  }
}

export function forgetGrant(): void {
  try {
    window.sessionStorage.removeItem(grantKey);
  } catch {
    // it works once only, whatever is kept
  }
}
