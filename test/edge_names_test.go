package test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/notify"
)

// Names are in any script, and come back as they were given, at every door; what
// steers a terminal, hides, or turns the direction of text around is refused.

var goodNames = map[string]string{
	"Latin": "Zoë Ångström-O’Brien", "Han": "山田 太郎", "Arabic": "محمد بن سلمان", "Hebrew": "שָׁלוֹם כהן", "Thai": "สมชาย ใจดี",
	"Persian, with a non-joiner": "نیک\u200cپی", "Sinhala, with a joiner": "ශ්\u200dරී ලංකා", "Hindi": "श्रीमती इन्दिरा", "Tamil": "வேலுப்பிள்ளை", "Korean": "김철수",
	"an emoji of several": "Ops 👩🏽\u200d💻", "a family": "👩\u200d👩\u200d👧", "a flag": "🇩🇪 Team", "combining marks": "Z\u0351\u036b\u0343a\u0323l\u0301go",
	"markup": `<b>Bobby</b> "Tables" & 'Sons'; --`, "a formula": "=1+1", "very long": strings.Repeat("ä", 100),
}

var badNames = map[string]string{
	"a control character": "a\x00b", "an escape": "a\x1b[31mb", "a new line": "a\nb", "a line separator": "a\u2028b", "a bidi override": "pay\u202eroll", "a bidi isolate": "a\u2066b\u2069",
	"a bidi mark": "a\u200fb", "a zero-width space": "a\u200bb", "a byte order mark": "a\ufeffb", "a soft hyphen": "a\u00adb", "nothing but a filler": "\u3164", "a joiner in Latin": "Al\u200dice",
	"private use": "a\ue000b", "nothing but spaces": "   ", "too long": strings.Repeat("ä", 129), "a tag": "a\U000e0041b",
}

// joiners are left out by the command line: terminals do not know them.
var joiners = strings.NewReplacer("\u200c", "", "\u200d", "")

func TestNamesAreOfAnyScript(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		// Each door takes a name, and gives it as it shows it.
		doors := map[string]func(name string) (Answer, string){
			"a member": func(name string) (Answer, string) {
				h := "nn-" + random(5)
				a := w.Owner.do(t, "POST", "/org/members", obj{"email": h + "@example.com", "handle": h, "name": name, "role": "operator"})
				shown := ""
				if a.Status == 201 {
					for _, m := range list[struct{ Handle, Name string }](t, w.Owner.Client, "/org/members") {
						if m.Handle == h {
							shown = m.Name
						}
					}
				}
				return a, shown
			},
			"an organization": func(name string) (Answer, string) {
				a := w.Owner.do(t, "PATCH", "/org/settings", obj{"name": name})
				return a, get[struct{ Name string }](t, w.Owner.Client, "GET", "/org", nil).Name
			},
			"a factor": func(name string) (Answer, string) {
				a := p.do(t, "PATCH", "/mfa/factors/"+p.Factor, obj{"name": name})
				return a, get[Page[struct{ Name string }]](t, p.Client, "GET", "/mfa/factors", nil).Items[0].Name
			},
			"a token": func(name string) (Answer, string) {
				a := p.do(t, "POST", "/tokens", obj{"name": name, "scopes": []string{"safes:read"}, "expires_in_days": 1})
				var made struct{ ID, Name, Token string }
				a.into(t, &made)
				if made.ID != "" {
					secrets.add("API token", made.Token)
					p.must(t, "DELETE", "/tokens/"+made.ID, nil)
				}
				return a, made.Name
			},
			"an identity provider": func(name string) (Answer, string) {
				a := w.Owner.do(t, "POST", "/org/sso/providers", obj{"protocol": "oidc", "name": name, "enabled": false, "trust_mfa": false, "provision": false, "issuer": "https://id.example.com", "client_id": "x"})
				var made struct{ ID, Name string }
				a.into(t, &made)
				if made.ID != "" {
					w.Owner.must(t, "DELETE", "/org/sso/providers/"+made.ID, nil)
				}
				return a, made.Name
			},
		}
		for door, put := range doors {
			for script, name := range goodNames {
				if a, shown := put(name); a.Status >= 300 || norm.NFC.String(shown) != norm.NFC.String(name) {
					t.Errorf("%s, %s: %q: %d, shown as %q: %s", door, script, name, a.Status, shown, a.Body)
				}
			}
			for what, name := range badNames {
				var p Problem
				a, shown := put(name)
				if a.into(t, &p); a.Status != 422 || p.Code != "INVALID" || !oneLine(p.Detail) || shown == name {
					t.Errorf("%s, %s: %q: %d %s", door, what, name, a.Status, a.Body)
				}
			}
		}

		// A name travels on: into messages, into the ledger's sentences, and to the terminal.
		c := w.directory()
		for script, name := range goodNames {
			w.Owner.must(t, "PATCH", "/org/settings", obj{"name": name})
			h := "mm-" + random(5)
			w.Owner.must(t, "POST", "/org/invitations", obj{"email": h + "@example.com", "role": "operator"})
			l := s.letter(t, h+"@example.com", notify.InvitationKind, 1)
			if flat := func(s string) string { return strings.Join(strings.Fields(s), " ") }; !strings.Contains(flat(l.Text), flat(norm.NFC.String(name))) || !oneLine(l.Subject) {
				t.Errorf("%s: the message %q says %q", script, l.Subject, l.Text)
			}
			u := get[scimUser](t, c, "POST", "/Users", obj{"userName": h + "@scim.example.com", "displayName": name, "active": true})
			if u.DisplayName != name {
				t.Errorf("%s: a directory is told %q", script, u.DisplayName)
			}
			if got := get[scimListed](t, c, "GET", "/Users?filter="+url.QueryEscape(fmt.Sprintf(`userName eq "%s"`, h+"@scim.example.com")), nil); got.Total != 1 || got.Resources[0].DisplayName != name {
				t.Errorf("%s: a directory finds %+v", script, got)
			}
		}
		_, token := w.Owner.token(t, "members:read")
		r := s.cli(t, token, "members", "list")
		for script, name := range goodNames {
			if r.Code != 0 || !strings.Contains(r.Stdout, joiners.Replace(norm.NFC.String(name))) && len(name) < 100 {
				t.Errorf("%s: the command line does not show %q: %s", script, name, r)
			}
		}
		if strings.ContainsAny(r.Stdout, "\x1b\x07") {
			t.Errorf("the command line shows control characters: %q", r.Stdout)
		}
	})
}

// What a directory or a provider tells of a name is no reason to keep somebody out:
// a name that cannot be shown is left away, and steers nothing.
func TestNamesOfDirectoriesSteerNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		c := w.directory()
		for what, name := range badNames {
			h := "dd-" + random(5) + "@example.com"
			a := c.do(t, "POST", "/Users", obj{"userName": h, "displayName": name, "name": obj{"givenName": name, "familyName": name}, "active": true})
			if a.Status != 201 && a.Status != 400 {
				t.Errorf("%s: %d %s", what, a.Status, a.Body)
			}
		}
		for _, m := range list[struct{ Handle, Name string }](t, w.Owner.Client, "/org/members") {
			for what, name := range badNames {
				if m.Name == name || strings.ContainsAny(m.Name, "\x00\x1b\n\u2028\u202e\u2066\u200f\u200b\ufeff\u00ad\u3164") {
					t.Errorf("%s: a member is shown as %q", what, m.Name)
				}
			}
		}
		_, token := w.Owner.token(t, "members:read")
		if r := s.cli(t, token, "members", "list"); r.Code != 0 || strings.ContainsAny(r.Stdout, "\x1b\x07\u202e\u2066") {
			t.Errorf("%s", r)
		}
	})
}
