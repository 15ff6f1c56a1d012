package phone_test

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/phone"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// carrier is a provider that keeps what it was given.
type carrier struct {
	mu   sync.Mutex
	to   []string
	text []string
	err  error
}

func (*carrier) Name() string                  { return "test" }
func (c *carrier) Check(context.Context) error { return c.err }

func (c *carrier) Send(_ context.Context, to phone.Number, text string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return "", c.err
	}
	c.to, c.text = append(c.to, to.E164()), append(c.text, text)
	return fmt.Sprintf("m-%d", len(c.to)), nil
}

var codes = regexp.MustCompile(`^\d{6}\b`)

// code is the code of the newest message.
func (c *carrier) code(t testing.TB) secret.Secret {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.text) == 0 {
		t.Fatal("no message was sent")
	}
	return secret.FromString(codes.FindString(c.text[len(c.text)-1]))
}

// wrongCode is another code than the newest.
func (c *carrier) wrongCode(t testing.TB) secret.Secret {
	t.Helper()
	b := []byte(c.code(t).RevealString())
	b[0] = '0' + (b[0]-'0'+1)%10
	return secret.New(b)
}

type world struct {
	*World
	phone   *phone.Service
	carrier *carrier
	owner   Someone
	person  Someone
}

func newWorld(t *testing.T, d *db.DB, change ...func(*phone.Deps)) *world {
	t.Helper()
	w := &world{World: New(t, d, identity.Limits{}).Setup(t), carrier: &carrier{}}
	_, w.owner = w.Org(t, "acme")
	w.person = w.Member(t, w.owner, "oscar", authz.Operator)
	w.owner = w.Again(t, w.owner, "acme")
	w.person = w.Again(t, w.person, "acme")
	w.phone = w.service(t, change...)
	w.Take(t)
	return w
}

func (w *world) service(t *testing.T, change ...func(*phone.Deps)) *phone.Service {
	t.Helper()
	deps := phone.Deps{DB: w.DB, Ledger: w.Ledger, Folder: w.Ledger.NewFolder(ledger.FoldWindow), Seal: w.Keyring, Members: tenancy.Directory{},
		Provider: w.carrier, Version: "1.0", Now: w.Clock.Now}
	for _, f := range change {
		f(&deps)
	}
	s, err := phone.New(deps)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// each runs f on a world on each store.
func each(t *testing.T, f func(t *testing.T, w *world), change ...func(*phone.Deps)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		f(t, newWorld(t, d, change...))
	})
}

// request asks for a number that has to be taken.
func (w *world) request(t *testing.T, p Someone, number string) phone.Record {
	t.Helper()
	r, err := w.phone.Request(t.Context(), p.Actor, p.ID, number)
	if err != nil {
		t.Fatal(err)
	}
	if r.Change == nil {
		t.Fatal("nothing is pending")
	}
	return r
}

// set gives a person a number.
func (w *world) set(t *testing.T, p Someone, number string) phone.Record {
	t.Helper()
	r := w.request(t, p, number)
	r, err := w.phone.Confirm(t.Context(), p.Actor, r.Change.ID, r.Version, w.carrier.code(t))
	if err != nil {
		t.Fatal(err)
	}
	w.Take(t)
	return r
}

func (w *world) get(t *testing.T, p Someone) phone.Record {
	t.Helper()
	r, err := w.phone.Get(t.Context(), p.Actor, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func failed(t *testing.T, what string, err error, code string) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// Mobile numbers that may exist.
const (
	german  = "+49 151 23456789"
	german2 = "+4915123456780"
	british = "+44 7400 123456"
	french  = "+33612345678"
)

// registered is the verification of a number that somebody proved while registering.
func (w *world) registered(t *testing.T, number string) id.PhoneVerification {
	t.Helper()
	from := authz.Actor{Kind: authz.Nobody, Source: From.Source, Via: From.Via, Request: "req_1"}
	r, err := w.phone.Register(t.Context(), from, "", number)
	if err == nil {
		err = w.phone.ConfirmRegistration(t.Context(), from, r.ID, w.carrier.code(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	w.Take(t)
	return r.ID
}

// carryOver gives a person the number of a registration, and expects events.
func (w *world) carryOver(t *testing.T, v id.PhoneVerification, to Someone, events ...string) {
	t.Helper()
	carry, err := w.phone.CarryOver(t.Context(), to.Org(), v)
	if err == nil {
		err = w.DB.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error { return carry(ctx, tx, to.ID, "req_2") })
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range w.Expect(t, events...) {
		if e.OrgID != to.Org() || e.Actor.Type != "System" || e.RequestID != "req_2" || Meta(e, "subject_user_id") != string(to.ID) {
			t.Errorf("%+v", e)
		}
	}
}
