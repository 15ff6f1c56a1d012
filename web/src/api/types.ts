// Wire types of the API, by hand until they are generated from the server's
// OpenAPI document (npm run gen:api). Views import from here only, so the
// switch is: replace a declaration by its schema, e.g.
//   export type Safe = components["schemas"]["Safe"];
// Times are RFC 3339 strings here; the client turns them into Dates (dated.ts).
import type { Dated } from "./dated";

export type OrgRole = "owner" | "admin" | "operator" | "auditor";
export type PlatformRole = "platform_admin" | "platform_auditor";
export type SafeRole = "user" | "checkout" | "approver" | "manager";

export interface Page<T> {
  items: T[];
  next_cursor?: string;
}

// --- sign-in -------------------------------------------------------------
export type MfaMethod = "totp" | "backup_code";

export interface ChallengeWire {
  challenge_id: string;
  methods: MfaMethod[];
  expires_at: string;
}
export interface LoginWire {
  expires_in?: number;
  mfa?: ChallengeWire;
  enrolment_required?: boolean;
}
export interface MeWire {
  user: { id: string; email: string; handle: string; name: string };
  org: { id: string; slug: string; name: string; role: OrgRole } | null;
  platform_role?: PlatformRole | "" | null;
  mfa: { enrolled: boolean; verified_at: string | null };
  via?: string;
}
export interface Membership {
  org_id: string;
  slug: string;
  name: string;
  role: OrgRole;
}
export interface Memberships {
  active_org_id?: string | null;
  memberships: Membership[];
}
export interface FactorWire {
  id: string;
  type: "totp";
  created_at: string;
  last_used_at: string | null;
}
export interface FactorsWire {
  items: FactorWire[];
  backup_codes_remaining: number;
}
export interface TotpEnrolment {
  factor_id: string;
  secret: string;
  otpauth_uri: string;
}

// --- people, tokens, keys --------------------------------------------------
export interface MemberWire {
  user_id: string;
  email: string;
  handle: string;
  name: string;
  role: OrgRole;
  mfa_enrolled: boolean;
  created_at: string;
  last_sign_in_at: string | null;
}
export interface TokenWire {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  created_at: string;
  expires_at: string;
  last_used_at: string | null;
}
export interface NewTokenWire extends TokenWire {
  token: string;
}
export interface SshKeyWire {
  id: string;
  name: string;
  type: string;
  fingerprint: string;
  created_at: string;
  last_used_at: string | null;
}
export interface OrganizationWire {
  id: string;
  slug: string;
  name: string;
  members: number;
  created_at: string;
}

// --- resources, accounts, safes ----------------------------------------------
export interface HostKeyWire {
  fingerprint: string;
  type: string;
  confirmed_at: string;
  confirmed_by?: string;
}
export interface ResourceWire {
  id: string;
  name: string;
  protocol: "ssh";
  host: string;
  port: number;
  description: string;
  host_keys: HostKeyWire[];
  version?: number;
  created_at: string;
  updated_at: string;
}
export interface ScannedKey {
  fingerprint: string;
  type: string;
  public_key: string;
}
export interface AccountWire {
  id: string;
  name: string;
  resource: { id: string; name: string };
  username: string;
  kind: "password" | "ssh_key";
  state: "active" | "disabled";
  credential_version: number;
  credential_set_at: string;
  created_at: string;
}
export interface ValidHours {
  days: string[];
  from: string;
  to: string;
  time_zone: string;
}
export interface SafePolicy {
  recording: boolean;
  record_input: boolean;
  session_ttl_seconds: number;
  idle_timeout_seconds: number;
  valid_hours: ValidHours | null;
  source_networks: string[];
  local_forward: boolean;
  remote_forward: boolean;
  agent_forward: boolean;
  x11_forward: boolean;
  jump: "block" | "allow";
  file_transfer: "allow" | "block" | "audit";
  step_up: boolean;
  step_up_freshness_seconds: number;
  max_sessions: number;
}
export interface SafeWire {
  id: string;
  name: string;
  description: string;
  resource: { id: string; name: string; protocol: "ssh"; host: string; port: number };
  account: { id: string; name: string; username: string };
  policy: SafePolicy;
  my_role: SafeRole | "" | null;
  can_launch: boolean;
  blocked_by?: string;
  ssh_command: string;
  created_at?: string;
}
export interface SafeMemberWire {
  user_id: string;
  name: string;
  email: string;
  role: SafeRole;
  added_at: string;
}

// --- sessions ----------------------------------------------------------------
export interface LaunchWire {
  session_id: string;
  grant_id: string;
  grant: string; // single use, 60 s; goes into the terminal's first message
  expires_at: string;
  terminal_url?: string;
}
export interface RecordingRef {
  id: string;
  state: "recording" | "completed" | "error";
  size_bytes: number;
  root_hash: string | null;
}
export interface SessionWire {
  id: string;
  user: { id: string; name: string; email: string };
  safe: { id: string; name: string };
  resource: { id: string; name: string };
  account: { id: string; username: string };
  protocol: string;
  client: string;
  source_ip: string;
  state: "starting" | "live" | "ended";
  started_at: string;
  ended_at: string | null;
  expires_at?: string | null;
  ended_by?: "user" | "admin" | "system" | null;
  end_reason?: string | null;
  duration_seconds: number;
  recording: RecordingRef | null;
  bytes_to_target: number;
  bytes_from_target: number;
  exit_status: number | null;
}
export interface RecordingInfoWire {
  id: string;
  state: "recording" | "completed" | "error";
  size_bytes: number;
  duration_seconds: number;
  root_hash: string | null;
  chunks: number;
  gaps: number;
  verified_at: string | null;
  verified: boolean;
}

// --- audit ---------------------------------------------------------------------
export type Severity = "DEBUG" | "INFO" | "WARN" | "ERROR" | "CRITICAL";
export type Outcome = "success" | "failure" | "denied";

export interface AuditEventWire {
  schema_version: number;
  id: string;
  log_id: string;
  org_id: string;
  seq: number;
  time: string;
  recorded_at: string;
  constant: string;
  event: string;
  category: string;
  severity: Severity;
  actor: { type: string; id: string; name: string; authenticated: boolean; token_id?: string };
  target: { type: string; id: string; name: string };
  source: { ip?: string; user_agent?: string };
  session_id?: string;
  request_id?: string;
  outcome: Outcome;
  reason?: string;
  metadata: Record<string, unknown>;
  leaf_hash?: string; // hex
  sentence?: string;
  // Only on the single event, for checking it by hand:
  payload_hash?: string; // hex
  payload?: string; // base64 of the stored bytes
  salt?: string; // base64
}
export interface CatalogEntry {
  constant: string;
  event: string;
  category: string;
  severity: Severity;
}

// --- what the views use ----------------------------------------------------------
export type Challenge = Dated<ChallengeWire>;
export type Login = Dated<LoginWire>;
export type Me = Dated<MeWire>;
export type Factor = Dated<FactorWire>;
export type Factors = Dated<FactorsWire>;
export type Member = Dated<MemberWire>;
export type Token = Dated<TokenWire>;
export type NewToken = Dated<NewTokenWire>;
export type SshKey = Dated<SshKeyWire>;
export type Organization = Dated<OrganizationWire>;
export type HostKey = Dated<HostKeyWire>;
export type Resource = Dated<ResourceWire>;
export type Account = Dated<AccountWire>;
export type Safe = Dated<SafeWire>;
export type SafeMember = Dated<SafeMemberWire>;
export type Launch = Dated<LaunchWire>;
export type Session = Dated<SessionWire>;
export type RecordingInfo = Dated<RecordingInfoWire>;
export type AuditEvent = Dated<AuditEventWire>;
