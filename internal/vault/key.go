package vault

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// The bounds of a private key.
const (
	maxKeyFile    = 16 << 10 // bytes, as text
	minRSA        = 2048     // bits
	maxRSA        = 8192
	maxPassphrase = 1024 // bytes
)

// parsedKey is a private key that was checked and brought to one form.
type parsedKey struct {
	private secret.Secret // OpenSSH form, no passphrase
	public  ssh.PublicKey
}

// parseKey reads a private key as somebody pasted it. The error is a
// fault.Invalid that names the field and says what to do; it never quotes the key.
func parseKey(text, passphrase secret.Secret) (parsedKey, error) {
	raw, err := openKey(text.Reveal(), passphrase.Reveal())
	if err != nil {
		return parsedKey{}, err
	}
	signer, err := checkKey(raw)
	if err != nil {
		return parsedKey{}, err
	}
	block, err := ssh.MarshalPrivateKey(raw, "")
	if err != nil {
		return parsedKey{}, badKey("is of a kind that SSH does not use", "give an Ed25519, ECDSA or RSA key").Because(err)
	}
	out := parsedKey{private: secret.New(pem.EncodeToMemory(block)), public: signer.PublicKey()}
	// What is stored must be the key that was given; an RSA key of three primes, for one, would not be.
	again, err := ssh.ParsePrivateKey(out.private.Reveal())
	if err != nil || !bytes.Equal(again.PublicKey().Marshal(), out.public.Marshal()) {
		return parsedKey{}, badKey("has a form that OpenSSH does not know", "make a key with ssh-keygen")
	}
	return out, nil
}

func badKey(what, todo string) *fault.Error {
	return fault.New(fault.Invalid, "the private key %s; %s", what, todo).WithField("private_key", "%s; %s", what, todo)
}

func badPassphrase(what, todo string) *fault.Error {
	return fault.New(fault.Invalid, "the passphrase %s; %s", what, todo).WithField("passphrase", "%s; %s", what, todo)
}

// openKey decodes and decrypts.
func openKey(text, passphrase []byte) (crypto.PrivateKey, error) {
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return nil, badKey("is empty", "paste the whole file, from BEGIN to END")
	case len(text) > maxKeyFile:
		return nil, badKey("has more than 16 KiB", "paste the key file and nothing else")
	case len(passphrase) > maxPassphrase:
		return nil, badPassphrase("has more than 1024 bytes", "check it")
	}
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, notPEM(text)
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, badKey("is followed by something else", "paste one key and nothing after it")
	}
	switch block.Type {
	case "OPENSSH PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY":
	case "ENCRYPTED PRIVATE KEY":
		return nil, badKey("is encrypted in a form that cannot be opened here", "convert it with: ssh-keygen -p -f FILE")
	case "DSA PRIVATE KEY":
		return nil, badKey("is a DSA key, which SSH servers refuse", "make an Ed25519 key: ssh-keygen -t ed25519")
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE", "SSH2 PUBLIC KEY":
		return nil, badKey("is a public key or a certificate", "give the private half")
	default:
		return nil, badKey("is of a kind that is not known", "give an Ed25519, ECDSA or RSA key")
	}
	key, err := ssh.ParseRawPrivateKey(text)
	var missing *ssh.PassphraseMissingError
	switch {
	case err == nil && len(passphrase) > 0:
		return nil, badPassphrase("is not needed, because the key is not encrypted", "leave it out")
	case err == nil:
		return key, nil
	case !errors.As(err, &missing):
		return nil, badKey("cannot be read: it is damaged or cut off", "paste the whole file again, from BEGIN to END").Because(err)
	case len(passphrase) == 0:
		return nil, badPassphrase("is missing, because the key is encrypted", "give the key's passphrase")
	}
	key, err = ssh.ParseRawPrivateKeyWithPassphrase(text, passphrase)
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, badPassphrase("does not open the key", "check it")
	case err != nil:
		return nil, badKey("cannot be decrypted: it is damaged, or protected in a way that is not known", "make a copy with: ssh-keygen -p -f FILE").Because(err)
	}
	return key, nil
}

// notPEM recognizes what people paste by mistake.
func notPEM(text []byte) error {
	s := string(bytes.TrimSpace(text[:min(len(text), 256)]))
	switch {
	case strings.HasPrefix(s, "PuTTY-User-Key-File"):
		return badKey("is in PuTTY's own form", "export it with: puttygen FILE -O private-openssh")
	case strings.HasPrefix(s, "ssh-"), strings.HasPrefix(s, "ecdsa-"), strings.HasPrefix(s, "sk-"):
		return badKey("is a public key", "give the private half, the file without .pub")
	}
	return badKey("is not in a form that SSH uses", "paste the whole file, from -----BEGIN to END-----")
}

// checkKey accepts the kinds and sizes that are worth having and whose two halves belong together.
func checkKey(key crypto.PrivateKey) (ssh.Signer, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if n := k.N.BitLen(); n < minRSA || n > maxRSA {
			return nil, badKey("is an RSA key of a size that is not accepted", "give one of 2048 to 8192 bits, or an Ed25519 key")
		}
	case *ecdsa.PrivateKey, ed25519.PrivateKey, *ed25519.PrivateKey:
	default:
		return nil, badKey("is of a kind that is not accepted", "give an Ed25519, ECDSA or RSA key")
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, badKey("is of a kind that SSH does not use", "give an Ed25519, ECDSA or RSA key").Because(err)
	}
	probe := []byte("vaultpam key check")
	sig, err := signer.Sign(rand.Reader, probe)
	if err == nil {
		err = signer.PublicKey().Verify(probe, sig)
	}
	if err != nil {
		return nil, badKey("does not sign what its public half verifies: it is damaged", "paste the file again").Because(err)
	}
	return signer, nil
}

// maxPassword bounds a password, in bytes.
const maxPassword = 1024

func checkPassword(p secret.Secret) error {
	wrong := func(what string) error {
		return fault.New(fault.Invalid, "the password %s", what).WithField("password", "%s", what)
	}
	switch b := p.Reveal(); {
	case len(b) == 0:
		return wrong("must not be empty")
	case len(b) > maxPassword:
		return wrong("must have at most 1024 bytes")
	case bytes.ContainsAny(b, "\x00\r\n"):
		return wrong("must not contain line breaks or zero bytes; was one pasted with it?")
	}
	return nil
}
