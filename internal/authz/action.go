package authz

import "slices"

// Action is something that an actor may want to do. Actions not in the table
// below are refused.
type Action string

// The actions.
const (
	OrgView   Action = "org.view"
	OrgUpdate Action = "org.update"
	OrgDelete Action = "org.delete"
	OrgKey    Action = "org.key" // give the organization a new encryption key

	SSOView   Action = "sso.view"   // identity providers, domains, SCIM
	SSOManage Action = "sso.manage" // change them
	MailList  Action = "mail.list"  // messages to people, and how their delivery went
	MailSend  Action = "mail.send"  // a test to oneself; a message that did not arrive, once more

	OrgSettings Action = "org.settings" // read them and their history

	MemberList   Action = "member.list"
	MemberAdd    Action = "member.add"
	MemberRole   Action = "member.role"
	MemberRemove Action = "member.remove"
	MemberPhone  Action = "member.phone" // see (masked); cancel a change

	MemberPhoneChange Action = "member.phone_change" // ask for one

	GovernanceList   Action = "governance.list" // sensitive changes that wait for a second person, or did
	GovernanceDecide Action = "governance.decide"
	GovernanceExport Action = "governance.export"

	ReviewManage Action = "review.manage" // open and cancel campaigns of access reviews
	ReviewList   Action = "review.list"   // all campaigns; and export
	ReviewDecide Action = "review.decide" // what one is asked to review

	RecoveryList   Action = "recovery.list"
	RecoveryDecide Action = "recovery.decide" // whether somebody may set up a new second factor
	MemberSignOut  Action = "member.sign_out" // end a member's sign-ins and live sessions
	MemberSuspend  Action = "member.suspend"  // and resume

	MemberInvitations Action = "member.invitations" // list them
	MemberInvite      Action = "member.invite"      // send, send again, revoke

	GroupList   Action = "group.list" // and see one, with its members
	GroupCreate Action = "group.create"
	GroupUpdate Action = "group.update"
	GroupMember Action = "group.member" // add and remove members; beside it what the group brings must be the actor's to give
	GroupDelete Action = "group.delete"

	SafeList   Action = "safe.list" // those the actor may view; the list filters with SafeView
	SafeView   Action = "safe.view"
	SafeCreate Action = "safe.create"
	SafeUpdate Action = "safe.update"
	SafePolicy Action = "safe.policy"
	SafeMember Action = "safe.member" // add, change and remove members
	SafeDelete Action = "safe.delete"

	PolicyList    Action = "policy.list"   // the organization's policies of access, and their history
	PolicyManage  Action = "policy.manage" // write, assign and delete them; simulate
	AccessExplain Action = "access.explain"

	ResourceList    Action = "resource.list"
	ResourceView    Action = "resource.view"
	ResourceCreate  Action = "resource.create"
	ResourceUpdate  Action = "resource.update"
	ResourceHostKey Action = "resource.host_key" // look at and confirm the key that a target shows
	ResourceDelete  Action = "resource.delete"

	AccountList    Action = "account.list"
	AccountView    Action = "account.view"
	AccountCreate  Action = "account.create"
	AccountUpdate  Action = "account.update"
	AccountDisable Action = "account.disable" // and enable again
	AccountDelete  Action = "account.delete"
	AccountRotate  Action = "account.rotate" // its credential, now

	SecretReveal Action = "secret.reveal" // check the credential of a safe out, and see it again

	CheckoutList Action = "checkout.list" // those the actor may view; the list filters with CheckoutView
	CheckoutView Action = "checkout.view"
	CheckoutEnd  Action = "checkout.end" // check in

	AccessList       Action = "access.list"        // requests, grants and delegations; the list filters
	AccessView       Action = "access.view"        // those of other people
	AccessRequest    Action = "access.request"     // ask for access to a safe, and withdraw it
	AccessDecide     Action = "access.decide"      // approve and reject
	AccessRevoke     Action = "access.revoke"      // end a grant or a delegation early
	AccessDelegate   Action = "access.delegate"    // lend one's own access to another member
	AccessBreakGlass Action = "access.break_glass" // open a safe in an emergency without approval

	SessionLaunch    Action = "session.launch"
	SessionList      Action = "session.list" // those the actor may view; the list filters with SessionView
	SessionView      Action = "session.view"
	SessionWatch     Action = "session.watch"
	SessionTerminate Action = "session.terminate"
	SessionPlayback  Action = "session.playback"

	AuditView   Action = "audit.view"
	AuditVerify Action = "audit.verify" // checkpoints, proofs, tiles
	AuditExport Action = "audit.export"

	AuditPhoneKeys Action = "audit.phone_keys" // rotate and destroy the keys of phone digests

	TokenList   Action = "token.list"
	TokenCreate Action = "token.create"
	TokenRevoke Action = "token.revoke"
	TokenIssue  Action = "token.issue" // to a service account

	SelfView   Action = "self.view"
	SelfUpdate Action = "self.update" // what opens no new way in: end sign-ins, remove keys, labels, invitations; the password, which asks for the present one
	SelfManage Action = "self.manage" // add SSH keys, remove factors, replace backup codes, let devices in, change the telephone number
	SelfEnrol  Action = "self.enrol"  // a first second factor
	SelfStepUp Action = "self.step_up"

	PlatformOrgList   Action = "platform.org_list"
	PlatformOrgCreate Action = "platform.org_create"
	PlatformSSOLift   Action = "platform.sso_lift" // let an organization's members in without its provider
	PlatformUserList  Action = "platform.user_list"
	PlatformUserRole  Action = "platform.user_role" // change or take away
	PlatformMailList  Action = "platform.mail_list"
	PlatformMailSend  Action = "platform.mail_send"

	PlatformGovernanceList   Action = "platform.governance_list" // of all organizations; and export
	PlatformGovernanceDecide Action = "platform.governance_decide"

	PlatformRecoveryList   Action = "platform.recovery_list"
	PlatformRecoveryDecide Action = "platform.recovery_decide"
	PlatformInvite         Action = "platform.invite" // and send again
	PlatformInviteRevoke   Action = "platform.invite_revoke"
	PlatformKeyView        Action = "platform.key_view" // which keys there are, and how the ledgers are
	PlatformKeyRotate      Action = "platform.key_rotate"
	LedgerResume           Action = "platform.ledger_resume"

	PlatformSubmissionList   Action = "platform.submission_list"
	PlatformSubmissionDecide Action = "platform.submission_decide"
	PlatformOrgSuspend       Action = "platform.org_suspend" // and resume; limit its seats; legal hold
)

// ObjectType is the kind of thing that an action is done to.
type ObjectType string

// The object types.
const (
	OrgObject      ObjectType = "Organization"
	MemberObject   ObjectType = "Member"
	GroupObject    ObjectType = "Group"
	SafeObject     ObjectType = "Safe"
	ResourceObject ObjectType = "Resource"
	AccountObject  ObjectType = "Account"
	SessionObject  ObjectType = "Session"
	LogObject      ObjectType = "AuditLog"
	TokenObject    ObjectType = "APIToken"
	SelfObject     ObjectType = "Self"
	PlatformObject ObjectType = "Platform"
)

// AllScopes is the scope of a token that may do whatever its owner may, except what is for persons only.
const AllScopes = "*"

type rule struct {
	action Action
	object ObjectType
	scope  string // what a token needs; empty: for persons only
	phrase string // completes "you may not ..."
}

// The one table of actions. Order is that of the documentation.
var rules = []rule{
	{OrgView, OrgObject, "members:read", "see this organization"},
	{OrgUpdate, OrgObject, "members:write", "change this organization"},
	{OrgDelete, OrgObject, "", "delete this organization"},
	{SSOView, OrgObject, "sso:read", "see how members of this organization sign in"},
	{SSOManage, OrgObject, "", "change how members of this organization sign in"},
	{MailList, OrgObject, "mail:read", "see the messages of this organization"},
	{MailSend, OrgObject, "", "send messages of this organization"},
	{OrgKey, OrgObject, "", "rotate the encryption key of this organization"},
	{OrgSettings, OrgObject, "members:read", "see the settings of this organization"},
	{MemberList, MemberObject, "members:read", "list the members of this organization"},
	{MemberAdd, MemberObject, "members:write", "add members to this organization"},
	{MemberRole, MemberObject, "members:write", "change the role of a member"},
	{MemberRemove, MemberObject, "members:write", "remove members from this organization"},
	{GovernanceList, OrgObject, "governance:read", "see what waits for a second person in this organization"},
	{GovernanceDecide, OrgObject, "", "decide what waits for a second person in this organization"},
	{GovernanceExport, OrgObject, "", "export what waits for a second person in this organization"},
	{ReviewManage, OrgObject, "", "open or cancel access reviews in this organization"},
	{ReviewList, OrgObject, "", "see and export the access reviews of this organization"},
	{ReviewDecide, OrgObject, "", "review rights in this organization"},
	{RecoveryList, MemberObject, "members:read", "see who has lost their second factor"},
	{RecoveryDecide, MemberObject, "", "decide about a lost second factor"},
	{MemberPhone, MemberObject, "", "see the telephone number of a member"},
	{MemberPhoneChange, MemberObject, "", "change the telephone number of a member"},
	{MemberInvitations, MemberObject, "members:read", "list the invitations of this organization"},
	{MemberInvite, MemberObject, "members:write", "invite people into this organization"},
	{MemberSignOut, MemberObject, "members:write", "end the sign-ins of a member"},
	{MemberSuspend, MemberObject, "members:write", "suspend or resume a member"},
	{GroupList, GroupObject, "groups:read", "list the groups of this organization"},
	{GroupCreate, GroupObject, "groups:write", "create groups"},
	{GroupUpdate, GroupObject, "groups:write", "change this group"},
	{GroupMember, GroupObject, "groups:write", "change the members of this group"},
	{GroupDelete, GroupObject, "groups:write", "delete this group"},
	{SafeList, SafeObject, "safes:read", "list safes"},
	{SafeView, SafeObject, "safes:read", "see this safe"},
	{SafeCreate, SafeObject, "safes:write", "create safes"},
	{SafeUpdate, SafeObject, "safes:write", "change this safe"},
	{SafePolicy, SafeObject, "safes:write", "change the policy of this safe"},
	{SafeMember, SafeObject, "safes:write", "change the members of this safe"},
	{SafeDelete, SafeObject, "safes:write", "delete this safe"},
	{PolicyList, OrgObject, "policies:read", "see the policies of this organization"},
	{PolicyManage, OrgObject, "policies:write", "change the policies of this organization"},
	{AccessExplain, SafeObject, "policies:read", "see who may open this safe, and why"},
	{ResourceList, ResourceObject, "resources:read", "list resources"},
	{ResourceView, ResourceObject, "resources:read", "see this resource"},
	{ResourceCreate, ResourceObject, "resources:write", "create resources"},
	{ResourceUpdate, ResourceObject, "resources:write", "change this resource"},
	{ResourceHostKey, ResourceObject, "resources:write", "confirm the host key of this resource"},
	{ResourceDelete, ResourceObject, "resources:write", "delete this resource"},
	{AccountList, AccountObject, "accounts:read", "list accounts"},
	{AccountView, AccountObject, "accounts:read", "see this account"},
	{AccountCreate, AccountObject, "accounts:write", "create accounts"},
	{AccountUpdate, AccountObject, "accounts:write", "change this account"},
	{AccountDisable, AccountObject, "accounts:write", "disable or enable this account"},
	{AccountDelete, AccountObject, "accounts:write", "delete this account"},
	{AccountRotate, AccountObject, "accounts:write", "rotate the credential of this account"},
	{SecretReveal, SafeObject, "secrets:reveal", "check out the credential of this safe"},
	{CheckoutList, SafeObject, "checkouts:read", "list checkouts"},
	{CheckoutView, SafeObject, "checkouts:read", "see the checkouts of other people"},
	{CheckoutEnd, SafeObject, "checkouts:write", "check this credential in"},
	{AccessList, SafeObject, "access:read", "list access requests"},
	{AccessView, SafeObject, "access:read", "see the access requests of other people"},
	{AccessRequest, SafeObject, "access:request", "ask for access to this safe"},
	{AccessDecide, SafeObject, "access:decide", "decide about access to this safe"},
	{AccessRevoke, SafeObject, "access:decide", "end access to this safe that was granted or lent"},
	{AccessDelegate, SafeObject, "", "lend access to this safe"},
	{AccessBreakGlass, SafeObject, "", "open this safe in an emergency"},
	{SessionLaunch, SafeObject, "sessions:launch", "open a session with this safe"},
	{SessionList, SessionObject, "sessions:read", "list sessions"},
	{SessionView, SessionObject, "sessions:read", "see this session"},
	{SessionWatch, SessionObject, "sessions:read", "watch this session"},
	{SessionTerminate, SessionObject, "sessions:write", "end this session"},
	{SessionPlayback, SessionObject, "sessions:playback", "play the recording of this session"},
	{AuditView, LogObject, "audit:read", "read the audit log"},
	{AuditVerify, LogObject, "audit:read", "read checkpoints and proofs of the audit log"},
	{AuditExport, LogObject, "audit:export", "export the audit log"},
	{AuditPhoneKeys, LogObject, "", "change the keys of phone digests"},
	{TokenList, TokenObject, "tokens:read", "list these API tokens"},
	{TokenCreate, TokenObject, "", "create API tokens"},
	{TokenRevoke, TokenObject, "tokens:write", "revoke this API token"},
	{TokenIssue, TokenObject, "", "issue API tokens to service accounts"},
	{SelfView, SelfObject, "self:read", "see this profile"},
	{SelfUpdate, SelfObject, "", "change this profile"},
	{SelfManage, SelfObject, "", "change how this person signs in"},
	{SelfEnrol, SelfObject, "", "enrol a second factor"},
	{SelfStepUp, SelfObject, "", "prove a second factor"},
	{PlatformOrgList, PlatformObject, "platform:read", "list the organizations of this installation"},
	{PlatformOrgCreate, PlatformObject, "platform:write", "create organizations"},
	{PlatformSSOLift, PlatformObject, "", "lift an organization's requirement of single sign-on"},
	{PlatformOrgSuspend, PlatformObject, "platform:write", "suspend, resume or limit organizations, set legal holds on them"},
	{PlatformSubmissionList, PlatformObject, "platform:read", "see the organizations that ask to be let in"},
	{PlatformSubmissionDecide, PlatformObject, "platform:write", "decide about organizations that ask to be let in"},
	{PlatformUserList, PlatformObject, "platform:read", "list the operators of this installation"},
	{PlatformUserRole, PlatformObject, "", "change the operators of this installation"},
	{PlatformMailList, PlatformObject, "platform:read", "see the messages of this installation"},
	{PlatformMailSend, PlatformObject, "", "send messages of this installation"},
	{PlatformGovernanceList, PlatformObject, "", "see what waits for a second person in all organizations"},
	{PlatformGovernanceDecide, PlatformObject, "", "decide what waits for a second person in an organization"},
	{PlatformRecoveryList, PlatformObject, "platform:read", "see who has lost their second factor"},
	{PlatformRecoveryDecide, PlatformObject, "", "decide about a lost second factor"},
	{PlatformInvite, PlatformObject, "", "invite operators of this installation"},
	{PlatformInviteRevoke, PlatformObject, "", "revoke invitations of operators"},
	{PlatformKeyView, PlatformObject, "platform:read", "see the keys and ledgers of this installation"},
	{PlatformKeyRotate, PlatformObject, "", "rotate the keys of this installation"},
	{LedgerResume, PlatformObject, "", "resume a stopped ledger"},
}

var byAction = func() map[Action]rule {
	m := make(map[Action]rule, len(rules))
	for _, r := range rules {
		m[r.action] = r
	}
	return m
}()

// Actions lists all actions in the order of the documentation.
func Actions() []Action {
	out := make([]Action, len(rules))
	for i, r := range rules {
		out[i] = r.action
	}
	return out
}

// Scopes lists the scopes that an API token can carry, AllScopes last.
func Scopes() []string {
	var out []string
	for _, r := range rules {
		if r.scope != "" && !slices.Contains(out, r.scope) {
			out = append(out, r.scope)
		}
	}
	return append(out, AllScopes)
}

// Scope is what a token needs for a; empty when a is for persons only.
func (a Action) Scope() string { return byAction[a].scope }
