package cli

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// The files that ssh is given, in a folder of their own.
const (
	keyFile   = "key"
	certFile  = "key-cert.pub"
	knownFile = "known_hosts"
)

// keyPair is a key that is made for one session and gone after it.
type keyPair struct {
	public  string // a line as in a .pub file
	private []byte // PEM, in OpenSSH's form
}

func newKeyPair() (keyPair, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return keyPair{}, fmt.Errorf("make a key: %w", err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		return keyPair{}, fmt.Errorf("make a key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return keyPair{}, fmt.Errorf("encode a key: %w", err)
	}
	return keyPair{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))), pem.EncodeToMemory(block)}, nil
}

// write puts key, certificate and the gateway's host keys into a folder that only
// its owner can enter.
func (k keyPair) write(certificate string, hostKeys []string) (dir string, err error) {
	if certificate, err = k.check(certificate); err != nil {
		return "", err
	}
	known, err := knownHosts(hostKeys)
	if err != nil {
		return "", err
	}
	dir, err = os.MkdirTemp("", "vaultpam-ssh-") // mode 0700
	if err != nil {
		return "", fmt.Errorf("make a folder for the key: %w", err)
	}
	for name, text := range map[string][]byte{keyFile: k.private, certFile: []byte(certificate), knownFile: []byte(known)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			os.RemoveAll(dir)
			return "", fmt.Errorf("write the key for ssh: %w", err)
		}
	}
	return dir, nil
}

// check makes sure that the certificate is one of our key.
func (k keyPair) check(certificate string) (string, error) {
	wrong := fault.New(fault.Internal, "the server's certificate is not for the key that was made for this session")
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(certificate))
	if err != nil {
		return "", wrong.Because(err)
	}
	cert, ok := public.(*ssh.Certificate)
	if !ok || strings.TrimSpace(string(ssh.MarshalAuthorizedKey(cert.Key))) != k.public {
		return "", wrong
	}
	return string(ssh.MarshalAuthorizedKey(cert)), nil
}

// knownHosts writes the gateway's keys under the one name that ssh is told to look
// for. A line may begin with host names, which do not count.
func knownHosts(lines []string) (string, error) {
	var b strings.Builder
	for _, line := range lines {
		key, err := hostKeyLine(line)
		if err != nil {
			return "", err
		}
		b.WriteString(gatewayAlias + " " + key)
	}
	if b.Len() == 0 {
		return "", fault.New(fault.Internal, "the server does not say which host keys its SSH gateway has")
	}
	return b.String(), nil
}

func hostKeyLine(line string) (string, error) {
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		public, _, _, _, err = ssh.ParseAuthorizedKey([]byte(rest))
	}
	if err != nil {
		return "", fault.New(fault.Internal, "the server's SSH gateway has a host key that cannot be read").Because(err)
	}
	return string(ssh.MarshalAuthorizedKey(public)), nil
}
