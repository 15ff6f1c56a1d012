package test

import (
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml"

	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// samlProvider makes a SAML provider that works, and gives it this server's metadata.
func (w *World) samlProvider(idp *ssotest.SAML) ssoProvider {
	w.t.Helper()
	p := get[ssoProvider](w.t, w.Owner.Client, "POST", "/org/sso/providers", obj{"name": "SAML " + random(3), "protocol": "saml", "enabled": true, "metadata": idp.Metadata,
		"provision": true, "trust_mfa": true, "default_role": "auditor", "roles": []obj{{"group": "pam-users", "role": "operator"}}})
	a, err := w.s.stranger(w.t).http.Get(strings.TrimSuffix(p.Callback, "/acs") + "/metadata")
	if err != nil {
		w.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != 200 {
		w.t.Fatalf("the metadata: %d %s %v", a.StatusCode, text, err)
	}
	idp.Register(w.t, text)
	return p
}

// post brings a SAML provider's form to the server, as its page would.
func post(t testing.TB, b *Client, s *Server, to string, form url.Values) url.Values {
	t.Helper()
	a, err := b.http.PostForm(to, form)
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	at, err := a.Location()
	if err != nil || a.StatusCode != 303 || !strings.HasPrefix(at.String(), s.URL+"/sign-in/sso#") {
		t.Fatalf("the assertion is answered %d %v %v", a.StatusCode, at, err)
	}
	v, err := url.ParseQuery(at.EscapedFragment())
	if err != nil {
		t.Fatal(err)
	}
	secrets.add("sign-in ticket", v.Get("ticket"))
	return v
}

func TestSignInBySAML(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		idp, mail := ssotest.NewSAML(t), "s-"+random(4)+".example"
		w.domain(mail)
		p := w.samlProvider(idp)
		reset := func() {
			idp.NameID, idp.Format, idp.Context = "nele-1", "", "https://refeds.org/profile/mfa"
			idp.Attributes = map[string][]string{"mail": {"nele@" + mail}, "displayName": {"Nele"}, "groups": {"pam-users"}}
			idp.Spoil, idp.Unsigned, idp.Stranger, idp.Status = nil, false, false, ""
		}
		reset()
		b := s.browser(t)
		to, form := idp.Answer(t, depart(t, b, obj{"organization": w.Slug}))
		v := post(t, b, s, to, form)
		in := get[signedIn](t, b, "POST", "/auth/sso/complete", obj{"ticket": v.Get("ticket")})
		secrets.add("access token", in.AccessToken)
		if in.Enrolment || in.AccessToken == "" {
			t.Fatalf("the provider's second factor is trusted: %+v", in)
		}
		b.with(in.AccessToken).must(t, "GET", "/safes", nil)
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Actor: "System", Where: obj{"new_role": "operator", "role_source": "sso_mapping"}})
		w.saw(Want{Constant: "AUTH_SIGN_IN_SUCCEEDED", Where: obj{"sign_in_method": "sso"}, Meta: obj{"second_factor_demanded": false}})

		// The provider signs her out: her browser comes with its request, and goes back with our answer.
		out := &saml.LogoutRequest{ID: "id-" + random(8), Version: "2.0", IssueInstant: time.Now().UTC(), Destination: strings.TrimSuffix(p.Callback, "/acs") + "/slo",
			Issuer: &saml.Issuer{Value: idp.EntityID}, NameID: &saml.NameID{Format: string(saml.PersistentNameIDFormat), Value: idp.NameID}}
		query := idp.LogoutQuery(t, out, "theirs", "")
		leave := func() (status int, to string) {
			a, err := b.http.Get(out.Destination + "?" + query)
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			return a.StatusCode, a.Header.Get("Location")
		}
		if status, to := leave(); status != 303 || !strings.HasPrefix(to, strings.TrimSuffix(idp.EntityID, "/metadata")+"/slo?SAMLResponse=") || !strings.Contains(to, "&RelayState=theirs&SigAlg=") {
			t.Errorf("a logout request is answered %d %s", status, to)
		}
		b.with(in.AccessToken).refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
		w.saw(Want{Constant: "AUTH_SIGNED_OUT", Reason: "by_provider", Actor: "System", Target: "Tenant", TargetID: w.Org, Meta: obj{"sessions_ended": 1}})
		if status, _ := leave(); status < 400 || status >= 500 {
			t.Errorf("the same logout request again is answered %d", status)
		}

		fails := func(why string, v url.Values, step string) {
			t.Helper()
			if v.Get("error") != why || v.Get("ticket") != "" {
				t.Errorf("%s: the browser is told %v", why, v)
			}
			w.saw(Want{Constant: "PROVIDER_FLOW_FAILED", Outcome: "failure", Reason: why, Actor: "User", Target: "Tenant", TargetID: w.Org,
				Meta: obj{"provider_id": p.ID, "sso_protocol": "saml", "flow_kind": "sign_in", "step": step}})
		}
		fails("assertion_replayed", post(t, b, s, to, form), "callback") // the same answer again
		for _, c := range []struct {
			why, step string
			spoil     func()
		}{
			{"signature_invalid", "assertion", func() { idp.Stranger = true }},
			{"issuer_unknown", "assertion", func() { idp.Spoil = func(a *saml.Assertion) { a.Issuer.Value = "https://evil.test" } }},
			{"state_mismatch", "assertion", func() { idp.Spoil = func(a *saml.Assertion) { a.Subject.SubjectConfirmations = nil } }},
			{"assertion_expired", "assertion", func() {
				idp.Spoil = func(a *saml.Assertion) { a.Conditions.NotOnOrAfter = a.Conditions.NotOnOrAfter.AddDate(-1, 0, 0) }
			}},
			{"user_cancelled", "callback", func() { idp.Status = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed" }},
			{"email_unverified", "assertion", func() {
				idp.NameID, idp.Attributes["mail"] = "eve", []string{"eve@another.example"}
			}},
		} {
			reset()
			c.spoil()
			b := s.browser(t)
			to, form := idp.Answer(t, depart(t, b, obj{"organization": w.Slug}))
			fails(c.why, post(t, b, s, to, form), c.step)
		}
		// A provider's metadata is checked when it is given.
		w.Owner.refused(t, 422, "INVALID", "POST", "/org/sso/providers", obj{"name": "x", "protocol": "saml", "enabled": true, "metadata": "<x/>", "trust_mfa": false, "provision": false})
	})
}
