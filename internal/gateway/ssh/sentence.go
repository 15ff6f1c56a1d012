package ssh

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// What a program at the other end sees as the exit status of a refused session:
// what ssh itself exits with when it cannot connect, and what a missing argument is.
const (
	exitRefused = 255
	exitNoSafe  = 2
)

// refusal is a session that does not come about, in words for the person. The
// cause is for the log.
type refusal struct {
	sentence string
	exit     uint32
	cause    error
}

func (r *refusal) Error() string {
	if r.cause == nil {
		return r.sentence
	}
	if c := r.cause.Error(); strings.HasPrefix(c, r.sentence) {
		return c // a fault that says what the person is told
	}
	return r.sentence + ": " + r.cause.Error()
}

func (r *refusal) Unwrap() error { return r.cause }

func refuse(cause error, format string, args ...any) *refusal {
	return &refusal{sentence: fmt.Sprintf(format, args...), exit: exitRefused, cause: cause}
}

// refused makes a refusal of any error. A fault's message is shown as it is; of
// what is our own fault only a reference is.
func refused(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	if fault.KindOf(err) != fault.Internal {
		return refuse(err, "%s", printable(fault.MessageOf(err)))
	}
	ref := id.New[id.Request]()
	return refuse(fmt.Errorf("%s: %w", ref, err),
		"internal error. Try again; if it stays, give an administrator the reference %s", ref)
}

// line is a sentence as it is written to a terminal or a pipe. One of several
// lines ends in what it lists.
func line(sentence string, pty bool) []byte {
	if !strings.Contains(sentence, "\n") {
		sentence = strings.TrimSuffix(sentence, ".") + "."
	}
	sentence = "VaultPAM: " + sentence + "\n"
	if pty {
		sentence = strings.ReplaceAll(sentence, "\n", "\r\n")
	}
	return []byte(sentence)
}

// rejected is how a refusal looks where a channel cannot be opened.
func rejected(c ssh.NewChannel, reason ssh.RejectionReason, sentence string) error {
	return c.Reject(reason, "VaultPAM: "+strings.TrimSuffix(sentence, ".")+".")
}
