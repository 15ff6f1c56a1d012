/** ada.lovelace@example.com suggests ada-lovelace. */
export function suggestHandle(email: string): string {
  const local = (email.split("@")[0] ?? "").toLowerCase();
  return local
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 32);
}
