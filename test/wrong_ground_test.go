package test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
)

// The wrong turns of every flow: who calls what in which wrong way, what they are
// told, which event it leaves, and that nothing has changed. One table form for
// all (turn); the rows stand in wrong_rows_*_test.go, those that follow from the
// API's own description are made in wrong_rules_test.go.
//
// A run has an installation to itself. Before and after each call the whole
// database is read from outside, and after all calls the ledgers: an event belongs
// to the call whose request id it carries.

// turn is one wrong turn.
type turn struct {
	op    string // operation of the API
	wrong string // in words
	by    string // who calls, by their name on the stage; "": somebody without a credential
	lead  func(x *stage)
	ids   func(x *stage) map[string]string // in place of those of the stage
	body  func(x *stage) any               // in place of a good one
	query string

	status int
	code   string
	says   string // in the detail: what to do
	events string // "CONSTANT outcome reason", several with commas; empty: none
	why    string // none is right
	moves  string // tables that count the try
}

func (r turn) String() string { return r.op + ": " + r.wrong }

// described is an operation as the API's description tells it, with its body.
type described struct {
	operation
	Tag    string
	Params []string            // of the path
	Must   []string            // required properties of the body
	Props  map[string]struct{} // all properties of the body
}

// mutating lists the operations that change something.
func mutating(t testing.TB, s *Server) map[string]described {
	t.Helper()
	type schema struct {
		Ref        string `json:"$ref"`
		Required   []string
		Properties map[string]any
	}
	var doc struct {
		Paths map[string]map[string]struct {
			ID   string `json:"operationId"`
			Tags []string
			Body struct {
				Required bool
				Content  map[string]struct{ Schema schema }
			} `json:"requestBody"`
			Parameters []struct{ Name, In string }
		}
		Components struct{ Schemas map[string]schema }
	}
	s.stranger(t).must(t, "GET", "/openapi.json", nil).into(t, &doc)
	out := map[string]described{}
	for _, o := range operations(t, s) {
		if o.Method == "GET" {
			continue
		}
		at := doc.Paths[o.Path][strings.ToLower(o.Method)]
		d := described{operation: o, Tag: at.Tags[0], Props: map[string]struct{}{}}
		for _, p := range at.Parameters {
			if p.In == "path" {
				d.Params = append(d.Params, p.Name)
			}
		}
		if b, ok := at.Body.Content["application/json"]; ok {
			sch := b.Schema
			if sch.Ref != "" {
				sch = doc.Components.Schemas[sch.Ref[strings.LastIndex(sch.Ref, "/")+1:]]
			}
			for p := range sch.Properties {
				d.Props[p] = struct{}{}
			}
			d.Must = slices.Clone(sch.Required)
		}
		out[o.ID] = d
	}
	return out
}

// made is a call that was made, and what it must have left.
type made struct {
	turn    turn
	request string
}

// snapshot is every row of every table, as text.
type snapshot map[string][]string

// stage is the installation of one run.
type stage struct {
	t      testing.TB
	s      *Server
	sms    *smsDouble
	db     *db.DB
	w      *World
	far    *World
	ops    map[string]described
	cast   map[string]*Person
	robo   map[string]*Client           // callers that are no person
	ours   map[string]map[string]string // ids by the beginning of the path
	theirs map[string]map[string]string // the same in the other organization
	note   map[string]string            // what a row's lead keeps for its body
	over   []string                     // times of rows that were made to expire
	last   snapshot
	done   []made
	cols   map[string][]string // of the tables
}

// noise is what changes without anybody's act: ledgers, clocks, deliveries.
var noise = map[string][]string{
	"web_session": {"last_seen_at"}, "api_token": {"last_used_at"}, "scim_token": {"last_used_at"}, "ssh_key": {"last_used_at"},
	"delivery": {"*", "id", "org_id", "kind", "recipient"}, // what is queued counts, not how its delivery goes
}

func noisy(table string) bool {
	return strings.HasPrefix(table, "audit_") || slices.Contains([]string{"delivery_try", "server_instance", "idempotency_key", "goose_db_version", "platform_gate", "session_gate", "sqlite_sequence"}, table)
}

// open connects to the database of the server, from outside.
func (x *stage) open() {
	url := "sqlite:" + filepath.Join(x.s.Dir, "vaultpam.db")
	tables := `select m.name, p.name from sqlite_master m join pragma_table_info(m.name) p where m.type = 'table' order by 1, 2`
	if x.s.Store == Postgres {
		for _, kv := range x.s.env {
			if v, ok := strings.CutPrefix(kv, "VAULTPAM_DATABASE_URL="); ok {
				url = v
			}
		}
		tables = `select table_name, column_name from information_schema.columns where table_schema = current_schema() order by 1, 2`
	}
	d, err := db.Open(context.Background(), db.Config{URL: url, MaxConns: 2})
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { d.Close() })
	x.db, x.cols = d, map[string][]string{}
	rows, err := d.Raw().Query(tables)
	if err != nil {
		x.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, col string
		if err := rows.Scan(&table, &col); err != nil {
			x.t.Fatal(err)
		}
		n := noise[table]
		if noisy(table) || len(n) > 0 && n[0] != "*" && slices.Contains(n, col) || len(n) > 0 && n[0] == "*" && !slices.Contains(n, col) {
			continue
		}
		x.cols[table] = append(x.cols[table], col)
	}
	if err := rows.Err(); err != nil || len(x.cols) < 40 {
		x.t.Fatalf("%d tables, %v", len(x.cols), err)
	}
}

// read reads the whole state.
func (x *stage) read() snapshot {
	x.t.Helper()
	var parts []string
	for _, table := range slices.Sorted(maps.Keys(x.cols)) {
		var cols []string
		for _, c := range x.cols[table] {
			if x.s.Store == SQLite {
				cols = append(cols, fmt.Sprintf("'%s=' || quote(%s)", c, c))
			} else {
				cols = append(cols, fmt.Sprintf("'%s=' || coalesce(%s::text, '')", c, c))
			}
		}
		parts = append(parts, fmt.Sprintf("select '%s' as place, %s as row from %s", table, strings.Join(cols, " || ' ' || "), table))
	}
	out := snapshot{}
	for part := range slices.Chunk(parts, 20) { // SQLite has a limit of terms
		rows, err := x.db.Raw().Query(strings.Join(part, " union all "))
		if err != nil {
			x.t.Fatal(err)
		}
		for rows.Next() {
			var table, row string
			if err := rows.Scan(&table, &row); err != nil {
				x.t.Fatal(err)
			}
			if !slices.ContainsFunc(x.over, func(at string) bool { return strings.Contains(row, at) }) {
				out[table] = append(out[table], row)
			}
		}
		if err := rows.Err(); err != nil && err != sql.ErrNoRows {
			x.t.Fatal(err)
		}
		rows.Close()
	}
	for _, rows := range out {
		slices.Sort(rows)
	}
	return out
}

// changed names the tables that differ, with what is in one only.
func changed(a, b snapshot) map[string]string {
	out := map[string]string{}
	all := maps.Clone(a)
	maps.Copy(all, b)
	for table := range all {
		if slices.Equal(a[table], b[table]) {
			continue
		}
		var d strings.Builder
		for _, r := range a[table] {
			if !slices.Contains(b[table], r) {
				fmt.Fprintf(&d, "\n    - %.600s", r)
			}
		}
		for _, r := range b[table] {
			if !slices.Contains(a[table], r) {
				fmt.Fprintf(&d, "\n    + %.600s", r)
			}
		}
		out[table] = d.String()
	}
	return out
}

// caller is who makes a call.
func (x *stage) caller(name string) *Client {
	x.t.Helper()
	if name == "" {
		return x.s.stranger(x.t)
	}
	if c := x.robo[name]; c != nil {
		return c
	}
	p := x.cast[name]
	if p == nil {
		x.t.Fatalf("nobody on the stage is called %q", name)
	}
	return p.Client
}

// idsOf are the ids of the stage for a path.
func idsOf(table map[string]map[string]string, path string) map[string]string {
	best := ""
	for prefix := range table {
		if strings.HasPrefix(path, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	return table[best]
}

// goodBodies are bodies that could be true, where those of the doors are not.
var goodBodies = map[string]obj{}

func (x *stage) good(o described) any {
	if !o.Body {
		return nil
	}
	if b, ok := goodBodies[o.ID]; ok {
		return maps.Clone(b)
	}
	return o.body(x.t, nil)
}

// takes makes the call of a row, and checks the answer and the state.
func (x *stage) takes(t testing.TB, r turn) (Answer, Problem) {
	t.Helper()
	o, ok := x.ops[r.op]
	if !ok {
		t.Fatalf("%s: there is no such operation", r)
	}
	if r.lead != nil {
		r.lead(x)
		x.last = nil
	}
	ids := map[string]string{}
	maps.Copy(ids, idsOf(x.ours, o.Path))
	if r.ids != nil {
		maps.Copy(ids, r.ids(x))
	}
	body := x.good(o)
	if r.body != nil {
		body = r.body(x)
	}
	who := x.caller(r.by)
	if x.last == nil {
		x.last = x.read()
	}
	a := who.do(t, o.Method, o.at(ids)+r.query, body)
	now := x.read()
	var p Problem
	json.Unmarshal(a.Body, &p)
	if r.status != 0 && (a.Status != r.status || r.code != "" && p.Code != r.code) {
		t.Errorf("%s: answered %d %s, not %d %s", r, a.Status, a.Body, r.status, r.code)
	}
	if a.Status >= 400 && (!oneLine(p.Detail) || p.Status != a.Status || p.RequestID == "" || p.Code == "") {
		t.Errorf("%s: not the form of a problem: %s", r, a.Body)
	}
	if r.says != "" && !strings.Contains(p.Detail, r.says) {
		t.Errorf("%s: the answer does not say %q: %s", r, r.says, p.Detail)
	}
	moved := changed(x.last, now)
	for _, table := range strings.Fields(r.moves) {
		if moved[table] == "" {
			t.Errorf("%s: %s does not count the try", r, table)
		}
		delete(moved, table)
	}
	for table, d := range moved {
		t.Errorf("%s: answered %d %s, and changes %s:%s", r, a.Status, p.Code, table, d)
	}
	x.last = now
	x.done = append(x.done, made{r, a.Header.Get("X-Request-Id")})
	return a, p
}

// settle compares the ledgers with what the calls must have left.
func (x *stage) settle(t testing.TB) {
	t.Helper()
	left := map[string][]string{}
	for _, l := range []reader{x.w.ledger(), x.far.ledger(), x.s.ledger()} {
		for _, e := range l.events(t, "") {
			left[e.RequestID] = append(left[e.RequestID], strings.TrimSpace(e.Constant+" "+e.Outcome+" "+e.Reason))
		}
	}
	for _, m := range x.done {
		var want []string
		if m.turn.events != "" {
			for e := range strings.SplitSeq(m.turn.events, ",") {
				want = append(want, strings.TrimSpace(e))
			}
		}
		got := left[m.request]
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: leaves the events %q, not %q", m.turn, got, want)
		}
	}
}

// newStage builds the installation and all who are on it.
func newStage(t testing.TB, store Store) *stage {
	t.Helper()
	dir := filepath.Join(work, "wrong-"+string(store)+"-"+random(3))
	sms := newSMSDouble(t, dir, webhookDouble)
	s := own(t, store, append(sms.webhookEnv(t, dir), "VAULTPAM_PHONE_REQUIRED=true", "VAULTPAM_PHONE_LIMITS_USER=100")...)
	x := &stage{t: t, s: s, sms: sms, w: newWorld(t, s), far: newWorld(t, s), cast: map[string]*Person{}, robo: map[string]*Client{}, note: map[string]string{}}
	x.ops = mutating(t, s)
	w := x.w
	x.cast["owner"], x.cast["root"], x.cast["far"] = w.Owner, s.Root, x.far.Owner
	limited := s.newPerson("limited")
	w.Owner.must(t, "POST", "/org/members", obj{"email": limited.Email, "handle": limited.Handle, "name": "Li", "password": limited.Password, "role": "owner"})
	x.cast["late"] = w.add("owner") // while nobody else could decide about it
	for _, role := range []string{"admin", "operator", "auditor"} {
		x.cast[role] = w.person(role)
	}
	x.cast["mara"], x.cast["lost"] = w.add("operator"), w.add("operator")
	x.cast["alien"] = x.far.add("operator")
	x.cast["watcher"], _ = s.operator(t, "platform_auditor")
	x.cast["lateroot"], _ = s.operator(t, "platform_admin")
	x.cast["late"].proved(t, time.Hour)
	x.cast["lateroot"].proved(t, time.Hour)
	_, x.robo["token"] = w.Owner.token(t, "*")
	_, x.robo["selftoken"] = x.cast["operator"].token(t, "*")
	_, x.robo["roottoken"] = s.Root.token(t, "*")
	x.robo["enrolling"] = limited.nobody(t).with(limited.login(t).AccessToken)
	x.ours, x.theirs = x.things(w, x.cast["operator"], x.cast["lost"]), x.things(x.far, x.cast["alien"], x.far.add("operator"))
	x.ours["/org/members/"] = map[string]string{"user_id": x.cast["mara"].ID, "id": x.cast["mara"].ask(t, newNumber()).Change.ID}
	astray, _ := s.operator(t, "platform_auditor")
	x.ours["/platform/recoveries/"] = map[string]string{"id": astray.asks(t, 1)}
	x.open()
	return x
}

// things makes one of everything that has an id.
func (x *stage) things(w *World, p, lost *Person) map[string]map[string]string {
	t := x.t
	made := func(path string, body obj) string {
		t.Helper()
		return get[struct{ ID string }](t, w.Owner.Client, "POST", path, body).ID
	}
	token, _ := p.token(t, "safes:read")
	key := get[Page[struct{ ID string }]](t, p.Client, "GET", "/ssh-keys", nil).Items[0].ID
	web, _ := signIns(t, p.Client)
	change := p.ask(t, newNumber()).Change.ID
	domain := "d-" + random(6) + ".example.com"
	made("/org/sso/domains", obj{"domain": domain})
	x.s.Root.proved(t, 0)
	pin := get[platformInvitation](t, x.s.Root.Client, "POST", "/platform/invitations", obj{"email": "pi-" + random(4) + "@example.com", "role": "platform_auditor"}).ID
	mail := "i-" + random(4) + "@example.com"
	message := func(c *Client, path string) (id string) { // one that was sent
		t.Helper()
		eventually(t, "a message that was sent", func() bool {
			for _, m := range list[struct{ ID, State string }](t, c, path) {
				if m.State == "sent" {
					id = m.ID
				}
			}
			return id != ""
		})
		return id
	}
	ids := func(kv ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	invited := made("/org/invitations", obj{"email": mail, "role": "operator"})
	return map[string]map[string]string{
		"/org/mail/": ids("id", message(w.Owner.Client, "/org/mail")), "/platform/mail/": ids("id", message(x.s.Root.Client, "/platform/mail")),
		"/auth/sessions/": ids("id", web), "/auth/me/phone/changes/": ids("id", change), "/tokens/": ids("id", token), "/ssh-keys/": ids("id", key),
		"/mfa/": ids("id", p.Factor), "/service-accounts/": ids("id", made("/service-accounts", obj{"name": "robot-" + random(3), "role": "operator"})),
		"/org/invitations/": ids("id", invited), "/invitations/": ids("id", made("/org/invitations", obj{"email": "j" + mail, "role": "operator"})),
		"/org/members/": ids("user_id", p.ID, "id", change), "/org/recoveries/": ids("id", lost.asks(t, 1)),
		"/org/scim/tokens/": ids("token_id", made("/org/scim/tokens", bodies["create-scim-token"])), "/org/sso/domains/": ids("domain", domain), "/org/sso/people/": ids("user_id", p.ID),
		"/org/sso/providers/":      ids("provider_id", made("/org/sso/providers", bodies["create-sso-provider"])),
		"/platform/organizations/": ids("id", w.Org, "org_id", w.Org), "/platform/invitations/": ids("id", pin), "/platform/users/": ids("user_id", x.cast["watcher"].ID),
		"/platform/recoveries/": ids("id", "rcv_none"), "/platform/submissions/": ids("id", "sub_none"), "/platform/ledgers/": ids("log_id", "log_none"), "/audit/phone-keys/": ids("id", "pd-none"),
	}
}
