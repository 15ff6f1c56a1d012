package test

import (
	"testing"
	"time"
)

// Where people are signed in, and what ends with a sign-in.

type signInItem struct {
	ID        string
	Current   bool
	SourceIP  string    `json:"source_ip"`
	UserAgent string    `json:"user_agent"`
	CreatedAt time.Time `json:"created_at"`
}

// signIns lists where somebody is signed in; the one that asks is told apart.
func signIns(t testing.TB, c *Client) (current string, others []string) {
	t.Helper()
	for _, x := range get[Page[signInItem]](t, c, "GET", "/auth/sessions", nil).Items {
		if x.SourceIP == "" || x.UserAgent != "vaultpam-e2e" || x.CreatedAt.IsZero() {
			t.Errorf("a sign-in is listed as %+v", x)
		}
		if x.Current {
			current = x.ID
		} else {
			others = append(others, x.ID)
		}
	}
	return current, others
}

// openFrom opens a session that was launched from the sign-in of p.Client.
func (p *Person) openFrom(t testing.TB, v *Safe) (c *Proc, session string) {
	t.Helper()
	l, options := p.launch(t, v, true)
	c = spawn(t, "", nil, need(t, "ssh"), append(flags(options), "-l", l.SSH.Login, gatewayHost, "echo up; exec cat")...)
	c.expect("up")
	return c, l.SessionID
}

func TestSignInsAreListedAndEnded(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		second, third := oscar.signIn(t), oscar.signIn(t)
		here, others := signIns(t, oscar.Client)
		if here == "" || len(others) != 2 {
			t.Fatalf("signed in %q and %v", here, others)
		}
		there, _ := signIns(t, second)
		oscar.must(t, "DELETE", "/auth/sessions/"+there, nil)
		w.saw(Want{Constant: "AUTH_SIGNED_OUT", Reason: "by_user", ActorID: oscar.ID, Actor: "User", Target: "Tenant", Meta: obj{"subject_user_id": oscar.ID, "sessions_ended": 1}})
		second.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
		oscar.refused(t, 404, "NOT_FOUND", "DELETE", "/auth/sessions/"+there, nil)

		mara := w.add("operator")
		mara.refused(t, 404, "NOT_FOUND", "DELETE", "/auth/sessions/"+here, nil)
		if _, token := oscar.token(t, "*"); token.do(t, "DELETE", "/auth/sessions/"+here, nil).Status != 403 {
			t.Error("an API token ended a sign-in")
		}
		w.saw(Want{Constant: "AUTH_SIGNED_OUT", Outcome: "denied", Reason: "not_permitted", Where: obj{"subject_user_id": oscar.ID}})
		ended := get[struct {
			SignIns int `json:"sign_ins_ended"`
		}](t, oscar.Client, "DELETE", "/auth/sessions", nil)
		if ended.SignIns != 1 {
			t.Errorf("%d others ended", ended.SignIns)
		}
		third.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
		oscar.must(t, "GET", "/auth/me", nil)
	})
}

func TestSignInsEndWhatTheyLaunched(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		for what, end := range map[string]func(web string){
			"ended from another one": func(web string) { oscar.must(t, "DELETE", "/auth/sessions/"+web, nil) },
			"signed out":             nil,
		} {
			inTime(t, what, func() time.Duration {
				v := w.safe(host(t), nil, oscar)
				by := *oscar
				by.Client = oscar.signIn(t)
				kept := oscar.open(t, v) // with an SSH key: of no sign-in
				live, launched := by.openFrom(t, v)
				web, _ := signIns(t, by.Client)
				if end != nil {
					end(web)
				} else {
					by.must(t, "POST", "/auth/logout", nil)
				}
				live.wait()
				gone := w.saw(Want{Constant: "SESSION_TERMINATED_BY_USER", ActorID: oscar.ID, Session: launched})
				if kept.ended() {
					t.Errorf("%s: a session with an SSH key has ended", what)
				}
				took := w.sinceLost("AUTH_SIGNED_OUT", obj{"subject_user_id": oscar.ID}, gone)
				kept.Stdin.Close()
				kept.wait()
				return took
			})
		}
		// A grant that its sign-in did not live to use.
		v := w.safe(host(t), nil, oscar)
		by := *oscar
		by.Client = oscar.signIn(t)
		l, options := by.launch(t, v, true)
		by.must(t, "POST", "/auth/logout", nil)
		if r := oscar.withGrant(t, l, options, "echo in"); r.Code != 255 {
			t.Errorf("a grant outlived its sign-in: %s", r)
		}
		w.saw(Want{Constant: "SESSION_START_REQUESTED", Outcome: "denied", Reason: "not_a_member", Where: obj{"grant_id": l.GrantID}})
	})
}

func TestChangedFactorsEndWhatAPersonLaunched(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		inTime(t, "a factor removed", func() time.Duration {
			v := w.safe(host(t), nil, oscar)
			oscar.Client = oscar.signIn(t)
			old := oscar.Factor
			oscar.addTOTP(t)
			live := oscar.open(t, v)
			x := w.session(v)
			oscar.must(t, "DELETE", "/mfa/factors/"+old, nil)
			sentence(t, live.wait().Stderr, "Session ended")
			end := w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: "access_revoked", Session: x.ID})
			return w.sinceLost("MFA_SESSIONS_INVALIDATED", obj{"subject_user_id": oscar.ID}, end)
		})
	})
}

func TestAdministratorsSignMembersOut(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w, other := newWorld(t, s), newWorld(t, s)
		oscar, mara := w.person("operator"), w.add("operator")
		other.Owner.must(t, "POST", "/org/members", obj{"email": oscar.Email, "handle": oscar.Handle, "role": "operator"})
		v, far := w.safe(host(t), nil, oscar), other.safe(host(t), nil, oscar)
		oscar.signIn(t)
		mara.refused(t, 403, "NOT_PERMITTED", "POST", "/org/members/"+oscar.ID+"/sign-out", nil)
		w.saw(Want{Constant: "AUTH_SIGNED_OUT", Outcome: "denied", Reason: "not_permitted", ActorID: mara.ID, Meta: obj{"subject_user_id": oscar.ID}})
		oscar.must(t, "GET", "/auth/me", nil)
		w.Owner.refused(t, 404, "NOT_FOUND", "POST", "/org/members/"+other.Owner.ID+"/sign-out", nil)

		live := oscar.open(t, v)
		x := w.session(v)
		abroad := *oscar
		abroad.Client = oscar.in(other.Org)
		elsewhere, _ := abroad.openFrom(t, far)
		done := get[struct {
			SignIns  int `json:"sign_ins_ended"`
			Sessions int `json:"sessions_ended"`
		}](t, w.Owner.Client, "POST", "/org/members/"+oscar.ID+"/sign-out", obj{"comment": "phone lost"})
		if done.SignIns != 2 || done.Sessions != 1 {
			t.Errorf("ended: %+v", done)
		}
		sentence(t, live.wait().Stderr, "Session ended by", "phone lost")
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_ADMIN", Reason: "admin_order", ActorID: w.Owner.ID, Session: x.ID})
		w.saw(Want{Constant: "AUTH_SIGNED_OUT", Reason: "by_admin", ActorID: w.Owner.ID, Actor: "TenantAdmin", Meta: obj{"subject_user_id": oscar.ID, "sessions_ended": 2}})
		oscar.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
		if elsewhere.ended() {
			t.Error("a session in another organization ended with it")
		}
		elsewhere.Stdin.Close()
		elsewhere.wait()
		oscar.Client = oscar.signIn(t) // they may come back
		c := oscar.open(t, v)
		c.Stdin.Close()
		c.wait()
	})
}

func TestAdministratorsEndOneSignIn(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w, other := newWorld(t, s), newWorld(t, s)
		oscar, mara := w.person("operator"), w.add("operator")
		other.Owner.must(t, "POST", "/org/members", obj{"email": oscar.Email, "handle": oscar.Handle, "role": "operator"})
		v, far := w.safe(host(t), nil, oscar), other.safe(host(t), nil, oscar)
		by := *oscar
		by.Client = oscar.signIn(t)
		web, _ := signIns(t, by.Client)
		there := "/org/members/" + oscar.ID + "/sign-ins"
		found := false
		for _, x := range get[Page[signInItem]](t, w.Owner.Client, "GET", there, nil).Items {
			found = found || x.ID == web
		}
		if !found {
			t.Error("the administrator does not see the sign-in")
		}
		mara.refused(t, 403, "NOT_PERMITTED", "GET", there, nil)
		mara.refused(t, 403, "NOT_PERMITTED", "POST", there+"/"+web+"/end", nil)
		w.saw(Want{Constant: "AUTH_SIGNED_OUT", Outcome: "denied", Reason: "not_permitted", ActorID: mara.ID, Meta: obj{"subject_user_id": oscar.ID}})
		w.Owner.refused(t, 404, "NOT_FOUND", "POST", "/org/members/"+mara.ID+"/sign-ins/"+web+"/end", nil)
		newWorld(t, s).Owner.refused(t, 404, "NOT_FOUND", "POST", there+"/"+web+"/end", nil)
		by.must(t, "GET", "/auth/me", nil)

		inTime(t, "a member's sign-in", func() time.Duration {
			by.Client = oscar.signIn(t)
			web, _ := signIns(t, by.Client)
			kept := oscar.open(t, v) // with an SSH key: of no sign-in
			live, launched := by.openFrom(t, v)
			abroad := *oscar
			abroad.Client = by.in(other.Org)
			elsewhere, _ := abroad.openFrom(t, far)
			unused, options := by.launch(t, v, true)
			begun := time.Now()
			done := get[struct {
				SignIns  int `json:"sign_ins_ended"`
				Sessions int `json:"sessions_ended"`
			}](t, w.Owner.Client, "POST", there+"/"+web+"/end", obj{"comment": "lost laptop"})
			if done.SignIns != 1 || done.Sessions != 1 {
				t.Errorf("ended: %+v", done)
			}
			sentence(t, live.wait().Stderr, "Session ended by", "lost laptop")
			gone := w.saw(Want{Constant: "SESSION_TERMINATED_BY_ADMIN", Reason: "admin_order", ActorID: w.Owner.ID, Session: launched})
			w.saw(Want{Constant: "AUTH_SIGNED_OUT", Reason: "by_admin", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Tenant", Meta: obj{"subject_user_id": oscar.ID, "sessions_ended": 1}})
			by.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
			if r := oscar.withGrant(t, unused, options, "echo in"); r.Code != 255 {
				t.Errorf("a grant outlived its sign-in: %s", r)
			}
			w.Owner.refused(t, 404, "NOT_FOUND", "POST", there+"/"+web+"/end", nil)
			for what, c := range map[string]*Proc{"with an SSH key": kept, "in another organization": elsewhere} {
				if c.ended() {
					t.Errorf("a session %s has ended", what)
				}
				c.Stdin.Close()
				c.wait()
			}
			return w.ledger().when(t, gone).Sub(begun)
		})
		oscar.must(t, "GET", "/auth/me", nil) // their other sign-in
	})
}
