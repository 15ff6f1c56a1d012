package identity

import (
	"bytes"
	"crypto/dsa"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
)

const (
	maxKeyLine = 16 << 10
	minRSABits = 2048
	maxRSABits = 8192 // a longer one costs the server more than it gives
)

// PublicKey is a person's SSH public key in the forms that are kept and shown.
type PublicKey struct {
	Algorithm   string // ssh-ed25519, ecdsa-sha2-nistp256, ...
	Fingerprint string // SHA256:...
	Wire        []byte // RFC 4253 form
	Comment     string // what stood after the key; bounded, may be empty
}

// ParseAuthorizedKey reads one line of a .pub file. Options before the key,
// certificates, several keys, and keys that are too weak are refused.
func ParseAuthorizedKey(text string) (PublicKey, error) {
	bad := func(format string, args ...any) (PublicKey, error) {
		return PublicKey{}, fault.New(fault.Invalid, format, args...).WithField("public_key", format, args...)
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "" || len(text) > maxKeyLine:
		return bad("the public key must be one line as in a .pub file, such as: ssh-ed25519 AAAA... comment")
	case strings.Contains(text, "PRIVATE KEY"):
		return bad("this is a private key, which never leaves its owner: give the line of the .pub file beside it, and make a new key pair if this one was shown to others")
	case strings.ContainsAny(text, "\r\n"):
		return bad("give one public key at a time, on one line")
	}
	key, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(bytes.TrimSpace(rest)) > 0 {
		return bad("the public key cannot be read: give the line of a .pub file, such as: ssh-ed25519 AAAA... comment")
	}
	if len(options) > 0 {
		return bad("the public key must stand alone: remove the options before it")
	}
	if err := checkKey(key); err != nil {
		return PublicKey{}, err
	}
	label, err := parseLabel("comment", comment, 128)
	if err != nil {
		label = ""
	}
	return PublicKey{Algorithm: key.Type(), Fingerprint: ssh.FingerprintSHA256(key), Wire: key.Marshal(), Comment: label}, nil
}

// parseWireKey reads a key as SSH sends it, with the same demands.
func parseWireKey(wire []byte) (ssh.PublicKey, error) {
	if len(wire) > maxKeyLine {
		return nil, fault.New(fault.Invalid, "the public key is too long")
	}
	key, err := ssh.ParsePublicKey(wire)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the public key cannot be read").Because(err)
	}
	if !bytes.Equal(key.Marshal(), wire) {
		return nil, fault.New(fault.Invalid, "the public key is not in its canonical form")
	}
	return key, checkKey(key)
}

// checkKey holds the kinds of keys that may sign a person in.
func checkKey(key ssh.PublicKey) error {
	weak := func(format string, args ...any) error {
		return fault.New(fault.Invalid, format, args...).WithField("public_key", format, args...)
	}
	if _, ok := key.(*ssh.Certificate); ok {
		return weak("this is a certificate: give the public key itself")
	}
	c, ok := key.(ssh.CryptoPublicKey)
	if !ok || strings.HasPrefix(key.Type(), "sk-") {
		return weak("keys of type %s are not accepted: use ed25519, ECDSA, or RSA of at least %d bits", key.Type(), minRSABits)
	}
	switch k := c.CryptoPublicKey().(type) {
	case ed25519.PublicKey, *ecdsa.PublicKey:
		return nil
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < minRSABits || n > maxRSABits {
			return weak("RSA keys must have %d to %d bits, this one has %d: make one with ssh-keygen -t ed25519", minRSABits, maxRSABits, n)
		}
		return nil
	case *dsa.PublicKey:
		return weak("DSA keys are too weak: make one with ssh-keygen -t ed25519")
	}
	return weak("keys of type %s are not accepted: use ed25519, ECDSA, or RSA of at least %d bits", key.Type(), minRSABits)
}
