package resource

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// HostKeyMismatch says that a target showed a host key that nobody confirmed
// for it. The connection must not go on.
type HostKeyMismatch struct {
	Resource string   // its name
	Seen     string   // fingerprint of the key that was shown
	SeenType string   // its type
	Pinned   []string // fingerprints of the confirmed keys; empty when none was ever confirmed
}

func (e *HostKeyMismatch) Error() string {
	if len(e.Pinned) == 0 {
		return fmt.Sprintf("no host key of %s is confirmed yet (it shows %s %s): ask an administrator to check and confirm it", e.Resource, e.SeenType, e.Seen)
	}
	return fmt.Sprintf("%s shows another host key (%s %s) than the confirmed one (%s): ask an administrator to find out why, and to confirm the new key if it is right", e.Resource, e.SeenType, e.Seen, strings.Join(e.Pinned, ", "))
}

// CheckHostKey accepts the confirmed host keys of the resource and nothing else;
// it returns a *HostKeyMismatch for any other. A host certificate is not a key
// that was confirmed, so it is refused too.
func (r Resource) CheckHostKey(key ssh.PublicKey) error {
	wire := key.Marshal()
	for _, k := range r.HostKeys {
		if bytes.Equal(k.PublicKey, wire) {
			return nil
		}
	}
	e := &HostKeyMismatch{Resource: r.Name, Seen: ssh.FingerprintSHA256(key), SeenType: key.Type()}
	for _, k := range r.HostKeys {
		e.Pinned = append(e.Pinned, k.Fingerprint)
	}
	return e
}

// hostKeyOrder is what a scan asks for and a gateway offers, best first.
var hostKeyOrder = []string{
	ssh.KeyAlgoED25519,
	ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// HostKeyAlgorithms is what a client must offer so that the target answers with
// a key that can be among the confirmed ones (a server with several keys would
// otherwise choose one of its own liking). With no confirmed key it is the full list.
func (r Resource) HostKeyAlgorithms() []string {
	var out []string
	for _, algorithm := range hostKeyOrder {
		if slices.ContainsFunc(r.HostKeys, func(k HostKey) bool { return k.Type == keyTypeOf(algorithm) }) {
			out = append(out, algorithm)
		}
	}
	if len(out) == 0 {
		return slices.Clone(hostKeyOrder)
	}
	return out
}

// keyTypeOf is the type of the key that a signature algorithm is made with.
func keyTypeOf(algorithm string) string {
	if algorithm == ssh.KeyAlgoRSASHA256 || algorithm == ssh.KeyAlgoRSASHA512 {
		return ssh.KeyAlgoRSA
	}
	return algorithm
}
