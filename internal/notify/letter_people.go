package notify

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// The kinds of messages to people on their way in.
const (
	InvitationKind     Kind = "invitation"
	SignupLinkKind     Kind = "signup_link"
	SignupApprovedKind Kind = "signup_approved"
	SignupRejectedKind Kind = "signup_rejected"
)

// Invitation asks somebody to join an organization.
type Invitation struct {
	Organization string
	Inviter      string
	Role         string
	Email        string // who is invited
	Support      string // whom to ask at the organization; may be empty
	Token        secret.Secret
	ExpiresAt    time.Time
}

func (Invitation) Kind() Kind { return InvitationKind }

func (d Invitation) letter(w *writer) {
	if w.shared {
		w.subject("%s invites %s to %s", d.Inviter, d.Email, d.Organization)
		w.text("%s invites %s to join %s, as %s. The invitation ends at %s.", d.Inviter, d.Email, d.Organization, d.Role, d.ExpiresAt)
		return
	}
	w.subject("%s invites you to %s", d.Inviter, d.Organization)
	w.text("%s invites you to join %s on VaultPAM, as %s.", d.Inviter, d.Organization, d.Role)
	if w.bare {
		w.link("Look at the invitation", "/profile?tab=access", secret.Secret{})
		w.text("It is open until %s.", d.ExpiresAt)
		w.fact("Questions", d.Support)
		return
	}
	w.link("Look at the invitation", "/invite", d.Token)
	w.text("The link is for you alone and works once, until %s. If you have an account with this e-mail address, sign in with it; otherwise you choose a password.", d.ExpiresAt)
	w.fact("Questions", d.Support)
}

// SignupLink proves the address of somebody who wants to register an organization.
type SignupLink struct {
	Token     secret.Secret
	ExpiresAt time.Time
}

func (SignupLink) Kind() Kind { return SignupLinkKind }

func (d SignupLink) letter(w *writer) {
	w.subject("Your organization on VaultPAM")
	w.text("Somebody, probably you, gave this e-mail address to register an organization, or to see how far its registration is.")
	w.link("Go on", "/signup", d.Token)
	w.text("The link works once, until %s. If it was not you, nothing happens without the link.", d.ExpiresAt)
}

// SignupApproved tells an applicant that their organization exists.
type SignupApproved struct {
	Organization string
	Slug         string
}

func (SignupApproved) Kind() Kind { return SignupApprovedKind }

func (d SignupApproved) letter(w *writer) {
	w.subject("%s is ready", d.Organization)
	w.text("Your organization %s was approved, and you are its owner. Sign in with this e-mail address to set it up.", d.Organization)
	w.fact("Short name", d.Slug)
	w.link("Sign in", "/sign-in", secret.Secret{})
}

// SignupRejected tells an applicant that their organization was turned down.
type SignupRejected struct {
	Organization string
	MayResubmit  bool
	Comment      string
}

func (SignupRejected) Kind() Kind { return SignupRejectedKind }

func (d SignupRejected) letter(w *writer) {
	w.subject("About the registration of %s", d.Organization)
	if d.MayResubmit {
		w.text("The registration of %s needs a correction before it can be approved.", d.Organization)
	} else {
		w.text("The registration of %s was turned down.", d.Organization)
	}
	w.quote(d.Comment)
	if d.MayResubmit {
		w.link("Correct it and send it again", "/signup", secret.Secret{})
		w.text("The page asks for this e-mail address and sends you a link to your registration.")
	}
}
