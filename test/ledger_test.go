package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/verify"
)

// Event is an event as the API shows it.
type Event struct {
	ID       string
	OrgID    string `json:"org_id"`
	Seq      int64
	Constant string
	Event    string
	Severity string
	Actor    struct {
		Type, ID, Name string
		TokenID        string `json:"token_id"`
	}
	Target    struct{ Type, ID, Name string }
	Source    struct{ IP string }
	SessionID string `json:"session_id"`
	RequestID string `json:"request_id"`
	Outcome   string
	Reason    string
	Metadata  map[string]any
	Sentence  string
}

// Want is an event that an act must have left exactly once. The act is told by
// Constant, Outcome, Reason, Session, TargetID, ActorID and Where, as far as they
// are given; of the one event of it the rest is checked.
type Want struct {
	Constant string
	Outcome  string // "success" when empty
	Reason   string
	Session  string
	TargetID string
	ActorID  string
	From     string // the source address
	Where    obj    // metadata that tells the act

	Actor  string // type
	Target string // type
	Meta   obj    // metadata that is checked; a func(any) bool decides by itself
	IP     string
}

// any value but an empty one.
func present(v any) bool { return v != nil && v != "" }

// reader is who can read a ledger, and how it is called.
type reader struct {
	c    *Client
	name string
}

func (w *World) ledger() reader  { return reader{w.Owner.Client, "the organization's ledger"} }
func (s *Server) ledger() reader { return reader{s.Root.Client, "the platform's ledger"} }

// events reads the events of a constant, or all, oldest first. A list holds what has
// its number; with the checkpoint everything gets one that is committed by now.
func (r reader) events(t testing.TB, constant string, more ...string) []Event {
	t.Helper()
	r.c.must(t, "GET", "/audit/checkpoint?fresh=true", nil)
	q := url.Values{"order": {"oldest"}}
	if constant != "" {
		q.Set("constant", constant)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return list[Event](t, r.c, "/audit/events?"+q.Encode())
}

func (m Want) matches(e Event) bool {
	outcome := m.Outcome
	if outcome == "" {
		outcome = "success"
	}
	return e.Constant == m.Constant && e.Outcome == outcome && e.Reason == m.Reason && (m.Session == "" || m.Session == e.SessionID) &&
		(m.TargetID == "" || m.TargetID == e.Target.ID) && (m.ActorID == "" || m.ActorID == e.Actor.ID) && (m.From == "" || m.From == e.Source.IP) && len(differing(e.Metadata, m.Where)) == 0
}

// differing names the wanted metadata that an event does not have.
func differing(have map[string]any, want obj) (out []string) {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		got, ok := have[key]
		switch v := want[key].(type) {
		case func(any) bool:
			ok = ok && v(got)
		case time.Time: // one instant, however many digits its text has
			text, _ := got.(string)
			at, err := time.Parse(time.RFC3339Nano, text)
			ok = err == nil && at.Equal(v)
		default:
			ok = reflect.DeepEqual(got, normal(v)) || !ok && v == nil
		}
		if !ok {
			out = append(out, fmt.Sprintf("%s=%v (want %v)", key, got, want[key]))
		}
	}
	return out
}

// normal is v as it comes back from JSON.
func normal(v any) (out any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	json.Unmarshal(b, &out)
	return out
}

// saw waits for the event, checks that it is there exactly once and is what it
// should be, and counts it for the event coverage.
func (r reader) saw(t testing.TB, m Want) Event {
	t.Helper()
	var all, found []Event
	err := await(patience, func() bool {
		all = r.events(t, m.Constant)
		found = nil
		for _, e := range all {
			if m.matches(e) {
				found = append(found, e)
			}
		}
		return len(found) > 0
	})
	if err != nil {
		t.Errorf("%s has no %s: %v\nthose of the constant are:%s", r.name, m, err, told(all))
		t.FailNow()
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d times %s:%s", r.name, len(found), m, told(found))
	}
	e := found[0]
	wrong := differing(e.Metadata, m.Meta)
	check := func(what, got, want string) {
		if want != "" && got != want {
			wrong = append(wrong, fmt.Sprintf("%s is %q (want %q)", what, got, want))
		}
	}
	check("the actor's type", e.Actor.Type, m.Actor)
	check("the target's type", e.Target.Type, m.Target)
	check("the source", e.Source.IP, m.IP)
	if e.Sentence == "" || e.RequestID == "" {
		wrong = append(wrong, "sentence or request id is missing")
	}
	if len(wrong) > 0 {
		t.Errorf("%s of %s: %s%s", m.Constant, r.name, strings.Join(wrong, "; "), told(found))
	}
	covered(t, m.Constant)
	return e
}

// hasNone fails the test when the ledger has such an event.
func (r reader) hasNone(t testing.TB, m Want) {
	t.Helper()
	for _, e := range r.events(t, m.Constant) {
		if m.matches(e) {
			t.Errorf("%s has what it must not have, %s:%s", r.name, m, told([]Event{e}))
		}
	}
}

func (m Want) String() string {
	b, _ := json.Marshal(obj{"constant": m.Constant, "outcome": m.Outcome, "reason": m.Reason, "session": m.Session, "target": m.TargetID, "actor": m.ActorID, "where": fmt.Sprint(m.Where)})
	return string(b)
}

func told(events []Event) string {
	var b strings.Builder
	for _, e := range events {
		j, _ := json.Marshal(e)
		fmt.Fprintf(&b, "\n  %s", j)
	}
	return b.String()
}

func (w *World) saw(m Want) Event                { w.t.Helper(); return w.ledger().saw(w.t, m) }
func (w *World) hasNone(m Want)                  { w.t.Helper(); w.ledger().hasNone(w.t, m) }
func (s *Server) saw(t testing.TB, m Want) Event { t.Helper(); return s.ledger().saw(t, m) }

// close checks what a test has left: no session is open, each that was established
// has one end, the whole ledger verifies, and no secret is in it.
func (w *World) close(t testing.TB) {
	t.Helper()
	if t.Failed() || !w.s.running() || w.gone {
		return
	}
	eventually(t, "all sessions to end", func() bool {
		return len(list[obj](t, w.Owner.Client, "/sessions?state=live"))+len(list[obj](t, w.Owner.Client, "/sessions?state=starting")) == 0
	})
	ends := map[string]int{}
	for _, e := range w.ledger().events(t, "") {
		switch {
		case e.Constant == "SESSION_ESTABLISHED" && e.Outcome == "success":
			ends[e.SessionID] += 0
		case strings.HasPrefix(e.Constant, "SESSION_TERMINATED_BY_") && e.Outcome != "denied":
			ends[e.SessionID]++
		}
	}
	for session, n := range ends {
		if n != 1 {
			t.Errorf("session %s was established and has %d SESSION_TERMINATED_* events", session, n)
		}
	}
	w.export(t)
}

// export takes the ledger as a bundle, verifies it as an outsider would, and
// searches it for secrets.
func (w *World) export(t testing.TB) verify.Result {
	t.Helper()
	w.mayExport(t, w.Owner)
	return verified(t, w.Owner.Client, nil)
}

// mayExport lets somebody take the whole log out, as if a second person had agreed to it:
// for those tests that are not about that.
func (w *World) mayExport(t testing.TB, p *Person) {
	t.Helper()
	w.s.outside(t, `insert into audit_export_grant (org_id, action_id, user_id, first_seq, expires_at, uses_left, created_at) values ($1, $2, $3, 0, $4, 100, 0)`,
		w.Org, "gov_"+random(13), p.ID, time.Now().Add(time.Hour).UnixMicro())
}

// verified exports the ledger that c reads and verifies it, against an older checkpoint if one is given.
func verified(t testing.TB, c *Client, since []byte) verify.Result {
	t.Helper()
	bundle := c.must(t, "GET", "/audit/export", nil).Body
	res := verify.Bundle(bytes.NewReader(bundle), verify.Options{Keys: verifierKeys(t, c), Since: since})
	if res.Code != verify.Intact {
		var why strings.Builder
		res.WriteText(&why)
		t.Errorf("the export does not verify: %s", why.String())
	}
	return res
}

// verifierKeys are the keys that sign the ledger which c reads.
func verifierKeys(t testing.TB, c *Client) (keys []string) {
	t.Helper()
	for _, k := range get[Page[struct{ VKey string }]](t, c, "GET", "/audit/keys", nil).Items {
		keys = append(keys, k.VKey)
	}
	return keys
}
