package notify

import (
	"strconv"
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// The kinds of access reviews that wait for a reviewer.
const (
	ReviewWaitingKind Kind = "access_review_waiting"
	ReviewEndingKind  Kind = "access_review_ending"
)

// ReviewWaiting tells a reviewer that an access review has opened which asks them.
type ReviewWaiting struct {
	Name     string
	Review   string // its name
	By       string
	Rights   int    // that this person is asked about
	Revokes  bool   // what nobody decides is revoked
	Path     string // of the review in the console
	Deadline time.Time
}

func (ReviewWaiting) Kind() Kind { return ReviewWaitingKind }

func (d ReviewWaiting) about() string { return d.Path }

func (d ReviewWaiting) letter(w *writer) {
	w.subject("The access review %s has opened", d.Review)
	if w.shared {
		w.text("%s has opened the access review %s. Its reviewers say who still needs which right.", d.By, d.Review)
	} else {
		w.text("Hello %s,", d.Name)
		w.text("%s has opened the access review %s. Please say who still needs which right.", d.By, d.Review)
		w.fact("Rights to decide", strconv.Itoa(d.Rights))
	}
	reviewEnds(w, d.Revokes, d.Deadline)
	w.link("Look and decide", d.Path, secret.Secret{})
}

func reviewEnds(w *writer, revokes bool, at time.Time) {
	if revokes {
		w.text("What nobody has decided by %s is revoked.", at)
	} else {
		w.text("What nobody has decided by %s stays.", at)
	}
}

// ReviewEnding reminds a reviewer of what is left, before an access review ends.
type ReviewEnding struct {
	Name     string
	Review   string // its name
	Rights   int    // that this person is asked about and nobody has decided
	Revokes  bool   // what nobody decides is revoked
	Path     string // of the review in the console
	Deadline time.Time
}

// Kind is ReviewEndingKind.
func (ReviewEnding) Kind() Kind { return ReviewEndingKind }

func (d ReviewEnding) about() string { return d.Path }

func (d ReviewEnding) letter(w *writer) {
	w.subject("The access review %s ends soon", d.Review)
	if w.shared {
		w.text("The access review %s ends soon, and some of its rights are not decided.", d.Review)
	} else {
		w.text("Hello %s,", d.Name)
		w.text("The access review %s ends soon, and you are asked about rights that nobody has decided.", d.Review)
		w.fact("Rights left to decide", strconv.Itoa(d.Rights))
	}
	reviewEnds(w, d.Revokes, d.Deadline)
	w.link("Look and decide", d.Path, secret.Secret{})
}
