package ssh

import (
	"encoding/binary"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// Bounds of what a client may send before its session starts.
const (
	maxTerm     = 128       // name of a terminal
	maxModes    = 4096      // encoded terminal modes
	maxEnvName  = 256       // name of a variable
	maxEnvBytes = 256 << 10 // all names and values of one channel
	maxCells    = 65535     // columns or rows; more has no meaning to a target
	maxName     = 64        // of a subsystem or a signal
	maxHost     = 1024      // of a forward; a socket's path is as long
)

// fields reads the parts of a request's payload, RFC 4251 section 5, in order.
// A read past the end makes it bad, and everything after it empty.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) uint32() uint32 {
	if f.bad || len(f.b) < 4 {
		f.bad = true
		return 0
	}
	v := binary.BigEndian.Uint32(f.b)
	f.b = f.b[4:]
	return v
}

func (f *fields) bool() bool {
	if f.bad || len(f.b) < 1 || f.b[0] > 1 {
		f.bad = true
		return false
	}
	v := f.b[0] == 1
	f.b = f.b[1:]
	return v
}

// string reads a string of at most limit bytes.
func (f *fields) string(limit int) string {
	n := f.uint32()
	if f.bad || uint64(n) > uint64(len(f.b)) || uint64(n) > uint64(limit) {
		f.bad = true
		return ""
	}
	v := string(f.b[:n])
	f.b = f.b[n:]
	return v
}

// done gives an error unless the payload was read to its end.
func (f *fields) done(what string) error {
	if f.bad || len(f.b) > 0 {
		return fmt.Errorf("malformed %s request", what)
	}
	return nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// window is the size of a terminal. Source: RFC 4254, section 6.7.
type window struct{ Cols, Rows, Width, Height uint32 }

func parseWindow(p []byte) (window, error) {
	f := fields{b: p}
	w := window{f.uint32(), f.uint32(), f.uint32(), f.uint32()}
	return w, f.done("window-change")
}

func (w window) append(b []byte) []byte {
	for _, v := range []uint32{w.Cols, w.Rows, w.Width, w.Height} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func (w window) marshal() []byte { return w.append(nil) }

// clamp bounds a size to what a terminal driver can hold.
func (w window) clamp() window {
	return window{min(w.Cols, maxCells), min(w.Rows, maxCells), min(w.Width, maxCells), min(w.Height, maxCells)}
}

func (w window) size() format.Size { return format.Size{Cols: w.Cols, Rows: w.Rows} }

// ptyRequest asks for a terminal. Source: RFC 4254, section 6.2.
type ptyRequest struct {
	Term   string
	Window window
	Modes  string
}

func parsePty(p []byte) (ptyRequest, error) {
	f := fields{b: p}
	r := ptyRequest{Term: f.string(maxTerm), Window: window{f.uint32(), f.uint32(), f.uint32(), f.uint32()}, Modes: f.string(maxModes)}
	if err := f.done("pty-req"); err != nil {
		return ptyRequest{}, err
	}
	if !plainName(r.Term) {
		return ptyRequest{}, fmt.Errorf("the name of the terminal holds characters that do not belong there")
	}
	return r, nil
}

func (r ptyRequest) marshal() []byte {
	return appendString(r.Window.append(appendString(nil, r.Term)), r.Modes)
}

// envRequest sets a variable. Source: RFC 4254, section 6.4.
type envRequest struct{ Name, Value string }

func parseEnv(p []byte) (envRequest, error) {
	f := fields{b: p}
	r := envRequest{f.string(maxEnvName), f.string(maxEnvBytes)}
	if err := f.done("env"); err != nil {
		return envRequest{}, err
	}
	if r.Name == "" || !plainName(r.Name) || containsNUL(r.Value) {
		return envRequest{}, fmt.Errorf("the name or value of a variable holds characters that do not belong there")
	}
	return r, nil
}

func (r envRequest) marshal() []byte { return appendString(appendString(nil, r.Name), r.Value) }

func containsNUL(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return true
		}
	}
	return false
}

// parseOne reads a payload that is one string: the command of exec, the name of a
// subsystem, the name of a signal.
func parseOne(what string, p []byte, limit int) (string, error) {
	f := fields{b: p}
	s := f.string(limit)
	return s, f.done(what)
}

// parseName is parseOne for something that is a name.
func parseName(what string, p []byte) (string, error) {
	s, err := parseOne(what, p, maxName)
	if err == nil && (s == "" || !plainName(s)) {
		return "", fmt.Errorf("malformed %s request", what)
	}
	return s, err
}

// exitSignal says which signal ended a command. Source: RFC 4254, section 6.10.
type exitSignal struct {
	Signal  string
	Core    bool
	Message string
	Lang    string
}

func parseExitSignal(p []byte) (exitSignal, error) {
	f := fields{b: p}
	s := exitSignal{f.string(maxName), f.bool(), f.string(maxEnvBytes), f.string(maxName)}
	return s, f.done("exit-signal")
}

// x11Request asks for X11 connections to be sent back. Source: RFC 4254, section 6.3.1.
type x11Request struct {
	Single   bool
	Protocol string
	Cookie   string
	Screen   uint32
}

func parseX11(p []byte) (x11Request, error) {
	f := fields{b: p}
	r := x11Request{f.bool(), f.string(maxTerm), f.string(maxModes), f.uint32()}
	if err := f.done("x11-req"); err != nil {
		return x11Request{}, err
	}
	if !plainName(r.Protocol) || !plainName(r.Cookie) {
		return x11Request{}, fmt.Errorf("malformed x11-req request")
	}
	return r, nil
}

func (r x11Request) marshal() []byte {
	b := appendString(appendString(appendBool(nil, r.Single), r.Protocol), r.Cookie)
	return binary.BigEndian.AppendUint32(b, r.Screen)
}
