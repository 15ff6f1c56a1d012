import type { Checkout } from "../../api/types";

/** What ended a checkout, by the API's word for it. */
export const checkoutWords: Record<string, string> = {
  holder: "Checked in",
  admin: "Ended early",
  expiry: "Its time was over",
  account_disabled: "Account disabled",
  failed: "Never shown",
};

/** Where a checkout stands; of one that somebody else ended, who. */
export function stateOf(c: Checkout): string {
  if (!c.ended_at) return c.active ? "Checked out" : "Ends now";
  if (c.ended_by === "admin") return c.ended_by_name ? `Ended by ${c.ended_by_name}` : "The right was lost";
  return checkoutWords[c.ended_by ?? ""] ?? "Over";
}
