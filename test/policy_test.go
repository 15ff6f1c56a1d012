package test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// What the policy of a safe allows inside a session, with real clients.

// echoServer repeats what it is told on a loopback port.
func echoServer(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return ln.Addr().String()
}

// throughForward says hello through a local port and gives what came back.
func throughForward(t testing.TB, addr string) string {
	t.Helper()
	var c net.Conn
	eventually(t, "the client to listen for its forward", func() (ok bool) {
		var err error
		c, err = net.Dial("tcp", addr)
		return err == nil
	})
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintln(c, "hello")
	line, _ := bufio.NewReader(c).ReadString('\n')
	return line
}

func TestForwardsAreHeldToThePolicy(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		target, _ := host(t).addr()
		echo := echoServer(t)
		_, echoPort, _ := net.SplitHostPort(echo)

		closed := w.safe(host(t), nil, oscar)
		local := freePort(t)
		c := oscar.open(t, closed, "-L", local+":"+target+":"+echoPort)
		if got := throughForward(t, local); got != "" {
			t.Errorf("a forward that is not allowed answered %q", got)
		}
		throughForward(t, local) // once more: folded
		c.expectIn(c.Stderr, "forward")
		sentence(t, c.Stderr.String(), "VaultPAM", "does not allow")
		x := w.session(closed)
		w.saw(Want{Constant: "SESSION_POLICY_ENFORCED", Outcome: "denied", Reason: "port_forward_blocked", Session: x.ID, Actor: "System", Target: "Session", Where: obj{"coalesced": 1}, Meta: obj{"control": "port_forward"}})
		c.Stdin.Close()
		if r := c.wait(); r.Code != 0 {
			t.Errorf("a refused forward ended the session: %s", r)
		}
		remote := oscar.run(t, closed, "true", "-o", "ExitOnForwardFailure=yes", "-R", "0:"+echo)
		if remote.Code == 0 {
			t.Errorf("a remote forward that is not allowed: %s", remote)
		}
		w.ended(closed)

		open := w.safe(host(t), obj{"local_forward": true}, oscar)
		local = freePort(t)
		c = oscar.open(t, open, "-L", local+":"+target+":"+echoPort)
		if got := throughForward(t, local); got != "hello\n" {
			t.Errorf("a forward that is allowed answered %q", got)
		}
		x = w.session(open)
		c.Stdin.Close()
		c.wait()
		w.ended(open)
		w.hasNone(Want{Constant: "SESSION_POLICY_ENFORCED", Outcome: "denied", Reason: "port_forward_blocked", Session: x.ID})
	})
}

func TestJumpsAreAnsweredAsThePolicySays(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	oscar := w.person("operator")
	jump := func(v *Safe) Result {
		_, port, _ := net.SplitHostPort(s.SSHAddr)
		proxy := fmt.Sprintf("%s %s -l %s -W %%h:%%p %s", need(t, "ssh"), strings.Join(flags(oscar.sshOptions(t)), " "), oscar.Handle, gatewayHost)
		known := write(t, t.TempDir(), "known", knownAs(t, s, v.Name))
		return tool(t, "", nil, "ssh", "-F", "/dev/null", "-o", "ProxyCommand="+proxy, "-o", "UserKnownHostsFile="+known,
			"-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-p", port, "-l", "anything", v.Name, "echo jumped")
	}
	closed, open := w.safe(host(t), nil, oscar), w.safe(host(t), obj{"jump": "allow"}, oscar)
	r := jump(closed)
	if r.Code == 0 {
		t.Errorf("a jump that is not allowed: %s", r)
	}
	sentence(t, r.Stderr, "no jumps", oscar.Handle+"+"+closed.Name)
	if r := jump(open); r.Code != 0 || r.Stdout != "jumped\n" {
		t.Errorf("a jump that is allowed: %s", r)
	}
	x := w.ended(open) // recorded as every other session
	w.saw(Want{Constant: "SESSION_RECORDING_FINALIZED", Session: x.ID})
}

// knownAs is a known_hosts file in which the gateway's keys stand for another name.
func knownAs(t testing.TB, s *Server, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(s.knownHosts(t))
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(s.SSHAddr)
	return []byte(strings.ReplaceAll(string(text), "["+gatewayHost+"]:"+port, "["+name+"]:"+port))
}

func TestFileTransfersAreHeldToThePolicy(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		closed := w.safe(host(t), obj{"file_transfer": "block"}, oscar)
		dir := t.TempDir()
		file := write(t, dir, "plans.txt", []byte("the plans"))
		batch := write(t, dir, "batch", []byte("put "+file+" "+filepath.Join(dir, "stolen-sftp")+"\n"))
		to := oscar.loginTo(closed) + "@" + gatewayHost
		base := flags(oscar.sshOptions(t))
		var sessions []string
		for name, args := range map[string][]string{
			"scp":      append(append([]string{"scp"}, base...), file, to+":"+filepath.Join(dir, "stolen")),
			"old scp":  append(append([]string{"scp", "-O"}, base...), file, to+":"+filepath.Join(dir, "stolen-old")),
			"download": append(append([]string{"scp"}, base...), to+":/etc/hostname", filepath.Join(dir, "got")),
			"sftp":     append(append([]string{"sftp"}, base...), "-b", batch, to),
			"rsync":    {"rsync", "-e", "ssh " + strings.Join(base, " "), file, to + ":" + filepath.Join(dir, "stolen-rsync")},
		} {
			r := tool(t, dir, nil, args[0], args[1:]...)
			if r.Code == 0 {
				t.Errorf("%s passed: %s", name, r)
			}
			sentence(t, r.Stderr, "VaultPAM", "file transfer")
			x := w.ended(closed)
			sessions = append(sessions, x.ID)
			w.saw(Want{Constant: "SESSION_POLICY_ENFORCED", Outcome: "denied", Reason: "file_transfer_blocked", Session: x.ID, Actor: "System", Target: "Session", Meta: obj{"control": "file_transfer"}})
		}
		left, _ := filepath.Glob(filepath.Join(dir, "stolen*"))
		if _, err := os.Stat(filepath.Join(dir, "got")); len(left) > 0 || err == nil {
			t.Errorf("files were moved: %v", left)
		}
		if len(sessions) != 5 {
			t.Errorf("%d sessions", len(sessions))
		}
		oscar.succeeds(t, closed, "true") // commands go on
		w.ended(closed)
	})
}

// The clipboard of who uses a terminal is out of reach where the safe, or the policy
// that let them in, blocks it.
func TestClipboardIsHeldToThePolicy(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		bySafe, open := w.safe(host(t), obj{"clipboard": "block"}, oscar), w.safe(host(t), nil, oscar)
		byPolicy := w.safe(host(t), nil, oscar)
		w.policy(`@clipboard("block") permit (principal, action == Action::"session.launch", resource);`, byPolicy)
		for v, want := range map[*Safe]string{bySafe: "block", byPolicy: "block", open: "allow"} {
			l, _ := oscar.launch(t, v, false)
			c := oscar.ws(t, l.Grant)
			if _, m := until(t, c, func(_ string, m wsMessage) bool { return m.Type == "ready" }); m.Clipboard != want {
				t.Errorf("the browser is told %+v, not %s", m, want)
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			types := func(text string) {
				if err := c.Write(ctx, websocket.MessageBinary, []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			types("stty -echo; printf 'be\\033]52;c;aGVsbG8=\\007hind\\n'\n")
			out, _ := until(t, c, func(out string, _ wsMessage) bool { return strings.Contains(out, "hind\r\n") })
			if strings.Contains(out, "\x1b]52;") != (want == "allow") {
				t.Errorf("clipboard %s: the terminal got %q", want, out)
			}
			if want == "block" {
				types("\x1b[200~touch pasted\x1b[201~\n")
				if _, m := until(t, c, func(_ string, m wsMessage) bool { return m.Type == "notice" }); !strings.Contains(m.Message, "does not allow pasting") {
					t.Errorf("the person is told %+v", m)
				}
			}
			types("\nexit 3\n")
			until(t, c, func(_ string, m wsMessage) bool { return m.Type == "ended" })
			x := w.ended(v)
			if want == "allow" {
				w.hasNone(Want{Constant: "SESSION_POLICY_ENFORCED", Session: x.ID})
				continue
			}
			for direction, bytes := range map[string]int{"from_target": 16, "to_target": 12} {
				w.saw(Want{Constant: "SESSION_POLICY_ENFORCED", Outcome: "denied", Reason: "clipboard_blocked", Session: x.ID, Where: obj{"data_direction": direction},
					Meta: obj{"control": "clipboard", "byte_count": bytes}})
			}
		}
	})
}

func TestAgentsAreHeldToThePolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared(t, Postgres))
	oscar := w.person("operator")
	agent := spawn(t, "", nil, need(t, "ssh-agent"), "-D", "-a", filepath.Join(shortDir(t), "agent"))
	sock := agent.cmd.Args[3]
	eventually(t, "the agent", func() bool { _, err := os.Stat(sock); return err == nil })
	for allowed, want := range map[bool]string{false: "none\n", true: "some\n"} {
		v := w.safe(host(t), obj{"agent_forward": allowed}, oscar)
		options := slices.DeleteFunc(oscar.sshOptions(t), func(o string) bool { return o == "IdentityAgent=none" })
		args := append(flags(options), "-A", "-l", oscar.loginTo(v), gatewayHost, `if [ -S "$SSH_AUTH_SOCK" ]; then echo some; else echo none; fi`)
		if r := tool(t, "", []string{"SSH_AUTH_SOCK=" + sock}, "ssh", args...); r.Stdout != want {
			t.Errorf("allowed %v: %s", allowed, r)
		}
		w.ended(v)
	}
}

// shortDir is a folder whose path is short enough for a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
