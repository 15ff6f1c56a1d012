// Package identitytest makes people, organizations and actors for tests, through
// the product's own services and on a real ledger.
package identitytest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/notify/notifytest"
	"github.com/vaultpam/vaultpam/internal/platform"
	"github.com/vaultpam/vaultpam/internal/recovery"
	"github.com/vaultpam/vaultpam/internal/seal"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// Clock is a time that tests move. It stands still otherwise.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now is the present time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Pass moves the clock forward.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// World is an installation with a platform administrator.
type World struct {
	DB       *db.DB
	Clock    *Clock
	Keyring  *seal.Keyring
	Ledger   *ledger.Ledger
	MFA      *mfa.Service
	Identity *identity.Service
	SSH      *identity.SSHAuthenticator
	Tenancy  *tenancy.Service
	Platform *platform.Service
	Mail     *notifytest.Box // every message falls into it
	Recovery *recovery.Service
	Admin    Someone // the platform administrator

	LiveSessions int // that everybody has, until an administrator ends them

	seen map[string]bool // events that Take has given
}

// EndOf ends the live sessions that this world pretends to have.
func (w *World) EndOf(context.Context, authz.Actor, id.User, id.WebSession, string) (int, error) {
	n := w.LiveSessions
	w.LiveSessions = 0
	return n, nil
}

// Someone is a person with all that they need to sign in.
type Someone struct {
	identity.Profile
	Password string
	TOTP     string // base32 secret
	Codes    []secret.Secret
	Actor    authz.Actor // a full web session, proved at the time it was made
	Session  secret.Secret
}

// From is where tests come from.
var From = identity.Origin{Source: authz.Source{IP: netip.MustParseAddr("192.0.2.10"), UserAgent: "test"}, Via: authz.ViaAPI}

// Cheap is a password hash that costs nothing.
var Cheap = argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// New builds the services on d. limits may be zero.
func New(t testing.TB, d *db.DB, limits identity.Limits) *World {
	t.Helper()
	w := &World{DB: d, Clock: &Clock{at: time.Date(2026, 3, 2, 9, 0, 10, 0, time.UTC)}, seen: map[string]bool{}}
	root, err := seal.LoadRoot(filepath.Join(t.TempDir(), "keys", "root.key"))
	check(t, err)
	w.Keyring, err = seal.New(seal.Deps{DB: d, Root: root, Now: w.Clock.Now})
	check(t, err)
	w.Ledger, err = ledger.New(ledger.Deps{DB: d, Sealer: w.Keyring, Host: "vaultpam.test", Now: w.Clock.Now})
	check(t, err)
	w.MFA, err = mfa.New(mfa.Deps{DB: d, Seal: w.Keyring, Ledger: w.Ledger, Party: mfa.PartyOf("https://vaultpam.test"), Now: w.Clock.Now})
	check(t, err)
	w.Mail = notifytest.New(t, d, w.Keyring, w.Clock.Now)
	w.Identity, err = identity.New(identity.Deps{
		DB: d, Ledger: w.Ledger, Seal: w.Keyring, MFA: w.MFA, Members: tenancy.Directory{}, Operators: platform.Directory{}, Live: w, Mail: w.Mail,
		Recoveries: recovery.Closer{DB: d, Ledger: w.Ledger, Mail: w.Mail, Members: tenancy.Directory{}, Now: w.Clock.Now},
		Limits:     limits, Cost: Cheap, Now: w.Clock.Now,
	})
	check(t, err)
	w.Recovery, err = recovery.New(recovery.Deps{DB: d, Ledger: w.Ledger, People: w.Identity, Mail: w.Mail, Now: w.Clock.Now})
	check(t, err)
	w.SSH = identity.NewSSHAuthenticator(w.Identity)
	w.Tenancy, err = tenancy.New(tenancy.Deps{DB: d, Ledger: w.Ledger, People: w.Identity, Seal: w.Keyring, OnLeave: []tenancy.Leaver{w.Identity}, Now: w.Clock.Now})
	check(t, err)
	w.Platform, err = platform.New(platform.Deps{DB: d, Ledger: w.Ledger, Folder: w.Ledger.NewFolder(ledger.FoldWindow), People: w.Identity,
		Factors: w.MFA, Mail: w.Mail, Now: w.Clock.Now})
	check(t, err)
	return w
}

// Rebuild is the identity service on the same data with another ledger.
func (w *World) Rebuild(t testing.TB, l identity.Ledger) *identity.Service {
	t.Helper()
	m, err := mfa.New(mfa.Deps{DB: w.DB, Seal: w.Keyring, Ledger: l, Now: w.Clock.Now})
	check(t, err)
	s, err := identity.New(identity.Deps{
		DB: w.DB, Ledger: l, Seal: w.Keyring, MFA: m, Members: tenancy.Directory{}, Operators: platform.Directory{}, Live: w, Cost: Cheap, Now: w.Clock.Now,
	})
	check(t, err)
	return s
}

// Setup makes the platform administrator.
func (w *World) Setup(t testing.TB) *World {
	t.Helper()
	link, needed, err := w.Platform.SetupLink(t.Context())
	check(t, err)
	if !needed {
		t.Fatal("a fresh installation needs no administrator")
	}
	person := w.newPerson("root")
	p, err := w.Platform.Setup(t.Context(), platform.SetupArgs{Token: link.Token, Person: person, From: From})
	check(t, err)
	w.Admin = w.complete(t, p, person.Password.RevealString(), "")
	return w
}

func (w *World) newPerson(handle string) identity.NewPerson {
	return identity.NewPerson{Email: handle + "@example.com", Handle: handle, Name: strings.ToUpper(handle), Password: secret.FromString("a long enough passphrase of " + rand.Text())}
}

// Org makes an organization with its owner, named after it.
func (w *World) Org(t testing.TB, slug string) (tenancy.Organization, Someone) {
	t.Helper()
	person := w.newPerson("owner-" + slug)
	org, owner, err := w.Tenancy.Create(t.Context(), w.Admin.Actor, tenancy.CreateArgs{Slug: slug, Name: "Org " + slug, Owner: person})
	check(t, err)
	return org, w.complete(t, owner.Profile, person.Password.RevealString(), slug)
}

// Member adds somebody to the owner's organization, with a second factor.
func (w *World) Member(t testing.TB, owner Someone, handle string, role authz.Role) Someone {
	t.Helper()
	s := w.Factorless(t, owner, handle, role)
	return w.complete(t, s.Profile, s.Password, string(owner.Actor.Org))
}

// Factorless adds somebody who has a password only.
func (w *World) Factorless(t testing.TB, owner Someone, handle string, role authz.Role) Someone {
	t.Helper()
	person := w.newPerson(handle)
	m, err := w.Tenancy.AddMember(t.Context(), owner.Actor, tenancy.AddMemberArgs{Person: person, Role: role})
	check(t, err)
	return Someone{Profile: m.Profile, Password: person.Password.RevealString()}
}

func (w *World) complete(t testing.TB, p identity.Profile, password, org string) Someone {
	t.Helper()
	b, err := w.Identity.Bootstrap(t.Context(), identity.BootstrapArgs{Login: p.Handle, Password: secret.FromString(password), From: From})
	check(t, err)
	s := Someone{Profile: p, Password: password, TOTP: b.TOTP.Secret.RevealString(), Codes: b.BackupCodes}
	return w.Again(t, s, org)
}

// Again signs a person in, with a code that was not used yet.
func (w *World) Again(t testing.TB, s Someone, org string) Someone {
	t.Helper()
	in, err := w.Identity.SignIn(t.Context(), identity.SignInArgs{Email: s.Email, Password: secret.FromString(s.Password), From: From})
	check(t, err)
	if in.Challenge == nil {
		t.Fatalf("%s is not asked for a second factor", s.Handle)
	}
	session, err := w.Identity.CompleteMFA(t.Context(), identity.CompleteMFAArgs{Challenge: in.Challenge.Handle, Method: mfa.TOTP, Code: w.Code(t, s), From: From})
	check(t, err)
	s.Session = session.Token
	s.Actor, err = w.Identity.ByBearer(t.Context(), session.Token, org, From)
	check(t, err)
	return s
}

// Code is a fresh TOTP code of the person: the clock moves on by one step.
func (w *World) Code(t testing.TB, s Someone) secret.Secret {
	t.Helper()
	w.Clock.Pass(30 * time.Second)
	return w.CodeNow(t, s)
}

// CodeNow is the code of this moment, which may be used already.
func (w *World) CodeNow(t testing.TB, s Someone) secret.Secret {
	t.Helper()
	code, err := mfa.Code(s.TOTP, w.Clock.Now())
	check(t, err)
	return secret.FromString(code)
}

// Take gives the events recorded since the last call, of all ledgers, in order.
func (w *World) Take(t testing.TB) []event.Envelope {
	t.Helper()
	rows, err := w.DB.Raw().QueryContext(context.Background(), `select payload from audit_event /* platform-wide: a test looks at everything */`)
	check(t, err)
	defer rows.Close()
	var out []event.Envelope
	for rows.Next() {
		var payload []byte
		check(t, rows.Scan(&payload))
		e, err := event.Decode(payload)
		check(t, err)
		if !w.seen[string(e.ID)] {
			w.seen[string(e.ID)] = true
			out = append(out, e)
		}
	}
	check(t, rows.Err())
	slices.SortFunc(out, func(a, b event.Envelope) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

// Names are events in short: CONSTANT, or CONSTANT reason.
func Names(events []event.Envelope) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = string(e.Constant)
		if e.Reason != "" {
			out[i] += " " + e.Reason
		}
	}
	return out
}

// Expect takes the new events and fails unless they are those named, in order.
func (w *World) Expect(t testing.TB, names ...string) []event.Envelope {
	t.Helper()
	got := w.Take(t)
	if !slices.Equal(Names(got), names) {
		t.Fatalf("events:\n  %s\nwant:\n  %s", strings.Join(Names(got), "\n  "), strings.Join(names, "\n  "))
	}
	return got
}

// Key is an SSH key pair: a signer and its line of a .pub file.
func Key(t testing.TB) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	signer, err := ssh.NewSignerFromSigner(private)
	check(t, err)
	return signer, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) + " test@laptop"
}

// Org is the id of somebody's active organization.
func (s Someone) Org() id.Org { return s.Actor.Org }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(fmt.Errorf("%w", err))
	}
}

// Meta is a metadata field of an event as text.
func Meta(e event.Envelope, name string) string { return fmt.Sprint(e.Metadata[name]) }
