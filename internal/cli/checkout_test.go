package cli

import (
	"net/http"
	"testing"
)

// held is a checkout that goes on.
func held(id, safe, account, user, email string) map[string]any {
	return map[string]any{"id": id, "safe": map[string]any{"id": "safe_" + safe, "name": safe}, "account": map[string]any{"id": "acc_" + account, "name": account, "username": account},
		"credential_kind": "password", "user": map[string]any{"id": user, "name": "", "email": email}, "source_ip": "192.0.2.1", "reason": "disk", "reveals": 1, "active": true,
		"started_at": "2026-03-01T12:00:00Z", "expires_at": "2099-03-01T12:00:00Z"}
}

func TestCheckInFindsWhatIsMeant(t *testing.T) {
	w := newWorld(t).login()
	w.organization()
	mine := held("chk_1", "db", "root", userID, "jane@example.org")
	w.gives("GET /checkouts", 200, listOf(mine, held("chk_2", "db", "root", "usr_otto", "otto@example.org"), held("chk_3", "web", "deploy", "usr_otto", "otto@example.org"),
		held("chk_4", "web", "deploy", "usr_mara", "mara@example.org")))
	var ended []string
	for _, id := range []string{"chk_1", "chk_2"} {
		w.on("POST /checkouts/"+id+"/check-in", func(*http.Request, map[string]any) (int, any) {
			ended = append(ended, id)
			return 200, mine
		})
	}
	w.good("checkin", "db")    // one's own goes before another's
	w.good("checkin", "chk_2") // an id means itself
	if len(ended) != 2 || ended[0] != "chk_1" || ended[1] != "chk_2" {
		t.Errorf("ended %v", ended)
	}
	w.bad(2, []string{`"web" names 2 checkouts`, "chk_3 (deploy, safe web, by otto@example.org)", "chk_4 (deploy, safe web, by mara@example.org)"}, "checkin", "web")
	w.bad(5, []string{`nothing of "mail" is checked out`}, "checkin", "mail")

	var many []any
	for _, id := range []string{"chk_a", "chk_b", "chk_c", "chk_d", "chk_e", "chk_f"} {
		many = append(many, held(id, "web", "deploy", "usr_"+id, id+"@example.org"))
	}
	w.gives("GET /checkouts", 200, listOf(many...))
	w.bad(2, []string{"names 6 checkouts", "chk_e", "and 1 more, see vaultpam checkouts"}, "checkin", "deploy")
}
