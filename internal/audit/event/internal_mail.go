package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// MailOrder is what an administrator wants sent.
type MailOrder struct{ word }

// The values of MailOrder.
var (
	MailOrderTest   = MailOrder{word{"test"}}
	MailOrderResend = MailOrder{word{"resend"}}
)

// Values are the closed list of texts.
func (MailOrder) Values() []string { return texts(MailOrderTest, MailOrderResend) }

// MailOrderedReason is a reason of MAIL_ORDERED.
type MailOrderedReason struct{ word }

// The reasons of MAIL_ORDERED.
var (
	MailOrderedNotPermitted = MailOrderedReason{word{"not_permitted"}}
	MailOrderedRateLimited  = MailOrderedReason{word{"rate_limited"}}
	MailOrderedGone         = MailOrderedReason{word{"message_gone"}}
	MailOrderedTicketSystem = MailOrderedReason{word{"ticket_system"}}
)

// MailOrdered is emitted when an administrator sends a test message, or a message that did not
// arrive once more.
//
// MAIL_ORDERED, "mail.ordered".
type MailOrdered struct {
	base
	mailOrder  MailOrder   `meta:"mail_order"`
	mailKind   string      `meta:"mail_kind"`
	deliveryID opt[string] `meta:"delivery_id"`
}

var mailOrdered = define[MailOrdered](Definition{
	Constant: MAIL_ORDERED, Wire: "mail.ordered", Category: InternalTier,
	Tier:     Internal,
	Severity: Info, TargetType: TargetTenant, Log: OrgOrPlatform,
	ActorTypes: []ActorType{TenantAdmin, PlatformAdmin},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(MailOrderedNotPermitted, MailOrderedRateLimited, MailOrderedGone, MailOrderedTicketSystem),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted when an administrator sends a test message to themselves, or has a message that did not " +
		"arrive sent again, and when that is refused; not when the product sends by itself.",
})

// NewMailOrdered builds MAIL_ORDERED.
func NewMailOrdered(act Act, target TenantRef, mailOrder MailOrder, mailKind string) MailOrdered {
	return MailOrdered{
		base:      mailOrdered.Succeeded(act, target),
		mailOrder: mailOrder, mailKind: mailKind,
	}
}

// WithDelivery adds delivery_id; an empty one is left out.
func (e MailOrdered) WithDelivery(v id.Delivery) MailOrdered {
	if v != "" {
		e.deliveryID = some(string(v))
	}
	return e
}

// Denied turns the event into a refused attempt.
func (e MailOrdered) Denied(reason MailOrderedReason) MailOrdered {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}
