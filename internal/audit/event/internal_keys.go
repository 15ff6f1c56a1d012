package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// RootKeyStage is how far the rotation of a root key has come.
type RootKeyStage struct{ word }

// The values of RootKeyStage.
var (
	RootKeyStageStarted   = RootKeyStage{word{"started"}}
	RootKeyStageAdded     = RootKeyStage{word{"added"}}
	RootKeyStageCompleted = RootKeyStage{word{"completed"}}
)

// Values are the closed list of texts.
func (RootKeyStage) Values() []string {
	return texts(RootKeyStageStarted, RootKeyStageAdded, RootKeyStageCompleted)
}

// ParseRootKeyStage reads one of the texts of Values.
func ParseRootKeyStage(s string) (RootKeyStage, error) {
	return parse(s, RootKeyStageStarted, RootKeyStageAdded, RootKeyStageCompleted)
}

// RootKeyRotationReason is a reason of ROOT_KEY_ROTATION.
type RootKeyRotationReason struct{ word }

// The reasons of ROOT_KEY_ROTATION.
var (
	RootKeyRotationNotPermitted  = RootKeyRotationReason{word{"not_permitted"}}
	RootKeyRotationMFARequired   = RootKeyRotationReason{word{"mfa_required"}}
	RootKeyRotationInternalError = RootKeyRotationReason{word{"internal_error"}}
)

// RootKeyRotation is emitted before a rotation of the root key touches its file, and again when
// the rotation has come to a stage or has failed.
//
// ROOT_KEY_ROTATION, "root_key.rotation".
type RootKeyRotation struct {
	base
	rotationStage    RootKeyStage `meta:"rotation_stage"`
	rootKeyID        opt[id.Key]  `meta:"root_key_id"`
	keysetsRewrapped opt[int]     `meta:"keysets_rewrapped"`
}

var rootKeyRotation = define[RootKeyRotation](Definition{
	Constant: ROOT_KEY_ROTATION, Wire: "root_key.rotation", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Success, Failure, Denied},
	Reasons:    texts(RootKeyRotationNotPermitted, RootKeyRotationMFARequired, RootKeyRotationInternalError),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted before a rotation of the root key touches its file (started), and again when a new root key " +
		"stands in the file (added), when every keyset is wrapped under the newest one and the older ones are " +
		"gone from the file (completed), or when the rotation failed on its way; not for the key of one " +
		"organization (ORG_KEY_ROTATED).",
})

// NewRootKeyRotation builds ROOT_KEY_ROTATION.
func NewRootKeyRotation(act Act, target TenantRef, rotationStage RootKeyStage) RootKeyRotation {
	return RootKeyRotation{base: rootKeyRotation.Succeeded(act, target), rotationStage: rotationStage}
}

// WithRootKeyID adds root_key_id.
func (e RootKeyRotation) WithRootKeyID(v id.Key) RootKeyRotation {
	e.rootKeyID = some(v)
	return e
}

// WithKeysetsRewrapped adds keysets_rewrapped.
func (e RootKeyRotation) WithKeysetsRewrapped(v int) RootKeyRotation {
	e.keysetsRewrapped = some(v)
	return e
}

// Failed turns the event into an attempt that did not work.
func (e RootKeyRotation) Failed(reason RootKeyRotationReason) RootKeyRotation {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

// Denied turns the event into a refused attempt.
func (e RootKeyRotation) Denied(reason RootKeyRotationReason) RootKeyRotation {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// OrgKeyRotatedReason is a reason of ORG_KEY_ROTATED.
type OrgKeyRotatedReason struct{ word }

// The reasons of ORG_KEY_ROTATED.
var (
	OrgKeyRotatedNotPermitted = OrgKeyRotatedReason{word{"not_permitted"}}
	OrgKeyRotatedMFARequired  = OrgKeyRotatedReason{word{"mfa_required"}}
)

// OrgKeyRotated is emitted when an organization, or the platform, gets a new key that seals its
// secrets from then on.
//
// ORG_KEY_ROTATED, "org_key.rotated".
type OrgKeyRotated struct {
	base
	newKeyID      opt[id.Key] `meta:"new_key_id"`
	replacedKeyID opt[id.Key] `meta:"replaced_key_id"`
}

var orgKeyRotated = define[OrgKeyRotated](Definition{
	Constant: ORG_KEY_ROTATED, Wire: "org_key.rotated", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{TenantAdmin, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(OrgKeyRotatedNotPermitted, OrgKeyRotatedMFARequired),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted when an organization, or the platform, gets a new key that seals its secrets from then on; " +
		"not when the root key around it is replaced (ROOT_KEY_ROTATION).",
})

// NewOrgKeyRotated builds ORG_KEY_ROTATED.
func NewOrgKeyRotated(act Act, target TenantRef) OrgKeyRotated {
	return OrgKeyRotated{base: orgKeyRotated.Succeeded(act, target)}
}

// WithNewKeyID adds new_key_id.
func (e OrgKeyRotated) WithNewKeyID(v id.Key) OrgKeyRotated {
	e.newKeyID = some(v)
	return e
}

// WithReplacedKeyID adds replaced_key_id.
func (e OrgKeyRotated) WithReplacedKeyID(v id.Key) OrgKeyRotated {
	e.replacedKeyID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e OrgKeyRotated) Denied(reason OrgKeyRotatedReason) OrgKeyRotated {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// LedgerKeyRotatedReason is a reason of LEDGER_KEY_ROTATED.
type LedgerKeyRotatedReason struct{ word }

// The reasons of LEDGER_KEY_ROTATED.
var (
	LedgerKeyRotatedNotPermitted = LedgerKeyRotatedReason{word{"not_permitted"}}
	LedgerKeyRotatedMFARequired  = LedgerKeyRotatedReason{word{"mfa_required"}}
)

// LedgerKeyRotated is emitted when a ledger gets a new key that signs its checkpoints.
//
// LEDGER_KEY_ROTATED, "ledger_key.rotated".
type LedgerKeyRotated struct {
	base
	newKeyID           opt[id.Key]  `meta:"new_key_id"`
	replacedKeyID      opt[id.Key]  `meta:"replaced_key_id"`
	replacedSignsUntil opt[instant] `meta:"replaced_signs_until"`
}

var ledgerKeyRotated = define[LedgerKeyRotated](Definition{
	Constant: LEDGER_KEY_ROTATED, Wire: "ledger_key.rotated", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetAuditLog, Log: PlatformAndOrg,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(LedgerKeyRotatedNotPermitted, LedgerKeyRotatedMFARequired),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted when a ledger gets a new key that signs its checkpoints, the replaced one signing beside it " +
		"for a time; not when a ledger gets its first key.",
})

// NewLedgerKeyRotated builds LEDGER_KEY_ROTATED.
func NewLedgerKeyRotated(act Act, target AuditLogRef) LedgerKeyRotated {
	return LedgerKeyRotated{base: ledgerKeyRotated.Succeeded(act, target)}
}

// WithNewKeyID adds new_key_id.
func (e LedgerKeyRotated) WithNewKeyID(v id.Key) LedgerKeyRotated {
	e.newKeyID = some(v)
	return e
}

// WithReplacedKeyID adds replaced_key_id.
func (e LedgerKeyRotated) WithReplacedKeyID(v id.Key) LedgerKeyRotated {
	e.replacedKeyID = some(v)
	return e
}

// WithReplacedSignsUntil adds replaced_signs_until.
func (e LedgerKeyRotated) WithReplacedSignsUntil(v time.Time) LedgerKeyRotated {
	e.replacedSignsUntil = some(moment(v))
	return e
}

// Denied turns the event into a refused attempt.
func (e LedgerKeyRotated) Denied(reason LedgerKeyRotatedReason) LedgerKeyRotated {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// LedgerResumedReason is a reason of LEDGER_RESUMED.
type LedgerResumedReason struct{ word }

// The reasons of LEDGER_RESUMED.
var (
	LedgerResumedNotPermitted = LedgerResumedReason{word{"not_permitted"}}
	LedgerResumedMFARequired  = LedgerResumedReason{word{"mfa_required"}}
)

// LedgerResumed is emitted when an operator lets a ledger go on that was stopped.
//
// LEDGER_RESUMED, "ledger.resumed".
type LedgerResumed struct {
	base
	stoppedAt  opt[instant] `meta:"stopped_at"`
	stopReason opt[string]  `meta:"stop_reason"`
}

var ledgerResumed = define[LedgerResumed](Definition{
	Constant: LEDGER_RESUMED, Wire: "ledger.resumed", Category: InternalTier,
	Tier:     Internal,
	Severity: Critical, TargetType: TargetAuditLog, Log: PlatformAndOrg,
	ActorTypes: []ActorType{PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(LedgerResumedNotPermitted, LedgerResumedMFARequired),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted when an operator lets a ledger go on that was stopped because its tree was not the one that " +
		"was signed; not when it stops (SECURITY_INCIDENT_FLAGGED), also not when it stops again at once.",
})

// NewLedgerResumed builds LEDGER_RESUMED.
func NewLedgerResumed(act Act, target AuditLogRef) LedgerResumed {
	return LedgerResumed{base: ledgerResumed.Succeeded(act, target)}
}

// WithStoppedAt adds stopped_at.
func (e LedgerResumed) WithStoppedAt(v time.Time) LedgerResumed {
	e.stoppedAt = some(moment(v))
	return e
}

// WithStopReason adds stop_reason.
func (e LedgerResumed) WithStopReason(v string) LedgerResumed {
	e.stopReason = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e LedgerResumed) Denied(reason LedgerResumedReason) LedgerResumed {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// SSHCertificateIssuedReason is a reason of SSH_CERTIFICATE_ISSUED.
type SSHCertificateIssuedReason struct{ word }

// The reasons of SSH_CERTIFICATE_ISSUED.
var (
	SSHCertificateIssuedNotPermitted = SSHCertificateIssuedReason{word{"not_permitted"}}
)

// SSHCertificateIssued is emitted when a person's SSH key is certified by their organization's
// authority.
//
// SSH_CERTIFICATE_ISSUED, "ssh_certificate.issued".
type SSHCertificateIssued struct {
	base
	subjectUserID     id.User      `meta:"subject_user_id"`
	forOneSession     bool         `meta:"for_one_session"`
	certificateSerial opt[string]  `meta:"certificate_serial"`
	caKeyID           opt[id.Key]  `meta:"ca_key_id"`
	keyFingerprint    opt[string]  `meta:"key_fingerprint"`
	expiresAt         opt[instant] `meta:"expires_at"`
}

var sshCertificateIssued = define[SSHCertificateIssued](Definition{
	Constant: SSH_CERTIFICATE_ISSUED, Wire: "ssh_certificate.issued", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{User, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(SSHCertificateIssuedNotPermitted),
	OCSF:       ocsf(3001, 99, "SSH Certificate Issue"),
	ECS:        ECS{Category: []string{"iam"}, Type: []string{"user", "creation"}},
	Trigger: "Emitted when a person's SSH key is certified by their organization's authority, for any session or " +
		"for the one whose launch grant it carries; not for a key that a person registers (SSH_KEY_ADDED).",
})

// NewSSHCertificateIssued builds SSH_CERTIFICATE_ISSUED.
func NewSSHCertificateIssued(act Act, target TenantRef, subjectUserID id.User, forOneSession bool) SSHCertificateIssued {
	return SSHCertificateIssued{
		base:          sshCertificateIssued.Succeeded(act, target),
		subjectUserID: subjectUserID, forOneSession: forOneSession,
	}
}

// WithCertificateSerial adds certificate_serial, in decimal.
func (e SSHCertificateIssued) WithCertificateSerial(v string) SSHCertificateIssued {
	e.certificateSerial = some(v)
	return e
}

// WithCAKeyID adds ca_key_id.
func (e SSHCertificateIssued) WithCAKeyID(v id.Key) SSHCertificateIssued {
	e.caKeyID = some(v)
	return e
}

// WithKeyFingerprint adds key_fingerprint.
func (e SSHCertificateIssued) WithKeyFingerprint(v string) SSHCertificateIssued {
	e.keyFingerprint = some(v)
	return e
}

// WithExpiresAt adds expires_at.
func (e SSHCertificateIssued) WithExpiresAt(v time.Time) SSHCertificateIssued {
	e.expiresAt = some(moment(v))
	return e
}

// Denied turns the event into a refused attempt.
func (e SSHCertificateIssued) Denied(reason SSHCertificateIssuedReason) SSHCertificateIssued {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// PlatformSetupLinkCreated is emitted when a start of an installation without an administrator
// makes a set-up link.
//
// PLATFORM_SETUP_LINK_CREATED, "platform.setup_link.created".
type PlatformSetupLinkCreated struct {
	base
	setupID     id.Setup `meta:"setup_id"`
	expiresAt   instant  `meta:"expires_at"`
	linksVoided int      `meta:"links_voided"`
}

var platformSetupLinkCreated = define[PlatformSetupLinkCreated](Definition{
	Constant: PLATFORM_SETUP_LINK_CREATED, Wire: "platform.setup_link.created", Category: InternalTier,
	Tier:     Internal,
	Severity: Warn, TargetType: TargetTenant, Log: PlatformLog,
	ActorTypes: []ActorType{System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(3004, 1, "Create"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"creation"}},
	Trigger: "Emitted when a start of an installation without an administrator makes a set-up link, which voids " +
		"those before it; not when a link is used (PLATFORM_SETUP_COMPLETED).",
})

// NewPlatformSetupLinkCreated builds PLATFORM_SETUP_LINK_CREATED.
func NewPlatformSetupLinkCreated(
	act Act, target TenantRef, setupID id.Setup, expiresAt time.Time, linksVoided int,
) PlatformSetupLinkCreated {
	return PlatformSetupLinkCreated{
		base:    platformSetupLinkCreated.Succeeded(act, target),
		setupID: setupID, expiresAt: moment(expiresAt), linksVoided: linksVoided,
	}
}
