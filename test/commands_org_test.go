package test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// What administrators and operators of the platform do by the command line.

func TestDirectoryByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		ask := s.prompt(t, w.Owner.Client)
		made := ask("", "scim", "tokens", "create", "entra", "--days", "30")
		token := regexp.MustCompile(`vpsc_[A-Za-z0-9_-]{43}`).FindString(made)
		secrets.add("SCIM token", token)
		ask.says(t, "entra", "scim", "tokens", "list")
		ask("", "scim", "set", "--default-role", "auditor", "--role", "pam-admins=admin")
		ask.says(t, "/scim/v2 auditor pam-admins", "scim", "show")
		dir := s.stranger(t).with(token)
		dir.base = s.URL + "/scim/v2"
		mail := "zoe-" + random(4) + "@example.com"
		zoe := get[scimUser](t, dir, "POST", "/Users", obj{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": mail, "displayName": "Zoë", "active": true})
		get[struct{ ID string }](t, dir, "POST", "/Groups", obj{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": "pam-admins", "members": []obj{{"value": zoe.ID}}})
		ask.says(t, mail, "scim", "people")
		ask.says(t, "pam-admins", "scim", "groups")
		ask.says(t, mail+" admin", "members", "list", "--search", mail)
		ask("", "scim", "tokens", "revoke", "entra")
		if a := dir.do(t, "GET", "/Users", nil); a.Status != 401 {
			t.Errorf("a revoked token: %d %s", a.Status, a.Body)
		}
	})
}

func TestSingleSignOnByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		idp, domain := ssotest.NewOIDC(t), "d-"+random(4)+".example"
		secrets.add("client secret", idp.ClientSecret)
		ask := s.prompt(t, w.Owner.Client)
		dir := t.TempDir()
		ask("", "sso", "add", "Corp", "--issuer", idp.URL, "--client-id", idp.ClientID, "--client-secret-file", write(t, dir, "secret", []byte(idp.ClientSecret+"\n")),
			"--provider-ca", write(t, dir, "ca.pem", []byte(idp.CA)), "--provision", "--role", "pam-users=operator", "--enable")
		ask.says(t, "Corp oidc", "sso", "providers")
		shown := ask.says(t, idp.URL+" pam-users", "sso", "show", "Corp")
		callback := regexp.MustCompile(`https://\S+/callback\S*`).FindString(shown)
		if callback == "" {
			t.Fatalf("what to register at the provider is not shown:\n%s", shown)
		}
		idp.Redirects = append(idp.Redirects, callback)
		if r := s.types(t, w.Owner.Client, t.TempDir(), "", "sso", "test", "Corp"); r.Code != 6 || !strings.Contains(r.Stdout, "no mail domain is verified") {
			t.Errorf("a provider that can speak for nobody: %s", r)
		}
		ask("", "sso", "set", "Corp", "--rename", "Company", "--default-role", "auditor")

		added := ask("", "sso", "domains", "add", domain)
		value := regexp.MustCompile(`vaultpam-[a-z-]+=\S+`).FindString(added)
		name := regexp.MustCompile(`_vaultpam\S*`).FindString(added)
		publish(strings.Trim(name, `".,`), strings.Trim(value, `".,`))
		ask("", "sso", "domains", "verify", domain)
		ask.says(t, domain, "sso", "domains", "list")
		ask.says(t, "ok", "sso", "test", "Company")

		idp.User = obj{"sub": "ada", "email": "ada@" + domain, "email_verified": true, "groups": []string{"pam-users"}}
		throughSSO(t, s, s.browser(t), idp, obj{"organization": w.Slug})
		ask.says(t, "ada@"+domain, "sso", "people", "Company")
		ask.says(t, "ada@"+domain+" operator", "members", "list", "--role", "operator")
		ask("", "sso", "unlink", "ada@"+domain)
		if r := s.types(t, w.Owner.Client, t.TempDir(), "", "sso", "require", "on"); r.Code == 0 || !strings.Contains(r.Stderr, "provider") {
			t.Errorf("demanded by somebody who has never come through it: %s", r)
		}
		ask("", "sso", "require", "off")
		ask("", "sso", "domains", "remove", domain)
		ask("", "sso", "remove", "Company")
		if out := ask("", "sso", "providers"); strings.Contains(out, "Company") {
			t.Errorf("it is still there:\n%s", out)
		}
	})
}

func TestPhonesByTheCommandLine(t *testing.T) {
	eachPhoneStore(t, func(t *testing.T, s *Server, d *smsDouble) {
		w := newWorld(t, s)
		p := w.person("operator")
		ask, admin := s.prompt(t, p.Client), s.prompt(t, w.Owner.Client)
		first, second := newNumber(), newNumber()
		ask(first+"\n", "phone", "set", "--stdin")
		ask("", "phone", "resend")
		ask(d.code(t, first)+"\n", "phone", "confirm", "--stdin")
		ask.says(t, first[len(first)-2:], "phone", "show")
		ask(second+"\n", "phone", "set", "--stdin")
		ask("", "phone", "cancel")
		w.saw(Want{Constant: "PHONE_CHANGE_CANCEL", ActorID: p.ID, Meta: obj{"by_admin": false}})

		admin(second+"\n", "members", "phone", "set", p.Handle, "--stdin")
		admin.says(t, first[len(first)-2:], "members", "phone", "show", p.Handle)
		admin("", "members", "phone", "cancel", p.Handle)
		w.saw(Want{Constant: "PHONE_CHANGE_CANCEL", ActorID: w.Owner.ID, Meta: obj{"by_admin": true}})

		admin("", "audit", "phone-keys", "rotate")
		admin.says(t, "pd-1 pd-2", "audit", "phone-keys", "list")
		if out := admin(first+"\n", "audit", "phone-lookup", "--stdin"); !strings.Contains(out, "PHONE_VERIFICATION_CODE_SENT") || strings.Contains(out, first) {
			t.Errorf("the events of a number:\n%s", out)
		}
		admin("", "audit", "phone-keys", "destroy", "pd-1", "--yes")
		admin("", "audit", "keys")
	})
}

func TestPeopleByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p, ola := w.person("operator"), w.add("operator")
		admin := s.prompt(t, w.Owner.Client)
		p.signIn(t)
		admin.says(t, p.Source, "members", "sign-ins", p.Handle)
		one := p.signIn(t)
		web, _ := signIns(t, one)
		admin.says(t, web, "members", "sign-ins", p.Handle)
		admin("", "members", "sign-out", p.Handle, "--sign-in", web, "--yes")
		one.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)
		admin("", "members", "sign-out", p.Handle, "--comment", "lost laptop", "--yes")
		p.refused(t, 401, "AUTH_FAILED", "GET", "/auth/me", nil)

		// Somebody of another organization joins by the command line.
		other := newWorld(t, s)
		invite := s.prompt(t, other.Owner.Client)
		invite("", "invitations", "send", ola.Email, "--role", "auditor")
		guest := s.prompt(t, ola.signIn(t))
		mine := guest.says(t, other.Slug[2:], "invitations", "mine")
		if r := s.types(t, ola.Client, t.TempDir(), "", "invitations", "accept", regexp.MustCompile(`inv_[0-9a-z]{26}`).FindString(mine)); r.Code != 4 || !strings.Contains(r.Stderr, "link") {
			t.Errorf("accepted by somebody whose address was never proved: %s", r)
		}
		token := s.link(t, ola.Email, "invitation", 1)
		secrets.add("invitation link", token)
		guest(s.URL+"/invite#"+token+"\n", "invitations", "accept", "--link-stdin")
		other.saw(Want{Constant: "INVITATION_ACCEPTED", ActorID: ola.ID})
		guest.says(t, other.Slug+" "+w.Slug, "orgs", "list")

		for _, decide := range []string{"approve", "deny"} {
			lost := w.add("operator")
			rec := lost.asks(t, 1)
			admin("", "recovery", decide, lost.Handle, "--comment", "spoke with them")
			admin.says(t, rec, "recovery", "list", "--all")
			w.saw(Want{Constant: map[string]string{"approve": "MFA_RECOVERY_APPROVED", "deny": "MFA_RECOVERY_DENIED"}[decide], ActorID: w.Owner.ID, Where: obj{"recovery_id": rec}})
		}
	})
}

func TestRecoveryIsFinishedByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		_, grant := w.approved(p, 1)
		term := inTerminal(t, 160, 50, need(t, "env"), "VAULTPAM_HOME="+t.TempDir(), "VAULTPAM_BASE_URL="+s.URL, "VAULTPAM_CA_FILE="+filepath.Join(s.Dir, "tls", "ca.pem"),
			"VAULTPAM_EMAIL="+p.Email, "VAULTPAM_PASSWORD="+p.Password, theCommand(t), "recover", "finish")
		term.expect("link")
		term.say(grant)
		var secret string
		eventually(t, "the secret of the new app", func() bool {
			secret = regexp.MustCompile(`\b[A-Z2-7]{32}\b`).FindString(term.Stdout.String())
			return secret != ""
		})
		secrets.add("TOTP secret", secret)
		term.say(totp(t, secret, time.Now().Unix()/30))
		if r := term.wait(); r.Code != 0 {
			t.Fatalf("%s", r)
		}
		for _, c := range regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}`).FindAllString(term.Stdout.String(), -1) {
			secrets.add("backup code", c)
		}
		drove([]string{"recover", "finish"}) // by way of env
		w.saw(Want{Constant: "MFA_RECOVERY_COMPLETED", ActorID: p.ID})
	})
}

func TestThePlatformByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		root := s.prompt(t, s.Root.Client)
		root.says(t, s.Root.Handle+" platform_admin", "platform", "users", "list")
		root.says(t, "platform", "platform", "ledgers", "list")
		root("", "platform", "keys", "show")
		ada, bea := s.newPerson("owner"), s.newPerson("owner")
		for _, p := range []*Person{ada, bea} {
			id, access := apply(t, s, p, 1)
			slug := "cli-" + random(4)
			p.nobody(t).must(t, "POST", "/signup/submit", obj{"access": access, "org_name": "Org " + slug, "slug": slug, "handle": p.Handle, "name": "Ada", "password": p.Password})
			root.says(t, slug, "submissions", "list")
			root.says(t, p.Email, "submissions", "show", slug)
			if p == ada {
				root("", "submissions", "approve", slug)
				s.saw(t, Want{Constant: "ORG_SUBMISSION_APPROVED", ActorID: s.Root.ID, Where: obj{"submission_id": id}})
				continue
			}
			root("", "submissions", "reject", slug, "--comment", "Who are you?")
			s.saw(t, Want{Constant: "ORG_SUBMISSION_REJECTED", Reason: "rejected", ActorID: s.Root.ID, Where: obj{"submission_id": id}})
		}
		email := "op-" + random(4) + "@example.com"
		root("", "platform", "invitations", "send", email)
		s.mailedLink(t, notify.PlatformInvitationKind, email, 1)
		root.says(t, email+" pending", "platform", "invitations", "list", "--state", "pending")
		root("", "platform", "invitations", "revoke", email)
		root.says(t, email, "mail", "list", "--platform")
	})
}

func TestConfigurationByTheCommandLine(t *testing.T) {
	t.Parallel()
	keys := spawn(t, "", nil, theCommand(t), "config", "keys").wait()
	for _, want := range []string{"https.addr", "VAULTPAM_HTTPS_ADDR", "passwords.memory"} {
		if keys.Code != 0 || !strings.Contains(keys.Stdout, want) {
			t.Errorf("no %s: %s", want, keys)
		}
	}
	file := write(t, t.TempDir(), "vaultpam.yaml", []byte("https:\n  addr: 127.0.0.1:9\n"))
	if r := spawn(t, "", nil, theCommand(t), "config", "check", file).wait(); r.Code != 0 {
		t.Errorf("%s", r)
	}
}
