package ssh

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// browser is the far end of a terminal in a browser.
type browser struct {
	t       testing.TB
	conn    net.Conn
	resize  chan Size
	ready   chan struct{}
	mu      sync.Mutex
	notices []string
	done    chan struct{}
	status  *int
	err     error
	cancel  context.CancelFunc
}

func (r *rig) browse(safe *fakeSafe) *browser {
	g, err := New(Deps{Log: discard, Auth: r.world, Safes: r.world, Sessions: r.world, Rejections: r.world, Dialer: r.world,
		HostKeys: nil, Now: time.Now})
	if err == nil {
		r.t.Fatal("a gateway without a host key was made")
	}
	g, err = New(Deps{Log: discard, Auth: r.world, Safes: r.world, Sessions: r.world, Rejections: r.world, Dialer: r.world,
		HostKeys: []ssh.Signer{r.key}, Now: time.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	near, far := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	b := &browser{t: r.t, conn: far, resize: make(chan Size), ready: make(chan struct{}), done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(b.done)
		defer near.Close()
		b.status, b.err = g.ServeTerminal(ctx, safe.ticket(), Client{Kind: "browser", Version: "Mozilla"}, Terminal{
			IO: near, Size: Size{80, 24}, Resize: b.resize, Ready: func() { close(b.ready) },
			Notice: func(s string) {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.notices = append(b.notices, s)
			}})
	}()
	r.t.Cleanup(func() { cancel(); far.Close(); <-b.done })
	return b
}

// expect reads until s has been shown.
func (b *browser) expect(s string) {
	b.t.Helper()
	var seen strings.Builder
	buf := make([]byte, 1024)
	b.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for !strings.Contains(seen.String(), s) {
		n, err := b.conn.Read(buf)
		seen.Write(buf[:n])
		if err != nil {
			b.t.Fatalf("%q did not appear in %q: %v", s, seen.String(), err)
		}
	}
}

func TestBrowserTerminalTakesTheSamePath(t *testing.T) {
	r := newRig(t)
	b := r.browse(r.addSafe("web", newSSHD(t, plainShell)))
	<-b.ready
	b.expect("$ ")
	io.WriteString(b.conn, "stty size; echo $TERM\r")
	b.expect("24 80\r\nxterm-256color\r\n")
	b.resize <- Size{132, 43}
	r.await("the new size", func() bool {
		for _, f := range r.lives[0].frames {
			if f.Kind == format.Resize && string(f.Data) == "132x43" {
				return true
			}
		}
		return false
	})
	// It is recorded before it is sent on, by another way than what is typed: the shell waits for it.
	io.WriteString(b.conn, "until [ \"$(stty size)\" = '43 132' ]; do :; done; stty size\r")
	b.expect("43 132\r\n")
	io.WriteString(b.conn, "exit 7\r")
	go io.Copy(io.Discard, b.conn)
	<-b.done
	if b.err != nil || b.status == nil || *b.status != 7 {
		t.Fatalf("%v, %v", b.status, b.err)
	}
	if l := r.session(0); l.closed.By != ByExit || !strings.Contains(l.stream(format.Input), "exit 7") || l.opened[0].Client != "Mozilla" {
		t.Errorf("closed %+v", *l.closed)
	}
}

func TestBrowserThatLeavesEndsTheSession(t *testing.T) {
	r := newRig(t)
	b := r.browse(r.addSafe("web", newSSHD(t, plainShell)))
	b.expect("$ ")
	b.conn.Close()
	<-b.done
	if l := r.session(0); l.closed.By != ByClient {
		t.Errorf("closed %+v", *l.closed)
	}
}

func TestBrowserIsToldWhyASessionEnds(t *testing.T) {
	r := newRig(t)
	s := newSSHD(t, plainShell)
	b := r.browse(r.addSafe("web", s))
	b.expect("$ ")
	r.lives[0].end("Session ended: enough.")
	<-b.done
	if len(b.notices) != 1 || b.notices[0] != "Session ended: enough." {
		t.Errorf("notices %q", b.notices)
	}
	b = r.browse(r.addSafe("down", s, func(f *fakeSafe) { f.Port = closedPort(t) }))
	<-b.done
	if !fault.Is(b.err, fault.Unavailable) || !strings.Contains(fault.MessageOf(b.err), "the target of safe down does not answer") {
		t.Errorf("got %v", b.err)
	}
	b = r.browse(r.addSafe("again", s))
	b.expect("$ ")
	b.cancel()
	<-b.done
	if l := r.session(1); l.closed.By != ByControl {
		t.Errorf("closed %+v", *l.closed)
	}
}
