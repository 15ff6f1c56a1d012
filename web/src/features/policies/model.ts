// The form of a policy: what people fill in, and back. Pure.
import type { AccessPolicyForm, PolicyEffect, PolicyOptions } from "../../api/types";
import { duration } from "../../ui/format";
import type { Pick } from "../../ui/picker";
import { type Amount, clockTime, dayList, days, lines, network, seconds, toAmount, zoneExists } from "../safes/policy";

export interface Hours {
  days: string[];
  from: string;
  to: string;
  zone: string;
}

export interface FormState {
  effect: PolicyEffect;
  people: readonly Pick[];
  groups: readonly Pick[];
  roles: string[];
  safeRoles: string[];
  safes: readonly Pick[]; // of those that the policy is on
  labels: string; // one a line
  ssh: boolean; // only resources of this type
  unless: boolean;
  hours: Hours[];
  networks: string;
  mfaOn: boolean;
  mfa: Amount;
  ticket: boolean;
  message: string;
  approvals: "1" | "2";
  safeApproves: boolean;
  approverGroups: readonly Pick[];
  approverPeople: readonly Pick[];
  recording: boolean;
  recordInput: boolean;
  files: "" | "block" | "audit";
  noForwards: string[]; // which are blocked
  ttlOn: boolean;
  ttl: Amount;
  idleOn: boolean;
  idle: Amount;
}

export const forwards = [
  { key: "block_local_forward", label: "Local forwarding (-L, -D)" },
  { key: "block_remote_forward", label: "Remote forwarding (-R)" },
  { key: "block_agent_forward", label: "Agent forwarding (-A)" },
  { key: "block_x11_forward", label: "X11 forwarding (-X)" },
  { key: "block_jump", label: "Jump (ssh -J)" },
  { key: "block_clipboard", label: "Clipboard" },
] as const;

const named = (ids: readonly string[] | undefined): Pick[] => (ids ?? []).map((value) => ({ value, label: value }));
const who = (list: readonly string[] | undefined, kind: string) => named(list?.filter((a) => a.startsWith(`${kind}:`)).map((a) => a.slice(kind.length + 1)));

export function toState(f: AccessPolicyForm): FormState {
  const o: PolicyOptions = f.options ?? {};
  return {
    effect: f.effect,
    people: named(f.people),
    groups: named(f.groups),
    roles: f.roles ?? [],
    safeRoles: f.safe_roles ?? [],
    safes: named(f.safes),
    labels: (f.labels ?? []).join("\n"),
    ssh: (f.types ?? []).includes("ssh"),
    unless: f.unless ?? false,
    hours: (f.hours ?? []).map(parseHours),
    networks: (f.networks ?? []).join("\n"),
    mfaOn: (f.mfa_within_seconds ?? 0) > 0,
    mfa: toAmount(f.mfa_within_seconds || 900),
    ticket: f.ticket ?? false,
    message: f.message ?? "",
    approvals: f.approvals === 2 ? "2" : "1",
    safeApproves: f.effect !== "require_approval" || (f.approvers ?? []).length === 0 || (f.approvers ?? []).includes("safe"),
    approverGroups: who(f.approvers, "group"),
    approverPeople: who(f.approvers, "person"),
    recording: o.recording ?? false,
    recordInput: o.record_input ?? false,
    files: o.file_transfer ?? "",
    noForwards: forwards.filter((x) => o[x.key]).map((x) => x.key),
    ttlOn: Boolean(o.session_ttl_seconds),
    ttl: toAmount(o.session_ttl_seconds || 3600),
    idleOn: Boolean(o.idle_timeout_seconds),
    idle: toAmount(o.idle_timeout_seconds || 600),
  };
}

export function fromState(s: FormState): AccessPolicyForm {
  const ids = (list: readonly Pick[]) => list.map((p) => p.value);
  const f: AccessPolicyForm = { effect: s.effect };
  const set = <K extends keyof AccessPolicyForm>(key: K, value: NonNullable<AccessPolicyForm[K]>, when: boolean) => {
    if (when) f[key] = value;
  };
  set("people", ids(s.people), s.people.length > 0);
  set("groups", ids(s.groups), s.groups.length > 0);
  set("roles", s.roles, s.roles.length > 0);
  set("safe_roles", s.safeRoles, s.safeRoles.length > 0);
  set("safes", ids(s.safes), s.safes.length > 0);
  set("labels", lines(s.labels), lines(s.labels).length > 0);
  set("types", ["ssh"], s.ssh);
  set("hours", s.hours.map(hoursText), s.hours.length > 0);
  set("networks", lines(s.networks).map(prefix), lines(s.networks).length > 0);
  set("mfa_within_seconds", seconds(s.mfa), s.mfaOn);
  set("ticket", true, s.ticket);
  set("unless", true, s.unless && s.effect === "deny" && hasMoment(s));
  set("message", s.message.trim(), s.message.trim() !== "");
  if (s.effect === "require_approval") {
    f.approvals = Number(s.approvals);
    f.approvers = [...(s.safeApproves ? ["safe"] : []), ...s.approverGroups.map((g) => `group:${g.value}`), ...s.approverPeople.map((p) => `person:${p.value}`)];
  }
  if (s.effect !== "deny") {
    const o: PolicyOptions = {};
    if (s.recording) o.recording = true;
    if (s.recordInput) o.record_input = true;
    if (s.files) o.file_transfer = s.files;
    for (const x of forwards) if (s.noForwards.includes(x.key)) o[x.key] = true;
    if (s.ttlOn) o.session_ttl_seconds = seconds(s.ttl);
    if (s.idleOn) o.idle_timeout_seconds = seconds(s.idle);
    if (Object.keys(o).length > 0) f.options = o;
  }
  return f;
}

export function hasMoment(s: FormState): boolean {
  return s.hours.length > 0 || lines(s.networks).length > 0 || s.mfaOn || s.ticket;
}

export type FormErrors = Partial<Record<keyof FormState, string>>;

export function stateErrors(s: FormState): FormErrors {
  const e: FormErrors = {};
  for (const h of s.hours) {
    if (h.days.length === 0) e.hours = "Choose at least one day.";
    else if (!clockTime(h.from) || !clockTime(h.to)) e.hours = "Times are written like 08:00.";
    else if (!zoneExists(h.zone.trim())) e.hours = "Not a time zone. Write it like Europe/Vienna or UTC.";
  }
  const wrong = lines(s.networks).find((n) => !network(n));
  if (wrong !== undefined) e.networks = `“${wrong}” is not a network. Write 10.0.0.0/8, 2001:db8::/32 or a single address.`;
  const label = lines(s.labels).find((l) => !/^[^=\s]+=.*$/.test(l));
  if (label !== undefined) e.labels = `“${label}” is not a label. Write env=prod.`;
  if (s.mfaOn && !(seconds(s.mfa) >= 1 && seconds(s.mfa) <= 86_400)) e.mfa = "From 1 second to 24 hours, a whole number.";
  if (s.effect === "require_approval" && !s.safeApproves && s.approverGroups.length + s.approverPeople.length === 0) e.safeApproves = "Choose at least one way to an approver.";
  if (s.effect !== "deny") {
    if (s.ttlOn && !within(s.ttl)) e.ttl = "From 5 seconds to 7 days, a whole number.";
    if (s.idleOn && !within(s.idle)) e.idle = "From 5 seconds to 7 days, a whole number.";
  }
  return e;
}

function within(a: Amount): boolean {
  return seconds(a) >= 5 && seconds(a) <= 7 * 86_400;
}

/** "mon-fri 08:00-18:00 Europe/Vienna", as the engine writes it: runs of three days and more with a hyphen. */
export function hoursText(h: Hours): string {
  const parts: string[] = [];
  for (let i = 0; i < days.length; ) {
    let j = i;
    while (j < days.length && h.days.includes(days[j] ?? "")) j++;
    if (j - i >= 3) parts.push(`${days[i]}-${days[j - 1]}`);
    else parts.push(...days.slice(i, j));
    i = Math.max(j, i + 1);
  }
  return `${parts.join(",")} ${h.from}-${h.to} ${h.zone.trim()}`;
}

export function parseHours(text: string): Hours {
  const [list = "", span = "", zone = "UTC"] = text.split(" ");
  const [from = "08:00", to = "18:00"] = span.split("-");
  const out: string[] = [];
  for (const part of list.split(",")) {
    const [a = "", b] = part.split("-");
    const start = days.findIndex((d) => d === a);
    const end = b === undefined ? start : days.findIndex((d) => d === b);
    for (let i = start; start >= 0 && i <= end; i++) out.push(days[i] ?? "");
  }
  return { days: out, from, to, zone };
}

/** A single address as the network of itself. */
function prefix(text: string): string {
  return text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`;
}

export const effectWords: Record<PolicyEffect, { label: string; means: string; meaning: "good" | "warn" | "bad" }> = {
  allow: { label: "Allow", means: "Lets in. Its safes are governed by it: what no policy allows there is refused, whatever the roles.", meaning: "good" },
  deny: { label: "Deny", means: "Refuses, whatever else allows.", meaning: "bad" },
  require_approval: { label: "Require approval", means: "Lets in with an approved request only.", meaning: "warn" },
};

/** What a form says, a line a condition; `name` knows people, groups and safes by their ids. */
export function describe(f: AccessPolicyForm, name: (id: string) => string): string[] {
  const out: string[] = [];
  const any = (list: readonly string[]) => (list.length > 1 ? `${list.slice(0, -1).join(", ")} or ${list.at(-1)}` : (list[0] ?? ""));
  const whom = [...(f.people ?? []).map(name), ...(f.groups ?? []).map((g) => `who is in ${name(g)}`), ...(f.roles ?? []).map((r) => (r === "member" ? "every member" : `every ${r}`))];
  out.push(`For ${whom.length > 0 ? any(whom) : "everybody"}${f.safe_roles?.length ? ` with the role ${any(f.safe_roles)} on the safe` : ""}`);
  if (f.safes?.length) out.push(`On ${any(f.safes.map(name))} only`);
  if (f.types?.length) out.push(`Where the resource is ${any(f.types.map((t) => t.toUpperCase()))}`);
  if (f.labels?.length) out.push(`Where the resource has ${f.labels.join(" and ")}`);
  const moment: string[] = [];
  if (f.hours?.length) moment.push(any(f.hours.map((h) => hoursWords(parseHours(h)))));
  if (f.networks?.length) moment.push(`from ${any(f.networks)}`);
  if (f.mfa_within_seconds) moment.push(`with a second factor proved within ${duration(f.mfa_within_seconds)}`);
  if (f.ticket) moment.push("with a ticket named");
  if (moment.length > 0) out.push(`${f.unless ? "Except" : "Only"} ${moment.join(" and ")}`);
  if (f.effect === "require_approval") {
    const by = (f.approvers ?? []).map((a) => (a === "safe" ? "approvers of the safe" : a.startsWith("group:") ? `who is in ${name(a.slice(6))}` : name(a.replace(/^person:/, ""))));
    out.push(`${f.approvals === 2 ? "Two people approve" : "One person approves"}${by.length > 0 ? `: ${any(by)}` : ""}`);
  }
  if (f.message) out.push(`Says: “${f.message}”`);
  out.push(...optionWords(f.options));
  return out;
}

function hoursWords(h: Hours): string {
  return `${dayList(h.days)} ${h.from} to ${h.to} (${h.zone})`;
}

function optionWords(o: PolicyOptions | undefined): string[] {
  if (!o) return [];
  const list = [
    o.recording && "recorded",
    o.record_input && "with typed input",
    o.file_transfer === "block" && "no files",
    o.file_transfer === "audit" && "files recorded",
    ...forwards.map((x) => o[x.key] && `no ${x.label.replace(/ \(.*/, "").toLowerCase()}`),
    o.session_ttl_seconds && `at most ${duration(o.session_ttl_seconds)}`,
    o.idle_timeout_seconds && `ends when idle for ${duration(o.idle_timeout_seconds)}`,
  ].filter(Boolean);
  return list.length > 0 ? [`The session: ${list.join(", ")}`] : [];
}

/** The line of a text that the server complains about, from 1; undefined when it does not say. */
export function lineOf(message: string, text = ""): number | undefined {
  const at = /(?:^|[\s>\w]):(\d+):\d+/.exec(message);
  if (at) return Number(at[1]);
  const m = /\(line (\d+)\)/.exec(message);
  if (!m) return undefined;
  // It is the line where the statement begins; what it names may stand further below.
  const start = Number(m[1]);
  const rest = text.split("\n").slice(start - 1);
  for (const [, word = ""] of message.matchAll(/[`"]([^`"\s]+)[`"]/g)) {
    const n = /^\d+$/.test(word) ? -1 : rest.findIndex((l) => l.includes(word));
    if (n >= 0) return start + n;
  }
  return start;
}

export interface DiffLine {
  mark: " " | "-" | "+";
  text: string;
}

/** What changed between two texts, line by line (longest common subsequence; texts are short). */
export function diffLines(a: string, b: string): DiffLine[] {
  const x = a.replace(/\n$/, "").split("\n");
  const y = b.replace(/\n$/, "").split("\n");
  const width = y.length + 1;
  const best = new Uint16Array((x.length + 1) * width);
  for (let i = x.length - 1; i >= 0; i--) {
    for (let j = y.length - 1; j >= 0; j--) best[i * width + j] = x[i] === y[j] ? (best[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(best[(i + 1) * width + j] ?? 0, best[i * width + j + 1] ?? 0);
  }
  const out: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < x.length || j < y.length) {
    if (i < x.length && j < y.length && x[i] === y[j]) {
      out.push({ mark: " ", text: x[i] ?? "" });
      i++;
      j++;
    } else if (j >= y.length || (i < x.length && (best[(i + 1) * width + j] ?? 0) >= (best[i * width + j + 1] ?? 0))) {
      out.push({ mark: "-", text: x[i++] ?? "" });
    } else {
      out.push({ mark: "+", text: y[j++] ?? "" });
    }
  }
  return out;
}
