package notify

import "time"

// ChannelFailingKind is the kind of an alert about notices themselves.
const ChannelFailingKind Kind = "channel_failing"

// ChannelFailing tells administrators that notices do not arrive by one channel.
type ChannelFailing struct {
	Channel string // its name; empty: e-mail
	Way     string // slack, webhook or email
	Error   string // of the last try
	At      time.Time
}

func (ChannelFailing) Kind() Kind { return ChannelFailingKind }

func (d ChannelFailing) letter(w *writer) {
	if d.Way == emailWay {
		w.subject("An e-mail of your organization did not arrive")
		w.text("A notice could not be delivered by e-mail. It was sent by another channel where there is one.")
	} else {
		w.subject("Notices do not reach %s", d.Channel)
		w.text("The channel %s does not take notices. What it could not be told goes by the next channel in your organization's order, and last to administrators by e-mail; it is tried further.", d.Channel)
	}
	w.fact("Last error", d.Error)
	w.fact("Seen at", d.At.UTC().Format("2 January 2006, 15:04 UTC"))
	w.fact("Look at it with", "vaultpam channels list")
	w.text("You are told of this again after six hours at the earliest.")
}
