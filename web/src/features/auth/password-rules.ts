/** What is wrong with a new password, before the server is asked; undefined when nothing is. */
export function passwordProblem(password: string): string | undefined {
  if (password === "") return undefined;
  const length = [...password].length;
  if (length < 12) return `Use at least 12 characters; this has ${length}. A few words are easier to keep than signs.`;
  if (new TextEncoder().encode(password).length > 256) return "Use at most 256 bytes.";
  return undefined;
}

/** A handle as the SSH login uses it: ada in ssh ada+web@gateway. */
export function handleProblem(handle: string): string | undefined {
  if (handle === "" || /^[a-z][a-z0-9-]{1,31}$/.test(handle)) return undefined;
  return "Use 2 to 32 small letters, digits and hyphens, a letter first.";
}

export function emailProblem(email: string): string | undefined {
  return email === "" || /^[^\s@]+@[^\s@]+$/.test(email) ? undefined : "This is not an email address.";
}
