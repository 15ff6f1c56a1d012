package notify

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// PlatformInvitationKind is an invitation to operate the platform.
const PlatformInvitationKind Kind = "platform_invitation"

// PlatformInvitation asks somebody to operate the platform.
type PlatformInvitation struct {
	Inviter   string
	Role      string // a platform role
	Link      secret.Secret
	ExpiresAt time.Time
}

func (PlatformInvitation) Kind() Kind { return PlatformInvitationKind }

func (d PlatformInvitation) letter(w *writer) {
	w.subject("%s invites you to operate VaultPAM", d.Inviter)
	w.text("%s asks you to operate this installation of VaultPAM, across all of its organizations and without a right inside any of them.", d.Inviter)
	role := "platform administrator"
	if d.Role == "platform_auditor" {
		role = "platform auditor"
	}
	w.fact("Your role", role)
	w.link("Look at the invitation", "/platform/invitation", d.Link)
	w.text("The link works once, until %s. On its page you accept the invitation or turn it down.", d.ExpiresAt)
}
