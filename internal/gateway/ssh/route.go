package ssh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// The controls of a policy that the gateway enforces.
const (
	controlForward   = "port_forward" // local, remote, agent and X11 forwards, and jumps
	controlFiles     = "file_transfer"
	controlClipboard = "clipboard"
)

// closeTimeout bounds what is written about a session after it has ended.
const closeTimeout = time.Minute

// route is one privileged session: the ticket, the connection to the target, the
// record. It begins with a launch and comes up while the client is still asking
// for its first channel.
type route struct {
	g       *Gateway
	log     *slog.Logger
	from    Client
	decided chan struct{} // closed once the control plane has decided: ticket or refused is set
	ready   chan struct{} // closed once the session is established, or refused is set

	refused *refusal // read it after decided (no ticket) or after ready
	failure Failure  // why the target could not be signed in to
	ticket  *Ticket
	policy  Policy
	target  *target
	live    Live
	rec     Recorder // nil: recording is off

	opened   sync.Once
	openErr  error
	broken   atomic.Bool   // a frame could not be recorded
	lastID   atomic.Uint32 // number of the last channel
	up, down atomic.Int64  // bytes to and from the target
	exit     atomic.Pointer[int]

	endOnce sync.Once
	ended   chan struct{} // closed when the route is to end
	by      CloseSide     // read it after ended
	last    string        // the last sentence for the person; may be empty
}

// launcher asks the control plane for a ticket.
type launcher func(ctx context.Context) (*Ticket, error)

// open begins a route. It comes up, or is refused, by itself and is finished with
// close in either case. It does not depend on the client's patience: what has
// been launched is brought up and then ended in order.
func (g *Gateway) open(ctx context.Context, from Client, launch launcher) *route {
	r := &route{g: g, log: g.log, from: from,
		decided: make(chan struct{}), ready: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(r.ready)
		if err := r.establish(ctx, launch); err != nil {
			if r.refused == nil { // decided has readers already
				r.refused = refused(err)
			}
			g.metrics.refusals.WithLabelValues(cmp.Or(string(r.failure), fault.CodeOf(err))).Inc()
			r.log.InfoContext(ctx, "session refused", "source", from.Source.IP, "error", r.refused)
		}
	}()
	return r
}

// refusedRoute is a route that never came up.
func refusedRoute(why *refusal) *route {
	r := &route{refused: why, decided: make(chan struct{}), ready: make(chan struct{}), ended: make(chan struct{})}
	close(r.decided)
	close(r.ready)
	return r
}

// establish takes the steps of a session in their order: decide, lease and dial,
// sign in, start. Lease and dial run side by side, since each only waits.
func (r *route) establish(ctx context.Context, launch launcher) error {
	t, err := launch(ctx)
	if err != nil {
		r.refused = refused(err)
		close(r.decided)
		return r.refused
	}
	r.ticket, r.policy = t, t.Policy
	r.log = r.log.With("session_id", t.Session)
	close(r.decided)
	lease := make(chan leased, 1)
	go func() {
		c, err := r.g.d.Sessions.Lease(ctx, t)
		lease <- leased{c, err}
	}()
	target, class, err := r.g.reach(ctx, t, lease)
	if err != nil {
		if r.failure = class; class != "" {
			if err := r.g.d.Sessions.Failed(context.WithoutCancel(ctx), t, class); err != nil {
				r.log.ErrorContext(ctx, "failed session not recorded", "error", err)
			}
		}
		return err
	}
	live, err := r.g.d.Sessions.Start(ctx, t)
	if err != nil {
		target.Close()
		return fmt.Errorf("start session: %w", err)
	}
	r.target, r.live, r.rec = target, live, live.Recorder()
	r.g.metrics.sessions.Inc()
	r.log.InfoContext(ctx, "session established", "source", r.from.Source.IP)
	return nil
}

// wait blocks until the route carries, or gives the refusal.
func (r *route) wait() error {
	<-r.ready
	if r.refused != nil {
		return r.refused
	}
	return nil
}

// firstChannel records, once, that the session is in use.
func (r *route) firstChannel(ctx context.Context, kind string) error {
	r.opened.Do(func() {
		r.openErr = r.live.Opened(ctx, Opened{Host: r.ticket.Host, Port: r.ticket.Port,
			HostKey: r.target.hostKey, Client: r.from.Version, FirstChannel: kind})
	})
	return r.openErr
}

var errRecording = errors.New("the session can no longer be recorded")

// put records a frame. When it fails nothing more may pass: the route ends.
func (r *route) put(f format.Frame) error {
	switch {
	case r.rec == nil:
		return nil
	case r.broken.Load():
		return errRecording
	}
	if len(f.Data) > format.MaxData {
		f.Data = f.Data[:format.MaxData]
	}
	if err := r.rec.Write(f); err != nil {
		if !r.broken.Swap(true) {
			r.log.Error("record frame", "error", err)
		}
		r.end(ByGateway, "Session ended: it can no longer be recorded. Tell an administrator, and try again later.")
		return errRecording
	}
	return nil
}

// enforce accounts for an intervention of the policy: in the ledger and in the record.
func (r *route) enforce(ctx context.Context, channel uint32, e Enforcement, detail string) {
	r.g.metrics.enforced.WithLabelValues(e.Control).Inc()
	r.put(format.Enforced{Control: e.Control, Reason: e.Control + "_blocked", Detail: format.Raw(detail)}.Frame(channel))
	if err := r.live.Enforced(ctx, e); err != nil {
		r.log.ErrorContext(ctx, "enforcement not recorded", "error", err)
		r.end(ByGateway, "Session ended: the audit log could not be written. Tell an administrator, and try again later.")
	}
}

// end asks the route to end. The first call decides on whose account.
func (r *route) end(by CloseSide, sentence string) {
	r.endOnce.Do(func() {
		r.by, r.last = by, sentence
		close(r.ended)
	})
}

// over tells whether the route has been asked to end.
func (r *route) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// lastBytes is how long a target may take for what a client sent before it closed a channel.
const lastBytes = 5 * time.Second

// soon waits until a client's last bytes have been handed over, but not for a
// target that does not take them.
func (r *route) soon(sent <-chan struct{}) {
	select {
	case <-sent:
	case <-r.ended:
	case <-time.After(lastBytes):
	}
}

// watch ends the route when somebody else wants it: the control plane, the
// recorder, the target, or a stopping server. The caller makes it return by end.
func (r *route) watch(ctx context.Context) {
	var failed <-chan struct{}
	if r.rec != nil {
		failed = r.rec.Failed()
	}
	select {
	case <-r.live.Ending():
		r.end(ByControl, r.live.EndingSentence())
	case <-failed:
		r.end(ByGateway, "Session ended: it can no longer be recorded. Tell an administrator, and try again later.")
	case <-r.target.done:
		r.end(ByTarget, "Session ended: the target closed the connection.")
	case <-ctx.Done():
		r.end(ByControl, "Session ended: this VaultPAM server is stopping. Connect again in a moment.")
	case <-r.ended:
	}
}

// close finishes the route after end: the target's connection goes first, then
// idle waits until everything that was read is in the record, then the session is closed.
func (r *route) close(idle func()) {
	<-r.ready
	if r.refused != nil {
		idle()
		return
	}
	r.target.Close()
	idle()
	r.g.metrics.sessions.Dec()
	r.g.metrics.bytes.WithLabelValues("to_target").Add(float64(r.up.Load()))
	r.g.metrics.bytes.WithLabelValues("from_target").Add(float64(r.down.Load()))
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := r.live.Close(ctx, Closed{By: r.by, ExitStatus: r.exit.Load(), Channels: int(r.lastID.Load()),
		BytesToTarget: r.up.Load(), BytesFromTarget: r.down.Load()})
	if err != nil {
		r.log.Error("close session", "error", err)
		return
	}
	r.log.Info("session closed", "by", r.by, "to_target_bytes", r.up.Load(), "from_target_bytes", r.down.Load())
}

// keepAlive asks a connection every interval whether it is there, and closes it
// after three questions without an answer.
func keepAlive(c ssh.Conn, every time.Duration, stop <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	answered := make(chan bool, 1)
	answered <- true
	missed := 0
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		select {
		case ok := <-answered:
			if !ok {
				return // the connection has ended
			}
			missed = 0
			go func() {
				_, _, err := c.SendRequest("keepalive@openssh.com", true, nil)
				answered <- err == nil
			}()
		default:
			if missed++; missed == 3 {
				c.Close()
				return
			}
		}
	}
}
