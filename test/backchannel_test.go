package test

import (
	"net/url"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// A provider says that somebody has left: what its word had opened ends within 2 s, live
// sessions in the gateway included.
func TestProviderLogoutEndsLiveSessions(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		idp, mail := ssotest.NewOIDC(t), "bc-"+random(4)+".example"
		w.domain(mail)
		p := w.provider(idp, obj{"roles": []obj{}})
		ada := s.newPerson("admin")
		ada.Email = ada.Handle + "@" + mail
		w.Owner.must(t, "POST", "/org/members", obj{"email": ada.Email, "handle": ada.Handle, "name": "Ada", "password": ada.Password, "role": "admin"})
		ada.enrol(t)
		byPassword := ada.Client
		idp.User = obj{"sub": "ada", "email": ada.Email, "email_verified": true}
		through := func() *Client {
			t.Helper()
			b := s.browser(t)
			in, _ := throughSSO(t, s, b, idp, obj{"organization": w.Slug})
			done := get[signedIn](t, b, "POST", "/auth/mfa", obj{"challenge_id": in.MFA.ChallengeID, "code": ada.code(t)})
			secrets.add("access token", done.AccessToken)
			return b.with(done.AccessToken)
		}
		logout := func() {
			t.Helper()
			a, err := s.browser(t).http.PostForm(p.Logout, url.Values{"logout_token": {idp.LogoutToken(obj{"sub": "ada"})}})
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			if a.StatusCode != 200 {
				t.Fatalf("a logout token: %d", a.StatusCode)
			}
		}
		inTime(t, "launched from the provider's sign-in", func() time.Duration {
			v := w.safe(host(t), nil, ada)
			by := *ada
			by.Client = through()
			byKey := ada.open(t, v) // a key of their own: nothing that the provider has said
			live, launched := by.openFrom(t, v)
			logout()
			sentence(t, live.wait().Stderr, "Session ended")
			gone := w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: "access_revoked", Session: launched})
			if byKey.ended() {
				t.Error("a session with an SSH key has ended")
			}
			byPassword.must(t, "GET", "/auth/me", nil)
			took := w.sinceLost("AUTH_SIGNED_OUT", obj{"subject_user_id": ada.ID}, gone)
			byKey.Stdin.Close()
			byKey.wait()
			return took
		})
		// Where nobody comes in without the provider, a key is good by its word, too.
		owner := w.Owner.Client
		c := through()
		c.must(t, "PUT", "/org/sso", obj{"required": true})
		w.Owner.Client = c
		inTime(t, "opened with a key where the provider is demanded", func() time.Duration {
			v := w.safe(host(t), nil, ada)
			byKey := ada.open(t, v)
			x := w.session(v)
			logout()
			sentence(t, byKey.wait().Stderr, "Session ended")
			if r := ada.run(t, v, "true"); r.Code != 255 {
				t.Errorf("a key opens after the logout: %s", r)
			}
			w.Owner.Client = through()
			gone := w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: "access_revoked", Session: x.ID})
			ada.succeeds(t, v, "true")
			return w.sinceLost("AUTH_SIGNED_OUT", obj{"subject_user_id": ada.ID}, gone)
		})
		s.Root.must(t, "DELETE", "/platform/organizations/"+w.Org+"/sso-requirement", nil)
		w.Owner.Client = owner
	})
}
