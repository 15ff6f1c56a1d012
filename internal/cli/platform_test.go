package cli

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func platformUserJSON() map[string]any {
	return map[string]any{"user_id": userID, "email": "ann@example.org", "handle": "ann", "name": "Ann", "role": "platform_auditor", "mfa_enrolled": true, "since": "2026-03-01T12:00:00Z"}
}

func platformInvitationJSON() map[string]any {
	return map[string]any{"id": "inv_01jz0000000000000000000000", "email": "bob@example.org", "role": "platform_admin", "state": "pending", "invited_by": "ann",
		"created_at": "2026-03-01T12:00:00Z", "sent_at": "2026-03-01T12:00:00Z", "expires_at": "2026-03-08T12:00:00Z", "resends": 0}
}

func ledgerStateJSON() map[string]any {
	return map[string]any{"log_id": "log_01jz0000000000000000000000", "org_id": orgID, "org_name": "Acme", "size": 12, "waiting": 3, "signed_size": 10,
		"stopped": true, "stop_reason": "the tiles do not lead to the root", "stopped_at": "2026-03-01T12:00:00Z"}
}

func rootKeyJSON() map[string]any {
	return map[string]any{"root_key_id": "kek_new", "older_root_key_ids": []any{"kek_old"}, "keysets": 4, "keysets_waiting": 1}
}

func TestPlatformCommands(t *testing.T) {
	w := newWorld(t).login()
	const user, invitation, log = "/platform/users/" + userID, "/platform/invitations/inv_01jz0000000000000000000000", "/platform/ledgers/log_01jz0000000000000000000000"
	w.gives("GET /platform/users", 200, listOf(platformUserJSON()))
	w.gives("PUT "+user+"/role", 204, nil)
	w.gives("POST "+user+"/mfa/reset", 204, nil)
	w.gives("DELETE "+user, 204, nil)
	w.gives("GET /platform/invitations", 200, listOf(platformInvitationJSON()))
	w.gives("POST /platform/invitations", 201, platformInvitationJSON())
	w.gives("POST "+invitation+"/resend", 200, platformInvitationJSON())
	w.gives("DELETE "+invitation, 204, nil)
	w.gives("GET /platform/keys/root", 200, rootKeyJSON())
	w.gives("POST /platform/keys/root/rotate", 200, rootKeyJSON())
	key := map[string]any{"key_id": "kek_new", "replaced_key_id": "kek_old", "secrets_moved": 7}
	w.gives("POST /platform/keys/data/rotate", 200, key)
	w.gives("POST /org/key/rotate", 200, key)
	w.gives("GET /platform/ledgers", 200, listOf(ledgerStateJSON()))
	w.gives("POST "+log+"/key/rotate", 200, map[string]any{"id": "kek_new", "vkey": "host/audit/log+0123abcd+AAAA"})
	w.gives("POST "+log+"/resume", 200, ledgerStateJSON())
	for _, c := range []struct{ args, call, says string }{
		{"platform users", "GET /platform/users?limit=200", "ann@example.org"},
		{"platform users role ann platform_admin", `PUT ` + user + `/role {"role":"platform_admin"}`, "ann is now platform_admin"},
		{"platform users reset-mfa ann --yes", "POST " + user + "/mfa/reset", "cleared"},
		{"platform users remove ann@example.org --yes", "DELETE " + user, "no operator"},
		{"platform invitations", "GET /platform/invitations?limit=200", "bob@example.org"},
		{"platform invitations list --state expired", "GET /platform/invitations?limit=200&state=expired", "bob@example.org"},
		{"platform invitations send bob@example.org --role platform_admin", `POST /platform/invitations {"email":"bob@example.org","role":"platform_admin"}`, "invited as platform_admin"},
		{"platform invitations resend bob@example.org", "POST " + invitation + "/resend", "new link"},
		{"platform invitations revoke bob@example.org", "DELETE " + invitation, "withdrawn"},
		{"platform keys", "GET /platform/keys/root", "kek_old"},
		{"platform keys rotate-root --yes --step begin", `POST /platform/keys/root/rotate {"step":"begin"}`, "kek_new"},
		{"platform keys rotate-data", "POST /platform/keys/data/rotate", "kek_new"},
		{"org-key rotate", "POST /org/key/rotate", "7 secrets"},
		{"platform ledgers", "GET /platform/ledgers?limit=200", "stopped: the tiles"},
		{"platform ledgers rotate-key acme", "POST " + log + "/key/rotate", "0123abcd"},
		{"platform ledgers resume Acme --yes", "POST " + log + "/resume", "goes on"},
	} {
		w.asked = nil
		out := w.good(strings.Fields(c.args)...)
		if !strings.Contains(out, c.says) {
			t.Errorf("%s does not say %q: %s", c.args, c.says, out)
		}
		if !slices.Contains(w.asked, c.call) {
			t.Errorf("%s asks %q, not %s", c.args, w.asked, c.call)
		}
		w.good(append(strings.Fields(c.args), "--json")...)
	}
	// Nothing happens without a yes.
	for _, args := range []string{"platform users remove ann", "platform users reset-mfa ann", "platform keys rotate-root", "platform ledgers resume Acme"} {
		w.asked = nil
		if r := w.run(append(strings.Fields(args), "--no-input")...); r.status == 0 || slices.ContainsFunc(w.asked, func(call string) bool { return !strings.HasPrefix(call, http.MethodGet) }) {
			t.Errorf("%s without an answer: %+v %q", args, r, w.asked)
		}
	}
}
