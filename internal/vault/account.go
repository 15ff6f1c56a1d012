package vault

import (
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Kind is what an account proves itself with.
type Kind string

// The kinds of credentials.
const (
	Password Kind = "password"
	SSHKey   Kind = "ssh_key"
)

// State tells whether an account may be used.
type State string

// The states. A deleted account is found by nobody.
const (
	Enabled  State = "enabled"
	Disabled State = "disabled"
)

// Account is a login identity on a resource. It never carries its secret.
type Account struct {
	ID                id.Account
	Org               id.Org
	Name              string // unique among the accounts of the organization
	Resource          id.Resource
	Username          string // at the target
	Kind              Kind
	State             State
	Secret            id.Secret // names the credential over all its versions
	CredentialVersion int64     // of the current credential, from 1
	PublicKey         string    // kind ssh_key: in authorized_keys form, to install at the target
	Fingerprint       string    // kind ssh_key: of the public key, SHA256:...
	Version           int64     // grows with every change; give it back to change what you saw
	CreatedAt         time.Time
	UpdatedAt         time.Time
	RotationDue       time.Time // since when the credential is to be replaced; zero: it is not
	DueBecause        string    // incident, checkin or policy; empty: it is not due
	RotateEvery       int       // days; 0: by hand only
	NextRotation      time.Time // zero: none is planned
	RotatedAt         time.Time // the last rotation; zero: never
}

// Credential signs in at a target. Wipe it when the handshake is over.
type Credential struct {
	Username   string
	Kind       Kind
	Password   secret.Secret // kind password
	PrivateKey secret.Secret // kind ssh_key: OpenSSH form, without a passphrase
	Version    int64
}

// Signer is the private key of a credential of kind ssh_key.
func (c Credential) Signer() (ssh.Signer, error) {
	return ssh.ParsePrivateKey(c.PrivateKey.Reveal())
}

// Wipe overwrites the secret.
func (c Credential) Wipe() {
	c.Password.Wipe()
	c.PrivateKey.Wipe()
}
