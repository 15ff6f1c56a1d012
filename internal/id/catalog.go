package id

// Kinds that the audit catalog names and whose objects belong to later parts of
// the product. They stand here so that the catalog's types never change.
type (
	Enrolment         string // a connector's single-use enrolment token
	Delegation        string // access lent by one member to another
	Recovery          string // an MFA recovery case
	RecoveryGrant     string // the one-time grant of an approved recovery case
	Rotation          string // one rotation of a credential
	RotationPolicy    string
	Rule              string // one rule of a policy
	Flow              string // an invitation's acceptance flow in the browser
	Provider          string // an identity provider's connection
	Submission        string // an organization that asks to be let in
	GroupAssignment   string // the binding of a group to a safe
	PhoneVerification string
	PhoneChange       string
	AccessComment     string // what somebody wrote about an access request
)

func (Enrolment) Prefix() string         { return "enr" }
func (Delegation) Prefix() string        { return "dlg" }
func (Recovery) Prefix() string          { return "rcv" }
func (RecoveryGrant) Prefix() string     { return "rgr" }
func (Rotation) Prefix() string          { return "rot" }
func (RotationPolicy) Prefix() string    { return "rpl" }
func (Rule) Prefix() string              { return "rul" }
func (Flow) Prefix() string              { return "flw" }
func (Provider) Prefix() string          { return "idp" }
func (Submission) Prefix() string        { return "sub" }
func (GroupAssignment) Prefix() string   { return "gas" }
func (PhoneVerification) Prefix() string { return "pvf" }
func (PhoneChange) Prefix() string       { return "pch" }
func (AccessComment) Prefix() string     { return "acm" }
