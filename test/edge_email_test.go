package test

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// An address has one canonical form, at every door: whoever writes it in another
// way is the same person.

// spellings are ways to write one address; the canonical one is the first. tag keeps
// it apart from those of other tests.
func spellings(tag, domain string) (canonical string, others map[string]string) {
	local := "zoë.müller-" + tag
	canonical = local + "@" + domain
	name, dns := domain, domain
	if rest, ok := strings.CutPrefix(domain, "xn--bcher-kva."); ok {
		name = "bücher." + rest
	}
	return canonical, map[string]string{
		"upper case":           strings.ToUpper(local) + "@" + strings.ToUpper(dns),
		"title case":           strings.ToUpper(local[:1]) + local[1:] + "@" + strings.ToUpper(name[:1]) + name[1:],
		"spaces around it":     "  " + canonical + "\t ",
		"a decomposed form":    norm.NFD.String(local + "@" + name),
		"a domain in Unicode":  local + "@" + name,
		"one in upper case":    local + "@" + strings.ToUpper(name),
		"full-width letters":   strings.Replace(canonical, "z", "ｚ", 1),
		"a full-width at sign": strings.Replace(canonical, "@", "＠", 1),
		"an ideographic stop":  local + "@" + strings.ReplaceAll(name, ".", "。"),
	}
}

func TestAddressesAreOnePersonAtEveryDoor(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		tag := random(4)
		mail, forms := spellings(tag, "xn--bcher-kva."+tag+".example")
		p := s.newPerson("zoe")
		p.Email = mail

		// Added in one form, known in all.
		added := get[struct {
			ID    string `json:"user_id"`
			Email string
		}](t, w.Owner.Client, "POST", "/org/members", obj{"email": forms["a decomposed form"], "handle": p.Handle, "name": "Zoë", "password": p.Password, "role": "operator"})
		if added.Email != mail {
			t.Fatalf("the canonical form of %q is %q, not %q", forms["a decomposed form"], added.Email, mail)
		}
		p.enrol(t)
		v := w.safe(host(t), nil, p)
		other := newWorld(t, s)
		for how, form := range forms {
			w.Owner.refused(t, 409, "ALREADY_MEMBER", "POST", "/org/members", obj{"email": form, "handle": "zz-" + random(4), "role": "operator"})
			w.Owner.refused(t, 409, "ALREADY_MEMBER", "POST", "/org/invitations", obj{"email": form, "role": "auditor"})
			in := get[signedIn](t, p.nobody(t), "POST", "/auth/login", obj{"email": form, "password": p.Password})
			if in.MFA == nil {
				t.Errorf("%s: the sign-in of %q leads to %+v", how, form, in)
			}
		}
		for _, how := range []string{"upper case", "a domain in Unicode", "a decomposed form", "full-width letters"} {
			args := append(flags(p.sshOptions(t)), "-l", forms[how]+"+"+v.Name, gatewayHost, "echo in")
			if r := tool(t, "", nil, "ssh", args...); r.Code != 0 || r.Stdout != "in\n" {
				t.Errorf("ssh, %s: %s", how, r)
			}
		}
		args := append(flags(p.sshOptions(t)), "-l", strings.ToUpper(p.Handle)+"+"+v.Name, gatewayHost, "echo in")
		if r := tool(t, "", nil, "ssh", args...); r.Code != 0 {
			t.Errorf("ssh, a handle in upper case: %s", r)
		}
		env := []string{"VAULTPAM_HOME=" + t.TempDir(), "VAULTPAM_CA_FILE=" + filepath.Join(s.Dir, "tls", "ca.pem"), "VAULTPAM_TOKEN=", "VAULTPAM_PASSWORD=" + p.Password}
		if r := spawn(t, "", env, theCommand(t), "login", "--url", s.URL, "--email", forms["upper case"], "--code", p.code(t), "--no-input").wait(); r.Code != 0 {
			t.Errorf("the command line: %s", r)
		}
		// Another organization's first owner is the same person, in whatever form.
		slug := "z-" + random(4)
		get[obj](t, s.Root.Client, "POST", "/platform/organizations", obj{"slug": slug, "name": "Z", "owner": obj{"email": forms["a full-width at sign"], "handle": "zz-" + random(4)}})
		third := ""
		for _, o := range list[struct{ ID, Slug string }](t, s.Root.Client, "/platform/organizations") {
			if o.Slug == slug {
				third = o.ID
			}
		}
		p.in(third).must(t, "GET", "/org/settings", nil) // as its owner

		// An invitation in one form is that of all, and its message goes to the canonical one.
		inv, token := "", ""
		for how, form := range forms {
			if inv == "" {
				inv = get[struct{ ID string }](t, other.Owner.Client, "POST", "/org/invitations", obj{"email": form, "role": "operator"}).ID
				token = s.link(t, mail, "invitation", 1)
				continue
			}
			if p := other.Owner.refused(t, 409, "ALREADY_INVITED", "POST", "/org/invitations", obj{"email": form, "role": "auditor"}); !strings.Contains(p.Detail, mail) {
				t.Errorf("%s: %s", how, p.Detail)
			}
		}
		_, f := flow(t, p.Client, token)
		p.must(t, "POST", "/invitations/accept", obj{"flow": f}) // no mismatch
		other.saw(Want{Constant: "INVITATION_ACCEPTED", ActorID: p.ID, TargetID: inv, Meta: obj{"invitee_email": mail, "member_user_id": p.ID}})

		// So for operators.
		s.Root.proved(t, 0)
		asked := false
		for _, form := range forms {
			if !asked {
				s.Root.must(t, "POST", "/platform/invitations", obj{"email": form, "role": "platform_auditor"})
				s.letter(t, mail, notify.PlatformInvitationKind, 1)
				asked = true
				continue
			}
			s.Root.refused(t, 409, "OPEN_INVITATION", "POST", "/platform/invitations", obj{"email": form, "role": "platform_auditor"})
		}
		// And a registration knows who it is.
		p.nobody(t).must(t, "POST", "/signup", obj{"email": forms["one in upper case"]})
		hold := get[struct{ Account, Access string }](t, p.nobody(t), "POST", "/signup/start", obj{"token": s.link(t, mail, "signup_link", 1)})
		secrets.add("sign-up hold", hold.Access)
		if hold.Account != "existing" {
			t.Errorf("a registration takes them for %q", hold.Account)
		}
		w.endedAll()
	})
}

// endedAll waits until no session is live.
func (w *World) endedAll() {
	w.t.Helper()
	eventually(w.t, "all sessions to end", func() bool { return len(list[obj](w.t, w.Owner.Client, "/sessions?state=live")) == 0 })
}

// Directories and providers write addresses as they like.
func TestAddressesOfDirectoriesAreOnePerson(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		tag := random(4)
		domain := "xn--bcher-kva." + tag + ".example"
		mail, forms := spellings(tag, domain)
		w.domain("BÜCHER." + tag + ".example")
		idp := ssotest.NewOIDC(t)
		w.provider(idp, nil)
		members := func() int { return len(list[obj](t, w.Owner.Client, "/org/members")) }

		c := w.directory()
		u := get[scimUser](t, c, "POST", "/Users", obj{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": forms["title case"],
			"emails": []obj{{"value": forms["a domain in Unicode"], "primary": true}}, "active": true, "displayName": "Zoë"})
		if n := members(); n != 2 {
			t.Fatalf("%d members", n)
		}
		for how, form := range forms {
			if a := c.do(t, "POST", "/Users", obj{"userName": form, "emails": []obj{{"value": form}}, "active": true}); a.Status != 409 || !strings.Contains(string(a.Body), "uniqueness") {
				t.Errorf("SCIM, %s: %d %s", how, a.Status, a.Body)
			}
			filter := url.QueryEscape(fmt.Sprintf(`emails.value eq "%s"`, strings.TrimSpace(form)))
			if l := get[scimListed](t, c, "GET", "/Users?filter="+filter, nil); l.Total != 1 || l.Resources[0].ID != u.ID {
				t.Errorf("SCIM, looked for by %s: %+v", how, l)
			}
			// The same by single sign-on: where they belong, and who they are.
			idp.User = obj{"sub": "zoe", "email": form, "email_verified": true, "groups": []string{"pam-users"}}
			b := s.browser(t)
			if v := arrive(t, b, s, idp.SignIn(t, depart(t, b, obj{"email": form})).String()); v.Get("ticket") == "" {
				t.Errorf("single sign-on, %s: %v", how, v)
			}
		}
		if n := members(); n != 2 {
			t.Errorf("%d members after all forms of one address (%s)", n, mail)
		}
	})
}
