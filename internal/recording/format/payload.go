package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Payload is the data of a frame that is not a piece of a stream.
type Payload interface {
	// Frame makes the frame that tells this on the given channel. Its time is left
	// for the recorder to set.
	Frame(channel uint32) Frame
}

// Raw is a name, path or command as it came over the wire, where it need not be
// UTF-8. In JSON it is a string, or {"base64": "..."} when it is not UTF-8.
type Raw string

// MarshalJSON keeps every byte.
func (r Raw) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(r)) {
		return json.Marshal(string(r))
	}
	return json.Marshal(map[string][]byte{"base64": []byte(r)})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (r *Raw) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var o struct {
			Base64 []byte `json:"base64"`
		}
		err := json.Unmarshal(b, &o)
		*r = Raw(o.Base64)
		return err
	}
	return json.Unmarshal(b, (*string)(r))
}

// Size is a terminal's size in character cells, as the client said it; 0 is
// unknown. Source: RFC 4254, section 6.7.
type Size struct{ Cols, Rows uint32 }

func (s Size) String() string { return fmt.Sprintf("%dx%d", s.Cols, s.Rows) }

// Terminal is what a client asked for with its terminal. Source: RFC 4254, section 6.2.
type Terminal struct {
	Term string // the kind of terminal, such as xterm-256color
	Size Size
}

// Started is what a channel was asked to start.
type Started string

// The things that can be started on a channel.
const (
	Shell      Started = "shell"
	RunCommand Started = "exec"
	Subsystem  Started = "subsystem"
)

// Command is what was started on a channel.
type Command struct {
	What Started
	Line string // the command, or the subsystem's name, as it came over the wire; empty for a shell
}

// Variable is one environment variable that the client sent.
type Variable struct{ Name, Value string }

// SignalName is a signal that the client sent, without SIG. Source: RFC 4254, section 6.9.
type SignalName string

// ExitStatus is how a command ended: with a status, or by a signal.
type ExitStatus struct {
	Status     uint32 `json:"status"`
	Signal     Raw    `json:"signal,omitempty"` // without SIG; empty when it ended by itself
	CoreDumped bool   `json:"core_dumped,omitempty"`
}

// FileOp is one operation on a file of the target, as far as the gateway saw it.
type FileOp struct {
	Op        string `json:"op"`            // open, read, write, list, rename, remove, mkdir, rmdir, link, setstat, ...
	Via       string `json:"via,omitempty"` // sftp, scp, rsync
	Path      Raw    `json:"path"`
	To        Raw    `json:"to,omitempty"`        // the new name, or what a link points to
	Direction string `json:"direction,omitempty"` // to_target or from_target
	Size      int64  `json:"size,omitempty"`      // bytes that were transferred
	SHA256    string `json:"sha256,omitempty"`    // of the transferred bytes, when all of them passed in order
	Mode      string `json:"mode,omitempty"`
	Result    string `json:"result"` // ok, refused, or the target's error
}

// Forwarded is one forwarded connection: a frame when it is opened or refused,
// and one with the byte counts when it is closed.
type Forwarded struct {
	Event           string `json:"event"`     // opened, refused, closed
	Direction       string `json:"direction"` // local, remote, agent, x11, jump
	Host            Raw    `json:"host,omitempty"`
	Port            uint32 `json:"port,omitempty"`
	Origin          Raw    `json:"origin,omitempty"`
	BytesToTarget   int64  `json:"bytes_to_target,omitempty"`
	BytesFromTarget int64  `json:"bytes_from_target,omitempty"`
	Reason          string `json:"reason,omitempty"`
}

// Opened is a channel that was opened.
type Opened struct {
	Type string `json:"type"`         // session, direct-tcpip, forwarded-tcpip, ...
	By   string `json:"by,omitempty"` // client or target
}

// Closed is a channel that was closed, with the bytes that it carried.
type Closed struct {
	BytesToTarget   int64 `json:"bytes_to_target"`
	BytesFromTarget int64 `json:"bytes_from_target"`
}

// Enforced is a control of the safe's policy that acted.
type Enforced struct {
	Control string `json:"control"`
	Reason  string `json:"reason"`
	Detail  Raw    `json:"detail,omitempty"`
}

// Missing declares that something passed which the recording does not hold.
type Missing struct {
	Reason string `json:"reason"`
	Bytes  int64  `json:"bytes,omitempty"` // how many, when it is known
}

func (s Size) Frame(ch uint32) Frame {
	return Frame{Channel: ch, Kind: Resize, Data: []byte(s.String())}
}

func (t Terminal) Frame(ch uint32) Frame {
	return Frame{Channel: ch, Kind: Pty, Data: []byte(t.Size.String() + "\x00" + t.Term)}
}

func (c Command) Frame(ch uint32) Frame {
	return Frame{Channel: ch, Kind: Exec, Data: []byte(string(c.What) + "\x00" + c.Line)}
}

func (v Variable) Frame(ch uint32) Frame {
	return Frame{Channel: ch, Kind: Env, Data: []byte(v.Name + "\x00" + v.Value)}
}

func (s SignalName) Frame(ch uint32) Frame { return Frame{Channel: ch, Kind: Signal, Data: []byte(s)} }
func (e ExitStatus) Frame(ch uint32) Frame { return jsonFrame(Exit, ch, e) }
func (o FileOp) Frame(ch uint32) Frame     { return jsonFrame(File, ch, o) }
func (o Forwarded) Frame(ch uint32) Frame  { return jsonFrame(Forward, ch, o) }
func (o Opened) Frame(ch uint32) Frame     { return jsonFrame(Open, ch, o) }
func (o Closed) Frame(ch uint32) Frame     { return jsonFrame(Close, ch, o) }
func (o Enforced) Frame(ch uint32) Frame   { return jsonFrame(Policy, ch, o) }
func (o Missing) Frame(ch uint32) Frame    { return jsonFrame(Gap, ch, o) }

func jsonFrame(k Kind, ch uint32, v any) Frame {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // no payload holds a type that JSON lacks
	}
	return Frame{Channel: ch, Kind: k, Data: b}
}

// Payload reads the data of a frame whose kind has a payload; for a piece of a
// stream and for a kind that is not known it returns nil.
func (f Frame) Payload() (Payload, error) {
	switch f.Kind {
	case Pty:
		size, term, ok := strings.Cut(string(f.Data), "\x00")
		s, err := parseSize(size)
		if !ok || err != nil {
			return nil, fmt.Errorf("malformed pty frame")
		}
		return Terminal{Term: term, Size: s}, nil
	case Resize:
		return parseSize(string(f.Data))
	case Exec:
		what, line, ok := strings.Cut(string(f.Data), "\x00")
		if !ok {
			return nil, fmt.Errorf("malformed exec frame")
		}
		return Command{What: Started(what), Line: line}, nil
	case Env:
		name, value, ok := strings.Cut(string(f.Data), "\x00")
		if !ok {
			return nil, fmt.Errorf("malformed env frame")
		}
		return Variable{Name: name, Value: value}, nil
	case Signal:
		return SignalName(f.Data), nil
	case Exit:
		return fromJSON[ExitStatus](f)
	case File:
		return fromJSON[FileOp](f)
	case Forward:
		return fromJSON[Forwarded](f)
	case Open:
		return fromJSON[Opened](f)
	case Close:
		return fromJSON[Closed](f)
	case Policy:
		return fromJSON[Enforced](f)
	case Gap:
		return fromJSON[Missing](f)
	}
	return nil, nil
}

func fromJSON[T Payload](f Frame) (Payload, error) {
	var v T
	if err := json.Unmarshal(bytes.TrimSpace(f.Data), &v); err != nil {
		return nil, fmt.Errorf("malformed %s frame: %w", f.Kind, err)
	}
	return v, nil
}

func parseSize(s string) (Size, error) {
	c, r, ok := strings.Cut(s, "x")
	cols, err1 := strconv.ParseUint(c, 10, 32)
	rows, err2 := strconv.ParseUint(r, 10, 32)
	if !ok || err1 != nil || err2 != nil {
		return Size{}, fmt.Errorf("malformed terminal size %.40q", s)
	}
	return Size{Cols: uint32(cols), Rows: uint32(rows)}, nil
}
