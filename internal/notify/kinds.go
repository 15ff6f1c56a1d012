package notify

import "slices"

// KindInfo is what is known of a kind of notice before there is one.
type KindInfo struct {
	Kind  Kind
	Title string // what it tells, for people who choose
	InApp bool   // shown to the person inside the product

	Anywhere bool // shown whichever organization the person is active in
	Required bool // nobody turns it off: about security, or about how people are let in
	Urgent   bool // somebody waits for an answer: no summaries

	Shared bool // an organization's channels are told too; it carries nothing that is for one person alone
	Asks   bool // no notice: a webhook that names this kind, and no other, is asked; see TicketOpen
}

// The one table of kinds that more than the mail knows. A kind that is not here goes by
// e-mail to the person it is for, and nowhere else: most carry a one-time link.
var kinds = []KindInfo{
	{Kind: AccessWaitingKind, Title: "Somebody asks for access to a safe", InApp: true, Urgent: true, Shared: true},
	{Kind: AccessDecidedKind, Title: "A request for access was approved, rejected or has lapsed", InApp: true, Shared: true},
	{Kind: AccessEndedKind, Title: "Access was ended before its time", InApp: true, Shared: true},
	{Kind: AccessEmergencyKind, Title: "Somebody opened a safe in an emergency, without approval", InApp: true, Required: true, Shared: true},
	{Kind: RecoveryWaitingKind, Title: "Somebody has lost their second factor and waits for a decision", InApp: true, Required: true, Shared: true},
	{Kind: ChannelFailingKind, Title: "A channel of notices does not work", InApp: true, Required: true, Shared: true},
	{Kind: RotationFailedKind, Title: "A credential could not be rotated", InApp: true, Required: true, Shared: true},
	{Kind: AccessLentKind, Title: "A member lends another their access or their right to decide", InApp: true, Shared: true},
	{Kind: GovernanceWaitingKind, Title: "A sensitive change waits for a second person", InApp: true, Urgent: true, Shared: true},
	{Kind: GovernanceDecidedKind, Title: "A sensitive change was approved, rejected or is void", InApp: true, Shared: true},
	{Kind: ReviewWaitingKind, Title: "An access review asks you who still needs which right", InApp: true, Shared: true},
	{Kind: ReviewEndingKind, Title: "An access review ends soon and still waits for you", InApp: true, Shared: true},
	{Kind: InvitationKind, Title: "Somebody is invited to an organization", InApp: true, Anywhere: true, Required: true, Shared: true},
	{Kind: RecoveryDeniedKind, Title: "A request for a new second factor was turned down", InApp: true, Anywhere: true, Required: true, Shared: true},
	{Kind: RecoveryCompletedKind, Title: "A second factor was replaced after it was lost", InApp: true, Anywhere: true, Required: true, Shared: true},
	{Kind: TicketQuestionKind, Title: "No notices: it is asked whether a ticket is open (a webhook, with this kind alone)", Asks: true},
	{Kind: PasswordWasSetKind, Title: "Your password was set", InApp: true, Required: true},
}

// Kinds lists the kinds that an organization's channels can be told of, or asked.
func Kinds() []KindInfo {
	return slices.DeleteFunc(slices.Clone(kinds), func(k KindInfo) bool { return !k.Shared && !k.Asks })
}

func kindInfo(k Kind) KindInfo {
	for _, i := range kinds {
		if i.Kind == k {
			return i
		}
	}
	return KindInfo{Kind: k}
}
