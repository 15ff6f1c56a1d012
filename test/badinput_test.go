package test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What clients send by mistake or on purpose. The server is well afterwards, and
// others do not notice.

// dialFrom opens a connection from an address of its own.
func dialFrom(t testing.TB, source, to string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}, Timeout: patience}
	c, err := d.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestStalledHandshakesAreCutAndHurtNobody(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	oscar := w.person("operator")
	v := w.safe(host(t), nil, oscar)
	https := strings.TrimPrefix(s.URL, "https://")
	stalled := map[string]net.Conn{}
	for name, says := range map[string]string{"nothing": "", "half a line": "SSH-2.0-Half", "a line and no more": "SSH-2.0-OpenSSH_9.9\r\n", "noise": "\x00\xff\x00\xff"} {
		c := dialFrom(t, newSource(), s.SSHAddr)
		io.WriteString(c, says)
		stalled["ssh, "+name] = c
	}
	stalled["https, nothing"] = dialFrom(t, newSource(), https)
	began := time.Now()
	if out := oscar.succeeds(t, v, "echo meanwhile"); out != "meanwhile\n" {
		t.Errorf("a session beside stalled handshakes: %q", out)
	}
	for name, c := range stalled {
		c.SetReadDeadline(began.Add(2 * patience))
		if _, err := io.Copy(io.Discard, c); err != nil && os.IsTimeout(err) {
			t.Errorf("%s: still open after %v", name, time.Since(began))
		}
	}
	w.ended(v)
	s.ready(t)
}

func TestFloodsAreBoundedBySource(t *testing.T) {
	t.Parallel()
	s := shared(t, Postgres)
	w := newWorld(t, s)
	oscar := w.person("operator")
	v := w.safe(host(t), nil, oscar)
	source := newSource()
	greeted := 0
	for range 100 {
		c := dialFrom(t, source, s.SSHAddr)
		c.SetReadDeadline(time.Now().Add(patience))
		if line, err := bufio.NewReader(c).ReadString('\n'); err == nil && strings.HasPrefix(line, "SSH-2.0-") {
			greeted++
		}
	}
	if greeted == 0 || greeted > 40 {
		t.Errorf("%d of 100 connections from one address were served at once", greeted)
	}
	if out := oscar.succeeds(t, v, "echo meanwhile"); out != "meanwhile\n" {
		t.Errorf("a session beside a flood: %q", out)
	}
	flooder := newClient(s.URL, source, s.authorities(t))
	limited := false
	for range 100 {
		a := flooder.do(t, "POST", "/auth/login", obj{"nonsense": true})
		if limited = a.Status == 429; limited {
			if !bytes.Contains(a.Body, []byte("RATE_LIMITED")) || a.Header.Get("Retry-After") == "" || a.Header.Get("X-Ratelimit-Limit") == "" {
				t.Errorf("the limit is told as %v %s", a.Header, a.Body)
			}
			break
		}
	}
	if !limited {
		t.Error("a hundred sign-ins in a row from one address met no limit")
	}
	s.stranger(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/login", obj{"email": "x@example.com", "password": "x"}) // others do
	w.ended(v)
	s.ready(t)
}

func TestNamesWithControlCharactersHurtNobody(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		dir, name := t.TempDir(), "evil\x1b]0;title\x07\x1b[31m\r\nred\x7f.txt"
		write(t, dir, name, []byte("content"))
		os.Mkdir(filepath.Join(dir, "there"), 0o755)
		for i, how := range [][]string{{}, {"-O"}} {
			args := append(append(flags(oscar.sshOptions(t)), how...), "-r", dir+"/there", oscar.loginTo(v)+"@"+gatewayHost+":"+dir+fmt.Sprint("/copy", i))
			write(t, filepath.Join(dir, "there"), name, []byte("content"))
			r := tool(t, dir, nil, "scp", args...)
			copies, _ := os.ReadDir(filepath.Join(dir, fmt.Sprint("copy", i)))
			if r.Code != 0 || len(copies) != 1 || len(how) == 0 && copies[0].Name() != name { // the old protocol spells such a name in another way
				t.Errorf("scp %v of a name with control characters: %s, %v", how, r, copies)
			}
			if strings.Contains(strings.Replace(r.Stderr, name, "", -1), "\x1b]0;") {
				t.Errorf("the gateway repeats control characters: %q", r.Stderr)
			}
			x := w.ended(v)
			w.Owner.must(t, "GET", "/sessions/"+x.ID+"/recording", nil)
		}
		for where, f := range map[string]func() []byte{
			"the ledger":   func() []byte { return w.Owner.must(t, "GET", "/audit/export", nil).Body },
			"the sessions": func() []byte { return w.Owner.must(t, "GET", "/sessions", nil).Body },
		} {
			if b := f(); bytes.ContainsAny(b, "\x1b\x07\x7f") {
				t.Errorf("%s holds control characters", where)
			}
		}
		s.ready(t)
	})
}

func TestLoginsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	oscar := w.person("operator")
	for name, login := range map[string]string{
		"two organizations": oscar.Handle + "+a/b/c", "an empty safe": oscar.Handle + "+", "an empty person": "+safe", "control characters": oscar.Handle + "+s\x1b[2J",
		"a very long name": oscar.Handle + "+" + strings.Repeat("x", 1000), "malformed UTF-8": oscar.Handle + "+\xff\xfe", "a path": oscar.Handle + "+../../etc/passwd",
		"SQL": oscar.Handle + "+' or 1=1 --",
	} {
		args := append(flags(oscar.sshOptions(t)), "-l", login, gatewayHost, "echo came in")
		r := tool(t, "", nil, "ssh", args...)
		if r.Code != 255 || strings.Contains(r.Stdout, "came in") || !strings.ContainsAny(r.Stderr, "abc") {
			t.Errorf("%s: %s", name, r)
		}
		if strings.Contains(strings.ReplaceAll(r.Stderr, login, ""), "\x1b[2J") {
			t.Errorf("%s: the gateway repeats control characters: %q", name, r.Stderr)
		}
	}
	if n := len(list[Session](t, w.Owner.Client, "/sessions")); n != 0 {
		t.Errorf("%d sessions came about", n)
	}
	s.ready(t)
}

func TestOddTerminalsHurtNobody(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		for _, size := range [][2]uint16{{0, 0}, {65535, 65535}, {1, 1}} {
			args := append(flags(oscar.sshOptions(t)), "-tt", "-l", oscar.loginTo(v), gatewayHost, "stty size; sleep 0.1; stty size; echo do''ne")
			term := inTerminal(t, size[0], size[1], need(t, "ssh"), args...)
			term.resize(size[1], 0)
			term.expect("done")
			if r := term.wait(); r.Code != 0 {
				t.Errorf("a terminal of %v: %s", size, r)
			}
			x := w.ended(v)
			if cast := w.Owner.must(t, "GET", "/sessions/"+x.ID+"/recording", nil).Body; !bytes.Contains(cast, []byte("done")) {
				t.Errorf("the recording of a terminal of %v shows %.300q", size, cast)
			}
		}
		l, _ := oscar.launch(t, v, false) // and in the browser
		c := oscar.wsSized(t, l.Grant, 0, 4294967295)
		until(t, c, func(_ string, m wsMessage) bool { return m.Type == "ready" || m.Type == "refused" })
		c.CloseNow()
		w.ended(v)
		s.ready(t)
	})
}
