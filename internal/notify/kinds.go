package notify

import "slices"

// KindInfo is what is known of a kind of notice before there is one.
type KindInfo struct {
	Kind   Kind
	Title  string // what it tells, for people who choose
	Shared bool   // an organization's channels are told too; it carries nothing that is for one person alone
}

// The one table of kinds that more than the mail knows. A kind that is not here goes by
// e-mail to the person it is for, and nowhere else: most carry a one-time link.
var kinds = []KindInfo{
	{Kind: AccessWaitingKind, Title: "Somebody asks for access to a safe", Shared: true},
	{Kind: AccessDecidedKind, Title: "A request for access was approved, rejected or has lapsed", Shared: true},
	{Kind: AccessEndedKind, Title: "Access was ended before its time", Shared: true},
	{Kind: AccessEmergencyKind, Title: "Somebody opened a safe in an emergency, without approval", Shared: true},
	{Kind: RecoveryWaitingKind, Title: "Somebody has lost their second factor and waits for a decision", Shared: true},
	{Kind: ChannelFailingKind, Title: "A channel of notices does not work", Shared: true},
}

// Kinds lists the kinds that an organization's channels can be told of.
func Kinds() []KindInfo {
	return slices.DeleteFunc(slices.Clone(kinds), func(k KindInfo) bool { return !k.Shared })
}

func kindInfo(k Kind) KindInfo {
	for _, i := range kinds {
		if i.Kind == k {
			return i
		}
	}
	return KindInfo{Kind: k}
}
