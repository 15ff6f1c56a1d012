// The API's types as the views use them. They are made from the server's OpenAPI
// document (npm run gen:api, which every build runs first), so a field that the
// server renames stops the build. Times are strings on the wire and Dates here
// (dated.ts); where the document says less than the server promises (a policy in
// an answer is whole, a recording may be null), this page says it.
import type { Dated } from "./dated";
import type { components } from "./openapi.gen";

type Schemas = components["schemas"];

export type OrgRole = Schemas["Member"]["role"];
export type SafeRole = Schemas["SafeMember"]["role"];

export interface Page<T> {
  items: T[];
  next_cursor?: string | undefined;
}

// --- sign-in -------------------------------------------------------------
export type MfaMethod = "totp" | "webauthn" | "backup_code";
export type ChallengeWire = Omit<Schemas["MFAChallenge"], "methods" | "public_key"> & { methods: MfaMethod[]; public_key?: PublicKeyCredentialRequestOptionsJSON };
export type LoginWire = Omit<Schemas["SignedIn"], "mfa"> & { mfa?: ChallengeWire };
export type MeWire = Omit<Schemas["Me"], "org" | "platform_role"> & { org: Schemas["MyOrg"] | null; platform_role?: "platform_admin" | "platform_auditor" };
export type Membership = Omit<Schemas["Membership"], "role"> & { role: OrgRole };
export interface Memberships {
  active_org_id?: string;
  memberships: Membership[];
}
export type FactorWire = Schemas["Factor"];
export type SignInWire = Schemas["SignInItem"];
export interface FactorsWire {
  items: FactorWire[];
  backup_codes_left: number;
}
export type TotpEnrolment = Schemas["Pending"];
/** What begins a ceremony of WebAuthn: public_key is the browser's own type, in its JSON form. */
export interface KeyEnrolmentWire {
  enrolment_id: string;
  public_key: PublicKeyCredentialCreationOptionsJSON;
}
export interface PasskeyChallengeWire {
  challenge_id: string;
  public_key: PublicKeyCredentialRequestOptionsJSON;
}
export interface BackupCodes {
  backup_codes?: string[] | null;
}

export type SsoChoiceWire = Schemas["SSOChoice"];
export type SsoProviderWire = Omit<Schemas["SSOProvider"], "roles" | "scopes"> & { roles?: SsoRule[]; scopes?: string[] };
export type SsoRule = Schemas["SSORule"];
export type SsoDomainWire = Schemas["SSODomain"];
export type SsoFindingWire = Schemas["Finding"];
export type ScimStateWire = Omit<Schemas["SCIMState"], "roles"> & { roles?: SsoRule[] };
export type ScimTokenWire = Schemas["SCIMToken"];
export type ScimPersonWire = Schemas["SCIMPerson"];
export type ScimGroupWire = Schemas["SCIMGroup"];
export type SsoLinkWire = Schemas["SSOLink"];

export type PlatformRole = Schemas["PlatformUser"]["role"];
export type PlatformUserWire = Schemas["PlatformUser"];
export type PlatformInvitationWire = Schemas["PlatformInvitation"];
export type MailWire = Schemas["MailMessage"];
export type RootKeyWire = Schemas["RootKey"];
export type LedgerStateWire = Schemas["LedgerState"];

// --- joining ---------------------------------------------------------------
export type InvitationWire = Schemas["Invitation"];
export type InvitationResultWire = Schemas["InvitationResult"];
export type LandingWire = Schemas["InvitationLanding"];
export type JoinedWire = Schemas["Joined"];
export type OfferWire = Schemas["OfferedInvitation"];
export type SignupWire = Schemas["Signup"];
export type StartedSignupWire = SignupWire & { access: string; account: "new" | "existing"; phone_required: boolean };
export type SubmissionWire = Schemas["Submission"];
export type RecoveryStatusWire = Schemas["RecoveryStatus"];
export type RecoveryWire = Omit<Schemas["Recovery"], "lost_methods"> & { lost_methods: string[] };
export type PlatformLandingWire = Schemas["PlatformLanding"];
export type PlatformJoinedWire = Schemas["PlatformJoined"];
export type SettingsWire = Schemas["Settings"];
export type SettingsChangeWire = Schemas["SettingsChange"];
export type ChannelWire = Omit<Schemas["NoticeChannel"], "kinds"> & { kinds: string[] };
export type NoticeKindWire = Schemas["NoticeKind"];
export type DeliveryWire = Schemas["NoticeDelivery"];
export type NoticeWire = Schemas["Notice"];
export type NoticePreferenceWire = Schemas["NoticePreference"];
export type NoticeIntroductionWire = Schemas["NoticeIntroduction"];

// --- people, tokens, keys --------------------------------------------------
export type MemberWire = Schemas["ListedMember"];
export type ServiceAccountWire = Schemas["ServiceAccount"];
export type TokenWire = Omit<Schemas["Token"], "scopes" | "networks"> & { scopes: string[]; networks?: string[] };
export type SshKeyWire = Schemas["SSHKey"];
export type OwnReachWire = Omit<Schemas["Access"], "ways"> & { ways?: Schemas["AccessWay"][] };
export type PhoneWire = Schemas["PhoneRecord"];
export type OrganizationWire = Schemas["OrganizationOverview"];
export type LegalHoldWire = Schemas["Hold"];

// --- resources, accounts, safes ----------------------------------------------
export type HostKeyWire = Schemas["HostKey"];
export type ResourceWire = Omit<Schemas["Resource"], "host_keys"> & { host_keys: HostKeyWire[] };
export type AccountWire = Schemas["Account"];
export type RotationWire = Schemas["Rotation"];
export type ValidHours = Omit<Schemas["ValidHours"], "days"> & { days: string[] };
/** A policy in an answer: every field has its value. */
export type SafePolicy = { [K in keyof Required<Omit<Schemas["Policy"], "valid_hours">>]: NonNullable<Schemas["Policy"][K]> } & { valid_hours: ValidHours | null };
export type SafeWire = Omit<Schemas["Safe"], "policy" | "my_role"> & { policy: SafePolicy; my_role: SafeRole | "" };
export type SafeMemberWire = Schemas["SafeMember"];

// --- groups, reach, policies ---------------------------------------------------
export type GroupWire = Schemas["Group"];
export type GroupMemberWire = Schemas["GroupMember"];
export type GroupSafeWire = Schemas["GroupSafe"];
export type SafeGroupWire = Schemas["SafeGroup"];
export type AccessWire = Omit<Schemas["Access"], "direct_role" | "group_role"> & { direct_role?: SafeRole; group_role?: SafeRole };
export type PolicyEffect = Schemas["PolicyForm"]["effect"];
/** A policy as a form: what is left out asks for nothing. */
export type AccessPolicyForm = { [K in keyof Schemas["PolicyForm"]]: NonNullable<Schemas["PolicyForm"][K]> };
export type PolicyOptions = NonNullable<AccessPolicyForm["options"]>;
export interface Named {
  id: string;
  name: string;
}
export type AccessPolicyWire = Omit<Schemas["AccessPolicy"], "form" | "effects" | "safes"> & { form: AccessPolicyForm | null; effects: PolicyEffect[]; safes: Named[] };
export type PolicyVersionWire = Omit<Schemas["PolicyVersion"], "form" | "safes"> & { form: AccessPolicyForm | null; safes: string[] };
export type PolicyTemplateWire = Omit<Schemas["PolicyTemplate"], "form"> & { form: AccessPolicyForm };
export type CheckedPolicyWire = Omit<Schemas["CheckedPolicy"], "form" | "effects"> & { form: AccessPolicyForm | null; effects: PolicyEffect[] };
export type AccessReason = Schemas["AccessReason"];
export type NeedsApproval = Omit<Schemas["NeedsApproval"], "approvers"> & { approvers: string[] };
type Decided = { approval: NeedsApproval | null; reasons: AccessReason[] };
export type AccessDecisionWire = Omit<Schemas["AccessDecision"], "approval" | "reasons"> & Decided;
export type ExplanationWire = Omit<Schemas["Explanation"], "approval" | "reasons" | "can_approve" | "groups"> & Decided & { can_approve: Named[]; groups: string[] };
export type ReachWire = Omit<Schemas["Reach"], "approval" | "reasons" | "openings"> & Decided & { openings: Schemas["Opening"][] };
export type OtherwiseWire = Omit<Schemas["Otherwise"], "now" | "would"> & { now: AccessDecisionWire; would: AccessDecisionWire };
export type SimulationBody = Schemas["Simulate-accessRequest"];
export type SimulationWire = Omit<Schemas["Simulation"], "examples" | "by"> & { by: Record<string, number>; examples: OtherwiseWire[] };

// --- requests ------------------------------------------------------------------
export type AccessVoteWire = Schemas["AccessVote"];
export type AccessCommentWire = Schemas["AccessComment"];
export type AccessSessionWire = Schemas["AccessSession"];
export type AccessRequestWire = Omit<Schemas["AccessRequest"], "decisions" | "comments" | "sessions" | "checkouts" | "approvers"> & { approvers: string[]; decisions?: AccessVoteWire[]; comments?: AccessCommentWire[]; sessions?: AccessSessionWire[]; checkouts?: Schemas["AccessCheckout"][] };
export type LoanWire = Schemas["AccessDelegation"];
export type GrantWire = Schemas["GrantedAccess"];

// --- checkouts -----------------------------------------------------------------
export type CheckoutWire = Schemas["Checkout"];
export type OpenedCheckoutWire = Schemas["OpenedCheckout"];

// --- changes that wait for a second person -------------------------------------
export type GovernanceActionWire = Schemas["GovernanceAction"];

// --- access reviews --------------------------------------------------------------
export type AccessReviewWire = Schemas["AccessReview"];
export type ReviewRightWire = Schemas["AccessReviewItem"];

// --- sessions ----------------------------------------------------------------
export type LaunchWire = Schemas["Launched"];
export type RecordingWire = Schemas["Recording"];
export type SessionWire = Omit<Schemas["Session"], "recording"> & { recording: RecordingWire | null };

// --- audit ---------------------------------------------------------------------
export type Severity = "DEBUG" | "INFO" | "WARN" | "ERROR" | "CRITICAL";
export type Outcome = "success" | "failure" | "denied";
export type AuditEventWire = Omit<Schemas["AuditEvent"], "severity" | "outcome" | "metadata"> & { severity: Severity; outcome: Outcome; metadata: Record<string, unknown> };
export type CatalogEntry = Pick<Schemas["EnvelopeDefinition"], "constant" | "wire" | "category">;

// --- what the views use ----------------------------------------------------------
export type Challenge = Dated<ChallengeWire>;
export type Login = Dated<LoginWire>;
export type Me = Dated<MeWire>;
export type Factor = Dated<FactorWire>;
export type Member = Dated<MemberWire>;
export type Token = Dated<TokenWire>;
export type OwnReach = Dated<OwnReachWire>;
export type SshKey = Dated<SshKeyWire>;
export type Organization = Dated<OrganizationWire>;
export type Resource = Dated<ResourceWire>;
export type Account = Dated<AccountWire>;
export type Rotation = Dated<RotationWire>;
export type Safe = Dated<SafeWire>;
export type SafeMember = Dated<SafeMemberWire>;
export type Group = Dated<GroupWire>;
export type GroupMember = Dated<GroupMemberWire>;
export type SafeGroup = Dated<SafeGroupWire>;
export type AccessPolicy = Dated<AccessPolicyWire>;
export type AccessRequest = Dated<AccessRequestWire>;
export type Checkout = Dated<CheckoutWire>;
export type OpenedCheckout = Dated<OpenedCheckoutWire>;
export type Loan = Dated<LoanWire>;
export type AccessReview = Dated<AccessReviewWire>;
export type ReviewRight = Dated<ReviewRightWire>;
export type GovernanceAction = Dated<GovernanceActionWire>;
export type Session = Dated<SessionWire>;
export type AuditEvent = Dated<AuditEventWire>;
