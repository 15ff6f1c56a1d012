package authz

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference/roles.md")

const rolesPage = "../../docs/reference/roles.md"

// The page is the matrix that reviewers read; a change of the rules shows there.
func TestRoleMatrix(t *testing.T) {
	page := renderMatrix()
	if *update {
		if err := os.MkdirAll(filepath.Dir(rolesPage), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(rolesPage, page, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	old, err := os.ReadFile(rolesPage)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old, page) {
		t.Fatalf("%s does not tell the rights as they are: run go test ./internal/authz -run TestRoleMatrix -update and look at the difference", rolesPage)
	}
}

func renderMatrix() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Roles and rights")
	line("")
	line("Generated from `internal/authz/policies.cedar` by asking it every question; do not edit. Run")
	line("`go test ./internal/authz -run TestRoleMatrix -update` after a change of the rules.")
	line("")
	line("## Roles of an organization")
	line("")
	line("A role counts only in its own organization. **yes**: for every object of the organization. **own**: for what belongs to the")
	line("person (their session, token or profile). **member**: on safes of which they are a member, in any role. **checkout**,")
	line("**manager**: on safes where they have that role or a stronger one.")
	line("")
	line("| action | owner | admin | operator | auditor | API token scope |")
	line("| --- | --- | --- | --- | --- | --- |")
	for _, r := range rules {
		if r.object == PlatformObject {
			continue
		}
		row := []string{"`" + string(r.action) + "`"}
		for _, role := range Roles() {
			row = append(row, cell(person(role), r))
		}
		line("| %s | %s |", strings.Join(row, " | "), scopeCell(r.scope))
	}
	line("")
	line("Scopes are for API tokens; a token has what its scopes name and its owner's role allows at that moment. `*` names every scope.")
	line("Actions marked *persons only* are refused to every token. A person who has given a password and has no second factor yet may")
	line("do `self.enrol` and nothing else. Nobody gives, changes or takes away a role that their own does not include: an admin")
	line("cannot touch owners. The last owner of an organization stays. `group.member`, `group.delete` and a change of who keeps a")
	line("group's members also take `safe.member` on each safe that the group is bound to, and a role there not below the one that it brings.")
	line("")
	line("## Roles on a safe")
	line("")
	line("They grow: each may do what the ones before it may. This is what they add for an operator.")
	line("")
	line("| action | not a member | user | checkout | approver | manager |")
	line("| --- | --- | --- | --- | --- | --- |")
	for _, r := range rules {
		if r.object != SafeObject && r.object != SessionObject || May(person(Operator), r.action, Object{Org: orgA}) {
			continue
		}
		row := []string{"`" + string(r.action) + "`"}
		some := false
		for _, sr := range append([]SafeRole{NoSafeRole}, SafeRoles()...) {
			ok := May(person(Operator), r.action, Object{Org: orgA, SafeRole: sr})
			some = some || ok
			row = append(row, mark(ok))
		}
		if some {
			line("| %s |", strings.Join(row, " | "))
		}
	}
	line("")
	line("## Actions that ask for a fresh second factor")
	line("")
	line("A person must have proved one this lately; else the answer is `%s`, and `/auth/step-up` asks for it. API tokens are not", StepUpRequired)
	line("asked. A safe's policy names its own time for `session.launch`.")
	line("")
	line("| action | within | asked for |")
	line("| --- | --- | --- |")
	for _, r := range rules {
		if d := r.action.Freshness(); d != 0 {
			what := sometimes[r.action]
			if what == "" {
				what = "every use"
			}
			line("| `%s` | %d minutes | %s |", r.action, int(d.Minutes()), what)
		}
	}
	line("")
	line("## Roles of the platform")
	line("")
	line("For those who operate the installation. They give no right inside an organization. Actions of the audit log and of tokens are")
	line("those of the platform's own.")
	line("")
	line("| action | platform_admin | platform_auditor | API token scope |")
	line("| --- | --- | --- | --- |")
	for _, r := range rules {
		row := []string{"`" + string(r.action) + "`"}
		some := false
		for _, pr := range []PlatformRole{PlatformAdmin, PlatformAuditor} {
			actor := Actor{Kind: Person, User: me, PlatformRole: pr}
			any, own := May(actor, r.action, Object{}), May(actor, r.action, Object{Owner: me})
			some = some || any || own
			switch {
			case any:
				row = append(row, "yes")
			case own:
				row = append(row, "own")
			default:
				row = append(row, "")
			}
		}
		if some && r.object != SelfObject {
			line("| %s | %s |", strings.Join(row, " | "), scopeCell(r.scope))
		}
	}
	return b.Bytes()
}

// cell names the weakest situation in which actor may do it.
func cell(actor Actor, r rule) string {
	if May(actor, r.action, Object{Org: orgA, Owner: "usr_other"}) {
		return "yes"
	}
	var out []string
	if May(actor, r.action, Object{Org: orgA, Owner: actor.User}) {
		out = append(out, "own")
	}
	for _, sr := range SafeRoles() {
		if May(actor, r.action, Object{Org: orgA, SafeRole: sr}) {
			name := string(sr)
			if sr == SafeUser {
				name = "member"
			}
			return strings.Join(append(out, name), ", ")
		}
	}
	return strings.Join(out, ", ")
}

func scopeCell(scope string) string {
	if scope == "" {
		return "*persons only*"
	}
	return "`" + scope + "`"
}

func mark(ok bool) string {
	if ok {
		return "yes"
	}
	return ""
}
