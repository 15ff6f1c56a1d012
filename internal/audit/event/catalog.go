package event

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
)

// What all events have in common is defined in package envelope, which only this
// package and the SSH gateway's sshevent import.
type (
	Event          = envelope.Event
	Act            = envelope.Act
	Definition     = envelope.Definition
	Field          = envelope.Field
	OCSF           = envelope.OCSF
	ECS            = envelope.ECS
	Envelope       = envelope.Envelope
	Actor          = envelope.Actor
	Target         = envelope.Target
	Source         = envelope.Source
	Constant       = envelope.Constant
	ActorType      = envelope.ActorType
	TargetType     = envelope.TargetType
	Severity       = envelope.Severity
	SeverityLevels = envelope.SeverityLevels
	Outcome        = envelope.Outcome
	LogKind        = envelope.LogKind
	Tier           = envelope.Tier
	Category       = envelope.Category
	Instant        = envelope.Instant // microseconds since 1970, UTC; Time gives a time.Time
)

// The actor types.
const (
	User           = envelope.User
	TenantAdmin    = envelope.TenantAdmin
	System         = envelope.System
	ServiceAccount = envelope.ServiceAccount
	PlatformAdmin  = envelope.PlatformAdmin
	OrgAdmin       = envelope.OrgAdmin
	Connector      = envelope.Connector
)

// The target types.
const (
	TargetAccount          = envelope.TargetAccount
	TargetConnection       = envelope.TargetConnection
	TargetSession          = envelope.TargetSession
	TargetAgent            = envelope.TargetAgent
	TargetPolicy           = envelope.TargetPolicy
	TargetSecret           = envelope.TargetSecret
	TargetTenant           = envelope.TargetTenant
	TargetAPIToken         = envelope.TargetAPIToken
	TargetInvitation       = envelope.TargetInvitation
	TargetAuditLog         = envelope.TargetAuditLog
	TargetGovernanceAction = envelope.TargetGovernanceAction
	TargetSafe             = envelope.TargetSafe
)

// The severities, lowest first.
const (
	Debug    = envelope.Debug
	Info     = envelope.Info
	Warn     = envelope.Warn
	Error    = envelope.Error
	Critical = envelope.Critical
)

// The outcomes.
const (
	Success = envelope.Success
	Failure = envelope.Failure
	Denied  = envelope.Denied
)

// The kinds of ledgers.
const (
	OrgLog         = envelope.OrgLog
	PlatformLog    = envelope.PlatformLog
	OrgOrPlatform  = envelope.OrgOrPlatform
	PlatformAndOrg = envelope.PlatformAndOrg
)

// The tiers.
const (
	Public   = envelope.Public
	Internal = envelope.Internal
)

// The categories, in catalog order.
const (
	AgentConnectivity       = envelope.AgentConnectivity
	IdentityAccessSharing   = envelope.IdentityAccessSharing
	AccountsSecrets         = envelope.AccountsSecrets
	ConnectionsSessions     = envelope.ConnectionsSessions
	AdminPlatformAudit      = envelope.AdminPlatformAudit
	InvitationLifecycle     = envelope.InvitationLifecycle
	PlatformUsersManagement = envelope.PlatformUsersManagement
	GroupsSafeAccess        = envelope.GroupsSafeAccess
	OrgScopedGovernance     = envelope.OrgScopedGovernance
	CrossOrgGovernance      = envelope.CrossOrgGovernance
	PhoneSMSVerification    = envelope.PhoneSMSVerification
	ProxySharedSSH          = envelope.ProxySharedSSH
	InternalTier            = envelope.InternalTier
)

// Limits and versions of the envelope.
const (
	SchemaVersion  = envelope.SchemaVersion
	MaxPayload     = envelope.MaxPayload
	PlatformTenant = envelope.PlatformTenant
	OCSFVersion    = "1.8.0"
	ECSVersion     = "9.4.0"
)

// By is the act of actor in the role as: what they do here, not their highest role.
// A token appears as ServiceAccount in every event that allows it; the system and
// connectors appear as themselves, whatever as says.
func By(actor authz.Actor, as ActorType) Act { return envelope.By(actor, as) }

// Encode makes the payload of ev, once; see envelope.Encode. An error means that the
// event breaks a rule of the catalog, and that its act must not be committed either.
func Encode(ev Event, evt id.Event, log id.Log, org id.Org, at, recordedAt time.Time) ([]byte, error) {
	return envelope.Encode(ev, evt, log, org, at, recordedAt)
}

// Decode reads a payload that Encode made.
func Decode(payload []byte) (Envelope, error) { return envelope.Decode(payload) }

// Catalog gives the definitions of all event types in catalog order: the public
// ones, the SSH gateway's four last, then the internal tier.
func Catalog() []Definition {
	all := specs()
	out := make([]Definition, 0, len(all))
	for _, s := range all {
		out = append(out, s.Definition())
	}
	return out
}

// Lookup gives the definition of an event type by its constant.
func Lookup(c Constant) (Definition, bool) {
	s, ok := byConstant()[c]
	if !ok {
		return Definition{}, false
	}
	return s.Definition(), true
}

var byConstant = sync.OnceValue(func() map[Constant]*spec {
	m := make(map[Constant]*spec)
	for _, s := range specs() {
		m[s.Constant()] = s
	}
	return m
})

// Severities are all severities, lowest first.
func Severities() []Severity { return envelope.Severities() }

// ActorTypes are all actor types, in catalog order.
func ActorTypes() []ActorType { return envelope.ActorTypes() }

// TargetTypes are all target types, in catalog order.
func TargetTypes() []TargetType { return envelope.TargetTypes() }

// Short names for the declarations of this package.
type (
	base       = envelope.Base
	spec       = envelope.Spec
	instant    = envelope.Instant
	seconds    = envelope.Seconds
	millis     = envelope.Millis
	opt[T any] = envelope.Optional[T]
	word       struct{ text string } // of a closed list; only this package can make one
	closed     interface{ String() string }
)

// String is the text that stands in the envelope.
func (w word) String() string { return w.text }

func define[T Event](d Definition) *spec { return envelope.Define[T](d) }

func ocsf(class, activity int, name string) OCSF { return envelope.InOCSF(class, activity, name) }

func some[T any](v T) opt[T] { return envelope.Some(v) }

func moment(t time.Time) instant { return envelope.Moment(t) }

// texts lists the texts of the values of a closed type.
func texts[T fmt.Stringer](values ...T) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, v.String())
	}
	return out
}

// parse finds s among the values of a closed type.
func parse[T fmt.Stringer](s string, values ...T) (T, error) {
	i := slices.IndexFunc(values, func(v T) bool { return v.String() == s })
	if i < 0 {
		var none T
		return none, fmt.Errorf("%.40q is not one of %s", s, strings.Join(texts(values...), ", "))
	}
	return values[i], nil
}
