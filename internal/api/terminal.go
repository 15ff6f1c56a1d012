package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Terminal is the browser's end of a session.
type Terminal struct {
	IO         io.ReadWriter // Read ends with an error when the browser leaves
	Cols, Rows uint32
	Resize     <-chan [2]uint32 // columns, rows
	Notice     func(string)
	Ready      func(clipboard string) // called once, with block or allow
}

// Terminals opens a shell with a launch grant, on the path that SSH clients take.
type Terminals interface {
	Open(ctx context.Context, actor authz.Actor, grant secret.Secret, t Terminal) (status *int, err error)
}

// The messages of the terminal's WebSocket. Binary messages are bytes of the
// terminal, both ways; text messages are these.
type clientMessage struct {
	Type  string `json:"type"`  // "open" (the first) or "resize"
	Grant string `json:"grant"` // of the first
	Cols  uint32 `json:"cols"`
	Rows  uint32 `json:"rows"`
}

type serverMessage struct {
	Type       string `json:"type"` // ready, notice, ended, refused
	Message    string `json:"message,omitempty"`
	Code       string `json:"code,omitempty"`
	Clipboard  string `json:"clipboard,omitempty"` // of ready: block or allow, what the browser does with copying and pasting
	ExitStatus *int   `json:"exit_status,omitempty"`
}

const (
	terminalPath = Prefix + "/sessions/terminal"
	messageMax   = 64 << 10
	openTime     = 10 * time.Second // until the first message is here
)

// terminal is the WebSocket door. The grant travels in the first message, never in
// the address, which logs would keep.
func (s *Server) terminal(w http.ResponseWriter, r *http.Request) {
	token, cookie := credentials(r)
	ctx, err := s.admit(r, w.Header(), token, cookie, signedIn)
	if err == nil && cookie && !s.sameOrigin(r) {
		err = fault.New(fault.Denied, "this terminal was not opened by the console").WithCode("CROSS_ORIGIN")
	}
	if err != nil {
		s.write(w, r, err)
		return
	}
	conn, err := websocket.Accept(w, r, nil) // refuses an Origin of another host
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(messageMax)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := &browser{conn: conn, ctx: ctx, resize: make(chan [2]uint32, 1)}
	first, err := b.first()
	if err != nil {
		b.say(serverMessage{Type: "refused", Message: fault.MessageOf(err), Code: fault.CodeOf(err)})
		conn.Close(websocket.StatusPolicyViolation, "no grant")
		return
	}
	status, err := s.Terminals.Open(ctx, actorOf(ctx), secret.FromString(first.Grant), Terminal{
		IO: b, Cols: first.Cols, Rows: first.Rows, Resize: b.resize,
		Notice: func(m string) { b.say(serverMessage{Type: "notice", Message: m}) },
		Ready:  func(clipboard string) { b.say(serverMessage{Type: "ready", Clipboard: clipboard}) },
	})
	if err != nil {
		p := s.problem(ctx, err)
		b.say(serverMessage{Type: "refused", Message: p.Detail, Code: p.Code})
	} else {
		b.say(serverMessage{Type: "ended", ExitStatus: status})
	}
	conn.Close(websocket.StatusNormalClosure, "")
}

// browser is the WebSocket as the terminal's stream of bytes.
type browser struct {
	conn   *websocket.Conn
	ctx    context.Context // of the connection, which this is the whole life of
	resize chan [2]uint32  // the latest size; an older one that nobody took is dropped
	left   []byte          // of the last message, not read yet
}

func (b *browser) first() (clientMessage, error) {
	ctx, cancel := context.WithTimeout(b.ctx, openTime)
	defer cancel()
	var m clientMessage
	kind, text, err := b.conn.Read(ctx)
	if err != nil || kind != websocket.MessageText || json.Unmarshal(text, &m) != nil || m.Grant == "" {
		return m, fault.New(fault.Invalid, `the first message must be {"type":"open","grant":"...","cols":80,"rows":24}`)
	}
	return m, nil
}

// Read gives what was typed, and takes resize messages out of the stream.
func (b *browser) Read(p []byte) (int, error) {
	for len(b.left) == 0 {
		kind, data, err := b.conn.Read(b.ctx)
		if err != nil {
			return 0, err
		}
		if kind == websocket.MessageBinary {
			b.left = data
			continue
		}
		var m clientMessage
		if json.Unmarshal(data, &m) != nil || m.Type != "resize" {
			return 0, errors.New("the browser sent a message that is not known")
		}
		select {
		case <-b.resize:
		default:
		}
		b.resize <- [2]uint32{m.Cols, m.Rows}
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

func (b *browser) Write(p []byte) (int, error) {
	if err := b.conn.Write(b.ctx, websocket.MessageBinary, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (b *browser) say(m serverMessage) {
	text, err := json.Marshal(m)
	if err != nil {
		return
	}
	b.conn.Write(b.ctx, websocket.MessageText, text) // a browser that has gone needs no message
}
