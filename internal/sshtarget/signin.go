// Package sshtarget signs in at SSH targets with the credentials of accounts: how a
// host key is compared with the pinned ones, which way of signing in is taken, and
// what a failure means. Whoever reaches a target does it by this package, so that a
// session and a rotation agree on what a target accepts.
package sshtarget

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// ClientVersion is how the product presents itself to targets.
const ClientVersion = "SSH-2.0-VaultPAM"

// Credential is what an account proves itself with: a password or a key.
type Credential struct {
	Password   secret.Secret
	PrivateKey secret.Secret
	Passphrase secret.Secret // of the private key; empty when it has none
}

// Wipe overwrites the secrets.
func (c Credential) Wipe() {
	c.Password.Wipe()
	c.PrivateKey.Wipe()
	c.Passphrase.Wipe()
}

// WrongHostKey is a target that does not show a pinned key.
type WrongHostKey struct{ Seen string }

func (e *WrongHostKey) Error() string { return "the host key " + e.Seen + " is not pinned" }

var (
	errNotAccepted = errors.New("the target accepts none of the account's credentials")
	errQuestion    = errors.New("the target asks something else than a password")
)

// Config is a client that takes only a pinned host key (in wire form) and asks for
// the credential once the target has shown it. shown gets the key's fingerprint.
func Config(username string, pinned [][]byte, credential func() (Credential, error), shown func(fingerprint string)) *ssh.ClientConfig {
	return &ssh.ClientConfig{
		User:          username,
		ClientVersion: ClientVersion,
		// Only kinds of keys that are pinned are asked for: another kind could not be checked.
		HostKeyAlgorithms: hostKeyAlgorithms(pinned),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			seen := key.Marshal()
			for _, p := range pinned {
				if subtle.ConstantTimeCompare(seen, p) == 1 {
					shown(ssh.FingerprintSHA256(key))
					return nil
				}
			}
			return &WrongHostKey{ssh.FingerprintSHA256(key)}
		},
		AuthCallback: func(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
			cred, err := credential()
			if err != nil {
				return nil, err
			}
			return next(cred, c)
		},
	}
}

// next chooses how to sign in, once the target has said what it takes. A stored
// password answers a plain request for it or, failing that, a dialogue.
func next(cred Credential, c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	open := func(method string) bool {
		return slices.Contains(c.AllowedMethods, method) && !slices.Contains(c.TriedMethods, method)
	}
	switch {
	case !cred.PrivateKey.Empty() && open("publickey"):
		key, err := signer(cred)
		if err != nil {
			return nil, fmt.Errorf("read the account's private key: %w", err)
		}
		return ssh.PublicKeys(key), nil
	case !cred.Password.Empty() && open("password"):
		return ssh.Password(cred.Password.RevealString()), nil
	case !cred.Password.Empty() && open("keyboard-interactive"):
		return ssh.KeyboardInteractive(func(_, _ string, questions []string, echos []bool) ([]string, error) {
			return dialogue(cred, questions, echos)
		}), nil
	}
	return nil, errNotAccepted
}

func signer(c Credential) (ssh.Signer, error) {
	if c.Passphrase.Empty() {
		return ssh.ParsePrivateKey(c.PrivateKey.Reveal())
	}
	return ssh.ParsePrivateKeyWithPassphrase(c.PrivateKey.Reveal(), c.Passphrase.Reveal())
}

// dialogue answers a target that asks for the password in a conversation: one
// hidden question at a time. Anything else is not a question for a password, and
// the stored one is not given away to it.
func dialogue(c Credential, questions []string, echos []bool) ([]string, error) {
	switch {
	case len(questions) == 0:
		return nil, nil
	case len(questions) > 1 || echos[0]:
		return nil, errQuestion
	}
	return []string{c.Password.RevealString()}, nil
}

// Stranger tells whether a handshake failed because the target did not show a pinned key.
func Stranger(err error) bool {
	var key *WrongHostKey
	var neg *ssh.AlgorithmNegotiationError
	return errors.As(err, &key) || errors.As(err, &neg) && strings.Contains(neg.What, "host key")
}

// Refused tells whether a handshake failed because the target does not take the credential.
func Refused(err error) bool {
	return err != nil && (errors.Is(err, errNotAccepted) || strings.Contains(err.Error(), "disconnect, reason 2:") || strings.Contains(err.Error(), "disconnect, reason 14:"))
}

// hostKeyAlgorithms are the signature algorithms of the pinned keys.
func hostKeyAlgorithms(pinned [][]byte) (names []string) {
	for _, wire := range pinned {
		key, err := ssh.ParsePublicKey(wire)
		if err != nil {
			continue // no key can match it
		}
		if key.Type() == ssh.KeyAlgoRSA {
			names = append(names, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512)
			continue
		}
		names = append(names, key.Type())
	}
	return names
}
