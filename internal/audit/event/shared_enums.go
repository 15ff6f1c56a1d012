package event

// ReadVia is the way a list was read.
type ReadVia struct{ word }

// The values of ReadVia.
var (
	ReadViaConsole = ReadVia{word{"console"}}
	ReadViaAPI     = ReadVia{word{"api"}}
)

// Values are the closed list of texts.
func (ReadVia) Values() []string {
	return texts(ReadViaConsole, ReadViaAPI)
}

// ParseReadVia reads one of the texts of Values.
func ParseReadVia(s string) (ReadVia, error) {
	return parse(s, ReadViaConsole, ReadViaAPI)
}

// InvitationScope is what an invitation leads into.
type InvitationScope struct{ word }

// The values of InvitationScope.
var (
	InvitationScopeOrg      = InvitationScope{word{"org"}}
	InvitationScopePlatform = InvitationScope{word{"platform"}}
)

// Values are the closed list of texts.
func (InvitationScope) Values() []string {
	return texts(InvitationScopeOrg, InvitationScopePlatform)
}

// ParseInvitationScope reads one of the texts of Values.
func ParseInvitationScope(s string) (InvitationScope, error) {
	return parse(s, InvitationScopeOrg, InvitationScopePlatform)
}

// CredentialKind is the kind of an account's credential.
type CredentialKind struct{ word }

// The values of CredentialKind.
var (
	CredentialKindPassword       = CredentialKind{word{"password"}}
	CredentialKindSSHKey         = CredentialKind{word{"ssh_key"}}
	CredentialKindSSHCertificate = CredentialKind{word{"ssh_certificate"}}
	CredentialKindJIT            = CredentialKind{word{"jit"}}
)

// Values are the closed list of texts.
func (CredentialKind) Values() []string {
	return texts(CredentialKindPassword, CredentialKindSSHKey, CredentialKindSSHCertificate, CredentialKindJIT)
}

// ParseCredentialKind reads one of the texts of Values.
func ParseCredentialKind(s string) (CredentialKind, error) {
	return parse(s, CredentialKindPassword, CredentialKindSSHKey, CredentialKindSSHCertificate, CredentialKindJIT)
}

// FactorKind is a second factor that can be enrolled.
type FactorKind struct{ word }

// The values of FactorKind.
var (
	FactorKindTOTP     = FactorKind{word{"totp"}}
	FactorKindWebAuthn = FactorKind{word{"webauthn"}}
)

// Values are the closed list of texts.
func (FactorKind) Values() []string {
	return texts(FactorKindTOTP, FactorKindWebAuthn)
}

// ParseFactorKind reads one of the texts of Values.
func ParseFactorKind(s string) (FactorKind, error) {
	return parse(s, FactorKindTOTP, FactorKindWebAuthn)
}

// Protocol is the protocol of a connection definition and its sessions.
type Protocol struct{ word }

// The values of Protocol.
var (
	ProtocolSSH        = Protocol{word{"ssh"}}
	ProtocolHTTP       = Protocol{word{"http"}}
	ProtocolPostgres   = Protocol{word{"postgres"}}
	ProtocolMySQL      = Protocol{word{"mysql"}}
	ProtocolRDP        = Protocol{word{"rdp"}}
	ProtocolVNC        = Protocol{word{"vnc"}}
	ProtocolKubernetes = Protocol{word{"kubernetes"}}
)

// Values are the closed list of texts.
func (Protocol) Values() []string {
	return texts(ProtocolSSH, ProtocolHTTP, ProtocolPostgres, ProtocolMySQL, ProtocolRDP, ProtocolVNC, ProtocolKubernetes)
}

// ParseProtocol reads one of the texts of Values.
func ParseProtocol(s string) (Protocol, error) {
	return parse(s, ProtocolSSH, ProtocolHTTP, ProtocolPostgres, ProtocolMySQL, ProtocolRDP, ProtocolVNC, ProtocolKubernetes)
}
