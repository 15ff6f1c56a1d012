package envelope

import "github.com/vaultpam/vaultpam/internal/id"

// ref is the id and the name of an object at the time of the act.
type ref struct{ id, name string }

func (r ref) of(t TargetType) Target { return Target{Type: t, ID: clean(r.id), Name: clean(r.name)} }

// A reference to an object of one target type. The zero value is an object that is
// not known, such as the session of a grant that cannot be read.
type (
	AccountRef    struct{ ref }
	ConnectionRef struct{ ref }
	SessionRef    struct{ ref }
	AgentRef      struct{ ref }
	PolicyRef     struct{ ref }
	SecretRef     struct{ ref }
	TenantRef     struct{ ref }
	APITokenRef   struct{ ref }
	InvitationRef struct{ ref }
	AuditLogRef   struct{ ref }
	GovernanceRef struct{ ref }
	SafeRef       struct{ ref }
)

// Targeted is any of the reference types of this package.
type Targeted interface{ target() Target }

func (r AccountRef) target() Target    { return r.of(TargetAccount) }
func (r ConnectionRef) target() Target { return r.of(TargetConnection) }
func (r SessionRef) target() Target    { return r.of(TargetSession) }
func (r AgentRef) target() Target      { return r.of(TargetAgent) }
func (r PolicyRef) target() Target     { return r.of(TargetPolicy) }
func (r SecretRef) target() Target     { return r.of(TargetSecret) }
func (r TenantRef) target() Target     { return r.of(TargetTenant) }
func (r APITokenRef) target() Target   { return r.of(TargetAPIToken) }
func (r InvitationRef) target() Target { return r.of(TargetInvitation) }
func (r AuditLogRef) target() Target   { return r.of(TargetAuditLog) }
func (r GovernanceRef) target() Target { return r.of(TargetGovernanceAction) }
func (r SafeRef) target() Target       { return r.of(TargetSafe) }

// PlatformTenant is the target id of acts on the installation itself.
const PlatformTenant = "platform"

// AccountTarget is a privileged account.
func AccountTarget(a id.Account, name string) AccountRef { return AccountRef{ref{string(a), name}} }

// ConnectionTarget is a connection definition, that is a resource.
func ConnectionTarget(r id.Resource, name string) ConnectionRef {
	return ConnectionRef{ref{string(r), name}}
}

// SessionTarget is a privileged session.
func SessionTarget(s id.Session, name string) SessionRef { return SessionRef{ref{string(s), name}} }

// AgentTarget is a connector.
func AgentTarget(c id.Connector, name string) AgentRef { return AgentRef{ref{string(c), name}} }

// PolicyTarget is the policy of a safe, or a retention policy.
func PolicyTarget(p id.Policy, name string) PolicyRef { return PolicyRef{ref{string(p), name}} }

// SecretTarget is the credential of an account.
func SecretTarget(s id.Secret, name string) SecretRef { return SecretRef{ref{string(s), name}} }

// CodeSetTarget is a set of backup codes; the nearest target type is Secret.
func CodeSetTarget(s id.CodeSet, name string) SecretRef { return SecretRef{ref{string(s), name}} }

// PhoneKeyTarget is a key that makes phone digests; the nearest target type is Secret.
func PhoneKeyTarget(k PhoneKeyID) SecretRef { return SecretRef{ref{string(k), "phone digest key"}} }

// TenantTarget is an organization. With an empty id it is the platform.
func TenantTarget(o id.Org, name string) TenantRef {
	if o == "" {
		return PlatformTarget()
	}
	return TenantRef{ref{string(o), name}}
}

// PlatformTarget is the installation itself.
func PlatformTarget() TenantRef { return TenantRef{ref{PlatformTenant, PlatformTenant}} }

// APITokenTarget is an API token.
func APITokenTarget(t id.Token, name string) APITokenRef { return APITokenRef{ref{string(t), name}} }

// InvitationTarget is an invitation; its name is not the invitee's address.
func InvitationTarget(i id.Invitation, name string) InvitationRef {
	return InvitationRef{ref{string(i), name}}
}

// AuditLogTarget is a ledger.
func AuditLogTarget(l id.Log, name string) AuditLogRef { return AuditLogRef{ref{string(l), name}} }

// GovernanceTarget is a governance action.
func GovernanceTarget(g id.Governance, name string) GovernanceRef {
	return GovernanceRef{ref{string(g), name}}
}

// RecoveryTarget is an MFA recovery case; the nearest target type is GovernanceAction.
func RecoveryTarget(r id.Recovery, name string) GovernanceRef {
	return GovernanceRef{ref{string(r), name}}
}

// AccessRequestTarget is an access request where the target type is GovernanceAction.
func AccessRequestTarget(r id.AccessReq, name string) GovernanceRef {
	return GovernanceRef{ref{string(r), name}}
}

// SafeTarget is a safe.
func SafeTarget(s id.Safe, name string) SafeRef { return SafeRef{ref{string(s), name}} }
