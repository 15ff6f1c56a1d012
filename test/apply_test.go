package test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/cli/declare"
	"github.com/vaultpam/vaultpam/internal/fault"
)

// Groups, safes and policies from files.

// applied is an organization with the machine and the account that the sample names.
type applied struct {
	*World
	t          *testing.T
	ada, grace *Person
	dir, file  string
	ask        prompt
}

const sample = "../docs/examples/access.yaml"

func newApplied(t *testing.T, s *Server) *applied {
	w := newWorld(t, s)
	a := &applied{World: w, t: t, ada: w.person("operator"), grace: w.add("operator"), dir: t.TempDir(), ask: s.prompt(t, w.Owner.Client)}
	to := host(t)
	db1 := w.resource(to)
	w.Owner.must(t, "PATCH", "/resources/"+db1, obj{"name": "db1"})
	w.Owner.must(t, "POST", "/accounts", to.account("root", db1))
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	a.file = a.write(a.edited(string(text), "ada@example.com", a.ada.Email, "grace@example.com", a.grace.Handle, "10.0.0.0/8", "127.0.0.0/8"))
	return a
}

func (a *applied) edited(text string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(text)
}

func (a *applied) write(text string) string {
	return write(a.t, a.dir, "access-"+random(4)+".yaml", []byte(text))
}

// change is the file with some words replaced.
func (a *applied) change(pairs ...string) string {
	text, err := os.ReadFile(a.file)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(a.edited(string(text), pairs...))
}

// ends runs a command that has to end with a status, and to say some words.
func (a *applied) ends(c *Client, code int, words []string, args ...string) string {
	a.t.Helper()
	r := a.s.types(a.t, c, a.t.TempDir(), "", args...)
	out := r.Stdout + r.Stderr
	if r.Code != code {
		a.t.Errorf("vaultpam %s: %s", strings.Join(args, " "), r)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			a.t.Errorf("vaultpam %s does not say %q:\n%s", strings.Join(args, " "), w, out)
		}
	}
	return out
}

func (a *applied) named(path, name string) (out struct {
	ID, Name, Description string
	Version               int64
}) {
	a.t.Helper()
	for _, raw := range list[json.RawMessage](a.t, a.Owner.Client, path) {
		if err := json.Unmarshal(raw, &out); err != nil {
			a.t.Fatal(err)
		}
		if out.Name == name {
			return out
		}
	}
	a.t.Fatalf("%s has no %s", path, name)
	return out
}

func TestAccessFromAFile(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		a := newApplied(t, s)
		owner := a.Owner.Client
		a.ask.says(t, "+ group on-call + safe db1-admin + policy labels: Changes:", "apply", "-f", a.file, "--plan")
		a.ends(owner, 10, nil, "apply", "drift", "-f", a.file)
		a.ends(owner, 2, []string{"--yes"}, "apply", "-f", a.file)
		if l := list[obj](t, owner, "/org/groups"); len(l) != 0 {
			t.Fatalf("a plan changed something: %v", l)
		}

		a.ask.says(t, "done: Done:", "apply", "run", "-f", a.file, "--yes")
		v, onCall, dba := a.named("/safes", "db1-admin"), a.named("/org/groups", "on-call"), a.named("/org/groups", "dba")
		by := Want{ActorID: a.Owner.ID, Actor: "TenantAdmin"}
		a.saw(by.of("GROUP_CREATED", obj{"group_id": onCall.ID, "group_name": "on-call", "group_source": "local"}).where("group_id", onCall.ID))
		a.saw(by.of("GROUP_MEMBER_ADDED", obj{"group_id": onCall.ID, "subject_user_id": a.ada.ID}).where("group_id", onCall.ID))
		a.saw(Want{Constant: "SAFE_MEMBER_ADDED", ActorID: a.Owner.ID, TargetID: v.ID, Meta: obj{"subject_user_id": a.grace.ID, "role": "manager"}})
		a.saw(Want{Constant: "SAFE_GROUP_ASSIGNMENT_CREATED", ActorID: a.Owner.ID, TargetID: v.ID, Where: obj{"group_id": onCall.ID}, Meta: obj{"role": "checkout", "ends_at": present}})
		a.saw(Want{Constant: "SAFE_GROUP_ASSIGNMENT_CREATED", ActorID: a.Owner.ID, TargetID: v.ID, Where: obj{"group_id": dba.ID}, Meta: obj{"role": "user"}})
		p := a.named("/org/policies", "databases for their keepers")
		a.saw(Want{Constant: "ACCESS_POLICY_CHANGED", ActorID: a.Owner.ID, Target: "Policy", TargetID: p.ID, Meta: obj{"policy_change": "created", "policy_version": 1}})
		a.saw(Want{Constant: "POLICY_ASSIGNMENT_CHANGED", ActorID: a.Owner.ID, Target: "Policy", TargetID: p.ID, Meta: obj{"safe_id": v.ID, "assignment_change": "attached"}})
		a.ada.succeeds(t, &Safe{ID: v.ID, Name: v.Name}, "true")

		a.ask.says(t, "Nothing to change", "apply", "-f", a.file, "--yes")
		a.ask.says(t, "Nothing to change", "apply", "drift", "-f", a.file)
		exported := a.write(a.ask("", "apply", "export"))
		a.ask.says(t, "Nothing to change", "apply", "run", "-f", exported, "-f", a.write("apiVersion: vaultpam/v1\n"))
		a.ask.says(t, "$schema apiVersion", "apply", "schema")

		// Somebody changes things by hand; the file mends them.
		owner.must(t, "DELETE", "/org/groups/"+dba.ID+"/members/"+a.ada.ID, nil)
		owner.must(t, "POST", "/org/groups/"+onCall.ID+"/members", obj{"user_ids": []string{a.grace.ID}})
		owner.must(t, "PATCH", "/safes/"+v.ID+"/groups/"+onCall.ID, obj{"role": "manager"})
		owner.must(t, "DELETE", "/org/policies/"+p.ID+"/safes/"+v.ID, nil)
		owner.must(t, "PATCH", "/org/groups/"+dba.ID, obj{"description": "anybody"})
		a.ends(owner, 10, []string{"member " + a.ada.Email, "- member " + a.grace.Email, "was manager", "safes: [] -> [db1-admin]", "anybody -> Looks after"}, "apply", "drift", "-f", a.file)
		a.ask.says(t, "Done:", "apply", "-f", a.file, "--yes")
		a.ask.says(t, "Nothing to change", "apply", "drift", "-f", a.file)
		a.saw(Want{Constant: "GROUP_MEMBER_REMOVED", ActorID: a.Owner.ID, Where: obj{"group_id": onCall.ID}, Meta: obj{"subject_user_id": a.grace.ID, "cause": "removed"}})
		a.saw(Want{Constant: "SAFE_GROUP_ASSIGNMENT_UPDATED", ActorID: a.Owner.ID, TargetID: v.ID, Where: obj{"group_id": onCall.ID, "new_role": "checkout"}})

		// What the file owns and does not name goes only when that is said.
		extra := a.policy(denied)
		a.ask.says(t, "policy --prune", "apply", "-f", a.file, "--plan")
		a.ask.says(t, "Nothing to change", "apply", "-f", a.file, "--yes")
		a.ask.says(t, "done: delete policy", "apply", "-f", a.file, "--prune", "--yes")
		a.saw(Want{Constant: "ACCESS_POLICY_CHANGED", ActorID: a.Owner.ID, TargetID: extra.ID, Where: obj{"policy_change": "deleted"}})
	})
}

func TestAccessFileWaitsForASecondPerson(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		a := newApplied(t, s)
		adam := a.person("admin")
		a.ask("", "apply", "-f", a.file, "--yes")
		v := a.named("/safes", "db1-admin")
		off := a.change("session_ttl: 2h", "session_ttl: 3h\n      recording: false\n      record_input: false", "Shell on the", "A shell on the")
		out := a.ends(a.Owner.Client, 9, []string{"waits for approval", "done: change safe"}, "apply", "-f", off, "--yes")
		action := regexp.MustCompile(`gov_[a-z0-9]+`).FindString(out)
		asked := Want{Constant: "ORG_GOVERNANCE_ACTION_REQUESTED", ActorID: a.Owner.ID, TargetID: action}
		a.saw(asked)
		again := a.ends(a.Owner.Client, 9, []string{"waits for approval: " + action}, "apply", "-f", off, "--yes")
		if strings.Contains(again, "done:") {
			t.Errorf("something was made again:\n%s", again)
		}
		a.hasNone(Want{Constant: "ORG_GOVERNANCE_ACTION_REQUESTED", Outcome: "denied", Reason: "duplicate_open_action"})
		adam.must(t, "POST", "/org/governance/actions/"+action+"/approve", obj{})
		a.ask.says(t, "Nothing to change", "apply", "-f", off, "--yes")

		// A safe that is made without recording waits, and what needs it waits with it.
		second := a.write(`apiVersion: vaultpam/v1
groups: [{name: late, members: [` + a.grace.Email + `]}]
safes:
  - {name: quiet, resource: db1, account: root, settings: {recording: false, record_input: false}, members: [{person: ` + a.ada.Email + `}]}
policies:
  - {name: only quiet, template: office-hours, safes: [quiet]}
`)
		for range 2 {
			a.ends(a.Owner.Client, 9, []string{"waits for approval", "gov_", "quiet"}, "apply", "-f", second, "--yes")
		}
		action = get[struct{ Items []govAction }](t, adam.Client, "GET", "/org/governance/actions?state=open", nil).Items[0].ID
		adam.must(t, "POST", "/org/governance/actions/"+action+"/approve", obj{})
		a.ask.says(t, "Done:", "apply", "-f", second, "--yes")
		a.ask.says(t, "Nothing to change", "apply", "-f", second)
		if isRecorded(t, a.Owner.Client, &Safe{ID: v.ID}) {
			t.Error("recording is on")
		}
	})
}

func TestAccessFileIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		a := newApplied(t, s)
		owner := a.Owner.Client
		base := func(more string) string { return a.write("apiVersion: vaultpam/v1\n" + more) }
		canary := newSecret("in a file")
		for _, row := range []struct {
			file  string
			code  int
			words []string
		}{
			{base("groups:\n  - name: x\n    memberz: []\n"), 2, []string{":4:5: there is no key \"memberz\"", "members"}},
			{base("safes:\n  - name: x\n    password: " + canary + "\n"), 2, []string{":4:5:", "never holds secrets", "accounts set-secret"}},
			{base("groups: [{name: ok}, {name: x, members: [nobody@example.com]}]\n"), 2, []string{"nobody@example.com", "nothing was changed"}},
			{base("safes: [{name: x, resource: nowhere, account: root, groups: [{group: none}]}]\n"), 2, []string{"no resource \"nowhere\"", "no group \"none\"", "nothing was changed"}},
			{base("groups: [{name: ok}]\npolicies: [{name: bad, text: 'permit (principal, action, resource) when { context.nonsense };'}]\n"), 2, []string{"policy bad", "nonsense"}},
			{base("groups: [{name: ok}]\npolicies: [{name: bad, form: {effect: deny, approvals: 2}}]\n"), 2, []string{"policy bad", "approval"}},
			{base("groups: [{name: ok}]\nsafes: [{name: x, resource: db1, account: root, settings: {session_ttl: 9000h}}]\n"), 2, []string{":3:9: safe x:", "session_ttl", "nothing was changed"}},
			{base("owns: [safes]\n"), 2, []string{"no list of them"}},
			{a.write("groups: []\n"), 2, []string{"apiVersion is missing"}},
			{a.dir + "/none.yaml", 2, []string{"cannot be read"}},
		} {
			out := a.ends(owner, row.code, row.words, "apply", "-f", row.file, "--yes")
			if strings.Contains(out, canary) {
				t.Errorf("the secret is shown: %s", out)
			}
		}
		for name, c := range map[string]*Client{"operator": a.ada.Client, "auditor": a.person("auditor").Client} {
			groups := base("groups: [{name: by-" + name + "}]\n")
			a.ends(c, 4, []string{"nothing was changed", "owner or administrator"}, "apply", "-f", groups, "--yes")
		}
		_, reader := a.Owner.token(t, "groups:read", "safes:read", "members:read", "self:read")
		a.ends(reader, 4, []string{"groups:write"}, "apply", "-f", base("groups: [{name: by-token}]\n"), "--yes")
		if l := list[obj](t, owner, "/org/groups"); len(l) != 0 {
			t.Errorf("a refused file changed something: %v", l)
		}

		// Stale: what was planned on is changed before it is applied.
		a.ask("", "apply", "-f", a.file, "--yes")
		ctx, srv := context.Background(), api{c: owner}
		text, _ := os.ReadFile(a.change("Looks after the databases", "Cares for the databases", "session_ttl: 2h", "session_ttl: 1h"))
		conf, err := declare.Parse(declare.Source{Name: "access.yaml", Text: text})
		if err != nil {
			t.Fatal(err)
		}
		state, err := declare.Read(ctx, srv, conf)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := declare.Compare(state, conf, false)
		if err != nil || len(plan.Steps) != 2 {
			t.Fatalf("%v %v", plan, err)
		}
		dba := a.named("/org/groups", "dba")
		owner.must(t, "PATCH", "/org/groups/"+dba.ID, obj{"description": "by hand"})
		if err = plan.Apply(ctx, srv, func(*declare.Step) {}); fault.CodeOf(err) != "VERSION_CONFLICT" || plan.Steps[0].State != declare.Failed || plan.Steps[1].State != declare.Left {
			t.Errorf("%v %+v", err, plan.Steps)
		}
		if d := a.named("/org/groups", "dba").Description; d != "by hand" {
			t.Errorf("the change by hand is gone: %s", d)
		}

		// A manager of a safe may change who is in it, and nothing else.
		mine := base("safes: [{name: db1-admin, members: [{person: " + a.grace.Email + ", role: manager}, {person: " + a.ada.Email + ", until: " + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + "}]}]\n")
		a.ends(a.grace.Client, 0, []string{"Done: 1 change."}, "apply", "-f", mine, "--yes")
		a.saw(Want{Constant: "SAFE_MEMBER_ADDED", ActorID: a.grace.ID, Meta: obj{"subject_user_id": a.ada.ID, "ends_at": present}})
		a.ends(a.grace.Client, 4, []string{"nothing was changed"}, "apply", "-f", base("safes: [{name: db1-admin, settings: {step_up: true}, members: []}]\n"), "--yes")
	})
}

// Many lists are read at once, and are the same lists; who does not see all safes
// reads their own one by one.
func TestApplyOfManySafes(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		a := newApplied(t, s)
		var text strings.Builder
		who := []*Person{a.ada, a.grace}
		text.WriteString("apiVersion: vaultpam/v1\ngroups:\n")
		const many = 12
		for i := range many {
			fmt.Fprintf(&text, "  - {name: team-%02d, members: [%s]}\n", i, who[i%2].Email)
		}
		text.WriteString("safes:\n")
		for i := range many {
			fmt.Fprintf(&text, "  - {name: many-%02d, resource: db1, account: root, members: [{person: %s, role: manager}, {person: %s}], groups: [{group: team-%02d, role: approver}]}\n", i, a.grace.Email, a.ada.Email, i)
		}
		file := a.write(text.String())
		a.ask.says(t, "Done:", "apply", "-f", file, "--yes")
		a.ask.says(t, "Nothing", "apply", "-f", file, "--plan")

		conf, err := declare.Parse(declare.Source{Name: "many.yaml", Text: []byte(text.String())})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			who           *Client
			oneByOne, all int
		}{{a.Owner.Client, 0, 3}, {a.person("auditor").Client, 0, 3}, {a.grace.Client, 2 * many, 1}} {
			var asked []string
			state, err := declare.Read(context.Background(), api{c: row.who, asked: &asked}, conf)
			if err != nil {
				t.Fatal(err)
			}
			safes := regexp.MustCompile(`^/safes/[^/]+/(members|groups)`)
			whole := regexp.MustCompile(`^/org/(safe-members|safe-groups|group-members)`)
			count := func(e *regexp.Regexp) (n int) {
				for _, path := range asked {
					if e.MatchString(path) {
						n++
					}
				}
				return n
			}
			if one, all := count(safes), count(whole); one != row.oneByOne || all != row.all {
				t.Errorf("%d lists of one safe and %d of all were read, not %d and %d: %v", one, all, row.oneByOne, row.all, asked)
			}
			if plan, err := declare.Compare(state, conf, false); err == nil && len(plan.Steps) > 0 {
				t.Errorf("what was read differs from what was made: %v", plan.Steps)
			}
		}

		// The lists go on over pages, and are for those who see all safes.
		for _, path := range []string{"/org/safe-members", "/org/safe-groups", "/org/group-members"} {
			whole := list[obj](t, a.Owner.Client, path)
			var paged []obj
			for cursor := ""; ; {
				l := get[Page[obj]](t, a.Owner.Client, "GET", path+"?limit=5&cursor="+cursor, nil)
				paged = append(paged, l.Items...)
				if cursor = l.NextCursor; cursor == "" {
					break
				}
			}
			if len(whole) < many || !reflect.DeepEqual(paged, whole) {
				t.Errorf("%s: %d in pages, %d at once", path, len(paged), len(whole))
			}
			if path != "/org/group-members" {
				a.grace.refused(t, 403, "NOT_PERMITTED", "GET", path, nil)
			}
		}
		if l := list[obj](t, a.Owner.Client, "/org/group-members?source=scim"); len(l) != 0 {
			t.Errorf("the directory has no group here: %v", l)
		}
	})
}

// api is the server of a test as package declare asks it.
type api struct {
	c     *Client
	asked *[]string // the paths, when somebody wants to know
}

func (s api) Do(_ context.Context, method, path string, q url.Values, in any) (client.Answer, error) {
	if s.asked != nil {
		*s.asked = append(*s.asked, path)
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	a, err := s.c.try(method, path, in)
	if err == nil && a.Status >= 400 {
		var p struct{ Code, Detail string }
		_ = json.Unmarshal(a.Body, &p)
		kind := fault.Conflict
		if a.Status == 403 {
			kind = fault.Denied
		}
		err = fault.New(kind, "%s", p.Detail).WithCode(p.Code)
	}
	return client.Answer{Body: a.Body}, err
}

func (s api) All(ctx context.Context, path string, q url.Values) ([]json.RawMessage, error) {
	whole := url.Values{"limit": {"200"}}
	maps.Copy(whole, q)
	a, err := s.Do(ctx, "GET", path, whole, nil)
	var l struct{ Items []json.RawMessage }
	if err == nil {
		err = a.Into(&l)
	}
	return l.Items, err
}
