package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Wrong turns at the doors that the tables of the API do not know: the command line
// and the gateway.

// A token that is not good, or not good for this, ends a command with one readable line
// and the exit status of its kind.
func TestWrongTokensByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w, other := newWorld(t, s), newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		token := func(p *Person, scopes ...string) (string, *Client) {
			id, c := p.token(t, scopes...)
			return id, c
		}
		oldID, old := token(oscar, "safes:read")
		s.outside(t, `update api_token set expires_at = $1 where id = $2 /* platform-wide: a test */`, time.Now().Add(-time.Second).UnixMicro(), oldID)
		goneID, gone := token(oscar, "safes:read")
		oscar.must(t, "DELETE", "/tokens/"+goneID, nil)
		session := oscar.signIn(t)
		session.must(t, "POST", "/auth/logout", nil)
		_, narrow := token(oscar, "safes:read")
		_, foreign := token(other.Owner, "*")
		with := func(bearer string) *Client { return oscar.nobody(t).with(bearer) }
		const notIn, notAllowed, notThere = 3, 4, 5
		for what, c := range map[string]struct {
			by   *Client
			args []string
			code int
		}{
			"an expired token":              {old, []string{"safes", "list"}, notIn},
			"a revoked token":               {gone, []string{"safes", "list"}, notIn},
			"a session that has ended":      {session, []string{"safes", "list"}, notIn},
			"a token that nobody has":       {with("vpat_" + strings.Repeat("A", 43)), []string{"safes", "list"}, notIn},
			"what is no token":              {with("nonsense"), []string{"safes", "list"}, notIn},
			"a token without the scope":     {narrow, []string{"members", "list"}, notAllowed},
			"another organization's object": {foreign, []string{"safes", "show", v.ID}, notThere},
			"another organization's person": {foreign, []string{"members", "sign-ins", oscar.Handle}, notThere},
			"another organization":          {foreign, []string{"safes", "list", "--org", w.Slug}, notThere},
		} {
			r := s.cli(t, c.by, c.args...)
			line := strings.TrimSuffix(r.Stderr, "\n")
			if r.Code != c.code || r.Stdout != "" || line == "" || strings.Contains(line, "\n") || len(line) > 300 {
				t.Errorf("%s: want status %d and one line; %s", what, c.code, r)
			}
			for _, never := range []string{c.by.bearer, "goroutine", "{", oscar.Email, v.Name} {
				if strings.Contains(r.Stderr, never) {
					t.Errorf("%s: the line holds %q: %s", what, never, line)
				}
			}
		}
	})
}

// keyboard signs in over SSH by keyboard-interactive and gives what the terminal showed.
func (p *Person) keyboard(t testing.TB, v *Safe, password, code string) Result {
	t.Helper()
	term := p.terminal(t, append(p.sshOptions(t), "NumberOfPasswordPrompts=1"), "PreferredAuthentications=keyboard-interactive", v, "echo came in")
	term.expect("password: ")
	term.say(password)
	term.expect("code: ")
	term.say(code)
	return term.wait()
}

// Whatever is wrong, the gateway asks for the same and refuses alike, and the ledger
// tells what it was.
func TestWrongTurnsByKeyboardOverSSH(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, locked, shut, hasty := w.add("operator"), w.add("operator"), w.add("operator"), w.add("operator")
		v := w.safe(host(t), nil, oscar, locked, shut, hasty)
		closed := newWorld(t, s)
		there := closed.add("operator")
		far := closed.safe(host(t), nil, there)

		used := oscar.Codes[0]
		if a := oscar.answer(t, oscar.login(t), "backup_code", used); a.Status != 200 {
			t.Fatalf("a backup code: %d %s", a.Status, a.Body)
		}
		spent := oscar.code(t)
		if a := oscar.answer(t, oscar.login(t), "totp", spent); a.Status != 200 {
			t.Fatalf("a code: %d %s", a.Status, a.Body)
		}
		for range 10 {
			locked.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/login", obj{"email": locked.Email, "password": newSecret("wrong-password")})
		}
		w.Owner.must(t, "POST", "/org/members/"+shut.ID+"/suspend", nil)
		s.Root.must(t, "POST", "/platform/organizations/"+closed.Org+"/suspend", obj{"comment": "overdue"})

		said := map[string]string{}
		for _, c := range []struct {
			what           string
			p              *Person
			v              *Safe
			password, code string
		}{
			{"a wrong password", hasty, v, newSecret("wrong-password"), hasty.code(t)}, // a further code of oscar's could let the spent one count again
			{"a wrong one-time code", oscar, v, oscar.Password, "000000"},
			{"a one-time code that was used", oscar, v, oscar.Password, spent},
			{"a backup code that was used", oscar, v, oscar.Password, used},
			{"no code", oscar, v, oscar.Password, ""},
			{"a locked account", locked, v, locked.Password, locked.code(t)},
		} {
			r := c.p.keyboard(t, c.v, c.password, c.code)
			if r.Code != 255 || !strings.Contains(r.Stdout, "Permission denied") || strings.Contains(r.Stdout, "came in") {
				t.Errorf("%s: %s", c.what, r)
			}
			text := r.Stdout
			for _, name := range []string{c.p.loginTo(c.v), c.p.Handle} {
				text = strings.ReplaceAll(text, name, "NAME")
			}
			said[text] += c.what + "; "
		}
		if len(said) != 1 {
			t.Errorf("refusals are told apart: %s", fmt.Sprint(said))
		}
		for method, reason := range map[string]string{"totp": "code_replayed", "backup_code": "code_replayed"} {
			w.saw(Want{Constant: "MFA_VERIFICATION_FAILED", Outcome: "failure", Reason: reason, Where: obj{"subject_user_id": oscar.ID, "mfa_method": method}, IP: oscar.Source})
		}
		w.saw(Want{Constant: "AUTH_SIGN_IN_FAILED", Outcome: "failure", Reason: "locked", Where: obj{"subject_user_id": locked.ID}})
		// Who proves both factors and is suspended, or whose organization is, belongs nowhere: they
		// are told what one who was never a member is told.
		for what, c := range map[string]struct {
			p *Person
			v *Safe
		}{"a suspended member": {shut, v}, "a suspended organization": {there, far}} {
			r := c.p.keyboard(t, c.v, c.p.Password, c.p.code(t))
			if r.Code != 255 || !strings.Contains(r.Stdout, "VaultPAM: there is no safe named "+c.v.Name+" that you may use") || strings.Contains(r.Stdout, "came in") {
				t.Errorf("%s: %s", what, r)
			}
		}
		s.Root.must(t, "POST", "/platform/organizations/"+closed.Org+"/resume", nil) // for the end of the test to read its ledger
		if all := list[Session](t, w.Owner.Client, "/sessions"); slices.ContainsFunc(all, func(x Session) bool { return x.ID != "" }) {
			t.Errorf("sessions came about: %+v", all)
		}
		if n := oscar.keyboard(t, v, oscar.Password, oscar.Codes[1]); n.Code != 0 || !strings.Contains(n.Stdout, "came in") {
			t.Errorf("a backup code that was not used: %s", n)
		}
	})
}
