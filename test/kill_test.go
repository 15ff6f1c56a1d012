package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// acks are what people were told before the server died, by the event that must
// be in the ledger for it.
type acks struct {
	sync.Mutex
	by map[string][]string // constant to the ids of targets, or other values that are in the event
}

func (a *acks) add(constant, id string) {
	a.Lock()
	defer a.Unlock()
	a.by[constant] = append(a.by[constant], id)
}

func (a *acks) count() (n int) {
	a.Lock()
	defer a.Unlock()
	for _, ids := range a.by {
		n += len(ids)
	}
	return n
}

// maxLoss is how much of a recording a crash may cost.
const maxLoss = time.Second

// counting is a session whose target counts aloud.
type counting struct {
	safe  *Safe
	proc  *Proc
	mu    sync.Mutex
	lines []time.Time // when the client saw each
}

// count starts a session that counts until it is cut.
func (p *Person) count(t testing.TB, v *Safe) *counting {
	t.Helper()
	c := &counting{safe: v, proc: p.ssh(t, v, nil, `i=0; while :; do i=$((i+1)); echo "line $i."; sleep 0.05; done`)}
	read := bufio.NewReader(&follower{p: c.proc})
	go func() {
		for n := 1; ; n++ {
			line, err := read.ReadString('\n')
			if err != nil || line != fmt.Sprintf("line %d.\n", n) {
				return
			}
			c.mu.Lock()
			c.lines = append(c.lines, time.Now())
			c.mu.Unlock()
		}
	}()
	return c
}

// seenBefore is the number of lines that the client had seen at a time.
func (c *counting) seenBefore(at time.Time) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, seen := range c.lines {
		if seen.Before(at) {
			n++
		}
	}
	return n
}

// follower reads what a process writes, as it comes.
type follower struct {
	p    *Proc
	from int
}

func (f *follower) Read(b []byte) (n int, err error) {
	for n == 0 {
		over := f.p.ended()
		if n = copy(b, f.p.Stdout.bytes()[f.from:]); n == 0 && over {
			return 0, fmt.Errorf("the process has ended")
		}
		if n == 0 {
			select {
			case <-f.p.done:
			case <-time.After(2 * time.Millisecond):
			}
		}
	}
	f.from += n
	return n, nil
}

// busy writes over the API until the server dies, and remembers what it answered.
func (w *World) busy(v *Safe, a *acks, stop <-chan struct{}) {
	write := func(method, path string, body any) (id string) {
		ans, err := w.Owner.try(method, path, body)
		if err != nil || ans.Status >= 300 {
			return ""
		}
		var made struct {
			ID      string
			GrantID string `json:"grant_id"`
			Grant   string
		}
		json.Unmarshal(ans.Body, &made)
		secrets.add("launch grant", made.Grant)
		return made.ID + made.GrantID
	}
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		id := write("POST", "/resources", obj{"name": "k-" + random(6), "protocol": "ssh", "host": "192.0.2.7"})
		if id == "" {
			continue
		}
		a.add("CONNECTION_DEFINITION_CREATED", id)
		if write("PATCH", "/resources/"+id, obj{"description": fmt.Sprint("changed ", n)}) != "" {
			a.add("CONNECTION_DEFINITION_UPDATED", id)
		}
		if g := write("POST", "/sessions/launch", obj{"safe_id": v.ID}); g != "" {
			a.add("SESSION_START_REQUESTED", g)
		}
		if ans, err := w.Owner.try("DELETE", "/resources/"+id, nil); err == nil && ans.Status == 204 {
			a.add("CONNECTION_DEFINITION_DELETED", id)
		}
	}
}

// A server that is killed at any moment loses nothing that it has acknowledged.
func TestKilledServerLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			s := own(t, store)
			w := newWorld(t, s)
			oscar := w.person("operator")
			v := w.safe(host(t), nil, oscar, w.Owner)
			a := &acks{by: map[string][]string{}}
			checkpoint := w.Owner.must(t, "GET", "/audit/checkpoint?fresh=true", nil).Body
			for _, after := range []int{40, 1, 15} {
				w.crash(t, oscar, v, a, after)
				if res := verified(t, w.Owner.Client, checkpoint); res.Since.Size == 0 {
					t.Error("the export was not compared with the checkpoint from before the crash")
				}
				checkpoint = w.Owner.must(t, "GET", "/audit/checkpoint?fresh=true", nil).Body
			}
			w.holds(t, a)
		})
	}
}

// crash kills the server once it has acknowledged `after` writes while sessions
// run, starts it again, and checks what became of the sessions.
func (w *World) crash(t *testing.T, p *Person, v *Safe, a *acks, after int) {
	t.Helper()
	live := []*counting{p.count(t, v), p.count(t, v)}
	for _, c := range live {
		eventually(t, "the sessions to have run for a while", func() bool { return c.seenBefore(time.Now().Add(-maxLoss)) > 3 })
	}
	sessions := list[Session](t, w.Owner.Client, "/sessions?state=live")
	if len(sessions) != len(live) {
		t.Fatalf("%d sessions are live, not %d", len(sessions), len(live))
	}
	stop, before := make(chan struct{}), a.count()
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() { w.busy(v, a, stop) })
	}
	eventually(t, "acknowledged writes", func() bool { return a.count() >= before+after })
	killed := time.Now()
	w.s.kill()
	close(stop)
	workers.Wait()
	for _, c := range live {
		c.proc.wait()
	}
	w.s.start(t)
	least := min(live[0].seenBefore(killed.Add(-maxLoss)), live[1].seenBefore(killed.Add(-maxLoss)))
	for _, x := range sessions {
		eventually(t, "the orphan "+x.ID+" to be finished", func() bool {
			x = get[Session](t, w.Owner.Client, "GET", "/sessions/"+x.ID, nil)
			return x.State == "ended" && x.Recording.State != "recording"
		})
		w.saw(Want{Constant: "SESSION_ESTABLISHED", Session: x.ID})
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: "shutdown", Session: x.ID, Actor: "System", Meta: obj{"recording_id": x.Recording.ID, "session_user_id": p.ID}})
		w.saw(Want{Constant: "PROXY_SSH_SESSION_CLOSED", Outcome: "failure", Reason: "gateway_error", Session: x.ID})
		w.saw(Want{Constant: "PROXY_SSH_RECORDING_WRITTEN", Session: x.ID})
		w.saw(Want{Constant: "SESSION_RECORDING_FINALIZED", Outcome: "failure", Reason: "truncated", Session: x.ID, Meta: obj{"root_hash": x.Recording.RootHash}})
		cast := w.Owner.must(t, "GET", "/sessions/"+x.ID+"/recording", nil).Body
		if !bytes.Contains(cast, fmt.Appendf(nil, "line %d.", least)) {
			t.Errorf("the recording of %s lost more than %v: line %d is not in it: %s", x.ID, maxLoss, least, cast[max(0, len(cast)-300):])
		}
	}
}

// holds checks that each acknowledged act is in the ledger exactly once, and that
// the ledger has no gap.
func (w *World) holds(t *testing.T, a *acks) {
	t.Helper()
	events := w.ledger().events(t, "")
	told := map[string]int{}
	for i, e := range events {
		if e.Seq != int64(i) {
			t.Fatalf("the ledger has a gap: event %d has the number %d", i, e.Seq)
		}
		told[e.Constant+" "+e.Target.ID]++
		if g, ok := e.Metadata["grant_id"].(string); ok {
			told[e.Constant+" "+g]++
		}
	}
	for constant, ids := range a.by {
		for _, id := range ids {
			if n := told[constant+" "+id]; n != 1 {
				t.Errorf("%s of %s was acknowledged and is %d times in the ledger", constant, id, n)
			}
		}
		t.Logf("%d acknowledged %s are in the ledger", len(ids), strings.ToLower(constant))
	}
}
