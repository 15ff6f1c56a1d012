package envelope

// SchemaVersion is the version of the envelope and of all metadata. Within it
// fields, enum values and reasons may be added and nothing else may change.
const SchemaVersion = 1

// Constant is an event's public name in capitals, such as SAFE_MEMBER_ADDED. It never changes.
type Constant string

// ActorType is on whose behalf an act is done: by what is done, not by the highest role of who does it.
type ActorType string

// The actor types.
const (
	User           ActorType = "User"           // anybody who uses the product for themselves, signed in or not
	TenantAdmin    ActorType = "TenantAdmin"    // an owner or admin at the organization's configuration
	System         ActorType = "System"         // the product of its own
	ServiceAccount ActorType = "ServiceAccount" // an API token
	PlatformAdmin  ActorType = "PlatformAdmin"  // an operator of the installation
	OrgAdmin       ActorType = "OrgAdmin"       // who decides in a queue, and a safe's manager at that safe
	Connector      ActorType = "Connector"      // a connector of its own
)

// ActorTypes are all actor types, in catalog order.
func ActorTypes() []ActorType {
	return []ActorType{User, TenantAdmin, System, ServiceAccount, PlatformAdmin, OrgAdmin, Connector}
}

// TargetType is the kind of object that an event is about, fixed for each event.
type TargetType string

// The target types.
const (
	TargetAccount          TargetType = "Account"
	TargetConnection       TargetType = "Connection"
	TargetSession          TargetType = "Session"
	TargetAgent            TargetType = "Agent"
	TargetPolicy           TargetType = "Policy"
	TargetSecret           TargetType = "Secret"
	TargetTenant           TargetType = "Tenant"
	TargetAPIToken         TargetType = "API Token"
	TargetInvitation       TargetType = "Invitation"
	TargetAuditLog         TargetType = "AuditLog"
	TargetGovernanceAction TargetType = "GovernanceAction"
	TargetSafe             TargetType = "Safe"
)

// TargetTypes are all target types, in catalog order.
func TargetTypes() []TargetType {
	return []TargetType{
		TargetAccount, TargetConnection, TargetSession, TargetAgent, TargetPolicy, TargetSecret,
		TargetTenant, TargetAPIToken, TargetInvitation, TargetAuditLog, TargetGovernanceAction, TargetSafe,
	}
}

// Severity is how much attention an event asks for.
type Severity string

// The severities, lowest first.
const (
	Debug    Severity = "DEBUG"
	Info     Severity = "INFO"
	Warn     Severity = "WARN"
	Error    Severity = "ERROR"
	Critical Severity = "CRITICAL"
)

// Severities are all severities, lowest first.
func Severities() []Severity { return []Severity{Debug, Info, Warn, Error, Critical} }

// Rank orders severities: DEBUG is 0, CRITICAL is 4, anything else -1.
func (s Severity) Rank() int {
	for i, each := range Severities() {
		if s == each {
			return i
		}
	}
	return -1
}

// SeverityLevels are a severity's numbers in other formats.
type SeverityLevels struct {
	OCSF   int `json:"ocsf_severity_id"`
	Syslog int `json:"syslog"`
	CEF    int `json:"cef"`
	OTLP   int `json:"otlp"`
}

// Levels gives the numbers of s in other formats.
func (s Severity) Levels() SeverityLevels {
	switch s {
	case Debug:
		return SeverityLevels{OCSF: 1, Syslog: 7, CEF: 1, OTLP: 5}
	case Warn:
		return SeverityLevels{OCSF: 3, Syslog: 4, CEF: 6, OTLP: 13}
	case Error:
		return SeverityLevels{OCSF: 4, Syslog: 3, CEF: 8, OTLP: 17}
	case Critical:
		return SeverityLevels{OCSF: 5, Syslog: 2, CEF: 10, OTLP: 21}
	default:
		return SeverityLevels{OCSF: 1, Syslog: 6, CEF: 3, OTLP: 9}
	}
}

// Outcome is how an attempt ended.
type Outcome string

// The outcomes.
const (
	Success Outcome = "success"
	Failure Outcome = "failure" // tried, and did not work
	Denied  Outcome = "denied"  // refused by a right or a rule
)

// LogKind is the ledger that an event belongs to.
type LogKind string

// The kinds of ledgers.
const (
	OrgLog         LogKind = "org"              // the organization's
	PlatformLog    LogKind = "platform"         // the platform's
	OrgOrPlatform  LogKind = "org_or_platform"  // the organization's when one is known and concerned, else the platform's
	PlatformAndOrg LogKind = "platform_and_org" // one event in each, with equal request_id
)

// Tier says for whom an event type is.
type Tier string

// The tiers.
const (
	Public   Tier = "public"   // on the catalog page, delivered to sinks
	Internal Tier = "internal" // same envelope, tree and rules; off the page, and sent only to sinks that ask
)

// Category is the heading under which the catalog lists an event. It never changes.
type Category string

// The categories, in catalog order.
const (
	AgentConnectivity       Category = "Agent / Connectivity"
	IdentityAccessSharing   Category = "Identity / Access / Sharing"
	AccountsSecrets         Category = "Accounts / Secrets / Credentials"
	ConnectionsSessions     Category = "Connections / Sessions"
	AdminPlatformAudit      Category = "Admin / Platform / Audit"
	InvitationLifecycle     Category = "Invitation Lifecycle"
	PlatformUsersManagement Category = "Platform Users Management"
	GroupsSafeAccess        Category = "Groups / Safe Access"
	OrgScopedGovernance     Category = "Org-Scoped Governance Actions"
	CrossOrgGovernance      Category = "Cross-Org Governance"
	PhoneSMSVerification    Category = "Phone / SMS Verification"
	ProxySharedSSH          Category = "Proxy-Shared SSH"
	InternalTier            Category = "Internal"
)
