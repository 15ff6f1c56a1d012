package notify

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// The kinds of an MFA recovery.
const (
	RecoveryProofKind     Kind = "mfa_recovery_proof"
	RecoveryWaitingKind   Kind = "mfa_recovery_waiting"
	RecoveryGrantKind     Kind = "mfa_recovery_grant"
	RecoveryDeniedKind    Kind = "mfa_recovery_denied"
	RecoveryCompletedKind Kind = "mfa_recovery_completed"
)

// RecoveryProof asks the person to prove that they get mail at their address.
type RecoveryProof struct {
	Name      string
	Source    string        // the address that asked
	Proof     secret.Secret // what the page /recover/verify posts
	ExpiresAt time.Time
}

func (RecoveryProof) Kind() Kind { return RecoveryProofKind }

func (d RecoveryProof) letter(w *writer) {
	w.subject("Confirm that you have lost your second factor")
	w.text("Hello %s,", d.Name)
	w.text("somebody signed in to VaultPAM with your name and password and said that you have lost your second factor. If it was you, confirm it; an administrator decides then.")
	w.link("Yes, I have lost it", "/recover/verify", d.Proof)
	w.fact("Asked from", d.Source)
	w.text("The link works until %s. If it was not you, change your password now: somebody knows it.", d.ExpiresAt)
}

// RecoveryWaiting tells those who may decide that a case waits for them.
type RecoveryWaiting struct {
	Person       string
	Email        string
	Organization string // empty: the platform
	Lost         string
	Source       string
	Path         string // of the queue in the console
	ExpiresAt    time.Time
}

func (RecoveryWaiting) Kind() Kind { return RecoveryWaitingKind }

func (d RecoveryWaiting) about() string { return d.Email + d.ExpiresAt.UTC().Format(time.RFC3339Nano) }

func (d RecoveryWaiting) letter(w *writer) {
	w.subject("%s has lost their second factor and waits for your decision", d.Person)
	w.text("%s has signed in with their password, has confirmed it by e-mail, and asks to set up a new second factor. Speak with them before you decide: a stolen password and mailbox look the same.", d.Person)
	w.fact("Person", d.Email)
	w.fact("Organization", d.Organization)
	w.fact("Lost", d.Lost)
	w.fact("Asked from", d.Source)
	w.link("Decide", d.Path, secret.Secret{})
	w.text("The request lapses at %s.", d.ExpiresAt)
}

// RecoveryGrant carries the one-time grant of an approved case.
type RecoveryGrant struct {
	Name      string
	By        string
	Grant     secret.Secret // what the page /recover posts after the password
	ExpiresAt time.Time
}

func (RecoveryGrant) Kind() Kind { return RecoveryGrantKind }

func (d RecoveryGrant) letter(w *writer) {
	w.subject("Set up your new second factor")
	w.text("Hello %s,", d.Name)
	w.text("%s has approved that you set up a new second factor. Open the link, sign in with your password, and set it up.", d.By)
	w.link("Set up a new second factor", "/recover", d.Grant)
	w.text("The link works once, until %s. The old second factor and its backup codes stop working when the new one is set up, and you are signed out everywhere.", d.ExpiresAt)
}

// RecoveryDenied tells the person that an administrator said no.
type RecoveryDenied struct {
	Name    string
	By      string
	Comment string
}

func (RecoveryDenied) Kind() Kind { return RecoveryDeniedKind }

func (d RecoveryDenied) letter(w *writer) {
	if w.shared {
		w.subject("The request of %s for a new second factor was turned down", d.Name)
		w.text("%s has turned down the request of %s to set up a new second factor.", d.By, d.Name)
		w.quote(d.Comment)
		return
	}
	w.subject("Your request for a new second factor was turned down")
	w.text("Hello %s,", d.Name)
	w.text("%s has turned down your request to set up a new second factor. Your present one stays as it is.", d.By)
	w.quote(d.Comment)
	w.text("If you did not ask for it, change your password now: somebody knows it.")
}

// RecoveryCompleted tells the person that their second factor was replaced.
type RecoveryCompleted struct {
	Name   string
	Source string
	At     time.Time
}

func (RecoveryCompleted) Kind() Kind { return RecoveryCompletedKind }

func (d RecoveryCompleted) letter(w *writer) {
	if w.shared {
		w.subject("The second factor of %s was replaced", d.Name)
		w.text("%s has set up a new second factor at %s, after the old one was lost. The old one works no more, and all their sign-ins and API tokens have ended.", d.Name, d.At)
		w.fact("From", d.Source)
		return
	}
	w.subject("Your second factor was replaced")
	w.text("Hello %s,", d.Name)
	w.text("a new second factor was set up for you at %s. The old one and all backup codes from before work no more; all sign-ins and API tokens have ended.", d.At)
	w.fact("From", d.Source)
	w.text("If it was not you, call your administrator at once.")
}
