package cli

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sessionJSON(state string) map[string]any {
	return map[string]any{
		"id": sesID, "user": map[string]any{"id": userID, "name": "jane", "email": "jane@example.org"}, "safe": map[string]any{"id": safeID, "name": "web-prod"},
		"resource": map[string]any{"id": resID, "name": "web"}, "account": map[string]any{"id": accID, "name": "deploy", "username": "deploy"}, "protocol": "ssh", "client": "openssh", "source_ip": "192.0.2.1",
		"state": state, "requested_at": "2026-03-01T12:00:00Z", "started_at": "2026-03-01T12:00:01Z", "duration_seconds": 65, "channels": 1, "bytes_to_target": 10, "bytes_from_target": 2048,
		"recording": map[string]any{"id": "rec_1", "state": "completed", "size_bytes": 5000, "frames": 3, "chunks": 1, "duration_seconds": 65.5, "root_hash": "abcd"},
	}
}

const cast = `{"version":2,"width":80,"height":24,"timestamp":1772366400,"title":"jane on web-prod"}
[0.1, "o", "$ ls\r\n\u001b]52;c;AAAA\u0007\u001b[31mred\u001b[0m\r\n"]
[100, "m", "exit 0"]
`

func (w *world) record(s stream) {
	w.gives("GET /sessions/"+sesID+"/recording", 200, s)
}

func TestPlayIntoAFileWaitsForNothing(t *testing.T) {
	w := newWorld(t).login()
	w.record(stream{kind: "application/x-asciicast", text: cast})
	r := w.run("sessions", "play", sesID)
	if r.status != 0 || r.out != "$ ls\r\n\x1b[31mred\x1b[0m\r\n" || r.err != "exit 0\n" {
		t.Errorf("%+v", r)
	}
	w.record(stream{kind: "application/x-asciicast", text: cast, cut: true})
	if r := w.run("sessions", "play", sesID); r.status != 8 || !strings.Contains(r.out, "red") {
		t.Errorf("%+v", r)
	}
	w.record(stream{kind: "application/x-asciicast", text: "hello\n"})
	w.bad(8, []string{"not an asciicast"}, "sessions", "play", sesID)
	w.refuses("GET /sessions/"+sesID+"/recording", 404, "NOT_FOUND", "this session has no recording")
	w.bad(5, []string{"no recording"}, "sessions", "play", sesID)
	w.bad(2, []string{"--speed"}, "sessions", "play", sesID, "--speed=-1")
	w.bad(2, []string{"--idle-limit"}, "sessions", "play", sesID, "--idle-limit", "2")
}

func TestRecordingIsSavedAsItIs(t *testing.T) {
	w := newWorld(t).login()
	w.record(stream{kind: "application/x-asciicast", text: cast})
	file := filepath.Join(t.TempDir(), "x.cast")
	contains(t, w.good("sessions", "play", sesID, "--cast", file, "--input"), file)
	if b, err := os.ReadFile(file); err != nil || string(b) != cast {
		t.Errorf("%q %v", b, err)
	}
	contains(t, w.calls()[0], "download=true", "input=true")
	w.gives("GET /sessions/"+sesID+"/recording/info", 200, sessionJSON("ended")["recording"])
	contains(t, w.good("sessions", "play", sesID, "--json"), `"root_hash": "abcd"`)
}

func TestSessionsAreListedByNames(t *testing.T) {
	w := newWorld(t).login()
	w.organization()
	w.gives("GET /sessions", 200, listOf(sessionJSON("live")))
	contains(t, w.good("sessions", "list", "--user", "oscar", "--safe", "web-prod", "--resource", "web server", "--state", "live", "--from", "2h", "--to", "2026-03-01T11:00:00Z", "--limit", "7"), "web-prod", "1m5s", sesID)
	calls := w.calls()
	contains(t, calls[len(calls)-1], "user="+userID, "safe="+safeID, "resource="+resID, "state=live", "from=2026-03-01T10%3A00%3A00Z", "to=2026-03-01T11%3A00%3A00Z", "limit=7")
	w.good("sessions", "list", "--user", "me")
	w.bad(2, []string{"must be one of"}, "sessions", "list", "--state", "dead")
	s := sessionJSON("ended")
	s["ended_by"], s["end_reason"], s["end_comment"], s["ended_by_name"], s["exit_status"], s["ended_at"] = "admin", "admin_order", "lunch", "olivia", 1, "2026-03-01T12:01:06Z"
	w.gives("GET /sessions/"+sesID, 200, s)
	contains(t, w.good("sessions", "show", sesID), "by admin: admin order", "lunch", "exit status", "abcd", "2.0 KiB from it")
	w.on("POST /sessions/"+sesID+"/terminate", func(_ *http.Request, in map[string]any) (int, any) {
		if in["comment"] != "lunch" {
			t.Errorf("%v", in)
		}
		return 204, nil
	})
	contains(t, w.good("sessions", "terminate", sesID, "-m", "lunch"), "is ended")
}

func TestWatchPrintsChanges(t *testing.T) {
	w := newWorld(t).login()
	w.gives("GET /sessions/live/events", 200, stream{kind: "text/event-stream", text: "retry: 2000\n: open\n\nevent: session\ndata: {\"id\":\"" + sesID + "\",\ndata: \"state\":\"live\",\"user\":{\"name\":\"ja\\u001bne\"},\"safe\":{\"name\":\"web-prod\"}}\n\n: still here\n\n"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &lines{each: func(string) { cancel() }}
	var errw strings.Builder
	if status := w.program(out, &errw).run(ctx, []string{"sessions", "watch"}); status != 0 {
		t.Errorf("%d %s", status, errw.String())
	}
	contains(t, out.text.String(), "jane", "web-prod", sesID, "live")
}

func TestLiveViewEndsWithItsSession(t *testing.T) {
	w := newWorld(t).login()
	w.record(stream{kind: "application/x-asciicast", text: cast})
	r := w.run("sessions", "watch", sesID)
	if r.status != 0 || !strings.Contains(r.out, "red") || !strings.Contains(r.err, "The session has ended.") {
		t.Errorf("%+v", r)
	}
	contains(t, w.calls()[0], "live=true")
}
