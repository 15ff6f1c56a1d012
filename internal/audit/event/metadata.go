package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// The types of metadata that Go's own types do not tell apart.
type (
	Version     = envelope.Version     // a version of our own software
	Email       = envelope.Email       // an address: a personal datum
	SHA256      = envelope.SHA256      // a digest; the result of sha256.Sum256 fits
	ObjectID    = envelope.ObjectID    // an id of any kind
	PhoneKeyID  = envelope.PhoneKeyID  // a key that makes phone digests, such as pd-3
	PhoneDigest = envelope.PhoneDigest // stands for a telephone number
	Change      = envelope.Change      // one changed setting
)

// AnyID forgets the kind of an id, for fields that can point to several kinds.
func AnyID[T id.Kind](v T) ObjectID { return envelope.AnyID(v) }

// NewPhoneDigest is the HMAC-SHA-256 of a number under a ledger's key.
func NewPhoneDigest(key PhoneKeyID, mac [32]byte) PhoneDigest {
	return envelope.NewPhoneDigest(key, mac)
}

// Changed tells a setting's old and new value. For a field whose name says that it
// is secret only the fact of the change is kept.
func Changed[T ~string | ~bool | ~int | ~int64 | ~float64](field string, from, to T) Change {
	return envelope.Changed(field, from, to)
}

// SecretSet tells that a secret field got its first value.
func SecretSet(field string) Change { return envelope.SecretSet(field) }

// SecretReplaced tells that a secret field got another value.
func SecretReplaced(field string) Change { return envelope.SecretReplaced(field) }

// SecretCleared tells that a secret field lost its value.
func SecretCleared(field string) Change { return envelope.SecretCleared(field) }

// References to objects of one target type. The zero value is an object that is not known.
type (
	AccountRef    = envelope.AccountRef
	ConnectionRef = envelope.ConnectionRef
	SessionRef    = envelope.SessionRef
	AgentRef      = envelope.AgentRef
	PolicyRef     = envelope.PolicyRef
	SecretRef     = envelope.SecretRef
	TenantRef     = envelope.TenantRef
	APITokenRef   = envelope.APITokenRef
	InvitationRef = envelope.InvitationRef
	AuditLogRef   = envelope.AuditLogRef
	GovernanceRef = envelope.GovernanceRef
	SafeRef       = envelope.SafeRef
)

// AccountTarget is a privileged account.
func AccountTarget(a id.Account, name string) AccountRef { return envelope.AccountTarget(a, name) }

// ConnectionTarget is a connection definition, that is a resource.
func ConnectionTarget(r id.Resource, name string) ConnectionRef {
	return envelope.ConnectionTarget(r, name)
}

// SessionTarget is a privileged session.
func SessionTarget(s id.Session, name string) SessionRef { return envelope.SessionTarget(s, name) }

// AgentTarget is a connector.
func AgentTarget(c id.Connector, name string) AgentRef { return envelope.AgentTarget(c, name) }

// PolicyTarget is the policy of a safe, or a retention policy.
func PolicyTarget(p id.Policy, name string) PolicyRef { return envelope.PolicyTarget(p, name) }

// SecretTarget is the credential of an account.
func SecretTarget(s id.Secret, name string) SecretRef { return envelope.SecretTarget(s, name) }

// CodeSetTarget is a set of backup codes.
func CodeSetTarget(s id.CodeSet, name string) SecretRef { return envelope.CodeSetTarget(s, name) }

// PhoneKeyTarget is a key that makes phone digests.
func PhoneKeyTarget(k PhoneKeyID) SecretRef { return envelope.PhoneKeyTarget(k) }

// TenantTarget is an organization; with an empty id it is the platform.
func TenantTarget(o id.Org, name string) TenantRef { return envelope.TenantTarget(o, name) }

// PlatformTarget is the installation itself.
func PlatformTarget() TenantRef { return envelope.PlatformTarget() }

// APITokenTarget is an API token.
func APITokenTarget(t id.Token, name string) APITokenRef { return envelope.APITokenTarget(t, name) }

// InvitationTarget is an invitation; its name is not the invitee's address.
func InvitationTarget(i id.Invitation, name string) InvitationRef {
	return envelope.InvitationTarget(i, name)
}

// AuditLogTarget is a ledger.
func AuditLogTarget(l id.Log, name string) AuditLogRef { return envelope.AuditLogTarget(l, name) }

// GovernanceTarget is a governance action.
func GovernanceTarget(g id.Governance, name string) GovernanceRef {
	return envelope.GovernanceTarget(g, name)
}

// RecoveryTarget is an MFA recovery case.
func RecoveryTarget(r id.Recovery, name string) GovernanceRef {
	return envelope.RecoveryTarget(r, name)
}

// AccessRequestTarget is an access request where the target type is GovernanceAction.
func AccessRequestTarget(r id.AccessReq, name string) GovernanceRef {
	return envelope.AccessRequestTarget(r, name)
}

// SafeTarget is a safe.
func SafeTarget(s id.Safe, name string) SafeRef { return envelope.SafeTarget(s, name) }
