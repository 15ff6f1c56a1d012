package test

import "testing"

// The console in a real browser, on both stores. The journeys are in web/test/*.e2e.mjs;
// what they did is looked for in the ledger here.

func TestConsole(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		d := ownKeys(t) // the journey rotates a key
		address, port := d.addr()

		// A colleague's session, from a plain client, for the console to watch and end.
		oscar := w.person("operator")
		theirs := w.safe(d, nil, oscar)
		term := oscar.terminal(t, oscar.sshOptions(t), "", theirs)
		term.say("n=0; while sleep 0.3; do n=$((n+1)); echo tick-$n; done")
		term.expect("tick-1")
		x := w.session(theirs)

		play(t, "console", obj{"url": s.URL, "org": w.Slug, "email": w.Owner.Email, "password": w.Owner.Password, "handle": w.Owner.Handle, "user_id": w.Owner.ID,
			"name": "c-" + random(4), "host": address, "port": port, "user": d.user, "key": d.key, "colleague": oscar.Handle, "reason": "seen enough"}, s.asks(t, w.Owner))

		term.expect("seen enough") // the one who was cut off is told why
		term.wait()
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_ADMIN", Reason: "admin_order", ActorID: w.Owner.ID, Session: x.ID, Meta: obj{"session_user_id": oscar.ID, "comment": "seen enough"}})
		w.saw(Want{Constant: "SESSION_PLAYBACK_ACCESSED", ActorID: w.Owner.ID, Session: x.ID, Where: obj{"playback_mode": "live_view"}, Meta: obj{"session_user_id": oscar.ID, "own_session": false}})
		for _, constant := range []string{"CONNECTION_DEFINITION_CREATED", "CONNECTION_DEFINITION_UPDATED", "PRIVILEGED_ACCOUNT_CREATED", "SAFE_MEMBER_ADDED",
			"SESSION_ESTABLISHED", "SESSION_TERMINATED_BY_USER"} {
			if len(w.ledger().events(t, constant)) == 0 {
				t.Errorf("the ledger does not tell %s", constant)
			}
		}
		seen := false
		for _, e := range w.ledger().events(t, "AUDIT_LOG_VIEWED") {
			seen = seen || e.Metadata["read_via"] == "console"
		}
		if !seen {
			t.Error("no AUDIT_LOG_VIEWED says that it was read in the console")
		}
	})
}

// An installation that nobody has set up, from the link that the server prints to
// the first organization.
func TestConsoleSetsUpAnInstallation(t *testing.T) {
	t.Parallel()
	s := newServer(t, SQLite, shortDir(t))
	s.start(t)
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		if err := s.inspect(); err != nil {
			t.Error(err)
		}
	})
	var link [][]byte
	eventually(t, "the set-up link", func() bool { link = setupLink.FindSubmatch(s.stdout.bytes()); return link != nil })
	secrets.add("set-up token", string(link[1]))
	root, owner := s.newPerson("root"), s.newPerson("owner")
	slug := "first-" + random(4)
	play(t, "setup", obj{"url": s.URL, "token": string(link[1]), "name": "Root", "email": root.Email, "handle": root.Handle, "password": root.Password,
		"org": obj{"name": "First", "slug": slug}, "owner": obj{"email": owner.Email, "handle": owner.Handle, "password": owner.Password}}, nil)
	owner.enrol(t) // the owner that was named there can begin
	var own struct {
		Memberships []struct{ Slug, Role string }
	}
	owner.must(t, "GET", "/org/memberships", nil).into(t, &own)
	if len(own.Memberships) != 1 || own.Memberships[0].Slug != slug || own.Memberships[0].Role != "owner" {
		t.Errorf("the first owner belongs to %+v", own)
	}
}

// Everything again without a pointer.
func TestConsoleByKeyboard(t *testing.T) {
	t.Parallel()
	s := shared(t, Postgres)
	w := newWorld(t, s)
	v := w.safe(host(t), nil, w.Owner)
	noor := s.newPerson("noor")
	known := s.asks(t, w.Owner)
	known["token"] = func(value string) any { secrets.add("API token", value); return true }
	play(t, "keyboard", obj{"url": s.URL, "org": w.Slug, "email": w.Owner.Email, "password": w.Owner.Password, "handle": w.Owner.Handle, "safe": v.Name, "invitee": noor.Email}, known)
	w.ended(v)
	w.saw(Want{Constant: "INVITATION_SENT", ActorID: w.Owner.ID, Where: obj{"invitee_email": noor.Email}})
	w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: w.Owner.ID, Where: obj{"setting_group": "branding"}})
	w.saw(Want{Constant: "API_TOKEN_CREATED", ActorID: w.Owner.ID, Where: obj{"token_name": "by keys"}, Meta: obj{"service_account": true, "scopes": []string{"safes:read"}}})
	w.saw(Want{Constant: "API_TOKEN_REVOKED", Reason: "owner_removed", Actor: "System"})
}
