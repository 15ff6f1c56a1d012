package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// BootstrapArgs sets up a person who exists and has only a password yet.
type BootstrapArgs struct {
	Login     string
	Password  secret.Secret
	Org       string // id or slug in which to act; empty: their first, or the platform
	SSHKey    string // a line of a .pub file; empty: none
	TokenName string // empty: no API token
	Scopes    []string
	TokenLife time.Duration
	From      Origin
}

// Bootstrapped is what the person has then. Nothing of it is shown again.
type Bootstrapped struct {
	TOTP        mfa.Pending
	BackupCodes []secret.Secret
	Token       secret.Secret // empty when none was asked for
}

// Bootstrap does for a person what they would do at their first sign-in, through
// the same methods and with the same events: it signs in, enrols a TOTP factor,
// registers a key, makes an API token and signs out. Development mode and tests
// use it; somebody who has a factor already is fault.Conflict.
func (s *Service) Bootstrap(ctx context.Context, a BootstrapArgs) (Bootstrapped, error) {
	var out Bootstrapped
	a.From = a.From.OrNew()
	in, err := s.SignIn(ctx, SignInArgs{Email: a.Login, Password: a.Password, From: a.From})
	if err != nil {
		return out, fmt.Errorf("bootstrap %s: %w", a.Login, err)
	}
	if in.Session == nil {
		return out, fault.New(fault.Conflict, "%s has a second factor already", a.Login)
	}
	limited, err := s.ByBearer(ctx, in.Session.Token, a.Org, a.From)
	if err != nil {
		return out, err
	}
	if out.TOTP, err = s.BeginTOTP(ctx, limited, ""); err != nil {
		return out, err
	}
	// The code of the step before still counts, and leaves the present one to whoever signs in next.
	code, err := mfa.Code(out.TOTP.Secret.RevealString(), s.d.Now().Add(-30*time.Second))
	if err != nil {
		return out, err
	}
	if out.BackupCodes, err = s.ConfirmTOTP(ctx, limited, out.TOTP.Factor, secret.FromString(code)); err != nil {
		return out, err
	}
	actor, err := s.ByBearer(ctx, in.Session.Token, a.Org, a.From)
	if err != nil {
		return out, err
	}
	if a.SSHKey != "" {
		if _, err := s.AddSSHKey(ctx, actor, "", a.SSHKey); err != nil {
			return out, err
		}
	}
	if a.TokenName != "" {
		if _, out.Token, err = s.CreateToken(ctx, actor, CreateTokenArgs{Name: a.TokenName, Scopes: a.Scopes, Life: a.TokenLife}); err != nil {
			return out, err
		}
	}
	return out, s.SignOut(ctx, actor)
}
