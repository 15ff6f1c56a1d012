package test

import (
	"database/sql"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// People who come in through their organization's identity provider. The provider
// is one of our own here, strict about what it is sent and able to answer wrongly;
// TestRealProvider has one from Debian.

// ssoProvider is an identity provider as the API shows it.
type ssoProvider struct {
	ID       string `json:"id"`
	Name     string
	Callback string `json:"callback_url"`
	Logout   string `json:"logout_url"`
	Version  int64  `json:"version"`
}

// browser is somebody's browser: it keeps cookies, and follows no redirect by itself.
func (s *Server) browser(t testing.TB) *Client {
	t.Helper()
	c := s.stranger(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.http.Jar = jar
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// domain makes a mail domain the organization's own.
func (w *World) domain(name string) {
	w.t.Helper()
	d := get[struct {
		Name  string `json:"record_name"`
		Value string `json:"record_value"`
	}](w.t, w.Owner.Client, "POST", "/org/sso/domains", obj{"domain": name})
	w.Owner.refused(w.t, 409, "DOMAIN_UNPROVED", "POST", "/org/sso/domains/"+name+"/verify", nil)
	publish(d.Name, d.Value)
	w.Owner.must(w.t, "POST", "/org/sso/domains/"+name+"/verify", nil)
}

// provider makes a provider that works.
func (w *World) provider(idp *ssotest.OIDC, more obj) ssoProvider {
	w.t.Helper()
	secrets.add("client secret", idp.ClientSecret)
	body := obj{"name": "Corp " + random(3), "protocol": "oidc", "enabled": true, "issuer": idp.URL, "client_id": idp.ClientID, "client_secret": idp.ClientSecret, "ca_pem": idp.CA,
		"provision": true, "trust_mfa": false, "roles": []obj{{"group": "pam-admins", "role": "admin"}, {"group": "pam-users", "role": "operator"}}}
	for k, v := range more {
		body[k] = v
	}
	p := get[ssoProvider](w.t, w.Owner.Client, "POST", "/org/sso/providers", body)
	idp.Redirects = append(idp.Redirects, p.Callback)
	return p
}

// depart begins a sign-in and gives where the browser goes.
func depart(t testing.TB, b *Client, hint obj) string {
	t.Helper()
	return get[struct {
		URL string `json:"redirect_url"`
	}](t, b, "POST", "/auth/sso/start", hint).URL
}

// arrive brings the provider's answer to the server, and gives what stands behind
// the # of where the browser is sent then.
func arrive(t testing.TB, b *Client, s *Server, back string) url.Values {
	t.Helper()
	a, err := b.http.Get(back)
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	to, err := a.Location()
	if err != nil || a.StatusCode != 303 || !strings.HasPrefix(to.String(), s.URL+"/sign-in/sso#") {
		t.Fatalf("the callback answers %d %v %v", a.StatusCode, to, err)
	}
	v, err := url.ParseQuery(to.EscapedFragment())
	if err != nil {
		t.Fatal(err)
	}
	secrets.add("sign-in ticket", v.Get("ticket"))
	return v
}

// throughSSO goes the whole way and gives the answer of the last step.
func throughSSO(t testing.TB, s *Server, b *Client, idp *ssotest.OIDC, hint obj) (signedIn, Answer) {
	t.Helper()
	v := arrive(t, b, s, idp.SignIn(t, depart(t, b, hint)).String())
	if v.Get("ticket") == "" {
		t.Fatalf("no ticket: %v", v)
	}
	a := b.must(t, "POST", "/auth/sso/complete", obj{"ticket": v.Get("ticket")})
	var in signedIn
	a.into(t, &in)
	secrets.add("access token", in.AccessToken)
	return in, a
}

func TestSignInThroughProvider(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		idp, mail := ssotest.NewOIDC(t), "d-"+random(4)+".example"
		w.domain(mail)
		p := w.provider(idp, nil)
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Tenant", TargetID: w.Org,
			Where: obj{"changes": func(v any) bool { return strings.Contains(toText(v), p.ID+".client_secret") }}, Meta: obj{"setting_group": "sso"}})

		// A newcomer whose group gives them a role becomes a member, and may only enrol a second factor at first.
		idp.User = obj{"sub": "u1", "email": "Nele@" + mail, "email_verified": true, "name": "Nele", "groups": []string{"pam-users"}}
		b := s.browser(t)
		in, a := throughSSO(t, s, b, idp, obj{"email": "nele@" + mail, "return_to": "/safes"})
		if !in.Enrolment || !strings.Contains(string(a.Body), `"return_to":"/safes"`) {
			t.Fatalf("%s", a.Body)
		}
		role := w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Actor: "System", Target: "Tenant", TargetID: w.Org, Where: obj{"new_role": "operator", "role_source": "sso_mapping"},
			Meta: obj{"privilege_raised": true, "subject_user_id": present}})
		nele := role.Metadata["subject_user_id"].(string)
		w.saw(Want{Constant: "AUTH_SIGN_IN_SUCCEEDED", Actor: "User", Where: obj{"subject_user_id": nele}, Meta: obj{"sign_in_method": "sso", "door": "console"}})
		person := &Person{s: s, Client: b.with(in.AccessToken), ID: nele, Source: "", mu: w.Owner.mu}
		person.addTOTP(t)
		b.with(in.AccessToken).must(t, "GET", "/safes", nil)

		// The next time they are asked for it. Their role follows their groups.
		idp.User["groups"] = []string{"pam-admins"}
		in, _ = throughSSO(t, s, b, idp, obj{"organization": w.Slug})
		if in.MFA == nil {
			t.Fatal("no second factor was asked for")
		}
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Actor: "System", Where: obj{"subject_user_id": nele, "old_role": "operator"}, Meta: obj{"new_role": "admin", "role_source": "sso_mapping"}})
		done := get[signedIn](t, b, "POST", "/auth/mfa", obj{"challenge_id": in.MFA.ChallengeID, "code": person.code(t)})
		secrets.add("access token", done.AccessToken)
		c := b.with(done.AccessToken)
		c.must(t, "GET", "/auth/me", nil)

		// What the provider opened, it ends.
		logout := func() int {
			a, err := b.http.PostForm(p.Logout, url.Values{"logout_token": {idp.LogoutToken(obj{"sub": "u1"})}})
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			return a.StatusCode
		}
		idp.Algorithm = "stranger"
		if n := logout(); n != 400 {
			t.Errorf("a forged logout token: %d", n)
		}
		c.must(t, "GET", "/auth/me", nil)
		idp.Algorithm = ""
		if n := logout(); n != 200 {
			t.Errorf("a logout token: %d", n)
		}
		c.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
		w.saw(Want{Constant: "AUTH_SIGNED_OUT", Reason: "by_provider", Actor: "System", Where: obj{"subject_user_id": nele}, Meta: obj{"sessions_ended": 2}})
	})
}

func TestProviderFailuresLeaveEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		idp, mail := ssotest.NewOIDC(t), "d-"+random(4)+".example"
		w.domain(mail)
		p := w.provider(idp, nil)
		reset := func() {
			idp.User = obj{"sub": "u1", "email": "nele@" + mail, "email_verified": true, "groups": []string{"pam-users"}}
			idp.Spoil, idp.Algorithm, idp.TokenStatus = nil, "", 0
		}
		for _, c := range []struct {
			reason, step string
			spoil        func()
			browser      func(*Client) *Client // who arrives
		}{
			{"user_cancelled", "callback", func() { idp.User = nil }, nil},
			{"provider_error", "token", func() { idp.TokenStatus = 503 }, nil},
			{"nonce_mismatch", "assertion", func() { idp.Spoil = func(c map[string]any) { c["nonce"] = "another" } }, nil},
			{"signature_invalid", "assertion", func() { idp.Algorithm = "none" }, nil},
			{"issuer_unknown", "assertion", func() { idp.Spoil = func(c map[string]any) { c["iss"] = "https://evil.example" } }, nil},
			{"assertion_expired", "assertion", func() { idp.Spoil = func(c map[string]any) { c["exp"] = 1000 } }, nil},
			{"email_unverified", "assertion", func() { idp.User["email"] = "nele@another.example" }, nil},
			{"state_mismatch", "callback", func() {}, func(*Client) *Client { return s.browser(t) }},
		} {
			reset()
			c.spoil()
			b := s.browser(t)
			back := idp.SignIn(t, depart(t, b, obj{"organization": w.Slug})).String()
			who := b
			if c.browser != nil {
				who = c.browser(b)
			}
			v := arrive(t, who, s, back)
			if v.Get("error") != c.reason || v.Get("ticket") != "" || !oneLine(v.Get("message")) {
				t.Errorf("%s: the browser is told %v", c.reason, v)
			}
			w.saw(Want{Constant: "PROVIDER_FLOW_FAILED", Outcome: "failure", Reason: c.reason, Actor: "User", Target: "Tenant", TargetID: w.Org,
				Meta: obj{"provider_id": p.ID, "sso_protocol": "oidc", "flow_kind": "sign_in", "step": c.step, "flow_id": present}})
		}
		if n := len(list[obj](t, w.Owner.Client, "/org/members")); n != 1 {
			t.Errorf("%d members after nothing but failures", n)
		}
		// Where the provider did its part and a rule of ours refuses, it has not failed.
		reset()
		idp.User["groups"] = []string{"staff"}
		b := s.browser(t)
		if v := arrive(t, b, s, idp.SignIn(t, depart(t, b, obj{"organization": w.Slug})).String()); v.Get("error") != "not_permitted" {
			t.Errorf("%v", v)
		}
		w.saw(Want{Constant: "AUTH_SIGN_IN_FAILED", Outcome: "failure", Reason: "not_permitted", Where: obj{"sign_in_method": "sso"}})
		for _, hint := range []obj{{"organization": "no-" + random(4)}, {"email": "x@no.example"}, {}} {
			s.browser(t).refused(t, 404, "SSO_NOT_CONFIGURED", "POST", "/auth/sso/start", hint)
		}
		s.browser(t).refused(t, 401, "SSO_FAILED", "POST", "/auth/sso/complete", obj{"ticket": "flw_x.y"})
	})
}

// toText is a value of metadata as one text.
func toText(v any) string {
	m, _ := v.([]any)
	var b strings.Builder
	for _, e := range m {
		c, _ := e.(map[string]any)
		f, _ := c["field"].(string)
		b.WriteString(f + "\n")
	}
	return b.String()
}

func TestRequiredSSOHasNoOtherDoor(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		idp, domain := ssotest.NewOIDC(t), "d-"+random(4)+".example"
		w.domain(domain)
		w.provider(idp, obj{"roles": []obj{}})
		w.Owner.refused(t, 409, "SSO_UNTRIED", "PUT", "/org/sso", obj{"required": true})

		// An admin whose address is of the domain comes in through the provider.
		admin := s.newPerson("admin")
		admin.Email = admin.Handle + "@" + domain
		w.Owner.must(t, "POST", "/org/members", obj{"email": admin.Email, "handle": admin.Handle, "name": "Ada", "password": admin.Password, "role": "admin"})
		admin.enrol(t)
		v := w.safe(host(t), nil, admin)
		idp.User = obj{"sub": "ada", "email": admin.Email, "email_verified": true}
		through := func() *Client {
			b := s.browser(t)
			in, _ := throughSSO(t, s, b, idp, obj{"organization": w.Slug})
			if in.MFA == nil {
				t.Fatal("no second factor was asked for")
			}
			done := get[signedIn](t, b, "POST", "/auth/mfa", obj{"challenge_id": in.MFA.ChallengeID, "code": admin.code(t)})
			secrets.add("access token", done.AccessToken)
			return b.with(done.AccessToken)
		}
		c := through()
		old := w.Owner.Client
		c.must(t, "PUT", "/org/sso", obj{"required": true})
		w.Owner.Client = c // who reads the ledger from here on
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: admin.ID, Where: obj{"setting_group": "sso"}, Meta: obj{"weakened_controls": []string{},
			"changes": func(v any) bool { return strings.Contains(toText(v), "sso_required") }}})

		for what, have := range map[string]*Client{"the owner's session": old, "the admin's own from before": admin.Client} {
			if a := have.in(w.Org).do(t, "GET", "/safes", nil); a.Status != 403 || !strings.Contains(string(a.Body), "SSO_REQUIRED") {
				t.Errorf("%s: %d %s", what, a.Status, a.Body)
			}
			if a := have.do(t, "GET", "/safes", nil); a.Status < 400 {
				t.Errorf("%s, without naming the organization: %d %s", what, a.Status, a.Body)
			}
		}
		admin.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/login", obj{"email": admin.Email, "password": admin.Password})
		w.saw(Want{Constant: "AUTH_SIGN_IN_FAILED", Outcome: "failure", Reason: "sso_required", Where: obj{"subject_user_id": admin.ID}})
		// A key opens a session for half a day after the provider did.
		if r := admin.run(t, v, "echo in"); r.Code != 0 {
			t.Errorf("a key after the provider: %s", r)
		}
		s.laterSSO(t, admin.ID)
		if r := admin.run(t, v, "echo in"); r.Code != 255 {
			t.Errorf("a key half a day later: %s", r)
		}
		old.refused(t, 403, "NOT_PERMITTED", "DELETE", "/platform/organizations/"+w.Org+"/sso-requirement", nil)
		s.Root.must(t, "DELETE", "/platform/organizations/"+w.Org+"/sso-requirement", nil)
		w.Owner.Client = old
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Where: obj{"setting_group": "sso"}, Meta: obj{"weakened_controls": []string{"sso_required"}}})
		if r := admin.run(t, v, "echo in"); r.Code != 0 {
			t.Errorf("a key once it is lifted: %s", r)
		}
	})
}

// laterSSO moves a person's last sign-in through a provider twelve hours into the past.
func (s *Server) laterSSO(t testing.TB, user string) {
	t.Helper()
	driver, at := "sqlite", filepath.Join(s.Dir, "vaultpam.db")+"?_pragma=busy_timeout(10000)"
	if s.Store == Postgres {
		driver = "pgx"
		for _, kv := range s.env {
			if v, ok := strings.CutPrefix(kv, "VAULTPAM_DATABASE_URL="); ok {
				at = v
			}
		}
	}
	d, err := sql.Open(driver, at)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r, err := d.Exec("update sso_identity set last_used_at = last_used_at - 43200000000 where user_id = $1", user)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%d rows were moved: %v", n, err)
	}
}
