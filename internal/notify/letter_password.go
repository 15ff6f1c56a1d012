package notify

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// The kinds about passwords.
const (
	PasswordResetKind    Kind = "password_reset"
	PasswordResetSSOKind Kind = "password_reset_sso"
	PasswordWasSetKind   Kind = "password_was_set"
)

// PasswordReset carries the link that sets a password.
type PasswordReset struct {
	Name      string
	First     bool          // they have none yet
	Source    string        // the address that asked
	Token     secret.Secret // what the page /reset posts with the new password
	ExpiresAt time.Time
}

func (PasswordReset) Kind() Kind { return PasswordResetKind }

func (d PasswordReset) letter(w *writer) {
	w.subject("Set a new password")
	w.text("Hello %s,", d.Name)
	if d.First {
		w.text("somebody, probably you, asked to set a password for your VaultPAM account. It has none yet.")
	} else {
		w.text("somebody, probably you, asked to set a new password for your VaultPAM account.")
	}
	w.link("Set the password", "/reset", d.Token)
	w.fact("Asked from", d.Source)
	w.text("The link works once, until %s. You sign in with the new password afterwards; your second factor stays as it is. If it was not you, nothing happens without the link.", d.ExpiresAt)
}

// PasswordResetSSO tells somebody that a password would open nothing.
type PasswordResetSSO struct {
	Name string
}

func (PasswordResetSSO) Kind() Kind { return PasswordResetSSOKind }

func (d PasswordResetSSO) letter(w *writer) {
	w.subject("You sign in through your organization")
	w.text("Hello %s,", d.Name)
	w.text("somebody, probably you, asked to set a password for your VaultPAM account. Your organization lets its members in through its identity provider only, so there is no password to set: choose single sign-on, and set your password at the provider.")
	w.link("Sign in", "/sign-in", secret.Secret{})
}

// PasswordWasSet tells the person that a link has set their password.
type PasswordWasSet struct {
	Name   string
	Source string
	At     time.Time
}

func (PasswordWasSet) Kind() Kind { return PasswordWasSetKind }

func (d PasswordWasSet) letter(w *writer) {
	w.subject("Your password was set anew")
	w.text("Hello %s,", d.Name)
	w.text("a new password was set for your VaultPAM account at %s, by a link that was sent to this address. All your sign-ins have ended.", d.At)
	w.fact("From", d.Source)
	w.text("If it was not you, somebody reads your mail: tell your administrator at once.")
}
