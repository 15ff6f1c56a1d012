package notify

import (
	"strconv"
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// ReviewWaitingKind is of access reviews that wait for a reviewer.
const ReviewWaitingKind Kind = "access_review_waiting"

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
	if d.Revokes {
		w.text("What nobody has decided by %s is revoked.", d.Deadline)
	} else {
		w.text("What nobody has decided by %s stays.", d.Deadline)
	}
	w.link("Look and decide", d.Path, secret.Secret{})
}
