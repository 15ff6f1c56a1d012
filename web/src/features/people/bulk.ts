import type { OrgRole, SafeRole } from "../../api/types";

/** One line of a pasted list: an address, and what it says of role and safes. */
export interface BulkLine {
  line: number;
  email: string;
  role?: OrgRole;
  safes?: string[]; // names
  problem?: string;
}

export interface BulkInvitation {
  email: string;
  role: OrgRole;
  require_mfa: boolean;
  safes: { safe_id: string; role: SafeRole }[];
}

const roles: readonly string[] = ["owner", "admin", "operator", "auditor"];

/**
 * Reads what people paste: addresses on lines of their own or separated by commas,
 * "Ada Lovelace <ada@acme.example>", or rows of a table with the columns email, role
 * and safes (names with ; between them), separated by commas, semicolons or tabs.
 */
export function parseBulk(text: string): BulkLine[] {
  const out: BulkLine[] = [];
  const seen = new Set<string>();
  const add = (line: BulkLine) => {
    const key = line.email.toLowerCase();
    if (line.email !== "" && seen.has(key)) return;
    seen.add(key);
    out.push(line);
  };
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = i + 1;
    const cells = split(raw.replace(/^\uFEFF/, ""));
    if (cells.every((c) => c === "") || /^e-?mail( address)?$/i.test(cells[0] ?? "")) continue;
    // Several addresses on one line, and nothing else.
    const words = cells.flatMap((c) => (c.includes("<") ? [c] : c.split(/\s+/))).filter(Boolean);
    if (words.length > 1 && words.every((w) => w.includes("@"))) {
      for (const w of words) add({ line, ...address(w) });
      continue;
    }
    const [first = "", role = "", ...safes] = cells;
    const entry: BulkLine = { line, ...address(first) };
    if (role !== "") {
      if (roles.includes(role.toLowerCase())) entry.role = role.toLowerCase() as OrgRole;
      else entry.problem ??= `${role} is no role. Use owner, admin, operator or auditor.`;
    }
    const names = safes.flatMap((s) => s.split(/[;|]/)).map((s) => s.trim()).filter(Boolean);
    if (names.length > 0) entry.safes = names;
    add(entry);
  }
  return out;
}

function address(text: string): { email: string; problem?: string } {
  const email = (/<([^<>]*)>/.exec(text)?.[1] ?? text).trim();
  return /^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(email) ? { email } : { email, problem: `“${email}” is no email address.` };
}

/** The cells of a row: by tabs, else by commas outside of quotes, else by semicolons. */
function split(row: string): string[] {
  if (row.includes("\t")) return row.split("\t").map(unquote);
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  const by = row.includes(",") ? "," : ";";
  for (const c of row) {
    if (c === '"') quoted = !quoted;
    else if (c === by && !quoted) {
      cells.push(cell.trim());
      cell = "";
      continue;
    }
    cell += c;
  }
  cells.push(cell.trim());
  return cells.map(unquote);
}

function unquote(cell: string): string {
  const t = cell.trim();
  return t.startsWith('"') && t.endsWith('"') && t.length > 1 ? t.slice(1, -1).replaceAll('""', '"').trim() : t;
}

/** The safes that lines name, each once, in lower case as all names of safes are. What is longer than any name is left out. */
export function namesOf(lines: readonly BulkLine[]): string[] {
  return [...new Set(lines.flatMap((l) => l.safes ?? []).map((s) => s.toLowerCase()))].filter((s) => s.length <= 100).sort();
}

/** Lines as invitations, with the defaults of the form for what a line leaves open. */
export function toInvitations(
  lines: readonly BulkLine[],
  defaults: { role: OrgRole; safes: readonly string[]; mfa: boolean },
  known: readonly { id: string; name: string }[],
  mayMakeOwner: boolean,
): { ready: BulkInvitation[]; problems: BulkLine[] } {
  const ready: BulkInvitation[] = [];
  const problems: BulkLine[] = [];
  for (const l of lines) {
    const role = l.role ?? defaults.role;
    const ids: string[] = [];
    let problem = l.problem;
    for (const name of l.safes ?? []) {
      const found = known.find((s) => s.name.toLowerCase() === name.toLowerCase());
      if (found) ids.push(found.id);
      else problem ??= `There is no safe named ${name}.`;
    }
    if (role === "owner" && !mayMakeOwner) problem ??= "Only an owner invites owners.";
    if (problem) problems.push({ ...l, problem });
    else ready.push({ email: l.email, role, require_mfa: defaults.mfa, safes: (l.safes ? ids : defaults.safes).map((safe_id) => ({ safe_id, role: "user" })) });
  }
  return { ready, problems };
}
