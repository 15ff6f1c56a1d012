/** The address to go on to after sign-in: a path of ours, or home. Never another origin. */
export function safeNext(next: string | undefined): string {
  if (!next || !next.startsWith("/") || next.startsWith("//") || next.startsWith("/\\")) return "/";
  if (/[\u0000-\u001f]/.test(next)) return "/";
  return next.startsWith("/sign-in") || next.startsWith("/enrol") ? "/" : next;
}
