package session

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// Opened is what the gateway knows once the first channel is ready.
type Opened struct {
	UpstreamHost       string
	UpstreamPort       int
	HostKeyFingerprint string // SHA256:..., as OpenSSH prints it
	ClientVersion      string // as sent by the client; bounded by the door
	FirstChannel       Channel
}

// Closed is what the gateway knows when its transport is closed.
type Closed struct {
	By              CloseSide
	ExitStatus      *int // of the last command that gave one
	Channels        int
	BytesToTarget   int64
	BytesFromTarget int64
}

// Live is a running session, as its gateway holds it. It is safe for concurrent
// use, costs no goroutine and no timer, and a few hundred bytes.
type Live struct {
	s       *Service
	ticket  *Ticket
	facts   facts
	rec     *recording.Writer // nil when the policy switched recording off
	touched atomic.Int64      // microseconds
	ending  chan struct{}

	mu       sync.Mutex
	limits   limits
	cause    Cause     // whose wish the end is; the zero value until Ending is closed
	endingAt time.Time // when Ending was closed
	opened   bool
	closed   bool // Close was called: nothing is recorded through this Live any more
	folds    []fold
}

// Ticket is what the session was opened with.
func (l *Live) Ticket() *Ticket { return l.ticket }

// Recorder takes the frames of the session; nil when the policy switched recording off.
func (l *Live) Recorder() *recording.Writer { return l.rec }

// Touch says that the person or the target was active. It is cheap: call it for every packet.
func (l *Live) Touch() { l.touched.Store(db.Micros(l.s.d.Now())) }

// Ending is closed when the product wants the session ended; Cause says why. The
// gateway shows Cause.Sentence, cuts both sides and calls Close.
func (l *Live) Ending() <-chan struct{} { return l.ending }

// Cause is why Ending was closed; the zero Cause before that.
func (l *Live) Cause() Cause {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// ask closes Ending for this cause, unless the session is ending already.
func (l *Live) ask(c Cause) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.cause.By != "" {
		return false
	}
	l.cause, l.endingAt = c, time.Now()
	close(l.ending)
	return true
}

func (l *Live) askSystem(r Reason) bool { return l.ask(Cause{By: BySystem, Reason: r}) }

var channels = map[Channel]event.FirstChannel{
	ChannelShell: event.FirstChannelShell, ChannelExec: event.FirstChannelExec,
	ChannelSFTP: event.FirstChannelSFTP, ChannelPortForward: event.FirstChannelPortForward,
}

// Opened records that the gateway is connected on both sides and its first channel
// is ready (PROXY_SSH_SESSION_OPENED). A second call is a fault.Conflict.
func (l *Live) Opened(ctx context.Context, o Opened) error {
	first, ok := channels[o.FirstChannel]
	if !ok {
		return fault.New(fault.Invalid, "%q is not a kind of channel", o.FirstChannel)
	}
	f := l.facts
	ev := event.NewProxySSHSessionOpened(f.byUser(l.ticket.Actor), f.target(), f.resource, f.account, f.grant,
		o.UpstreamHost, o.UpstreamPort, o.HostKeyFingerprint, o.ClientVersion, first)
	err := l.s.d.DB.InOrg(ctx, f.org, func(ctx context.Context, tx *db.Tx) error {
		n, err := sessionsql.New(tx).MarkOpened(ctx, sessionsql.MarkOpenedParams{OrgID: string(f.org), ID: string(f.session)})
		if err != nil {
			return err
		}
		if n != 1 {
			return fault.New(fault.Conflict, "the session has ended, or was opened before")
		}
		_, err = l.s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return l.unheard(fmt.Errorf("record that session %s is open: %w", f.session, err))
	}
	l.mu.Lock()
	l.opened = true
	l.mu.Unlock()
	return nil
}

// unheard ends the session when what happens in it cannot be told.
func (l *Live) unheard(err error) error {
	if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Invalid) {
		l.askSystem(ReasonAuditUnavailable)
	}
	return err
}

// Close ends the session; call it once, however it ended. It records exactly one
// SESSION_TERMINATED_* (by whoever asked for the end first: the product through
// Ending, an administrator, or with this call the gateway's own reason), then
// PROXY_SSH_SESSION_CLOSED, then finishes the recording. An error means that the
// ledger could not be told yet; it will be, and nothing is left to do for the caller.
func (l *Live) Close(ctx context.Context, c Closed) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	cause, folds := l.cause, l.folds
	l.folds = nil
	l.mu.Unlock()

	if cause.By == "" {
		cause = l.causeOf(c.By)
	} else {
		c.By = ClosedByControl
	}
	e := &settlement{live: l, cause: cause, closed: c, at: l.s.d.Now(), folds: folds}
	return l.s.settle(context.WithoutCancel(ctx), e)
}

// causeOf is whose end it was when the gateway's transport closed unasked.
func (l *Live) causeOf(side CloseSide) Cause {
	if l.rec != nil && l.rec.Err() != nil {
		return Cause{By: BySystem, Reason: ReasonRecordingFailed}
	}
	switch side {
	case ClosedByClient, ClosedByExit:
		return Cause{By: ByUser}
	case ClosedByUpstream:
		return Cause{By: BySystem, Reason: ReasonUpstreamClosed}
	}
	return Cause{By: BySystem, Reason: ReasonShutdown}
}

// Enforcement is one intervention of a control of the policy.
type Enforcement struct {
	Control   Control
	Reason    string // one of SESSION_POLICY_ENFORCED; "" when the control only noted what passed
	Direction Direction
	Bytes     int64 // of the data concerned; 0 when unknown
}

// fold is a kind of intervention that was told already, and how often it has
// happened again since.
type fold struct {
	Enforcement
	again int
	since time.Time
}

const foldFor = time.Minute

func (f fold) same(e Enforcement) bool {
	return f.Control == e.Control && f.Reason == e.Reason && f.Direction == e.Direction
}

// Enforced records that a control of the policy acted (SESSION_POLICY_ENFORCED).
// The first of its kind is in the ledger when this returns; equal ones within a
// minute are counted and told together.
func (l *Live) Enforced(ctx context.Context, e Enforcement) error {
	first, err := l.enforcedEvent(e, 1)
	if err != nil {
		return err
	}
	l.mu.Lock()
	if i := slices.IndexFunc(l.folds, func(f fold) bool { return f.same(e) }); i >= 0 {
		l.folds[i].again++
		l.folds[i].Bytes += e.Bytes
		l.mu.Unlock()
		return nil
	}
	if l.closed {
		l.mu.Unlock()
		return fault.New(fault.Conflict, "the session has ended")
	}
	kept := e
	kept.Bytes = 0
	l.folds = append(l.folds, fold{Enforcement: kept, since: l.s.d.Now()})
	l.mu.Unlock()
	if err := l.s.record(ctx, l.facts.org, first); err != nil {
		return l.unheard(fmt.Errorf("record what the policy did in session %s: %w", l.facts.session, err))
	}
	return nil
}

// takeFolds gives what has to be told of interventions whose minute is over.
func (l *Live) takeFolds(now time.Time) []fold {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.folds) == 0 || l.closed {
		return nil
	}
	var out []fold
	l.folds = slices.DeleteFunc(l.folds, func(f fold) bool {
		over := now.Sub(f.since) >= foldFor
		if over && f.again > 0 {
			out = append(out, f)
		}
		return over
	})
	return out
}

var controls = map[Control]event.Control{
	ControlClipboard: event.ControlClipboard, ControlFileTransfer: event.ControlFileTransfer,
	ControlPortForward: event.ControlPortForward, ControlCommand: event.ControlCommand, ControlQuery: event.ControlQuery,
	ControlStepUp: event.ControlStepUp, ControlTTL: event.ControlTTL,
}

var directions = map[Direction]event.DataDirection{
	ToTarget: event.DataDirectionToTarget, FromTarget: event.DataDirectionFromTarget,
}

// Interventions that refuse something; their outcome is denied.
var blocks = map[string]event.SessionPolicyEnforcedReason{
	"clipboard_blocked":     event.SessionPolicyEnforcedClipboardBlocked,
	"file_transfer_blocked": event.SessionPolicyEnforcedFileTransferBlocked,
	"port_forward_blocked":  event.SessionPolicyEnforcedPortForwardBlocked,
	"command_blocked":       event.SessionPolicyEnforcedCommandBlocked,
	"query_blocked":         event.SessionPolicyEnforcedQueryBlocked,
}

// Interventions that put a condition on the session.
var conditions = map[string]event.SessionPolicyEnforcedReason{
	"step_up_forced": event.SessionPolicyEnforcedStepUpForced,
	"ttl_shortened":  event.SessionPolicyEnforcedTTLShortened,
}

func (l *Live) enforcedEvent(e Enforcement, count int) (event.Event, error) {
	control, ok := controls[e.Control]
	if !ok {
		return nil, fault.New(fault.Invalid, "%q is not a control of a policy", e.Control)
	}
	ev := event.NewSessionPolicyEnforced(l.facts.bySystem(), l.facts.target(), control, count)
	if e.Direction != "" {
		d, ok := directions[e.Direction]
		if !ok {
			return nil, fault.New(fault.Invalid, "%q is not a direction of data", e.Direction)
		}
		ev = ev.WithDataDirection(d)
	}
	if e.Bytes > 0 {
		ev = ev.WithByteCount(e.Bytes)
	}
	if e.Reason == "" {
		return ev, nil
	}
	if r, ok := blocks[e.Reason]; ok {
		return ev.Denied(r), nil
	}
	if r, ok := conditions[e.Reason]; ok {
		return ev.Because(r), nil
	}
	return nil, fault.New(fault.Invalid, "%q is not a reason of SESSION_POLICY_ENFORCED", e.Reason)
}
