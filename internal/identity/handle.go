package identity

import (
	"context"
	"fmt"
	"strings"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// IntroduceByEmail is Introduce for somebody of whom a directory tells an address,
// and a name when it has one: without a password, under a handle made from the
// address.
func (s *Service) IntroduceByEmail(ctx context.Context, tx *db.Tx, sc mfa.Scope, email, name string) (p Profile, known bool, err error) {
	handle, err := freeHandle(ctx, identitysql.New(tx), email)
	if err != nil {
		return Profile{}, false, err
	}
	if _, err := ParseName(name); err != nil {
		name = "" // the handle then
	}
	d, err := s.Draft(ctx, NewPerson{Email: email, Handle: handle, Name: name})
	if err != nil {
		return Profile{}, false, err
	}
	p, known, err = s.Introduce(ctx, tx, sc, d)
	if fault.CodeOf(err) == "HANDLE_TAKEN" { // since freeHandle looked
		err = db.Overtaken(err)
	}
	return p, known, err
}

// freeHandle makes a handle of an address: its local part, and a few random
// letters where that is taken.
func freeHandle(ctx context.Context, q *identitysql.Queries, email string) (string, error) {
	base := handleOf(email)
	for try := range 5 {
		h := base
		if try > 0 {
			h = base[:min(len(base), 26)] + "-" + lettersOf(secret.Token(16).RevealString(), 4)
		}
		n, err := q.HandleTaken(ctx, h)
		if err != nil {
			return "", fmt.Errorf("look up a handle: %w", err)
		}
		if n == 0 {
			return h, nil
		}
	}
	return "", fault.New(fault.Conflict, "no handle is free for %s: try again", email)
}

// handleOf is what of an address can stand in a handle.
func handleOf(email string) string {
	local, _, _ := strings.Cut(email, "@")
	var b strings.Builder
	for _, r := range local {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case (r == '.' || r == '-' || r == '_') && b.Len() > 0:
			b.WriteByte('-')
		}
	}
	h := strings.Trim(b.String()[:min(b.Len(), 32)], "-")
	if len(h) < 2 {
		h = "user-" + lettersOf(secret.Token(16).RevealString(), 6)
	}
	return h
}

// lettersOf takes n characters of a random text that may stand in a handle.
func lettersOf(random string, n int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(random) {
		if (r >= 'a' && r <= 'z' || r >= '0' && r <= '9') && b.Len() < n {
			b.WriteRune(r)
		}
	}
	return b.String()
}
