// Package sshevent defines the four audit events that the SSH gateway tells of its
// own. They stand beside the gateway, whose protocol they describe, and are part of
// the public catalog as PROXY_SSH_*: package event re-exports all of them, and other
// packages use them from there. This package imports nothing of the gateway.
package sshevent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
)

// Specs are the event types of this package, in catalog order.
func Specs() []*envelope.Spec {
	return []*envelope.Spec{sessionOpened, sessionClosed, authRejected, recordingWritten}
}

// Short names for the declarations of this package.
type (
	Constant   = envelope.Constant
	Act        = envelope.Act
	SessionRef = envelope.SessionRef
	SHA256     = envelope.SHA256
	Definition = envelope.Definition
	ActorType  = envelope.ActorType
	Outcome    = envelope.Outcome
	ECS        = envelope.ECS
	base       = envelope.Base
	seconds    = envelope.Seconds
	opt[T any] = envelope.Optional[T]
	word       struct{ text string } // of a closed list; only this package can make one
)

// String is the text that stands in the envelope.
func (w word) String() string { return w.text }

// texts lists the texts of the values of a closed type.
func texts[T fmt.Stringer](values ...T) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, v.String())
	}
	return out
}

// parse finds s among the values of a closed type.
func parse[T fmt.Stringer](s string, values ...T) (T, error) {
	i := slices.IndexFunc(values, func(v T) bool { return v.String() == s })
	if i < 0 {
		var none T
		return none, fmt.Errorf("%.40q is not one of %s", s, strings.Join(texts(values...), ", "))
	}
	return values[i], nil
}
