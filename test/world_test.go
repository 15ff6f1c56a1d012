package test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// Person is somebody with everything that they sign in with.
type Person struct {
	*Client // signed in, from the person's own address
	s       *Server

	ID, Email, Handle, Password string
	Source                      string // address that they come from
	Factor, TOTP                string // the id and the secret of the authenticator
	Codes                       []string
	KeyFile                     string // private key; its public part is registered

	mu   *sync.Mutex
	step int64 // of the last code that was taken
}

// newPerson invents somebody who is not known to the server yet.
func (s *Server) newPerson(role string) *Person {
	handle := role[:min(len(role), 8)] + "-" + random(5)
	return &Person{s: s, Email: handle + "@example.com", Handle: handle, Password: newSecret("password"), Source: newSource(), mu: &sync.Mutex{}}
}

type signedIn struct {
	AccessToken string `json:"access_token"`
	MFA         *struct {
		ChallengeID string   `json:"challenge_id"`
		Methods     []string `json:"methods"`
	}
	Enrolment bool `json:"enrolment_required"`
}

// login sends the password.
func (p *Person) login(t testing.TB) (in signedIn) {
	t.Helper()
	in = get[signedIn](t, p.nobody(t), "POST", "/auth/login", obj{"email": p.Email, "password": p.Password})
	secrets.add("access token", in.AccessToken)
	if in.MFA != nil {
		secrets.add("challenge handle", in.MFA.ChallengeID)
	}
	return in
}

// nobody is the person's address without a credential.
func (p *Person) nobody(t testing.TB) *Client {
	t.Helper()
	return newClient(p.s.URL, p.Source, p.s.authorities(t))
}

// enrol signs in for the first time: a second factor, an SSH key.
func (p *Person) enrol(t testing.TB) *Person {
	t.Helper()
	in := p.login(t)
	if !in.Enrolment {
		t.Fatalf("the first sign-in of %s is not for enrolment: %+v", p.Handle, in)
	}
	p.Client = p.nobody(t).with(in.AccessToken)
	p.addTOTP(t)
	var me struct{ User struct{ ID string } }
	p.must(t, "GET", "/auth/me", nil).into(t, &me)
	p.ID = me.User.ID
	p.addKey(t)
	return p
}

// addTOTP enrols an authenticator app.
func (p *Person) addTOTP(t testing.TB) {
	t.Helper()
	begun := get[struct {
		FactorID string `json:"factor_id"`
		Secret   string
		URI      string `json:"otpauth_uri"`
	}](t, p.Client, "POST", "/mfa/totp", nil)
	secrets.add("TOTP secret", begun.Secret)
	p.Factor, p.TOTP, p.step = begun.FactorID, begun.Secret, 0
	codes := get[struct {
		Codes []string `json:"backup_codes"`
	}](t, p.Client, "POST", "/mfa/totp/"+p.Factor+"/confirm", obj{"code": p.code(t)})
	secrets.add("backup code", codes.Codes...)
	p.Codes = append(p.Codes, codes.Codes...)
}

// addKey registers a new SSH key.
func (p *Person) addKey(t testing.TB) {
	t.Helper()
	var public string
	p.KeyFile, public = newKeyFile(t, p.s.dir(), p.Handle)
	p.must(t, "POST", "/ssh-keys", obj{"name": "Test", "public_key": public})
}

// dir is the folder beside the data folder, for what tests need.
func (s *Server) dir() string { return filepath.Dir(s.Dir) }

// newKeyFile writes a new private key and gives its path and the public line.
func newKeyFile(t testing.TB, dir, name string) (path, public string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, name+"-"+random(3))
	text := pem.EncodeToMemory(block)
	secrets.add("private key", string(text))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return path, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

const totpStep = 30 // seconds

// code is a one-time code that has not been used: the oldest that still counts. A
// person has three at a time, and a new one every thirty seconds; who has used all
// of them does not wait, the server is made to forget that it has seen them.
func (p *Person) code(t testing.TB) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now().Unix()
	oldest := (now - totpStep + 10) / totpStep // ten seconds of margin until it is over
	if p.step = max(p.step+1, oldest); p.step > now/totpStep+1 {
		p.s.outside(t, `update mfa_factor set last_step = 0 where kind = 'totp' and person_id = (select id from person where handle = $1)`, p.Handle)
		p.step = oldest
	}
	return totp(t, p.TOTP, p.step)
}

// totp is RFC 6238 with SHA-1 and six digits.
func totp(t testing.TB, secret string, step int64) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha1.New, key)
	binary.Write(h, binary.BigEndian, step)
	sum := h.Sum(nil)
	from := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[from:])&0x7fffffff%1_000_000)
}

// signIn signs in once more, with password and code.
func (p *Person) signIn(t testing.TB) *Client {
	t.Helper()
	in := p.login(t)
	if in.MFA == nil {
		t.Fatalf("no second factor was asked of %s", p.Handle)
	}
	c := p.nobody(t)
	done := get[signedIn](t, c, "POST", "/auth/mfa", obj{"challenge_id": in.MFA.ChallengeID, "method": "totp", "code": p.code(t)})
	secrets.add("access token", done.AccessToken)
	return c.with(done.AccessToken)
}

// token issues an API token of the person.
func (p *Person) token(t testing.TB, scopes ...string) (id string, c *Client) {
	t.Helper()
	made := get[struct{ ID, Token string }](t, p.Client, "POST", "/tokens", obj{"name": "test " + random(3), "scopes": scopes, "expires_in_days": 1})
	secrets.add("API token", made.Token)
	return made.ID, p.with(made.Token)
}

// issues makes a service account and a token for it.
func (p *Person) issues(t testing.TB, name, role string, scopes ...string) *Person {
	t.Helper()
	robot := get[struct{ ID, Handle string }](t, p.Client, "POST", "/service-accounts", obj{"name": name, "role": role})
	made := get[struct{ Token string }](t, p.Client, "POST", "/tokens", obj{"name": name, "scopes": scopes, "expires_in_days": 1, "service_account_id": robot.ID})
	secrets.add("API token", made.Token)
	return &Person{Client: p.with(made.Token), ID: robot.ID, Handle: robot.Handle}
}

// World is an organization that one test has to itself.
type World struct {
	t     testing.TB
	s     *Server
	Org   string
	Slug  string
	Owner *Person
	gone  bool // it was deleted, and its ledger is closed
	mu    sync.Mutex
	named map[string]*Person
}

// newWorld makes an organization and its owner. When the test ends its ledger is checked.
func newWorld(t testing.TB, s *Server) *World {
	t.Helper()
	w := &World{t: t, s: s, Slug: "t-" + random(6), Owner: s.newPerson("owner"), named: map[string]*Person{}}
	made := get[struct{ ID string }](t, s.Root.Client, "POST", "/platform/organizations", obj{"slug": w.Slug, "name": "Test " + w.Slug,
		"owner": obj{"email": w.Owner.Email, "handle": w.Owner.Handle, "name": "Olivia", "password": w.Owner.Password}})
	w.Org = made.ID
	w.Owner.enrol(t)
	t.Cleanup(func() { w.close(t) })
	return w
}

// person is the member of a role, made when first asked for.
func (w *World) person(role string) *Person {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.named[role] == nil {
		w.named[role] = w.add(role)
	}
	return w.named[role]
}

// add makes one more member.
func (w *World) add(role string) *Person {
	w.t.Helper()
	p := w.s.newPerson(role)
	w.Owner.must(w.t, "POST", "/org/members", obj{"email": p.Email, "handle": p.Handle, "name": "Some " + role, "password": p.Password, "role": role})
	return p.enrol(w.t)
}

// Safe is a safe that leads somewhere.
type Safe struct {
	ID, Name, Resource, Account string
}

// safe makes a safe that leads to target, with a policy (nil: the default) and members.
func (w *World) safe(to Target, policy obj, members ...*Person) *Safe {
	w.t.Helper()
	t, own := w.t, w.Owner.Client
	name := "s-" + random(4)
	v := &Safe{Name: name, Resource: w.resource(to)}
	v.Account = get[struct{ ID string }](t, own, "POST", "/accounts", to.account(name, v.Resource)).ID
	body := obj{"name": name, "resource_id": v.Resource, "account_id": v.Account}
	if policy != nil {
		body["policy"] = policy
	}
	v.ID = get[struct{ ID string }](t, own, "POST", "/safes", body).ID
	for _, p := range members {
		w.join(v, p, "user")
	}
	return v
}

// resource makes a resource that leads to a target, and confirms its host key.
func (w *World) resource(to Target) string {
	w.t.Helper()
	host, port := to.addr()
	r := get[struct{ ID string }](w.t, w.Owner.Client, "POST", "/resources", obj{"name": "r-" + random(4), "protocol": "ssh", "host": host, "port": port}).ID
	seen := get[struct{ Fingerprint string }](w.t, w.Owner.Client, "POST", "/resources/"+r+"/host-key/scan", nil)
	w.Owner.must(w.t, "POST", "/resources/"+r+"/host-key", obj{"fingerprint": seen.Fingerprint})
	return r
}

// join makes p a member of a safe.
func (w *World) join(v *Safe, p *Person, role string) {
	w.t.Helper()
	w.Owner.must(w.t, "POST", "/safes/"+v.ID+"/members", obj{"user_id": p.ID, "role": role})
}
