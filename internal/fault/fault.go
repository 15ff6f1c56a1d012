// Package fault is the one error type of the product. A fault has a Kind, which
// every door maps to its own language (HTTP status, SSH message, exit code) by
// the tables in this package; a Code, which programs may depend on; and a
// Message, which is shown to the person as it is. Everything that is not a
// fault is Internal: its text goes to the log, never to the caller.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind is the class of a failure, from the caller's point of view.
type Kind uint8

// The closed list of kinds. Another organization's object is NotFound, never Denied.
const (
	Internal        Kind = iota // our fault; shown as "internal error" with a reference id
	Invalid                     // the input is wrong; repeating it will not help
	Unauthenticated             // nobody is signed in, or the proof did not hold
	Denied                      // signed in, and not allowed
	NotFound                    // no such thing for this caller
	Conflict                    // the thing changed or exists already
	Exhausted                   // a limit; RetryAfter says when to come back
	Unavailable                 // a part we need does not answer
)

// Field names one wrong input value: a JSON path and what was expected there.
type Field struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// Error is a failure that may be shown to its caller.
type Error struct {
	Kind       Kind
	Code       string        // stable, upper case; DefaultCode(Kind) unless set
	Message    string        // a sentence for the person: what was wrong, what to do
	Fields     []Field       // for Invalid: which values
	RetryAfter time.Duration // for Exhausted and Unavailable; zero is unknown
	Err        error         // the cause, for the log only
}

// New makes a fault whose text is shown to the caller.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Code: DefaultCode(k), Message: fmt.Sprintf(format, args...)}
}

// WithCode replaces the stable code.
func (e *Error) WithCode(code string) *Error { e.Code = code; return e }

// WithField adds a wrong input value.
func (e *Error) WithField(path, format string, args ...any) *Error {
	e.Fields = append(e.Fields, Field{Path: path, Message: fmt.Sprintf(format, args...)})
	return e
}

// WithRetry says when the caller may try again.
func (e *Error) WithRetry(after time.Duration) *Error { e.RetryAfter = after; return e }

// Because keeps the cause for the log; it is never shown.
func (e *Error) Because(err error) *Error { e.Err = err; return e }

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// As finds the fault in err's chain; nil when there is none.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// KindOf is the Kind of err: Internal for anything that is not a fault.
func KindOf(err error) Kind {
	if e := As(err); e != nil {
		return e.Kind
	}
	return Internal
}

// Is tells whether err is a fault of kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// CodeOf is the stable code of err.
func CodeOf(err error) string {
	if e := As(err); e != nil {
		return e.Code
	}
	return DefaultCode(Internal)
}

// MessageOf is the text that may be shown to the caller.
func MessageOf(err error) string {
	if e := As(err); e != nil && e.Kind != Internal {
		return e.Message
	}
	return "internal error"
}

type row struct {
	code string
	http int
	exit int
}

// One table for all doors.
var table = [...]row{
	Internal:        {"INTERNAL", 500, 1},
	Invalid:         {"INVALID", 422, 2},
	Unauthenticated: {"AUTH_FAILED", 401, 3},
	Denied:          {"NOT_PERMITTED", 403, 4},
	NotFound:        {"NOT_FOUND", 404, 5},
	Conflict:        {"CONFLICT", 409, 6},
	Exhausted:       {"RATE_LIMITED", 429, 7},
	Unavailable:     {"UNAVAILABLE", 503, 8},
}

// DefaultCode is the stable code of a kind that has no better one.
func DefaultCode(k Kind) string { return table[k].code }

// HTTPStatus is the status (RFC 9110) that tells the kind of err.
func HTTPStatus(err error) int { return table[KindOf(err)].http }

// ExitCode is the command line's exit status for err; 0 for nil.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	return table[KindOf(err)].exit
}
