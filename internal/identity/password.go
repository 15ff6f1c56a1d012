package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Cost is what a hash of a password costs with memory in bytes and so many passes,
// on one lane: the cores belong to the sessions.
func Cost(memory int64, passes int) argon2id.Params {
	return argon2id.Params{Memory: uint32(memory >> 10), Iterations: uint32(passes), Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

const (
	minPassword = 12  // characters
	maxPassword = 256 // characters
	maxAttempt  = 4 * maxPassword
	maxWaiting  = 128 // attempts that wait for a core before more are turned away
)

// hasher hashes and compares passwords. Memory and cores are bounded by its
// slots: an attacker who floods sign-in makes people wait, not the server fall.
type hasher struct {
	cost    argon2id.Params
	slots   chan struct{}
	waiting atomic.Int64
	decoy   string       // matches nothing, costs the same
	work    atomic.Int64 // hash operations so far; tests compare it
	metrics metrics
}

func newHasher(cost argon2id.Params, parallel int, r prometheus.Registerer) *hasher {
	salt, key := make([]byte, cost.SaltLength), make([]byte, cost.KeyLength)
	rand.Read(salt)
	rand.Read(key)
	h := &hasher{
		cost:  cost,
		slots: make(chan struct{}, parallel),
		decoy: fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, cost.Memory, cost.Iterations, cost.Parallelism,
			base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)),
	}
	h.metrics = newMetrics(r, h)
	return h
}

func (h *hasher) enter(ctx context.Context) error {
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		return fault.New(fault.Unavailable, "too many people sign in at this moment: try again in a few seconds").WithRetry(5 * time.Second)
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
		h.work.Add(1)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run does the work of one hash as soon as a slot is free, in the background of
// everything else that the server does (see aside).
func (h *hasher) run(ctx context.Context, work func() error) error {
	if err := h.enter(ctx); err != nil {
		return err
	}
	defer func() { <-h.slots }()
	return aside(func() error {
		defer prometheus.NewTimer(h.metrics.hashing).ObserveDuration()
		return work()
	})
}

func (h *hasher) hash(ctx context.Context, password secret.Secret) (out string, err error) {
	err = h.run(ctx, func() (err error) {
		out, err = argon2id.CreateHash(canonicalPassword(password), &h.cost)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return out, nil
}

// matches compares password with stored, which is empty when there is no such
// person: the work is the same and the answer is no. stale tells that the hash
// has an older cost and should be made anew.
func (h *hasher) matches(ctx context.Context, password secret.Secret, stored string) (ok, stale bool, err error) {
	known := stored != ""
	if !known {
		stored = h.decoy
	}
	var (
		match bool
		cost  *argon2id.Params
	)
	err = h.run(ctx, func() (err error) {
		match, cost, err = argon2id.CheckHash(canonicalPassword(password), stored)
		return err
	})
	if err != nil {
		return false, false, fmt.Errorf("compare a password: %w", err)
	}
	return match && known, *cost != h.cost, nil
}

// canonicalPassword is the one spelling of a password that keyboards of
// different systems agree on. What is far too long for any password is cut, so
// that hashing it costs what every attempt costs; it cannot match.
func canonicalPassword(p secret.Secret) string {
	b := p.Reveal()
	if len(b) > maxAttempt {
		b = b[:maxAttempt]
	}
	return norm.NFKC.String(string(b))
}

// CheckPassword tells whether p may become a password: 12 to 256 characters that
// do not just repeat, and not made of what is known about the person.
func CheckPassword(p secret.Secret, about ...string) error {
	text := canonicalPassword(p)
	n := utf8.RuneCountInString(text)
	field := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "the password "+format, args...).WithField("password", format, args...)
	}
	if len(p.Reveal()) > maxAttempt || n < minPassword || n > maxPassword || !utf8.ValidString(text) {
		return field("must have %d to %d characters", minPassword, maxPassword)
	}
	different := map[rune]bool{}
	for _, r := range text {
		different[r] = true
	}
	if len(different) < 5 {
		return field("must have at least 5 different characters")
	}
	low := strings.ToLower(text)
	for _, a := range about {
		a, _, _ = strings.Cut(strings.ToLower(a), "@")
		if len(a) >= 4 && strings.Contains(low, a) && len(low)-len(a) < minPassword-2 {
			return field("must not be the name, handle or e-mail address with a few characters added")
		}
	}
	for _, w := range commonPasswords {
		if strings.HasPrefix(low, w) && len(low)-len(w) < 4 {
			return field("is one of those that attackers try first: choose another")
		}
	}
	return nil
}

// The beginnings of long passwords that lists of leaked ones are full of.
var commonPasswords = []string{
	"123456789012", "1234567890", "0123456789", "qwertyuiop", "qwerty123456", "asdfghjkl", "1q2w3e4r5t6y", "password1234", "passwordpassword",
	"password12", "p@ssw0rd", "passw0rd", "administrator", "changeme1234", "letmein12345", "welcome12345", "iloveyou1234", "vaultpam1234",
}
