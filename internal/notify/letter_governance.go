package notify

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// The kinds of a sensitive change that waits for a second person.
const (
	GovernanceWaitingKind Kind = "governance_waiting"
	GovernanceDecidedKind Kind = "governance_decided"
)

// GovernanceWaiting tells those who may decide that a change waits for them.
type GovernanceWaiting struct {
	Requester    string
	Organization string
	Summary      string   // completes "asks to ..."
	Changes      []string // one line each
	Path         string   // of the action in the console
	ExpiresAt    time.Time
}

func (GovernanceWaiting) Kind() Kind { return GovernanceWaitingKind }

func (d GovernanceWaiting) about() string { return d.Path }

func (d GovernanceWaiting) letter(w *writer) {
	w.subject("%s asks to %s: a second person decides", d.Requester, d.Summary)
	w.text("%s asks to %s. It is done only when somebody else, an owner or administrator, approves it.", d.Requester, d.Summary)
	w.fact("Organization", d.Organization)
	for i, c := range d.Changes {
		if i == 20 {
			w.text("And %s", "more: see the console.")
			break
		}
		w.fact("Changes", c)
	}
	w.link("Look and decide", d.Path, secret.Secret{})
	w.text("It lapses at %s. Approve it only when you know why it is asked for.", d.ExpiresAt)
}

// GovernanceDecided tells who asked for a change what became of it.
type GovernanceDecided struct {
	Name    string
	Summary string
	Outcome string // approved, rejected, superseded
	By      string // empty: nobody
	Comment string
	Path    string
}

func (GovernanceDecided) Kind() Kind { return GovernanceDecidedKind }

func (d GovernanceDecided) letter(w *writer) {
	if w.shared {
		w.subject("A change that %s asked for was %s", d.Name, d.Outcome)
	} else {
		w.subject("What you asked for was %s", d.Outcome)
		w.text("Hello %s,", d.Name)
	}
	switch outcome := d.Outcome; {
	case w.shared && outcome == "approved":
		w.text("%s has approved that %s may %s. It is done.", d.By, d.Name, d.Summary)
	case w.shared && outcome == "rejected":
		w.text("%s has rejected the request of %s to %s. Nothing was changed.", d.By, d.Name, d.Summary)
	case w.shared:
		w.text("The request of %s to %s is void, because something else changed meanwhile. Nothing was done by it.", d.Name, d.Summary)
	case outcome == "approved":
		w.text("%s has approved that you %s. It is done.", d.By, d.Summary)
	case outcome == "rejected":
		w.text("%s has rejected your request to %s. Nothing was changed.", d.By, d.Summary)
	default:
		w.text("your request to %s is void, because something else changed meanwhile. Nothing was done by it; ask anew if it is still wanted.", d.Summary)
	}
	w.quote(d.Comment)
	w.link("See it", d.Path, secret.Secret{})
}
