package test

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// Terminal is a command that runs in a terminal of its own.
type Terminal struct {
	*Proc
	tty  *os.File
	from int // what has been read up to the last expect
}

// inTerminal starts a command in a terminal of cols and rows.
func inTerminal(t testing.TB, cols, rows uint16, name string, args ...string) *Terminal {
	t.Helper()
	p := &Proc{t: t, cmd: exec.Command(name, args...), Stdout: &output{}, Stderr: &output{}, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	tty, err := pty.StartWithSize(p.cmd, &pty.Winsize{Cols: cols, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	term := &Terminal{Proc: p, tty: tty}
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(p.Stdout, tty) // ends with EIO when the last process of the terminal has gone
	}()
	go func() {
		p.cmd.Wait()
		<-read
		close(p.done)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
		tty.Close()
	})
	return term
}

// terminal starts OpenSSH's client in a terminal, as a person does who is asked questions.
func (p *Person) terminal(t testing.TB, options []string, auth string, v *Safe, command ...string) *Terminal {
	t.Helper()
	var interactive []string
	for _, o := range options {
		if o != "BatchMode=yes" {
			interactive = append(interactive, o)
		}
	}
	if auth != "" {
		interactive = append(interactive, auth)
	}
	args := append(flags(interactive), "-l", p.loginTo(v), gatewayHost)
	return inTerminal(t, 80, 24, need(t, "ssh"), append(args, command...)...)
}

// expect waits until text comes, after what was expected before.
func (m *Terminal) expect(text string) {
	m.t.Helper()
	var at int
	err := await(2*patience, func() bool {
		at = strings.Index(m.Stdout.String()[m.from:], text)
		return at >= 0 || m.ended()
	})
	if at = strings.Index(m.Stdout.String()[m.from:], text); at < 0 {
		m.t.Fatalf("no %q came (%v): %.3000q", text, err, m.Stdout.String()[m.from:])
	}
	m.from += at + len(text)
}

// say types a line.
func (m *Terminal) say(line string) { m.send(line + "\r") }

// send types as it is.
func (m *Terminal) send(keys string) {
	m.t.Helper()
	m.tty.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(m.tty, keys); err != nil {
		m.t.Fatalf("type %q: %v", keys, err)
	}
}

// resize changes the size of the terminal.
func (m *Terminal) resize(cols, rows uint16) {
	m.t.Helper()
	if err := pty.Setsize(m.tty, &pty.Winsize{Cols: cols, Rows: rows}); err != nil {
		m.t.Fatal(err)
	}
}
