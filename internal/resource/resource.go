package resource

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

// Protocol is what a resource speaks.
type Protocol string

// The protocols that have a gateway.
const SSH Protocol = "ssh"

// Resource is a connection definition.
type Resource struct {
	ID          id.Resource
	Org         id.Org
	Name        string // unique among the resources of the organization
	Protocol    Protocol
	Host        string // canonical: see ParseHost
	Port        int
	Description string
	Labels      []string  // such as env=prod, sorted; policies of access look at them
	HostKeys    []HostKey // the confirmed ones; empty until an administrator confirms one
	Version     int64     // grows with every change; give it back to change what you saw
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// HostKey is a host key that an administrator confirmed.
type HostKey struct {
	Fingerprint string // SHA256:..., as OpenSSH prints it
	Type        string // ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa, ...
	PublicKey   []byte // RFC 4253 wire form
	ConfirmedBy id.User
	ConfirmedAt time.Time
}

// Sighting is a host key that a target showed to a scan.
type Sighting struct {
	ID          id.HostKeySight
	Fingerprint string
	Type        string
	PublicKey   []byte
	Host        string // where it was seen
	Port        int
	SeenAt      time.Time
	Pinned      bool // it is among the confirmed ones already
}
