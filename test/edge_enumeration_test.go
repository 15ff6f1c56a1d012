package test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/notify"
)

// Nobody learns who has an account: not from an answer, not from a message, not
// from how long it takes.

// kind is somebody who is asked about, and what they are to the server.
type kind struct {
	what  string
	email string
}

// kinds are people in every standing, and the password that all of those who have one have not.
func (w *World) kinds(t *testing.T) []kind {
	t.Helper()
	own := w.Owner
	member := func(what string) *Person {
		p := w.s.newPerson(what)
		own.must(t, "POST", "/org/members", obj{"email": p.Email, "handle": p.Handle, "name": "K", "password": p.Password, "role": "operator"})
		return p
	}
	get[obj](t, own.Client, "POST", "/service-accounts", obj{"name": "robot", "role": "operator"})
	locked, removed, suspended, bare := member("locked"), member("removed"), member("susp"), w.s.newPerson("bare")
	for range 10 { // wrong passwords; the next is answered as a locked account is
		locked.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/login", obj{"email": locked.Email, "password": newSecret("wrong-password")})
	}
	id := func(p *Person) string {
		for _, m := range list[struct {
			ID    string `json:"user_id"`
			Email string
		}](t, own.Client, "/org/members") {
			if m.Email == p.Email {
				return m.ID
			}
		}
		t.Fatalf("%s is no member", p.Handle)
		return ""
	}
	own.must(t, "DELETE", "/org/members/"+id(removed), nil)
	own.must(t, "POST", "/org/members/"+id(suspended)+"/suspend", nil)
	own.must(t, "POST", "/org/members", obj{"email": bare.Email, "handle": bare.Handle, "name": "K", "role": "operator"}) // without a password
	return []kind{
		{"nobody", w.s.newPerson("nobody").Email}, {"a member", member("known").Email}, {"a locked member", locked.Email}, {"somebody who was removed", removed.Email},
		{"a suspended member", suspended.Email}, {"somebody without a password", bare.Email}, {"a service account", "robot@" + strings.ReplaceAll(w.Org, "_", "-") + ".service.invalid"},
		{"no address", "not an address@"},
	}
}

// plainAnswer is an answer without what differs between any two.
func plainAnswer(a Answer) string {
	return fmt.Sprint(a.Status, strings.Replace(string(a.Body), a.Header.Get("X-Request-Id"), "", 1))
}

func TestNobodyLearnsWhoIsKnown(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		people := w.kinds(t)
		asks := map[string]func(c *Client, email string) Answer{
			"a wrong password": func(c *Client, email string) Answer {
				return c.do(t, "POST", "/auth/login", obj{"email": email, "password": newSecret("wrong-password")})
			},
			"no password": func(c *Client, email string) Answer {
				return c.do(t, "POST", "/auth/login", obj{"email": email, "password": ""})
			},
			"where to sign in": func(c *Client, email string) Answer { return c.do(t, "POST", "/auth/sso/choices", obj{"email": email}) },
			"a forgotten password": func(c *Client, email string) Answer {
				return c.do(t, "POST", "/auth/password-reset", obj{"email": email})
			},
			"single sign-on": func(c *Client, email string) Answer { return c.do(t, "POST", "/auth/sso/start", obj{"email": email}) },
		}
		for what, ask := range asks {
			first := ""
			for i, k := range people {
				if k.what == "no address" && !strings.Contains(what, "password") {
					continue
				}
				said := plainAnswer(ask(s.stranger(t), k.email))
				if i == 0 {
					first = said
				} else if said != first {
					t.Errorf("%s: %s is answered %s, and nobody %s", what, k.what, said, first)
				}
			}
		}

		// A registration is answered alike, and each address gets one message of one kind:
		// who has an account is told to the mailbox alone.
		for i, k := range people {
			if k.what == "no address" || k.what == "a service account" {
				continue
			}
			a := s.stranger(t).do(t, "POST", "/signup", obj{"email": k.email})
			if a.Status != 202 || i > 0 && plainAnswer(a) != plainAnswer(s.stranger(t).do(t, "POST", "/signup", obj{"email": s.newPerson("nobody").Email})) {
				t.Errorf("a registration of %s is answered %d %s", k.what, a.Status, a.Body)
			}
			s.link(t, k.email, "signup_link", 1)
			if n := len(s.letters(t, k.email)); n != 1 && k.what == "nobody" {
				t.Errorf("%s got %d messages", k.what, n)
			}
		}

		// A forgotten password, asked for above: whoever has an account gets one message, and nobody
		// else any. That is told to the mailbox alone.
		for _, k := range people {
			if k.what == "a service account" || k.what == "no address" {
				continue
			}
			want := map[string]int{"a member": 1, "a locked member": 1, "somebody who was removed": 1, "a suspended member": 1, "somebody without a password": 1}[k.what]
			links := func() (n int) {
				for _, l := range s.letters(t, k.email) {
					if l.Kind == notify.PasswordResetKind {
						n++
					}
				}
				return n
			}
			if err := await(patience, func() bool { return links() >= want }); err != nil || links() != want {
				t.Errorf("%s got %d links for a new password, want %d", k.what, links(), want)
			}
		}

		// With a right password nothing more is told before the second factor.
		oscar := w.person("operator")
		a := oscar.nobody(t).must(t, "POST", "/auth/login", obj{"email": oscar.Email, "password": oscar.Password})
		for _, never := range []string{oscar.Handle, w.Slug, w.Org, oscar.ID} {
			if strings.Contains(string(a.Body), never) {
				t.Errorf("a password alone tells %s", a.Body)
			}
		}
		var in signedIn
		a.into(t, &in)
		secrets.add("challenge handle", in.MFA.ChallengeID)

		// The gateway refuses a key that nobody has alike, whoever is named.
		oscar.KeyFile, _ = newKeyFile(t, s.dir(), "unregistered")
		told := ""
		for _, login := range []string{"nobody-" + random(3), oscar.Handle, oscar.Email, people[3].email, people[4].email} {
			r := tool(t, "", nil, "ssh", append(flags(oscar.sshOptions(t)), "-l", login, gatewayHost, "true")...)
			said := strings.ReplaceAll(r.Stderr, login, "")
			if told == "" {
				told = said
			}
			if r.Code != 255 || said != told {
				t.Errorf("ssh as %s is told %q, as nobody %q", login, said, told)
			}
		}

		// In a list of another organization's people nobody is found, whatever is looked for.
		other := newWorld(t, s)
		for _, path := range []string{"/org/members?search=" + url.QueryEscape(oscar.Email), "/org/members?search=" + oscar.Handle} {
			if a := other.Owner.do(t, "GET", path, nil); a.Status == 200 && strings.Contains(string(a.Body), oscar.Handle) {
				t.Errorf("another organization finds %s", a.Body)
			}
		}
	})
}

// The time that a refusal takes says nothing either. It is measured in turns, one of
// each kind after the other, so that whatever else the machine does falls on all
// alike. Two things must both hold for it to be a leak: nearly every try of one kind
// took longer than nearly every one of the other, and the median differs by half. To
// leave the hash out for those who are not known would make both true at once.
func TestRefusalsTakeAlike(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	people := w.kinds(t)
	const tries = 9
	for what, ask := range map[string]func(c *Client, email string){
		"a refusal": func(c *Client, email string) {
			c.refused(t, 401, "AUTH_FAILED", "POST", "/auth/login", obj{"email": email, "password": "one that nobody has"})
		},
		"a forgotten password": func(c *Client, email string) {
			if a := c.do(t, "POST", "/auth/password-reset", obj{"email": email}); a.Status != 202 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
		},
	} {
		took := make([][]time.Duration, len(people))
		for range tries {
			for _, i := range rand.Perm(len(people)) { // what one question sets going must not fall on the same next one each time
				k, c := people[i], s.stranger(t)
				c.do(t, "GET", "/openapi.json", nil) // the connection is there already
				began := time.Now()
				ask(c, k.email)
				took[i] = append(took[i], time.Since(began))
			}
		}
		for i, k := range people {
			if more, ratio := apart(took[0], took[i]); (more < 0.1 || more > 0.9) && (ratio > 1.5 || ratio < 1/1.5) {
				t.Errorf("%s of %s takes %v in the middle, that of nobody %v (longer in %.0f %% of pairs)", what, k.what, median(took[i]), median(took[0]), 100*more)
			}
		}
		t.Logf("%s: nobody takes %v in the middle", what, median(took[0]))
	}
}

// apart compares two samples: how often one of b is longer than one of a, and how
// the medians are to each other.
func apart(a, b []time.Duration) (more, ratio float64) {
	n := 0
	for _, x := range a {
		for _, y := range b {
			if y > x {
				n++
			}
		}
	}
	return float64(n) / float64(len(a)*len(b)), float64(median(b)) / float64(median(a))
}

func median(all []time.Duration) time.Duration {
	all = slices.Clone(all)
	slices.Sort(all)
	return all[len(all)/2]
}

// The measure itself finds what it is there for, and not what it is not.
func TestTheMeasureOfTimeHolds(t *testing.T) {
	around := func(ms int) (out []time.Duration) {
		for i := range 12 {
			out = append(out, time.Duration(ms+i%5)*time.Millisecond)
		}
		return out
	}
	if more, ratio := apart(around(50), around(3)); more > 0.1 || ratio > 1/1.5 {
		t.Errorf("a hash that is left out is not found: %v %v", more, ratio)
	}
	if more, ratio := apart(around(50), around(51)); (more < 0.1 || more > 0.9) && (ratio > 1.5 || ratio < 1/1.5) {
		t.Errorf("alike is found to be apart: %v %v", more, ratio)
	}
}
