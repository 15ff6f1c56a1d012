package recovery

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

const (
	ticketBytes  = 32
	ticketLength = 43 // of 32 bytes in base64url
)

// A ticket is what a link carries: the id of what it opens, a point, and 256 random
// bits. Only a hash of those is kept.
func newTicket[T id.Kind](name T) (shown secret.Secret, hash []byte) {
	token := secret.Token(ticketBytes).RevealString()
	return secret.FromString(string(name) + "." + token), hashTicket(string(name), token)
}

func hashTicket(name, token string) []byte {
	sum := sha256.Sum256([]byte("vaultpam-recovery/v1\x00" + name + "\x00" + token))
	return sum[:]
}

// parseTicket splits what somebody presents. Whether it is right is told by same.
func parseTicket[T id.Kind](shown string) (name T, token string, ok bool) {
	first, token, ok := strings.Cut(shown, ".")
	if !ok || len(token) != ticketLength {
		return "", "", false
	}
	name, err := id.Parse[T](first)
	return name, token, err == nil
}

func same(hash []byte, name, token string) bool {
	return len(hash) == sha256.Size && subtle.ConstantTimeCompare(hash, hashTicket(name, token)) == 1
}
