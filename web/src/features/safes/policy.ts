// The policy of a safe as a form shows it, as words, and as a difference.
import type { SafePolicy } from "../../api/types";
import { duration } from "../../ui/format";

export const defaultPolicy: SafePolicy = {
  recording: true,
  record_input: true,
  session_ttl_seconds: 4 * 3600,
  idle_timeout_seconds: 15 * 60,
  valid_hours: null,
  source_networks: [],
  local_forward: false,
  remote_forward: false,
  agent_forward: false,
  x11_forward: false,
  jump: "block",
  file_transfer: "audit",
  clipboard: "allow",
  step_up: false,
  step_up_freshness_seconds: 15 * 60,
  max_sessions: 0,
  checkout_timeout_seconds: 3600,
  approvals: 0,
  request_by: "members",
  request_max_seconds: 8 * 3600,
  request_wait_seconds: 24 * 3600,
  approval_once: false,
  cool_down_seconds: 5 * 60,
  auto_approve_groups: [],
  auto_approve_ticket: false,
  break_glass: [],
  delegation: "allow",
};

export const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export const dayNames: Record<string, string> = { mon: "Mon", tue: "Tue", wed: "Wed", thu: "Thu", fri: "Fri", sat: "Sat", sun: "Sun" };

/** A duration as it is typed: a number and its unit. */
export interface Amount {
  n: string;
  unit: Unit;
}
export type Unit = "s" | "m" | "h";
const unitSeconds: Record<Unit, number> = { s: 1, m: 60, h: 3600 };

/** Durations have a unit; lists are lines; limits count only when switched on. */
export interface PolicyForm {
  recording: boolean;
  recordInput: boolean;
  ttl: Amount;
  idle: Amount;
  hoursOn: boolean;
  days: string[];
  from: string;
  to: string;
  zone: string;
  networks: string; // one a line
  localForward: boolean;
  remoteForward: boolean;
  agentForward: boolean;
  x11Forward: boolean;
  jump: boolean;
  files: SafePolicy["file_transfer"];
  clipboard: boolean;
  stepUp: boolean;
  freshness: Amount;
  checkout: Amount;
  limitOn: boolean;
  limit: string;
  approvals: "0" | "1" | "2";
  anybodyAsks: boolean;
  requestMax: Amount;
  requestWait: Amount;
  once: boolean;
  coolDown: Amount;
  autoGroups: string[];
  autoTicket: boolean;
  breakGlass: string[];
  delegation: SafePolicy["delegation"];
}

export function toForm(p: SafePolicy, zone: string): PolicyForm {
  return {
    recording: p.recording,
    recordInput: p.record_input,
    ttl: toAmount(p.session_ttl_seconds),
    idle: toAmount(p.idle_timeout_seconds),
    hoursOn: p.valid_hours !== null,
    days: p.valid_hours?.days ?? ["mon", "tue", "wed", "thu", "fri"],
    from: p.valid_hours?.from ?? "08:00",
    to: p.valid_hours?.to ?? "18:00",
    zone: p.valid_hours?.time_zone ?? zone,
    networks: p.source_networks.join("\n"),
    localForward: p.local_forward,
    remoteForward: p.remote_forward,
    agentForward: p.agent_forward,
    x11Forward: p.x11_forward,
    jump: p.jump === "allow",
    files: p.file_transfer,
    clipboard: p.clipboard === "allow",
    stepUp: p.step_up,
    freshness: toAmount(p.step_up_freshness_seconds),
    checkout: toAmount(p.checkout_timeout_seconds),
    limitOn: p.max_sessions > 0,
    limit: p.max_sessions > 0 ? String(p.max_sessions) : "3",
    approvals: p.approvals === 2 ? "2" : p.approvals === 1 ? "1" : "0",
    anybodyAsks: p.request_by === "organization",
    requestMax: toAmount(p.request_max_seconds),
    requestWait: toAmount(p.request_wait_seconds),
    once: p.approval_once,
    coolDown: toAmount(p.cool_down_seconds),
    autoGroups: p.auto_approve_groups,
    autoTicket: p.auto_approve_ticket,
    breakGlass: p.break_glass,
    delegation: p.delegation,
  };
}

export function fromForm(f: PolicyForm): SafePolicy {
  return {
    recording: f.recording,
    record_input: f.recording && f.recordInput,
    session_ttl_seconds: seconds(f.ttl),
    idle_timeout_seconds: seconds(f.idle),
    valid_hours: f.hoursOn ? { days: days.filter((d) => f.days.includes(d)), from: f.from, to: f.to, time_zone: f.zone.trim() } : null,
    source_networks: lines(f.networks),
    local_forward: f.localForward,
    remote_forward: f.remoteForward,
    agent_forward: f.agentForward,
    x11_forward: f.x11Forward,
    jump: f.jump ? "allow" : "block",
    file_transfer: f.files,
    clipboard: f.clipboard ? "allow" : "block",
    step_up: f.stepUp,
    step_up_freshness_seconds: seconds(f.freshness),
    max_sessions: f.limitOn ? Number(f.limit) : 0,
    checkout_timeout_seconds: seconds(f.checkout),
    approvals: Number(f.approvals),
    request_by: f.anybodyAsks ? "organization" : "members",
    request_max_seconds: seconds(f.requestMax),
    request_wait_seconds: seconds(f.requestWait),
    approval_once: f.once,
    cool_down_seconds: seconds(f.coolDown),
    auto_approve_groups: f.autoGroups,
    auto_approve_ticket: f.autoTicket,
    break_glass: f.breakGlass,
    delegation: f.delegation,
  };
}

export type PolicyErrors = Partial<Record<keyof PolicyForm, string>>;

export function formErrors(f: PolicyForm): PolicyErrors {
  const e: PolicyErrors = {};
  const ttl = seconds(f.ttl);
  const idle = seconds(f.idle);
  if (!within(ttl, 5, week)) e.ttl = "From 5 seconds to 7 days, a whole number.";
  if (!within(idle, 5, week)) e.idle = "From 5 seconds to 7 days, a whole number.";
  else if (!e.ttl && idle > ttl) e.idle = "Longer than the session may last, so it would never act.";
  if (f.hoursOn) {
    if (f.days.length === 0) e.days = "Choose at least one day.";
    if (!clockTime(f.from) || !clockTime(f.to)) e.from = "Times are written like 08:00.";
   
    if (!zoneExists(f.zone.trim())) e.zone = "Not a time zone. Write it like Europe/Vienna or UTC.";
  }
  const wrong = lines(f.networks).find((n) => !network(n));
  if (wrong !== undefined) e.networks = `“${wrong}” is not a network. Write 10.0.0.0/8, 2001:db8::/32 or a single address.`;
  if (!within(seconds(f.freshness), 5, day)) e.freshness = "From 5 seconds to 24 hours, a whole number.";
  if (!within(seconds(f.checkout), 60, day)) e.checkout = "From 1 minute to 24 hours.";
  if (f.limitOn && (!whole(f.limit) || Number(f.limit) < 1 || Number(f.limit) > 10_000)) e.limit = "Between 1 and 10,000.";
  if (!within(seconds(f.requestMax), 60, 30 * day)) e.requestMax = "From a minute to 30 days.";
  if (!within(seconds(f.requestWait), 60, 14 * day)) e.requestWait = "From a minute to 14 days.";
  if (!within(seconds(f.coolDown), 0, day)) e.coolDown = "At most 24 hours.";
  return e;
}

export interface PolicyChange {
  control: string;
  from: string;
  to: string;
  weaker: boolean;
}

/** What a save would change, in words, and which controls it weakens. */
export function diff(a: SafePolicy, b: SafePolicy, name: (id: string) => string = (id) => id): PolicyChange[] {
  const out: PolicyChange[] = [];
  const add = (control: string, from: string, to: string, weaker: boolean) => {
    if (from !== to) out.push({ control, from, to, weaker });
  };
  add("Recording", onOff(a.recording), onOff(b.recording), a.recording && !b.recording);
  add("Recording of typed input", onOff(a.record_input), onOff(b.record_input), a.record_input && !b.record_input);
  add("Longest session", duration(a.session_ttl_seconds), duration(b.session_ttl_seconds), b.session_ttl_seconds > a.session_ttl_seconds);
  add("Ends when idle for", duration(a.idle_timeout_seconds), duration(b.idle_timeout_seconds), b.idle_timeout_seconds > a.idle_timeout_seconds);
  add("Open hours", hours(a), hours(b), a.valid_hours !== null);
  add("Source networks", networks(a), networks(b), a.source_networks.length > 0 && !subset(b.source_networks, a.source_networks));
  add("Local forwarding", allow(a.local_forward), allow(b.local_forward), b.local_forward);
  add("Remote forwarding", allow(a.remote_forward), allow(b.remote_forward), b.remote_forward);
  add("Agent forwarding", allow(a.agent_forward), allow(b.agent_forward), b.agent_forward);
  add("X11 forwarding", allow(a.x11_forward), allow(b.x11_forward), b.x11_forward);
  add("ssh -J", allow(a.jump === "allow"), allow(b.jump === "allow"), b.jump === "allow");
  add("File transfer", fileWords[a.file_transfer], fileWords[b.file_transfer], rankOf(b.file_transfer) > rankOf(a.file_transfer));
  add("Clipboard", allow(a.clipboard === "allow"), allow(b.clipboard === "allow"), b.clipboard === "allow");
  add("Fresh code at launch", onOff(a.step_up), onOff(b.step_up), a.step_up && !b.step_up);
  if (a.step_up && b.step_up) {
    add("Code counts as fresh for", duration(a.step_up_freshness_seconds), duration(b.step_up_freshness_seconds), b.step_up_freshness_seconds > a.step_up_freshness_seconds);
  }
  add("Longest checkout", duration(a.checkout_timeout_seconds), duration(b.checkout_timeout_seconds), b.checkout_timeout_seconds > a.checkout_timeout_seconds);
  add("Sessions at once", limit(a), limit(b), a.max_sessions > 0 && (b.max_sessions === 0 || b.max_sessions > a.max_sessions));
  add("People who approve", approvers(a), approvers(b), b.approvals < a.approvals);
  add("Who may ask for access", askers(a), askers(b), b.request_by === "organization");
  add("Longest request", duration(a.request_max_seconds), duration(b.request_max_seconds), b.request_max_seconds > a.request_max_seconds);
  add("Undecided requests lapse after", duration(a.request_wait_seconds), duration(b.request_wait_seconds), false);
  add("An approval opens", a.approval_once ? "one session" : "any number", b.approval_once ? "one session" : "any number", a.approval_once && !b.approval_once);
  if (a.approval_once || b.approval_once) add("Reconnects without a new approval for", duration(a.cool_down_seconds), duration(b.cool_down_seconds), b.cool_down_seconds > a.cool_down_seconds);
  const listed = (ids: readonly string[]) => ids.map(name).sort().join(", ") || "nobody";
  add("Approved at once", listed(a.auto_approve_groups), listed(b.auto_approve_groups), !b.auto_approve_groups.every((g) => a.auto_approve_groups.includes(g)));
  add("An open ticket approves", a.auto_approve_ticket ? "yes" : "no", b.auto_approve_ticket ? "yes" : "no", b.auto_approve_ticket && !a.auto_approve_ticket);
  add("May open it in an emergency", listed(a.break_glass), listed(b.break_glass), !b.break_glass.every((u) => a.break_glass.includes(u)));
  add("Lending of one's access", lendWords[a.delegation], lendWords[b.delegation], lendRank(b.delegation) > lendRank(a.delegation));
  return out;
}

export const lendWords: Record<SafePolicy["delegation"], string> = { block: "blocked", allow: "allowed", onward: "allowed, and onward" };
function lendRank(d: SafePolicy["delegation"]): number {
  return ["block", "allow", "onward"].indexOf(d);
}

function approvers(p: SafePolicy): string {
  return p.approvals === 0 ? "nobody has to" : p.approvals === 1 ? "one" : "two";
}
function askers(p: SafePolicy): string {
  return p.request_by === "organization" ? "everybody in the organization" : "members of the safe";
}

export const fileWords: Record<SafePolicy["file_transfer"], string> = { block: "blocked", audit: "allowed and recorded", allow: "allowed" };

export function hours(p: SafePolicy): string {
  const h = p.valid_hours;
  if (h === null) return "always";
  return `${dayList(h.days)} ${h.from} to ${h.to} (${h.time_zone})`;
}

export function dayList(list: readonly string[]): string {
  const at = days.map((d) => list.includes(d));
  if (at.every(Boolean)) return "every day";
  const chosen = days.filter((d) => list.includes(d));
  const first = days.indexOf(chosen[0] ?? "mon");
  const run = chosen.every((d, i) => days.indexOf(d) === first + i);
  if (run && chosen.length > 2) return `${dayNames[chosen[0] ?? ""]} to ${dayNames[chosen.at(-1) ?? ""]}`;
  return chosen.map((d) => dayNames[d]).join(", ");
}

function networks(p: SafePolicy): string {
  return p.source_networks.length === 0 ? "anywhere" : p.source_networks.join(", ");
}
function limit(p: SafePolicy): string {
  return p.max_sessions === 0 ? "no limit" : String(p.max_sessions);
}
function onOff(v: boolean): string {
  return v ? "on" : "off";
}
function allow(v: boolean): string {
  return v ? "allowed" : "blocked";
}
function rankOf(f: SafePolicy["file_transfer"]): number {
  return ["block", "audit", "allow"].indexOf(f);
}
function subset(inner: readonly string[], outer: readonly string[]): boolean {
  return inner.length > 0 && inner.every((n) => outer.includes(n));
}
const day = 24 * 3600;
const week = 7 * day;

/** In the largest unit that needs no fraction. */
export function toAmount(s: number): Amount {
  const unit: Unit = s % 3600 === 0 ? "h" : s % 60 === 0 ? "m" : "s";
  return { n: String(s / unitSeconds[unit]), unit };
}
/** NaN when it is not a whole number. */
export function seconds(a: Amount): number {
  return whole(a.n) ? Number(a.n) * unitSeconds[a.unit] : Number.NaN;
}
function within(n: number, min: number, max: number): boolean {
  return n >= min && n <= max;
}
function whole(text: string): boolean {
  return /^\d{1,6}$/.test(text.trim());
}
export function lines(text: string): string[] {
  return text
    .split(/[\s,]+/)
    .map((l) => l.trim())
    .filter(Boolean);
}
export function clockTime(text: string): boolean {
  return /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/.test(text);
}
export function zoneExists(zone: string): boolean {
  if (zone === "") return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
export function network(text: string): boolean {
  const [addr, bits, ...rest] = text.split("/");
  if (addr === undefined || rest.length > 0) return false;
  const v4 = /^(\d{1,3})(\.\d{1,3}){3}$/.test(addr) && addr.split(".").every((p) => Number(p) <= 255);
  const v6 = !v4 && addr.includes(":") && /^[0-9a-f:.]+$/i.test(addr) && URL.canParse(`http://[${addr}]/`);
  if (!v4 && !v6) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (v4 ? 32 : 128));
}
