package ssh

import (
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// exitPatience is how long the status of a command that has ended waits for the
// rest of its output. A child that keeps the output open must not hold it back.
const exitPatience = 200 * time.Millisecond

// ending puts the end of a session into the order that a client needs: the
// output, how the command ended, the end of the output, the end of the channel. A
// client that has nothing more to send closes the channel when the output ends,
// and could not be told the status any more.
type ending struct {
	drained chan struct{} // closed when all output has been handed over
	told    chan struct{} // closed when the status has been, or none will come
	eof     chan struct{} // closed when the end of the output has been
	unheard bool          // the client was gone when it was to be told the status; of fromTarget
}

// endOutput hands on that the target sends no more. A target that closes its
// output while its command goes on is not waited for, unless the client is done.
func (ch *channel) endOutput(e *ending) {
	defer close(e.eof)
	close(e.drained)
	select {
	case <-e.told:
	case <-time.After(exitPatience):
		select {
		case <-ch.inputEnded:
			<-e.told
		default:
		}
	}
	if ch.r.over() {
		return // why is still to be said, which nobody could hear after the end
	}
	ch.errMu.Lock() // nobody says anything while the end is sent
	defer ch.errMu.Unlock()
	ch.down.CloseWrite()
}

// fromTarget carries the target's requests until it closes the channel, and closes
// the client's half when everything has been handed over.
func (ch *channel) fromTarget(e *ending) {
	told := sync.OnceFunc(func() { close(e.told) })
	defer told()
	ended := false
	for req := range ch.upReqs {
		switch req.Type {
		case "exit-status", "exit-signal":
			if ch.ended(req, e) {
				ended = true
				told()
			}
		case "eow@openssh.com", "xon-xoff":
			ch.down.SendRequest(req.Type, false, req.Payload)
		}
		req.Reply(false, nil) // keepalive@openssh.com among others: any answer is a sign of life
	}
	<-e.drained
	if !ended {
		select { // was it the channel that ended, or the whole connection?
		case <-ch.r.target.done:
			ch.r.end(ByTarget, "Session ended: the target closed the connection.")
			return
		case <-time.After(exitPatience):
		}
	}
	told()
	<-e.eof
	if ch.r.over() {
		return // the connection is closed as a whole, after its reason has been said
	}
	ch.c.remove(ch, !e.unheard) // a command that ends because its client has gone is not one that the client ended
	ch.down.Close()
}

// ended records how a command ended and tells the client, after its output if that is not late.
func (ch *channel) ended(req *ssh.Request, e *ending) bool {
	var f format.ExitStatus
	if req.Type == "exit-status" {
		p := fields{b: req.Payload}
		f.Status = p.uint32()
		if p.done(req.Type) != nil {
			return false
		}
		status := int(f.Status)
		ch.r.exit.Store(&status)
	} else {
		s, err := parseExitSignal(req.Payload)
		if err != nil {
			return false
		}
		f.Signal, f.CoreDumped = format.Raw(s.Signal), s.Core
	}
	if ch.r.put(f.Frame(ch.id)) != nil {
		return false
	}
	select {
	case <-e.drained:
	case <-time.After(exitPatience):
	}
	_, err := ch.down.SendRequest(req.Type, false, req.Payload)
	e.unheard = err != nil
	return true
}
