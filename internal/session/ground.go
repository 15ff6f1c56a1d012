package session

import (
	"net/netip"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Policy is the policy of the safe, as it was when the grant was redeemed.
type Policy struct {
	Recording      bool
	RecordInput    bool
	SessionTTL     time.Duration
	IdleTimeout    time.Duration
	LocalForward   bool
	RemoteForward  bool
	AgentForward   bool
	X11Forward     bool
	FileTransfer   string // "allow", "block" or "audit"
	MaxSessions    int
	SourceNetworks []netip.Prefix
}

// Resource is the target: where it is and which host keys it may show.
type Resource struct {
	ID   id.Resource
	Name string
	Host string
	Port int
}

// Account is the login identity at the target.
type Account struct {
	ID       id.Account
	Name     string
	Username string
}

// Credential signs in at the target as the account. Wipe it after the handshake.
type Credential struct {
	Username   string
	Kind       string
	Password   secret.Secret
	PrivateKey secret.Secret
}
