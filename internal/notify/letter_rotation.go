package notify

import (
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// RotationFailedKind is the kind of an alert about a credential that was not rotated.
const RotationFailedKind Kind = "rotation_failed"

// RotationFailed tells administrators that a credential could not be replaced.
type RotationFailed struct {
	Account   string
	AccountID string
	Target    string // name of the resource
	Why       string
	Left      bool      // the new key is in use; the old one could not be taken off
	State     string    // of the target
	Next      time.Time // next attempt; zero: none
	Rotation  string    // its id
	Attempt   int
}

func (RotationFailed) Kind() Kind { return RotationFailedKind }

func (d RotationFailed) about() string { return fmt.Sprintf("%s/%d", d.Rotation, d.Attempt) }

func (d RotationFailed) letter(w *writer) {
	if d.Left {
		w.subject("The old key of %s is still accepted", d.Account)
		w.text("The account %s has a new key, which is in use. Its old key could not be taken off the target.", d.Account)
	} else {
		w.subject("The credential of %s was not rotated", d.Account)
		w.text("The credential of the account %s could not be replaced.", d.Account)
	}
	w.fact("Why", d.Why)
	w.fact("Target", d.Target)
	switch {
	case d.Left:
	case d.State == "unchanged":
		w.text("The target is unchanged: sessions go on with the present credential.")
	default:
		w.text("It is not known which credential the target accepts. Both are kept, and the next attempt asks the target first.")
	}
	if d.Next.IsZero() {
		w.text("It is not tried again by itself. Look at the target, then rotate it by hand.")
	} else {
		w.text("It is tried again at %s.", d.Next)
	}
	w.link("Look at the accounts", "/accounts", secret.Secret{})
}
