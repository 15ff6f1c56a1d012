package event

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
