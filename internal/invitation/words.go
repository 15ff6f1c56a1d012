package invitation

import (
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
)

// blocked is a rule that forbids an invitation or its acceptance: what the caller is
// told, and the reason of the event, one of the two.
type blocked struct {
	fault  *fault.Error
	sent   *event.InvitationSentReason
	accept *event.InvitationAcceptBlockedReason
}

func (b *blocked) Error() string { return b.fault.Error() }
func (b *blocked) Unwrap() error { return b.fault }

func block(why event.InvitationSentReason, f *fault.Error) error {
	return &blocked{fault: f, sent: &why}
}

func blockAccept(why event.InvitationAcceptBlockedReason, f *fault.Error) error {
	return &blocked{fault: f, accept: &why}
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func orEmpty(p []Place) []Place {
	if p == nil {
		return []Place{}
	}
	return p
}

func ipText(a authz.Actor) string {
	if !a.Source.IP.IsValid() {
		return ""
	}
	return a.Source.IP.Unmap().String()
}
