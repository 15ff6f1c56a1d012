package demo

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/creack/pty"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// session is one channel of type "session" (RFC 4254, section 6).
type session struct {
	host *Host
	ch   ssh.Channel
	env  []string
	term string
	size *pty.Winsize // set by pty-req
	tty  *os.File     // while a shell with a terminal runs
	proc *os.Process
	mu   sync.Mutex // guards tty and proc
}

func (s *session) run(reqs <-chan *ssh.Request) {
	var wg sync.WaitGroup
	started := false
	for r := range reqs {
		ok := false
		switch r.Type {
		case "pty-req":
			var p struct {
				Term                      string
				Cols, Rows, Width, Height uint32
				Modes                     string
			}
			if ok = ssh.Unmarshal(r.Payload, &p) == nil; ok {
				s.term, s.size = p.Term, winsize(p.Cols, p.Rows)
			}
		case "env":
			var p struct{ Name, Value string }
			if ok = ssh.Unmarshal(r.Payload, &p) == nil && len(s.env) < 64; ok {
				s.env = append(s.env, p.Name+"="+p.Value)
			}
		case "window-change":
			var p struct{ Cols, Rows, Width, Height uint32 }
			if ok = ssh.Unmarshal(r.Payload, &p) == nil; ok {
				s.resize(winsize(p.Cols, p.Rows))
			}
		case "signal":
			var p struct{ Name string }
			if ok = ssh.Unmarshal(r.Payload, &p) == nil; ok {
				s.signal(p.Name)
			}
		case "shell", "exec", "subsystem":
			var p struct{ Text string }
			if r.Type != "shell" && ssh.Unmarshal(r.Payload, &p) != nil || started || (r.Type == "subsystem" && p.Text != "sftp") {
				break
			}
			started, ok = true, true
			wg.Go(func() {
				defer s.ch.Close()
				if r.Type == "subsystem" {
					s.exit(s.serveFiles())
				} else {
					s.exit(s.command(p.Text))
				}
			})
		}
		if r.WantReply {
			r.Reply(ok, nil)
		}
	}
	s.signal("HUP")
	wg.Wait()
}

func winsize(cols, rows uint32) *pty.Winsize {
	return &pty.Winsize{Cols: uint16(min(cols, 65535)), Rows: uint16(min(rows, 65535))}
}

func (s *session) resize(w *pty.Winsize) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tty != nil {
		pty.Setsize(s.tty, w)
	}
}

var signals = map[string]syscall.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "KILL": syscall.SIGKILL,
	"TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2}

func (s *session) signal(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sig, ok := signals[name]; ok && s.proc != nil {
		syscall.Kill(-s.proc.Pid, sig) // the whole process group
	}
}

func (s *session) command(line string) error {
	shell := "/bin/bash"
	if _, err := os.Stat(shell); err != nil {
		shell = "/bin/sh"
	}
	args := []string{"-i"}
	if strings.HasSuffix(shell, "bash") {
		args = []string{"--noprofile", "--norc", "-i"} // this machine's own prompt would hide where one is
	}
	if line != "" {
		args = []string{"-c", line}
	}
	c := exec.Command(shell, args...)
	c.Dir = s.host.Home
	c.Env = append([]string{
		"HOME=" + s.host.Home, "USER=" + s.host.User, "LOGNAME=" + s.host.User, "SHELL=" + shell, "PATH=/usr/local/bin:/usr/bin:/bin",
		"PS1=" + s.host.User + "@" + s.host.Name + `:\w\$ `, "LANG=C.UTF-8",
	}, s.env...)
	if s.size != nil {
		return s.withTerminal(c)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Stdout, c.Stderr = s.ch, s.ch.Stderr()
	in, err := c.StdinPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	s.started(c.Process, nil)
	go func() { // ends when the channel does
		io.Copy(in, s.ch)
		in.Close()
	}()
	return c.Wait()
}

func (s *session) withTerminal(c *exec.Cmd) error {
	c.Env = append(c.Env, "TERM="+s.term)
	tty, err := pty.StartWithSize(c, s.size)
	if err != nil {
		return err
	}
	s.started(c.Process, tty)
	go io.Copy(tty, s.ch) // ends when the channel does
	io.Copy(s.ch, tty)    // ends when the last process has closed the terminal
	err = c.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	tty.Close()
	s.tty, s.proc = nil, nil
	return err
}

func (s *session) started(p *os.Process, tty *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proc, s.tty = p, tty
}

func (s *session) serveFiles() error {
	srv, err := sftp.NewServer(s.ch, sftp.WithServerWorkingDirectory(s.host.Home))
	if err != nil {
		return err
	}
	if err := srv.Serve(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// exit tells the client how the command ended (RFC 4254, section 6.10).
func (s *session) exit(err error) {
	s.mu.Lock()
	s.proc = nil
	s.mu.Unlock()
	s.ch.CloseWrite()
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			for name, sig := range signals {
				if sig == ws.Signal() {
					s.ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
						Signal  string
						Core    bool
						Message string
						Lang    string
					}{name, ws.CoreDump(), "", ""}))
					return
				}
			}
		}
		s.ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(ee.ExitCode())}))
		return
	}
	code := uint32(0)
	if err != nil {
		fmt.Fprintf(s.ch.Stderr(), "demo host: %v\n", err)
		code = 126
	}
	s.ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{code}))
}

// forward connects a direct-tcpip channel (RFC 4254, section 7.2).
func forward(nc ssh.NewChannel) {
	var p struct {
		Host     string
		Port     uint32
		FromHost string
		FromPort uint32
	}
	if ssh.Unmarshal(nc.ExtraData(), &p) != nil || p.Port == 0 || p.Port > 65535 {
		nc.Reject(ssh.ConnectionFailed, "bad address")
		return
	}
	to, err := net.Dial("tcp", net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port))))
	if err != nil {
		nc.Reject(ssh.ConnectionFailed, "cannot connect")
		return
	}
	defer to.Close()
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	go ssh.DiscardRequests(reqs)
	var wg sync.WaitGroup
	wg.Go(func() {
		io.Copy(to, ch)
		to.(*net.TCPConn).CloseWrite()
	})
	wg.Go(func() {
		io.Copy(ch, to)
		ch.CloseWrite()
	})
	wg.Wait()
}
