package test

import (
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// What stands behind the # of where a provider's answer leads is good once.
func TestTicketsOfProvidersAreGoodOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		idp, mail := ssotest.NewOIDC(t), "d-"+random(4)+".example"
		w.domain(mail)
		w.provider(idp, nil)
		idp.User = obj{"sub": "u1", "email": "nele@" + mail, "email_verified": true, "groups": []string{"pam-users"}}
		b := s.browser(t)
		back := idp.SignIn(t, depart(t, b, obj{"organization": w.Slug})).String()
		ticket := arrive(t, b, s, back).Get("ticket")
		in := get[signedIn](t, b, "POST", "/auth/sso/complete", obj{"ticket": ticket})
		secrets.add("access token", in.AccessToken)
		n := len(list[obj](t, w.Owner.Client, "/org/members"))
		b.refused(t, 401, "SSO_FAILED", "POST", "/auth/sso/complete", obj{"ticket": ticket})
		s.browser(t).refused(t, 401, "SSO_FAILED", "POST", "/auth/sso/complete", obj{"ticket": ticket})
		if a := arrive(t, b, s, back); a.Get("ticket") != "" || a.Get("error") == "" { // and so is the provider's answer
			t.Errorf("the provider's answer a second time leads to %v", strings.Join([]string{a.Get("error"), a.Get("message")}, ": "))
		}
		if now := len(list[obj](t, w.Owner.Client, "/org/members")); now != n {
			t.Errorf("%d members became %d", n, now)
		}
	})
}
