package recording

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// Reason is why a recording could not be written. It is also the reason of
// PROXY_SSH_RECORDING_WRITTEN.
type Reason string

// The reasons.
const (
	DiskFull         Reason = "disk_full"
	StoreUnavailable Reason = "store_unavailable"
)

// died is what an end says that RecoverOrphans has written.
const died = "server_died"

// CodeUnavailable is the fault code of a session that cannot be recorded.
const CodeUnavailable = "RECORDING_UNAVAILABLE"

// WriteError is the sticky error of a Writer: from this point on nothing more is
// recorded, and the session has to end. It wraps a fault of kind Unavailable
// with CodeUnavailable, whose text can be shown.
type WriteError struct {
	Reason Reason
	Err    error
}

func (e *WriteError) Error() string { return e.Err.Error() }
func (e *WriteError) Unwrap() error { return e.Err }

var (
	errReserve = errors.New("no more than the reserve is free")
	errTooBig  = errors.New("the recording has reached the largest size that is allowed")
	errStalled = errors.New("the disk does not answer")

	// ErrClosed is returned by Write after Close.
	ErrClosed = errors.New("this recording was closed")
	// ErrBusy says that a recording is still being written.
	ErrBusy = errors.New("this recording is still being written")
)

// writeError finds out what a failed write means.
func writeError(err error) *WriteError {
	e := &WriteError{Reason: StoreUnavailable}
	text := "this session can no longer be recorded, because the recordings folder cannot be written: tell an administrator"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, errReserve) || errors.Is(err, errTooBig) {
		e.Reason = DiskFull
		text = "this session can no longer be recorded, because the disk for recordings is full: tell an administrator"
	}
	e.Err = fault.New(fault.Unavailable, "%s", text).WithCode(CodeUnavailable).Because(err)
	return e
}

// ReasonOf is the reason of err; StoreUnavailable when it has none of its own.
func ReasonOf(err error) Reason {
	var e *WriteError
	if errors.As(err, &e) {
		return e.Reason
	}
	return StoreUnavailable
}

func unavailable(because error) error {
	e := writeError(because)
	text := "sessions cannot be recorded now, because the recordings folder cannot be written: tell an administrator"
	if e.Reason == DiskFull {
		text = "sessions cannot be recorded now, because the disk for recordings is nearly full: tell an administrator"
	}
	e.Err = fault.New(fault.Unavailable, "%s", text).WithCode(CodeUnavailable).Because(because)
	return e
}

func notStored(name string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fault.New(fault.NotFound, "the recording is no longer there").Because(err)
	}
	return fmt.Errorf("open %s: %w", name, err)
}
