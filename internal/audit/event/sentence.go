package event

import "strings"

// Sentence tells an event to a person: who did what to what, and how it went.
func Sentence(e Envelope) string {
	who := e.Actor.Name
	if who == "" {
		who = strings.ToLower(string(e.Actor.Type))
	}
	s := who + ": " + e.Event
	if e.Target.Name != "" {
		s += ", " + e.Target.Name
	}
	if e.Outcome != Success {
		s += " (" + string(e.Outcome) + ": " + strings.ReplaceAll(e.Reason, "_", " ") + ")"
	}
	return s
}
