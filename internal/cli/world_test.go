package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/cli/terminal"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// a world is a server that answers as a test says, and a person with a terminal.
type world struct {
	t      *testing.T
	server *httptest.Server
	home   string
	caFile string
	env    []string
	stdin  string
	person *fakePerson

	mu       sync.Mutex
	contract *contract
	routes   map[string]route
	asked    []string // "METHOD /path?query {body}" of each call
}

// route answers a request whose body is in.
type route func(r *http.Request, in map[string]any) (int, any)

// The credentials that the server knows.
const (
	sessionToken = "session-token-of-jane"
	apiToken     = "vpat_of_jane"
)

const (
	orgID  = "org_01jz0000000000000000000000"
	userID = "usr_01jz0000000000000000000000"
	safeID = "safe_01jz0000000000000000000000"
	resID  = "res_01jz0000000000000000000000"
	accID  = "acc_01jz0000000000000000000000"
	sesID  = "ses_01jz0000000000000000000000"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, contract: c, routes: map[string]route{}, home: t.TempDir(), person: &fakePerson{answers: map[string]string{}}}
	w.server = httptest.NewUnstartedServer(http.HandlerFunc(w.serve))
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	w.caFile = filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.server.Certificate().Raw})
	if err := os.WriteFile(w.caFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	w.env = []string{"VAULTPAM_HOME=" + w.home, "VAULTPAM_CA_FILE=" + w.caFile, "PATH=" + os.Getenv("PATH")}
	w.on("GET /auth/me", func(*http.Request, map[string]any) (int, any) { return 200, meJSON() })
	return w
}

func meJSON() map[string]any {
	return map[string]any{
		"user": map[string]any{"id": userID, "email": "jane@example.org", "handle": "jane", "name": "Jane Doe"},
		"org":  map[string]any{"id": orgID, "slug": "acme", "name": "Acme", "role": "operator"},
		"mfa":  map[string]any{"enrolled": true, "verified_at": "2026-03-01T12:00:00Z", "backup_codes_left": 9},
		"via":  "session", "ssh": map[string]any{"addr": "gateway.example:2222"},
	}
}

// on answers "METHOD /path".
func (w *world) on(call string, r route) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.routes[call] = r
}

// gives answers with a fixed body.
func (w *world) gives(call string, status int, v any) {
	w.on(call, func(*http.Request, map[string]any) (int, any) { return status, v })
}

// refuses answers with a problem.
func problemJSON(status int, code, detail string) (int, any) {
	return status, map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail, "code": code}
}

func (w *world) refuses(call string, status int, code, detail string) {
	w.on(call, func(*http.Request, map[string]any) (int, any) { return problemJSON(status, code, detail) })
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, client.Prefix)
	body, _ := io.ReadAll(r.Body)
	call := r.Method + " " + path
	if r.URL.RawQuery != "" {
		call += "?" + r.URL.RawQuery
	}
	if len(body) > 0 {
		call += " " + string(body)
	}
	w.asked = append(w.asked, call)
	op, known := w.contract.find(r.Method, path)
	if !known {
		w.t.Errorf("the API has no %s %s", r.Method, path)
		return
	}
	if err := w.contract.request(op, r.URL.Query(), body); err != nil {
		w.t.Errorf("%s: %v", call, err)
	}
	status, answer := problemJSON(401, "AUTH_FAILED", "sign in first")
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if len(op.Security) == 0 || token == sessionToken || token == apiToken {
		answered, ok := w.routes[r.Method+" "+path]
		if !ok {
			w.t.Errorf("this test answers no %s %s", r.Method, path)
			return
		}
		var in map[string]any
		json.Unmarshal(body, &in) // none when there is no body
		status, answer = answered(r, in)
	}
	w.write(rw, op, call, status, answer)
}

// stream is an answer that is no JSON.
type stream struct {
	kind string
	text string
	cut  bool // the connection ends before the answer does
}

func (w *world) write(rw http.ResponseWriter, op operation, call string, status int, answer any) {
	if s, ok := answer.(stream); ok {
		rw.Header().Set("Content-Type", s.kind)
		if s.cut {
			rw.Header().Set("Content-Length", fmt.Sprint(len(s.text)+10))
		}
		rw.WriteHeader(status)
		io.WriteString(rw, s.text)
		return
	}
	var b []byte
	if answer != nil {
		var err error
		if b, err = json.Marshal(answer); err != nil {
			w.t.Error(err)
		}
	}
	if status >= 400 {
		rw.Header().Set("Content-Type", "application/problem+json")
		if status == 429 {
			rw.Header().Set("Retry-After", "7")
		}
	} else {
		rw.Header().Set("Content-Type", "application/json")
		if err := w.contract.answer(op, status, b); err != nil {
			w.t.Errorf("the answer to %s is none of the API's: %v", call, err)
		}
	}
	rw.WriteHeader(status)
	rw.Write(b)
}

// login keeps a sign-in at the server, as vaultpam login does.
func (w *world) login() *world {
	w.t.Helper()
	ca, err := os.ReadFile(w.caFile)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := (home{w.home}).save(login{URL: w.server.URL, CA: string(ca), OrgID: orgID, OrgSlug: "acme", Email: "jane@example.org", Handle: "jane", Kind: sessionLogin, Token: sessionToken}); err != nil {
		w.t.Fatal(err)
	}
	return w
}

// result is what a command did.
type result struct {
	status   int
	out, err string
}

// run runs one command line.
func (w *world) run(args ...string) result {
	w.t.Helper()
	return w.runIn(w.t.Context(), args...)
}

func (w *world) runIn(ctx context.Context, args ...string) result {
	var out, errw bytes.Buffer
	status := w.program(&out, &errw).run(ctx, args)
	return result{status, out.String(), errw.String()}
}

func (w *world) program(out, errw io.Writer) *program {
	p := &program{environ: w.env, env: map[string]string{}, in: strings.NewReader(w.stdin), out: out, errw: errw, asker: w.person,
		now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }}
	for _, kv := range w.env {
		name, v, _ := strings.Cut(kv, "=")
		p.env[name] = v
	}
	return p
}

// good runs a command that must succeed.
func (w *world) good(args ...string) string {
	w.t.Helper()
	r := w.run(args...)
	if r.status != 0 {
		w.t.Fatalf("vaultpam %s: status %d\n%s%s", strings.Join(args, " "), r.status, r.out, r.err)
	}
	return r.out
}

// bad runs a command that must fail with a status and one line that holds all of wants.
func (w *world) bad(status int, wants []string, args ...string) result {
	w.t.Helper()
	r := w.run(args...)
	if r.status != status || !strings.HasPrefix(r.err, "vaultpam: ") || strings.Count(r.err, "\n") != 1 {
		w.t.Errorf("vaultpam %s: status %d, want %d and one line\n%s%s", strings.Join(args, " "), r.status, status, r.out, r.err)
	}
	contains(w.t, r.err, wants...)
	return r
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
}

// calls are the calls that the server got, since the last time.
func (w *world) calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.asked
	w.asked = nil
	return got
}

// fakePerson answers prompts by what is in them.
type fakePerson struct {
	answers map[string]string
	asked   []string
}

func (f *fakePerson) Line(_ context.Context, prompt string) (string, error) {
	f.asked = append(f.asked, prompt)
	for part, answer := range f.answers {
		if strings.Contains(prompt, part) {
			return answer, nil
		}
	}
	return terminal.Nobody{}.Line(context.Background(), prompt)
}

func (f *fakePerson) Secret(ctx context.Context, prompt string) (secret.Secret, error) {
	s, err := f.Line(ctx, prompt)
	return secret.FromString(s), err
}

// listOf is a whole list.
func listOf(items ...any) map[string]any {
	if items == nil {
		items = []any{}
	}
	return map[string]any{"items": items}
}

func safeJSON(name string) map[string]any {
	return map[string]any{
		"id": safeID, "name": name, "description": "", "my_role": "user", "can_launch": true, "version": 3, "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z",
		"resource": map[string]any{"id": resID, "name": "web", "protocol": "ssh", "host": "10.0.0.5", "port": 22, "pinned": true},
		"account":  map[string]any{"id": accID, "name": "deploy", "username": "deploy", "enabled": true},
		"policy":   map[string]any{"recording": true, "record_input": true, "session_ttl_seconds": 14400, "idle_timeout_seconds": 900, "jump": "block", "file_transfer": "audit", "step_up_freshness_seconds": 900},
	}
}
