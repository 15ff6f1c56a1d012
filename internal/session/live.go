package session

import "context"

// Opened is what the gateway knows once the first channel is ready.
type Opened struct {
	UpstreamHost       string
	UpstreamPort       int
	HostKeyFingerprint string
	ClientVersion      string
	FirstChannel       Channel
}

// Enforcement is one intervention of a control.
type Enforcement struct {
	Control   Control
	Reason    string // a reason of SESSION_POLICY_ENFORCED; empty: the usual one of the control
	Direction Direction
	Bytes     int64
}

// Closed is what the gateway knows when its transport is closed.
type Closed struct {
	By              CloseSide
	ExitStatus      *int
	Channels        int
	BytesToTarget   int64
	BytesFromTarget int64
}

// Live is a running session, as its gateway holds it.
type Live struct {
	ticket *Ticket
	ending chan struct{}
}

// Ticket is what the session was opened with.
func (l *Live) Ticket() *Ticket { return l.ticket }

// Opened records that the gateway is connected on both sides.
func (l *Live) Opened(ctx context.Context, o Opened) error { return errClosed }

// Enforced records that a control of the policy acted.
func (l *Live) Enforced(ctx context.Context, e Enforcement) error { return errClosed }

// Touch says that the person or the target was active.
func (l *Live) Touch() {}

// Ending is closed when the product wants the session ended; Cause says why.
func (l *Live) Ending() <-chan struct{} { return l.ending }

// Cause is why Ending was closed.
func (l *Live) Cause() Cause { return Cause{} }

// Close ends the session; call it exactly once, however it ended.
func (l *Live) Close(ctx context.Context, c Closed) error { return errClosed }
