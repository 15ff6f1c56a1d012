package recovery

import (
	"crypto/subtle"
	"strings"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// A ticket is what a link carries: the id of what it opens, a point, and 256 random
// bits. Only a hash of those, with the id, is kept.
var ticketKind = secret.TokenKind{Use: "vaultpam-recovery/v1"}

func newTicket[T id.Kind](name T) (shown secret.Secret, hash []byte) {
	token := ticketKind.New().RevealString()
	return secret.FromString(string(name) + "." + token), hashTicket(string(name), token)
}

func hashTicket(name, token string) []byte { return ticketKind.Hash(name + "\x00" + token) }

// parseTicket splits what somebody presents. Whether it is right is told by same.
func parseTicket[T id.Kind](shown string) (name T, token string, ok bool) {
	first, token, _ := strings.Cut(shown, ".")
	if _, ok = ticketKind.Parse(secret.FromString(token)); !ok || token != strings.TrimSpace(token) {
		return "", "", false
	}
	name, err := id.Parse[T](first)
	return name, token, err == nil
}

func same(hash []byte, name, token string) bool {
	return len(hash) > 0 && subtle.ConstantTimeCompare(hash, hashTicket(name, token)) == 1
}
