package asciicast

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// frame writes the events of one frame; most have none or one.
func (e *export) frame(f format.Frame) error {
	if !e.wants(f.Channel) {
		return nil
	}
	c := e.channel(f.Channel)
	switch f.Kind {
	case format.Output, format.Stderr:
		return e.show(f.At, c, f.Kind, e.piece(c, f))
	case format.Input:
		if !e.o.Input {
			return nil
		}
		return e.show(f.At, c, f.Kind, e.piece(c, f))
	}
	p, err := f.Payload()
	if err != nil {
		return e.marker(f.At, "channel %d: %v", f.Channel, err)
	}
	switch p := p.(type) {
	case format.Terminal:
		c.tty = true
		return e.resize(f.At, p.Size)
	case format.Size:
		return e.resize(f.At, p)
	case format.Command:
		c.binary = p.What == format.Subsystem
	case format.ExitStatus:
		e.exit = &p
	}
	if label := describe(p); label != "" {
		return e.marker(f.At, "%s", label)
	}
	return nil
}

func (e *export) resize(at time.Duration, s format.Size) error {
	if s = e.bounded(s); s == e.size {
		return nil
	}
	e.size = s
	return e.event(at, "r", s.String())
}

// piece is the text of a piece of a stream, as far as it is to be shown.
func (e *export) piece(c *channel, f format.Frame) string {
	data := f.Data
	if c.binary {
		c.hidden += int64(len(data))
		return ""
	}
	if limit := e.o.NoTTYMax; !c.tty && limit >= 0 && f.Kind != format.Input {
		n := max(0, min(int64(len(data)), limit-c.shown))
		c.hidden += int64(len(data)) - n
		data = data[:n]
	}
	c.shown += int64(len(data))
	s := c.streams[f.Kind]
	if s == nil {
		s = &text{stairs: !c.tty && f.Kind != format.Input}
		c.streams[f.Kind] = s
	}
	return s.add(data)
}

func (e *export) show(at time.Duration, c *channel, k format.Kind, s string) error {
	if s == "" {
		return nil
	}
	if k == format.Input {
		return e.event(at, "i", s)
	}
	return e.event(at, "o", s)
}

// describe is the marker for a payload; empty for those that need none.
func describe(p format.Payload) string {
	switch p := p.(type) {
	case format.Command:
		if p.What == format.Shell {
			return "shell"
		}
		return fmt.Sprintf("%s: %s", p.What, p.Line)
	case format.SignalName:
		return "signal " + string(p)
	case format.ExitStatus:
		if p.Signal != "" {
			return "ended by signal " + string(p.Signal)
		}
		return fmt.Sprintf("exit %d", p.Status)
	case format.FileOp:
		s := strings.TrimSpace(p.Via+" "+p.Op) + " " + string(p.Path)
		if p.To != "" {
			s += " to " + string(p.To)
		}
		if p.Size > 0 {
			s += fmt.Sprintf(" (%d bytes)", p.Size)
		}
		return s + ": " + p.Result
	case format.Forwarded:
		s := p.Direction + " forward " + p.Event
		if p.Host != "" {
			s += ": " + net.JoinHostPort(string(p.Host), fmt.Sprint(p.Port))
		}
		if p.Event == "closed" {
			s += fmt.Sprintf(" (%d bytes to the target, %d back)", p.BytesToTarget, p.BytesFromTarget)
		}
		if p.Reason != "" {
			s += ": " + p.Reason
		}
		return s
	case format.Enforced:
		s := "policy: " + p.Control + ": " + p.Reason
		if p.Detail != "" {
			s += ": " + string(p.Detail)
		}
		return s
	case format.Missing:
		if p.Bytes > 0 {
			return fmt.Sprintf("not recorded: %d bytes: %s", p.Bytes, p.Reason)
		}
		return "not recorded: " + p.Reason
	}
	return ""
}
