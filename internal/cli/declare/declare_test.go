package declare

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/fault"
)

const example = "../../../docs/examples/access.yaml"

func parse(t testing.TB, texts ...string) (*Config, error) {
	t.Helper()
	var sources []Source
	for i, text := range texts {
		sources = append(sources, Source{Name: string(rune('a'+i)) + ".yaml", Text: []byte(text)})
	}
	return Parse(sources...)
}

func TestFaultsAreToldWithTheirPlace(t *testing.T) {
	const v = "apiVersion: vaultpam/v1\n"
	for _, row := range []struct{ text, want string }{
		{"", `a.yaml:1:1: there is nothing in it: begin with apiVersion: vaultpam/v1`},
		{"apiVersion: vaultpam/v2\n", `a.yaml:1:13: apiVersion must be vaultpam/v1, not "vaultpam/v2"`},
		{"- a\n", `a.yaml:1:1: the file must be keys and values`},
		{v + "groups:\n  - name: [\n", `this is not YAML`},
		{v + "group: []\n", `a.yaml:2:1: there is no key "group" here; there are: apiVersion, owns, resources, groups, safes, policies`},
		{v + "groups: [{description: x}]\n", `a.yaml:2:10: name is missing`},
		{v + "safes: [{name: x, members: [ada]}]\n", `a.yaml:2:29: an entry of members must be keys and values, of person, role, until`},
		{v + "groups: [{name: x, name: y}]\n", `the key "name" is here twice`},
		{v + "groups: [{name: x}, {name: X}]\n", `a.yaml:2:21: groups has "X" already, at a.yaml:2:10`},
		{v + "groups: [{name: x, members: [ada, Ada]}]\n", `"Ada" is in members twice`},
		{v + "groups: [{name: x, members: ada}]\n", `members must be a list`},
		{v + "groups: [{name: ' '}]\n", `name must be a name`},
		{v + "groups: &a [{name: x}]\nsafes: *a\n", `anchors and aliases`},
		{v + "safes: [{name: x, settings: {session_ttl: 30}}]\n", `session_ttl must be a duration in whole seconds`},
		{v + "safes: [{name: x, settings: {recording: yes please}}]\n", `recording must be true or false`},
		{v + "safes: [{name: x, settings: {source_networks: [office]}}]\n", `source_networks must be a network`},
		{v + "safes: [{name: x, members: [{person: a, role: boss}]}]\n", `role must be user, checkout, approver, manager, not "boss"`},
		{v + "safes: [{name: x, members: [{person: a, until: soon}]}]\n", `until must be a day`},
		{v + "safes: [{name: x, private_key: abc}]\n", `never holds secrets`},
		{v + "safes: [{name: x, settings: {api-token: abc}}]\n", `never holds secrets`},
		{v + "safes: [{name: x, description: \"-----BEGIN OPENSSH PRIVATE KEY-----\"}]\n", `this looks like a secret`},
		{v + "policies: [{name: x, text: a, template: b}]\n", `has one of form, text and template, not text and template`},
		{v + "policies: [{name: x, everywhere: true, safes: [a]}]\n", `not both`},
		{v + "owns: [groups]\n", `a.yaml:2:8: the files own groups, but have no list of them`},
	} {
		_, err := parse(t, row.text)
		if fault.CodeOf(err) != FileInvalid || !strings.Contains(fault.MessageOf(err), row.want) {
			t.Errorf("%q: %v, not %s", row.text, err, row.want)
		}
	}
	if _, err := parse(t, v+"groups: [{name: x}]\n---\n"+v+"groups: [{name: y}]\n", v+"groups: [{name: z}]\n"); err != nil {
		t.Error(err)
	}
	if _, err := parse(t, v+"groups: [{name: x}]\n", v+"groups: [{name: x}]\n"); err == nil || !strings.Contains(err.Error(), "b.yaml:2:10: groups has \"x\" already, at a.yaml:2:10") {
		t.Errorf("%v", err)
	}
}

// here is an organization with people, a machine, an account and a directory's group.
func here() *State {
	s := &State{people: []personState{{ID: "usr_1", Email: "ada@example.com", Handle: "ada"}, {ID: "usr_2", Email: "grace@example.com", Handle: "grace"}},
		resources: []machineState{{thing: thing{"res_1", "db1", 1}}}, accounts: []accountState{{thing{"acc_1", "root", 1}, "res_1"}},
		groups: []*groupState{{thing: thing{"grp_9", "staff", 1}, Source: "scim"}}}
	s.me.Org = &struct {
		Role string `json:"role"`
	}{"owner"}
	return s
}

func TestPlanOfTheExample(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parse(t, string(text))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Compare(here(), c, false)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range plan.Steps {
		got = append(got, s.Title())
	}
	want := `change resource db1
create group on-call
create group dba
create safe db1-admin
create policy databases for their keepers
create policy no freeze
add member ada@example.com to group on-call
add member ada@example.com, member grace@example.com to group dba
add member grace@example.com as manager to safe db1-admin
add group dba as user to safe db1-admin
add group on-call as checkout until 2099-12-31 to safe db1-admin`
	if g := strings.Join(got, "\n"); g != want {
		t.Errorf("the plan is\n%s", g)
	}
}

func TestWhatDoesNotExistIsToldBefore(t *testing.T) {
	c, err := parse(t, `apiVersion: vaultpam/v1
groups:
  - {name: a, members: [nobody]}
  - {name: staff, members: [ada]}
  - {name: b, members: [ada, ada@example.com]}
safes:
  - {name: new, groups: [{group: none}]}
  - {name: other, resource: db1, account: admin}
policies:
  - {name: p, form: {effect: deny, approvers: ["group:none"]}, safes: [nowhere]}
  - {name: q}
`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Compare(here(), c, false)
	for _, want := range []string{`a.yaml:3:25: there is no member of the organization "nobody"`, `a.yaml:4:5: the group staff is kept by your directory`, `"ada@example.com" is in members twice`,
		`to make it, say its resource`, `say its account`, `no group "none"`, `no account "admin" on that resource`, `no safe "nowhere"`, `say its form, text or template`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s\n%v", want, err)
		}
	}
}

// What is exported is read back, and changes nothing.
func TestExportChangesNothing(t *testing.T) {
	s := here()
	s.groups = append(s.groups, &groupState{thing: thing{"grp_1", "yes", 3}, Source: "local", Description: "null", members: s.people})
	var v safeState
	if err := json.Unmarshal([]byte(`{"id":"safe_1","name":"db1-admin","resource":{"id":"res_1","name":"db1"},"account":{"id":"acc_1","name":"root"},
		"policy":{"recording":true,"session_ttl_seconds":5400,"valid_hours":null,"source_networks":["10.0.0.0/8"],"break_glass":["usr_1"],"auto_approve_groups":["grp_1"],"max_sessions":0,"jump":"block"}}`), &v); err != nil {
		t.Fatal(err)
	}
	v.members, v.groups = []bound{{User: "usr_1", Role: "user"}}, []bound{{Group: "grp_9", Role: "manager"}}
	s.safes = append(s.safes, &v)
	s.policies = []*policyState{
		{thing: thing{"pol_1", "p", 1}, Enabled: true, Priority: 100, Safes: []thing{{"safe_1", "db1-admin", 1}}, Text: "x", Form: map[string]any{"effect": "deny", "mfa_within_seconds": 600.0, "groups": []any{"grp_1"}, "options": map[string]any{}}},
		{thing: thing{"pol_2", "q", 1}, Everywhere: true, Text: "permit (principal in Group::\"grp_1\", action, resource);\n"},
	}
	b, err := Export(s)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(Source{"exported.yaml", b})
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	plan, err := Compare(s, c, false)
	if err != nil || len(plan.Steps) != 0 {
		t.Errorf("%v %v\n%s", err, plan.Lines(), b)
	}
	if !strings.Contains(string(b), "${group:yes}") || strings.Contains(string(b), "grp_") || strings.Contains(string(b), "usr_") {
		t.Errorf("ids are exported:\n%s", b)
	}
}

func TestOnlyWhatIsOwnedIsDeleted(t *testing.T) {
	s := here()
	s.groups = append(s.groups, &groupState{thing: thing{"grp_1", "old", 3}, Source: "local"})
	c, err := parse(t, "apiVersion: vaultpam/v1\nowns: [groups]\ngroups: []\nsafes: []\n")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := Compare(s, c, false)
	if err != nil || len(kept.Steps) != 0 || len(kept.Extra) != 1 {
		t.Errorf("%v %+v", err, kept)
	}
	gone, err := Compare(s, c, true)
	if err != nil || len(gone.Steps) != 1 || gone.Steps[0].Title() != "delete group old" { // the directory's stays
		t.Errorf("%v %+v", err, gone)
	}
}

// The schema of the documentation is the one that is followed.
func TestSchemaIsFresh(t *testing.T) {
	const at = "../../../docs/reference/access.schema.json"
	want, err := json.MarshalIndent(Schema(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(at, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(at)
	if err != nil || string(got) != string(want) {
		t.Errorf("%s is not fresh: UPDATE=1 go test ./internal/cli/declare -run TestSchemaIsFresh (%v)", at, err)
	}
}

// Whatever the bytes: no panic, each fault has its place, and what is read can be
// compared without touching more than it says.
func FuzzParse(f *testing.F) {
	text, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("apiVersion: vaultpam/v1\nsafes: [{name: x, settings: {valid_hours: null}}]\n"))
	f.Add([]byte("apiVersion: vaultpam/v1\ngroups: &a [*a]\n"))
	f.Add([]byte("a: {? b : c}\n<<: d\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(Source{"f", b})
		if err != nil {
			for l := range strings.SplitSeq(fault.MessageOf(err), "\n") {
				if !strings.HasPrefix(l, "f:") && !strings.HasPrefix(l, "and ") {
					t.Fatalf("a fault without its place: %q", l)
				}
			}
			return
		}
		plan, err := Compare(here(), c, true)
		if err != nil {
			return
		}
		for _, s := range plan.Steps {
			if s.Op == "delete" {
				t.Fatalf("nothing of ours is there, and %s", s.Title())
			}
		}
		plan.Lines()
	})
}
