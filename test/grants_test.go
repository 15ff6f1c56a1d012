package test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Launch grants, as `vaultpam ssh` and the browser carry them.

type launched struct {
	SessionID string `json:"session_id"`
	GrantID   string `json:"grant_id"`
	Grant     string
	SSH       *struct {
		Certificate, Login string
		GatewayAddr        string `json:"gateway_addr"`
	}
}

// launch asks for a grant; with an SSH certificate that carries it for a new key.
func (p *Person) launch(t testing.TB, v *Safe, cert bool) (l launched, options []string) {
	t.Helper()
	body := obj{"safe_id": v.ID}
	var key string
	if cert {
		var public string
		key, public = newKeyFile(t, p.s.dir(), "session")
		body["public_key"] = public
	}
	l = get[launched](t, p.Client, "POST", "/sessions/launch", body)
	secrets.add("launch grant", l.Grant)
	if !cert {
		return l, nil
	}
	secrets.add("certificate with a grant", l.SSH.Certificate)
	if err := os.WriteFile(key+"-cert.pub", []byte(l.SSH.Certificate+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range p.sshOptions(t) {
		if !strings.HasPrefix(o, "IdentityFile=") {
			options = append(options, o)
		}
	}
	return l, append(options, "IdentityFile="+key, "CertificateFile="+key+"-cert.pub")
}

// withGrant connects with what launch has made.
func (p *Person) withGrant(t testing.TB, l launched, options []string, command string) Result {
	t.Helper()
	return tool(t, "", nil, "ssh", append(flags(options), "-l", l.SSH.Login, gatewayHost, command)...)
}

func TestGrantsOpenTheirSessionOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		l, options := oscar.launch(t, v, true)
		if r := oscar.withGrant(t, l, options, "echo once"); r.Code != 0 || r.Stdout != "once\n" {
			t.Fatalf("a fresh grant: %s", r)
		}
		if x := w.ended(v); x.ID != l.SessionID || x.Client != "vaultpam" {
			t.Errorf("the session is %+v, not %s", x, l.SessionID)
		}
		start := w.saw(Want{Constant: "SESSION_START_REQUESTED", Where: obj{"grant_id": l.GrantID}})
		for range 2 {
			r := oscar.withGrant(t, l, options, "echo twice")
			if r.Code == 0 || strings.Contains(r.Stdout, "twice") {
				t.Fatalf("a grant opened twice: %s", r)
			}
			sentence(t, r.Stderr, "used already")
		}
		w.saw(Want{Constant: "PROXY_SSH_AUTH_REJECTED", Outcome: "denied", Reason: "grant_replayed", ActorID: oscar.ID, Actor: "User", Target: "Session", TargetID: l.SessionID,
			IP: oscar.Source, Meta: obj{"grant_id": l.GrantID, "coalesced": 1, "client_version": present}})
		w.saw(Want{Constant: "SECURITY_INCIDENT_FLAGGED", Actor: "System", Target: "Tenant", TargetID: w.Org, Session: l.SessionID,
			Meta: obj{"detector": "launch_grant_replay", "object_type": "grant", "object_id": l.GrantID, "related_events": []string{start.ID}, "automatic_action": "none"}})
		if n := len(list[Session](t, w.Owner.Client, "/sessions?safe="+v.ID)); n != 1 {
			t.Errorf("%d sessions came about", n)
		}
	})
}

func TestGrantsExpire(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		l, options := oscar.launch(t, v, true)
		browser, _ := oscar.launch(t, v, false)
		<-time.After(61 * time.Second) // there is no other way from outside
		r := oscar.withGrant(t, l, options, "echo late")
		if r.Code == 0 || strings.Contains(r.Stdout, "late") {
			t.Fatalf("an expired grant: %s", r)
		}
		sentence(t, r.Stderr, "expired", "launch the session again")
		w.saw(Want{Constant: "PROXY_SSH_AUTH_REJECTED", Outcome: "denied", Reason: "grant_expired", ActorID: oscar.ID, Actor: "User", Target: "Session", Where: obj{"grant_id": l.GrantID}})
		if m := oscar.wsRefused(t, browser.Grant); m.Code != "GRANT_EXPIRED" {
			t.Errorf("the browser is told %+v", m)
		}
		w.hasNone(Want{Constant: "SECURITY_INCIDENT_FLAGGED"})
		w.hasNone(Want{Constant: "SESSION_ESTABLISHED"})
	})
}

// wsMessage is a message of the terminal's WebSocket.
type wsMessage struct {
	Type, Message, Code string
	ExitStatus          *int   `json:"exit_status"`
	Clipboard           string // of ready
}

// ws opens the browser's terminal with a grant.
func (p *Person) ws(t testing.TB, grant string) *websocket.Conn {
	t.Helper()
	return p.wsSized(t, grant, 80, 24)
}

func (p *Person) wsSized(t testing.TB, grant string, cols, rows uint32) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, strings.Replace(p.base, "https:", "wss:", 1)+"/sessions/terminal",
		&websocket.DialOptions{HTTPClient: p.http, HTTPHeader: http.Header{"Authorization": {"Bearer " + p.bearer}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	open, _ := json.Marshal(obj{"type": "open", "grant": grant, "cols": cols, "rows": rows})
	if err := c.Write(ctx, websocket.MessageText, open); err != nil {
		t.Fatal(err)
	}
	return c
}

// until reads from a terminal until stop holds for what came so far.
func until(t testing.TB, c *websocket.Conn, stop func(output string, m wsMessage) bool) (output string, m wsMessage) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	for !stop(output, m) {
		kind, data, err := c.Read(ctx)
		if err != nil {
			t.Fatalf("the terminal ended: %v after %q, %+v", err, output, m)
		}
		noSecrets(t, "the browser terminal", data)
		if kind == websocket.MessageBinary {
			output += string(data)
		} else if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
	}
	return output, m
}

func (p *Person) wsRefused(t testing.TB, grant string) wsMessage {
	t.Helper()
	_, m := until(t, p.ws(t, grant), func(_ string, m wsMessage) bool { return m.Type == "refused" })
	if !oneLine(m.Message) {
		t.Errorf("no sentence: %+v", m)
	}
	return m
}

func TestBrowserTerminalTakesTheSamePath(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		l, _ := oscar.launch(t, v, false)
		c := oscar.ws(t, l.Grant)
		until(t, c, func(_ string, m wsMessage) bool { return m.Type == "ready" })
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		// A size, and the bytes after it, may arrive in either order.
		for _, text := range []string{`{"type":"resize","cols":101,"rows":33}`, "until stty size | grep '33 101'; do sleep 0.05; done; echo do''ne; exit 7\n"} {
			kind := websocket.MessageBinary
			if text[0] == '{' {
				kind = websocket.MessageText
			}
			if err := c.Write(ctx, kind, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		out, m := until(t, c, func(_ string, m wsMessage) bool { return m.Type == "ended" || m.Type == "refused" })
		if !strings.Contains(out, "33 101") || !strings.Contains(out, "done") || m.ExitStatus == nil || *m.ExitStatus != 7 {
			t.Errorf("the terminal showed %q and ended with %+v", out, m)
		}
		x := w.ended(v)
		w.saw(Want{Constant: "SESSION_ESTABLISHED", Session: l.SessionID, ActorID: oscar.ID})
		w.saw(Want{Constant: "PROXY_SSH_SESSION_OPENED", Session: x.ID, Meta: obj{"first_channel": "shell"}})
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_USER", Session: x.ID})

		// What is no good there, and whose fault it is.
		if m := oscar.wsRefused(t, l.Grant); m.Code != "GRANT_REPLAYED" {
			t.Errorf("a grant twice: %+v", m)
		}
		w.saw(Want{Constant: "PROXY_SSH_AUTH_REJECTED", Outcome: "denied", Reason: "grant_replayed", Where: obj{"grant_id": l.GrantID}})
		if m := oscar.wsRefused(t, "vplg_"+newSecret("grant")); m.Code != "GRANT_INVALID" {
			t.Errorf("an invented grant: %+v", m)
		}
		s.saw(t, Want{Constant: "PROXY_SSH_AUTH_REJECTED", Outcome: "denied", Reason: "grant_invalid", ActorID: oscar.ID, IP: oscar.Source})
		again, _ := oscar.launch(t, v, false)
		if m := w.Owner.wsRefused(t, again.Grant); m.Code != "GRANT_INVALID" {
			t.Errorf("somebody else's grant: %+v", m)
		}
		w.saw(Want{Constant: "PROXY_SSH_AUTH_REJECTED", Outcome: "denied", Reason: "grant_invalid", ActorID: w.Owner.ID})
	})
}
