package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func inviteJSON(email, state string) map[string]any {
	return map[string]any{"id": "inv_01jz0000000000000000000000", "email": email, "role": "operator", "safes": []any{}, "require_mfa": false, "state": state, "invited_by": "jane",
		"created_at": "2026-03-01T12:00:00Z", "sent_at": "2026-03-01T12:00:00Z", "expires_at": "2026-03-08T12:00:00Z", "resends": 0}
}

func TestPeopleAreInvitedByNameAndFile(t *testing.T) {
	w := newWorld(t).login()
	w.organization()
	var got map[string]any
	w.on("POST /org/invitations/bulk", func(_ *http.Request, in map[string]any) (int, any) {
		got = in
		problem := map[string]any{"type": "about:blank", "title": "Conflict", "status": 409, "detail": "b@example.org is invited already", "code": "ALREADY_INVITED"}
		return 200, map[string]any{"results": []any{map[string]any{"email": "a@example.org", "invitation": inviteJSON("a@example.org", "pending")},
			map[string]any{"email": "b@example.org", "problem": problem}}}
	})
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte("address,role\nb@example.org, auditor, web-prod:checkout web-prod\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := w.run("invitations", "send", "a@example.org", "--role", "admin", "--safe", "web-prod", "--file", file)
	if r.status != 6 || !strings.Contains(r.out, "a@example.org is invited") || !strings.Contains(r.err, "invited already") {
		t.Errorf("%+v", r)
	}
	all, _ := got["invitations"].([]any)
	if len(all) != 2 {
		t.Fatalf("%v", got)
	}
	a, b := all[0].(map[string]any), all[1].(map[string]any)
	if a["role"] != "admin" || len(a["safes"].([]any)) != 1 || b["role"] != "auditor" || len(b["safes"].([]any)) != 3 {
		t.Errorf("%v", got)
	}
	w.bad(2, []string{"name somebody to invite"}, "invitations", "send")
	w.bad(5, []string{"no safe"}, "invitations", "send", "a@example.org", "--safe", "nowhere")
}

func TestInvitationsAreCalledByAddress(t *testing.T) {
	w := newWorld(t).login()
	w.gives("GET /org/invitations", 200, listOf(inviteJSON("a@example.org", "pending")))
	contains(t, w.good("invitations"), "a@example.org", "pending", "jane")
	w.gives("POST /org/invitations/inv_01jz0000000000000000000000/resend", 200, inviteJSON("a@example.org", "pending"))
	contains(t, w.good("invitations", "resend", "A@example.org"), "new link")
	w.gives("DELETE /org/invitations/inv_01jz0000000000000000000000", 204, nil)
	contains(t, w.good("invitations", "revoke", "a@example.org"), "withdrawn")
	w.bad(5, []string{"no pending invitation"}, "invitations", "revoke", "b@example.org")
}

func TestOrganizationIsSwitched(t *testing.T) {
	w := newWorld(t).login()
	const other = "org_01jz0000000000000000000001"
	w.gives("GET /org/memberships", 200, map[string]any{"active_org_id": orgID, "memberships": []any{
		map[string]any{"org_id": orgID, "slug": "acme", "name": "Acme", "role": "operator"}, map[string]any{"org_id": other, "slug": "globex", "name": "Globex", "role": "auditor"}}})
	contains(t, w.good("orgs"), "* ", "acme", "globex")
	contains(t, w.good("orgs", "use", "globex"), "globex", "auditor")
	kept, err := os.ReadFile(filepath.Join(w.home, "login.json"))
	if err != nil || !strings.Contains(string(kept), other) {
		t.Errorf("%s %v", kept, err)
	}
	w.bad(5, []string{"acme, globex"}, "orgs", "use", "nowhere")
}

func FuzzInvites(f *testing.F) {
	f.Add("a@example.org,operator,web\n")
	f.Add("email\n\ufeffa@b\n")
	f.Add("\"a@b\n,,,")
	f.Fuzz(func(t *testing.T, s string) {
		rows, err := parseInvites(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, r := range rows {
			if !strings.Contains(r.email, "@") || strings.TrimSpace(r.email) != r.email {
				t.Fatalf("%q is taken for an address", r.email)
			}
		}
	})
}
