package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/access"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/checkout"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// scene is a safe with somebody who may check out, one who may only launch, and a manager.
type scene struct {
	*safetest.World
	*checkout.Service
	vault       safe.Safe
	anna, bruno authz.Actor // checkout, manager
	granted     []policy.Grant
	broken      error             // of the secret store
	lost        id.Account        // of which the store does not know now
	meanwhile   func(id.Checkout) // happens while a credential is fetched; nil: nothing
	looking     func()            // happens in the transaction that shows it, once that is noted
	ending      func()            // happens in the transaction of a check-in, once that is noted
	decided     func()            // happens in the transaction that opens a lease, once that is decided
	approvals   *access.Service   // whose grants count; nil: those of granted
	accounts    *vault.Service
	policies    *policy.Service
}

func (s *scene) GrantsOf(ctx context.Context, tx *db.Tx, org id.Org, user id.User, sid id.Safe) (out []policy.SafeGrant, _ error) {
	if s.approvals != nil {
		list, err := s.approvals.Usable(ctx, tx, org, user, sid)
		for _, u := range list {
			if u.Checkout {
				out = append(out, policy.SafeGrant{Safe: u.Safe, Grant: policy.Grant{ID: u.ID, Request: u.Request, Until: u.Until, ApprovedBy: u.ApprovedBy, Uses: []policy.Use{policy.ForCheckout}}})
			}
		}
		return out, err
	}
	for _, g := range s.granted {
		if user == s.Operator.User && (sid == s.vault.ID || sid == "") {
			out = append(out, policy.SafeGrant{Safe: s.vault.ID, Grant: g})
		}
	}
	return out, nil
}

func (s *scene) HoldForCheckout(ctx context.Context, tx *db.Tx, user id.User, sid id.Safe, g id.AccessGrant) (bool, error) {
	if s.approvals == nil {
		return true, nil
	}
	return s.approvals.HoldForCheckout(ctx, tx, user, sid, g)
}

func (s *scene) SpentOnCheckout(ctx context.Context, tx *db.Tx, user id.User, sid id.Safe) (bool, error) {
	if s.approvals == nil {
		return false, nil
	}
	return s.approvals.SpentOnCheckout(ctx, tx, user, sid)
}

func (s *scene) OpenedFor(context.Context, *db.Tx, id.Safe) ([]id.User, error) { return nil, nil }

// reveal lets the secret store fail.
func (s *scene) reveal(ctx context.Context, actor authz.Actor, a id.Account, c id.Checkout, through id.Safe, kept func(context.Context, *db.Tx, int64) error) (vault.Credential, error) {
	if s.broken != nil {
		return vault.Credential{}, s.broken
	}
	if s.meanwhile != nil {
		s.meanwhile(c)
	}
	return s.accounts.Reveal(ctx, actor, a, c, through, func(ctx context.Context, tx *db.Tx, version int64) error {
		err := kept(ctx, tx, version)
		if err == nil && s.looking != nil {
			s.looking()
		}
		return err
	})
}

type shaky struct{ *scene }

func (v shaky) Find(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (vault.Account, error) {
	if a == v.lost {
		return vault.Account{}, errors.New("the store sleeps")
	}
	return v.accounts.Find(ctx, tx, org, a)
}

func (v shaky) Reveal(ctx context.Context, actor authz.Actor, a id.Account, c id.Checkout, through id.Safe, kept func(context.Context, *db.Tx, int64) error) (vault.Credential, error) {
	return v.reveal(ctx, actor, a, c, through, kept)
}

// judge is the policies.
type judge struct{ *scene }

func (j judge) Ask(ctx context.Context, tx *db.Tx, a policy.Asker, sid id.Safe) (policy.Verdict, error) {
	v, err := j.policies.Ask(ctx, tx, a, sid)
	if err == nil && j.decided != nil {
		j.decided()
	}
	return v, err
}

// needs asks for one approval.
type needs struct{ *scene }

func (n needs) Need(ctx context.Context, tx *db.Tx, actor authz.Actor, sid id.Safe, _ access.Uses, _ time.Time) (access.Need, error) {
	a, err := n.Safes.Access(ctx, tx, actor.Org, actor.User, sid)
	return access.Need{Access: a, Approvals: 1}, err
}

func (needs) Shut(context.Context, *db.Tx, id.User, id.Safe, bool) (bool, error) { return false, nil }

// silent is a post that sends nothing.
type silent struct{}

func (silent) Prepare(context.Context, id.Org, notify.Message) (notify.Prepared, error) {
	return notify.Prepared{}, nil
}
func (silent) Queue(context.Context, *db.Tx, notify.Prepared) error { return nil }

// approved is a request of the operator for a checkout that has just been approved.
func (s *scene) approved(t *testing.T) access.Request {
	t.Helper()
	if s.approvals == nil {
		var err error
		s.approvals, err = access.New(access.Deps{DB: s.DB, Ledger: s.Ledger, Needs: needs{s}, Mail: silent{}, Vault: s.accounts, Now: func() time.Time { return s.Now }})
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := s.approvals.Request(t.Context(), s.Operator, access.RequestArgs{Safe: s.vault.ID, Reason: "the disk is full", Duration: time.Hour, Uses: access.ForCheckout})
	if err == nil {
		r, err = s.approvals.Approve(t.Context(), s.bruno, r.ID, access.DecideArgs{})
	}
	if err != nil || r.Grant == nil {
		t.Fatalf("%+v %v", r, err)
	}
	s.Events()
	return r
}

// healthy is a ledger that nobody runs, and whose events a test reads at once.
type healthy struct {
	*ledger.Ledger
	s *scene
}

func (healthy) HealthyFor(id.Org) error { return nil }

func (l healthy) Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error) {
	if _, ends := ev.(event.CredentialCheckinCompleted); ends && l.s.ending != nil {
		l.s.ending()
	}
	return l.Ledger.Record(ctx, tx, ev)
}

// late ends checkouts for the vault.
type late struct{ s *scene }

func (l late) OnAccount(ctx context.Context, tx *db.Tx, actor authz.Actor, a id.Account) (int, error) {
	return l.s.Service.OnAccount(ctx, tx, actor, a)
}

func each(t *testing.T, change func(*safe.Policy), f func(t *testing.T, s *scene)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, newScene(t, d, change)) })
}

func newScene(t *testing.T, d *db.DB, change func(*safe.Policy)) *scene {
	t.Helper()
	s := &scene{World: safetest.New(t, d)}
	p := safe.Default()
	if change != nil {
		change(&p)
	}
	s.vault = s.Safe("vault", &p)
	s.anna, s.bruno = s.Person(s.Org, "anna", authz.Operator), s.Person(s.Org, "bruno", authz.Operator)
	s.Member(s.vault.ID, s.Operator, safe.User)
	s.Member(s.vault.ID, s.anna, safe.Checkout)
	s.Member(s.vault.ID, s.bruno, safe.Manager)
	for _, who := range []*authz.Actor{&s.Operator, &s.anna, &s.bruno, &s.Admin, &s.Auditor, &s.Stranger} {
		who.MFAAt = s.Now
	}
	now := func() time.Time { return s.Now }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	s.policies, err = policy.New(policy.Deps{DB: d, Ledger: s.Ledger, Safes: s.Safes, Grants: s, Now: now})
	must(err)
	s.accounts, err = vault.New(vault.Deps{DB: d, Ledger: s.Ledger, Sealer: s.Keyring, Resources: s.Resources, Uses: []vault.Uses{safe.OnAccount}, Checkouts: late{s}, Now: now})
	must(err)
	s.Service, err = checkout.New(checkout.Deps{DB: d, Ledger: healthy{s.Ledger, s}, Policies: judge{s}, Grants: s, Vault: shaky{s}, Rotation: s.accounts, Now: now})
	must(err)
	s.Events()
	return s
}

func (s *scene) out(t *testing.T, who authz.Actor) checkout.Shown {
	t.Helper()
	got, err := s.Open(t.Context(), who, checkout.Args{Safe: s.vault.ID, Reason: "the disk is full"})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (s *scene) refused(t *testing.T, who authz.Actor, code, reason string) {
	t.Helper()
	_, err := s.Open(t.Context(), who, checkout.Args{Safe: s.vault.ID, Reason: "the disk is full"})
	if fault.CodeOf(err) != code {
		t.Fatalf("%v (%s), want %s", err, fault.CodeOf(err), code)
	}
	s.One(event.CREDENTIAL_CHECKOUT_STARTED, event.Denied, reason, event.User)
}

func (s *scene) sweep(t *testing.T) {
	t.Helper()
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *scene) due(t *testing.T) bool {
	t.Helper()
	a, err := s.accounts.Get(t.Context(), s.Admin, s.vault.Account.ID)
	if err != nil {
		t.Fatal(err)
	}
	return !a.RotationDue.IsZero()
}

// names are the constants of the events since the last look, in their order.
func (s *scene) names() string {
	var out []string
	for _, e := range s.Events() {
		out = append(out, string(e.Constant)+" "+string(e.Outcome))
	}
	return strings.Join(out, ", ")
}

func TestCheckoutShowsTheCredentialToOnePersonForATime(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		got := s.out(t, s.anna)
		if got.Credential.Password.Empty() || got.HandedAt.IsZero() || got.Reveals != 1 || got.ExpiresAt.Sub(got.StartedAt) != time.Hour {
			t.Fatalf("%+v", got.Checkout)
		}
		if n := s.names(); n != "CREDENTIAL_CHECKOUT_STARTED success, CREDENTIAL_CHECKOUT_COMPLETED success, SECRET_ACCESSED success" {
			t.Fatal(n)
		}
		s.refused(t, s.bruno, checkout.CodeCheckedOut, "exclusive_lease_held")
		s.refused(t, s.anna, checkout.CodeCheckedOut, "exclusive_lease_held")

		again, err := s.Reveal(t.Context(), s.anna, got.ID)
		if err != nil || again.Credential.Password.RevealString() != got.Credential.Password.RevealString() || again.Reveals != 2 {
			t.Fatalf("%+v %v", again.Checkout, err)
		}
		if n := s.names(); n != "SECRET_ACCESSED success" {
			t.Fatal(n)
		}
		_, err = s.Reveal(t.Context(), s.bruno, got.ID)
		if fault.CodeOf(err) != "NOT_PERMITTED" {
			t.Fatal(err)
		}
		s.One(event.SECRET_ACCESSED, event.Denied, "no_lease", event.User)
		if _, err = s.Reveal(t.Context(), s.Operator, got.ID); fault.CodeOf(err) != "NOT_FOUND" {
			t.Fatal(err)
		}
		s.Now = s.Now.Add(6 * time.Minute) // the factor is old now
		if _, err = s.Reveal(t.Context(), s.anna, got.ID); fault.CodeOf(err) != authz.StepUpRequired {
			t.Fatal(err)
		}
		s.One(event.SECRET_ACCESSED, event.Denied, "not_permitted", event.User)
		if s.due(t) {
			t.Error("it is due before the check-in")
		}
		c, err := s.CheckIn(t.Context(), s.anna, got.ID, "done")
		if err != nil || c.EndedBy != checkout.Holder || c.EndedByName == "" || c.EndComment != "done" {
			t.Fatalf("%+v %v", c, err)
		}
		s.One(event.CREDENTIAL_CHECKIN_COMPLETED, event.Success, "", event.User)
		if !s.due(t) {
			t.Error("it is not due for rotation")
		}
		if _, err = s.CheckIn(t.Context(), s.anna, got.ID, ""); fault.CodeOf(err) != checkout.CodeOver {
			t.Fatal(err)
		}
		_, err = s.Reveal(t.Context(), s.anna, got.ID)
		if fault.CodeOf(err) != checkout.CodeOver {
			t.Fatal(err)
		}
		s.One(event.SECRET_ACCESSED, event.Denied, "lease_expired", event.User)
		s.Clean([]string{got.Credential.Password.RevealString()})
	})
}

func TestWhoMayCheckOut(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		s.refused(t, s.Operator, checkout.CodeApprovalRequired, "no_approval")
		nobody := s.Person(s.Org, "nobody", authz.Operator)
		s.Events()
		s.refused(t, nobody, "NOT_FOUND", "not_a_member")
		old := s.anna
		old.MFAAt = s.Now.Add(-6 * time.Minute)
		s.refused(t, old, authz.StepUpRequired, "mfa_required")
		auditor := s.Auditor
		s.Member(s.vault.ID, auditor, safe.Manager)
		s.Events()
		s.refused(t, auditor, "NOT_PERMITTED", "not_a_member")

		// An approved request opens what it is for, and nothing else.
		s.granted = []policy.Grant{{ID: id.New[id.AccessGrant](), Request: id.New[id.AccessReq](), Until: s.Now.Add(10 * time.Minute), Uses: []policy.Use{policy.ForSession}}}
		s.refused(t, s.Operator, checkout.CodeApprovalRequired, "no_approval")
		s.granted[0].Uses = []policy.Use{policy.ForCheckout}
		got := s.out(t, s.Operator)
		if got.Request != s.granted[0].Request || !got.ExpiresAt.Equal(s.granted[0].Until) {
			t.Fatalf("%+v", got.Checkout)
		}
		s.sweep(t)
		if c, _ := s.Get(t.Context(), s.Operator, got.ID); !c.EndedAt.IsZero() {
			t.Fatalf("%+v", c)
		}
		s.Events()
		s.granted = nil // and ends with it
		s.Now = s.Now.Add(time.Minute)
		s.sweep(t)
		s.One(event.CREDENTIAL_CHECKIN_COMPLETED, event.Success, "", event.System)
		if c, _ := s.Get(t.Context(), s.Operator, got.ID); c.EndedBy != checkout.Admin {
			t.Fatalf("%+v", c)
		}
	})
}

func TestOfTwoAtOnceOneChecksOut(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		errs := make(chan error, 6)
		for i := range 6 {
			who := []authz.Actor{s.anna, s.bruno}[i%2]
			go func() {
				_, err := s.Open(context.WithoutCancel(t.Context()), who, checkout.Args{Safe: s.vault.ID, Reason: "at once"})
				errs <- err
			}()
		}
		won := 0
		for range 6 {
			if err := <-errs; err == nil {
				won++
			} else if fault.CodeOf(err) != checkout.CodeCheckedOut {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Fatalf("%d of six hold it", won)
		}
		n := strings.Count(s.names(), "CREDENTIAL_CHECKOUT_STARTED denied")
		if n != 5 {
			t.Errorf("%d refusals were told", n)
		}
	})
}

func TestEndsOfACheckout(t *testing.T) {
	for name, c := range map[string]struct {
		do func(t *testing.T, s *scene, c checkout.Checkout)
		by checkout.EndedBy
		as event.ActorType
	}{
		"by force": {func(t *testing.T, s *scene, c checkout.Checkout) {
			if _, err := s.CheckIn(t.Context(), s.Admin, c.ID, "now"); err != nil {
				t.Fatal(err)
			}
		}, checkout.Admin, event.TenantAdmin},
		"by a manager": {func(t *testing.T, s *scene, c checkout.Checkout) {
			if _, err := s.CheckIn(t.Context(), s.bruno, c.ID, ""); err != nil {
				t.Fatal(err)
			}
		}, checkout.Admin, event.TenantAdmin},
		"by the clock": {func(t *testing.T, s *scene, c checkout.Checkout) { s.Now = c.ExpiresAt; s.sweep(t) }, checkout.Expiry, event.System},
		"account disabled": {func(t *testing.T, s *scene, c checkout.Checkout) {
			if _, err := s.accounts.Disable(t.Context(), s.Admin, c.Account); err != nil {
				t.Fatal(err)
			}
		}, checkout.AccountDisabled, event.TenantAdmin},
		"member removed": {func(t *testing.T, s *scene, c checkout.Checkout) {
			if err := s.Safes.RemoveMember(t.Context(), s.Admin, s.vault.ID, s.anna.User); err != nil {
				t.Fatal(err)
			}
			s.sweep(t)
		}, checkout.Admin, event.System},
		"role lowered": {func(t *testing.T, s *scene, c checkout.Checkout) {
			s.sweep(t)
			if _, err := s.Safes.SetMemberRole(t.Context(), s.Admin, s.vault.ID, s.anna.User, safe.User); err != nil {
				t.Fatal(err)
			}
			s.sweep(t)
		}, checkout.Admin, event.System},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, nil, func(t *testing.T, s *scene) {
				got := s.out(t, s.anna)
				s.Events()
				c.do(t, s, got.Checkout)
				var ended []event.Envelope
				for _, e := range s.Events() {
					if e.Constant == event.CREDENTIAL_CHECKIN_COMPLETED {
						ended = append(ended, e)
					}
				}
				if len(ended) != 1 || ended[0].Actor.Type != c.as {
					t.Fatalf("%+v", ended)
				}
				now, err := s.Get(t.Context(), s.Admin, got.ID)
				if err != nil || now.EndedBy != c.by || !s.due(t) {
					t.Fatalf("%+v %v", now, err)
				}
				s.sweep(t)
				s.None()
			})
		})
	}
}

func TestALeaseWithoutCredentialIsClosed(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		s.broken = fault.New(fault.Unavailable, "the store sleeps").WithCode(vault.SecretStoreUnavailable)
		_, err := s.Open(t.Context(), s.anna, checkout.Args{Safe: s.vault.ID, Reason: "the disk is full"})
		if fault.CodeOf(err) != vault.SecretStoreUnavailable {
			t.Fatal(err)
		}
		if n := s.names(); n != "CREDENTIAL_CHECKOUT_STARTED success, CREDENTIAL_CHECKOUT_COMPLETED failure" {
			t.Fatal(n)
		}
		if s.due(t) {
			t.Error("what nobody saw is due")
		}
		// A server that was killed in between leaves a lease that nobody was given.
		s.broken = nil
		got := s.out(t, s.anna)
		s.Events()
		if _, err := s.DB.Raw().Exec(`update checkout set handed_at = 0 where id = $1`, string(got.ID)); err != nil {
			t.Fatal(err)
		}
		s.Now = s.Now.Add(2 * time.Minute)
		s.sweep(t)
		s.One(event.CREDENTIAL_CHECKOUT_COMPLETED, event.Failure, "lease_cancelled", event.User)
		s.sweep(t)
		s.None()
	})
}

func TestWhoSeesCheckouts(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		got := s.out(t, s.anna)
		for who, n := range map[*authz.Actor]int{&s.anna: 1, &s.bruno: 1, &s.Admin: 1, &s.Auditor: 1, &s.Operator: 0, &s.Stranger: 0} {
			l, err := s.List(t.Context(), *who, checkout.Filter{Active: true, Safe: s.vault.ID}, page.Request{})
			if err != nil || len(l.Items) != n {
				t.Errorf("%s sees %d: %v", who.Name, len(l.Items), err)
			}
			if _, err := s.Get(t.Context(), *who, got.ID); (err == nil) != (n == 1) || err != nil && fault.CodeOf(err) != "NOT_FOUND" {
				t.Errorf("%s: %v", who.Name, err)
			}
		}
		if _, err := s.CheckIn(t.Context(), s.Auditor, got.ID, ""); fault.CodeOf(err) != "NOT_PERMITTED" {
			t.Error(err)
		}
		if _, err := s.CheckIn(t.Context(), s.Stranger, got.ID, ""); fault.CodeOf(err) != "NOT_FOUND" {
			t.Error(err)
		}
	})
}

func TestHoursAndTimesOfACheckout(t *testing.T) {
	each(t, func(p *safe.Policy) { p.CheckoutTimeout = 5 * time.Minute }, func(t *testing.T, s *scene) {
		for _, a := range []checkout.Args{{Safe: s.vault.ID}, {Reason: "x"}, {Safe: s.vault.ID, Reason: "x", Duration: time.Second}} {
			if _, err := s.Open(t.Context(), s.anna, a); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", a, err)
			}
		}
		got, err := s.Open(t.Context(), s.anna, checkout.Args{Name: "vault", Reason: "x", Duration: time.Hour})
		if err != nil || got.ExpiresAt.Sub(got.StartedAt) != 5*time.Minute {
			t.Fatalf("%+v %v", got.Checkout, err)
		}
		s.Now = s.Now.Add(5 * time.Minute) // over, and no round has come: the next one may
		s.anna.MFAAt = s.Now
		got, err = s.Open(t.Context(), s.anna, checkout.Args{Name: "vault", Reason: "x", Duration: 2 * time.Minute})
		if err != nil || got.ExpiresAt.Sub(got.StartedAt) != 2*time.Minute {
			t.Fatalf("%+v %v", got.Checkout, err)
		}
	})
	each(t, func(p *safe.Policy) {
		h, err := safe.ParseValidHours([]string{"mon"}, "03:00", "03:01", "UTC")
		if err != nil {
			panic(err)
		}
		p.ValidHours = &h
	}, func(t *testing.T, s *scene) { s.refused(t, s.anna, checkout.CodeOutsideHours, "outside_valid_hours") })
	each(t, func(p *safe.Policy) { p.Approval.Count = 1 }, func(t *testing.T, s *scene) {
		s.refused(t, s.anna, checkout.CodeApprovalRequired, "no_approval")
		s.Accounts.Disable(t.Context(), s.Admin, s.vault.Account.ID)
		s.Events()
		s.refused(t, s.anna, checkout.CodeAccountDisabled, "account_disabled")
	})
}

// A checkout that is ended while its credential is on the way: who was shown it is told
// as somebody who has seen it, and it is due; who was not is told nothing of it.
func TestSeenWhileItIsCheckedIn(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		seen, unseen := 0, 0
		for range 12 {
			ended := make(chan error, 1)
			s.meanwhile = func(c id.Checkout) {
				go func() {
					_, err := s.CheckIn(context.WithoutCancel(t.Context()), s.Admin, c, "now")
					ended <- err
				}()
			}
			got, err := s.Open(t.Context(), s.anna, checkout.Args{Safe: s.vault.ID, Reason: "the disk is full"})
			if e := <-ended; e != nil {
				t.Fatal(e)
			}
			var completed, checkedIn []event.Envelope
			for _, e := range s.Events() {
				switch e.Constant {
				case event.CREDENTIAL_CHECKOUT_COMPLETED:
					completed = append(completed, e)
				case event.CREDENTIAL_CHECKIN_COMPLETED:
					checkedIn = append(checkedIn, e)
				}
			}
			if len(completed) != 1 || len(checkedIn) != 1 {
				t.Fatalf("%v, %v", completed, checkedIn)
			}
			shown := err == nil
			switch {
			case shown:
				seen++
				if got.Credential.Password.RevealString() == "" || completed[0].Outcome != event.Success {
					t.Fatalf("%+v", completed[0])
				}
			case fault.CodeOf(err) == checkout.CodeOver:
				unseen++
				if completed[0].Outcome != event.Failure || completed[0].Reason != "lease_cancelled" {
					t.Fatalf("%+v", completed[0])
				}
			default:
				t.Fatal(err)
			}
			if told := checkedIn[0].Metadata["rotation_scheduled"]; told != shown {
				t.Fatalf("shown %v, and the check-in says %v", shown, told)
			}
			if seen > 0 != s.due(t) {
				t.Fatalf("seen %d times, due %v", seen, s.due(t))
			}
		}
		t.Logf("seen %d times, not seen %d times", seen, unseen)
	})
}

// blocked waits until a transaction of the database waits for another one.
func (s *scene) blocked(t *testing.T) {
	for began := time.Now(); time.Since(began) < 20*time.Second; {
		var n int
		err := s.DB.Raw().QueryRow(`select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n)
		if err != nil {
			t.Error(err)
			return
		}
		if n > 0 {
			return
		}
	}
	t.Error("neither transaction waits for the other")
}

// A look and a check-in whose transactions are both open, in either order: what was
// shown first is told as seen, and what was ended first is not shown.
func TestALookAndACheckInAtOnce(t *testing.T) {
	start := func(s *scene, c id.Checkout, ended chan<- error) {
		_, err := s.CheckIn(context.Background(), s.Admin, c, "now")
		ended <- err
	}
	orders := map[string]func(t *testing.T, s *scene, c func() id.Checkout, ended chan<- error){
		"seen first": func(t *testing.T, s *scene, c func() id.Checkout, ended chan<- error) {
			var once sync.Once // a transaction may run again
			s.looking = func() { once.Do(func() { go start(s, c(), ended); s.blocked(t) }) }
		},
		"ended first": func(t *testing.T, s *scene, c func() id.Checkout, ended chan<- error) {
			var once sync.Once
			held := make(chan struct{})
			s.ending = func() { once.Do(func() { close(held); s.blocked(t) }) }
			s.meanwhile = func(id.Checkout) { go start(s, c(), ended); <-held }
		},
	}
	for order, arrange := range orders {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, again %v", order, again), func(t *testing.T) {
				s := newScene(t, dbtest.Postgres(t), nil)
				var open id.Checkout
				s.meanwhile = func(c id.Checkout) { open = c }
				look := func() (checkout.Shown, error) {
					return s.Open(t.Context(), s.anna, checkout.Args{Safe: s.vault.ID, Reason: "the disk is full"})
				}
				if again {
					s.out(t, s.anna)
					s.Events()
					look = func() (checkout.Shown, error) { return s.Reveal(t.Context(), s.anna, open) }
				}
				ended := make(chan error, 1)
				noted := s.meanwhile
				arrange(t, s, func() id.Checkout { return open }, ended)
				if then := s.meanwhile; order == "ended first" {
					s.meanwhile = func(c id.Checkout) { noted(c); then(c) }
				}
				got, err := look()
				if e := <-ended; e != nil {
					t.Fatal(e)
				}
				events := map[string]event.Envelope{}
				for _, e := range s.Events() {
					events[string(e.Constant)+" "+string(e.Outcome)] = e
				}
				in, was := events["CREDENTIAL_CHECKIN_COMPLETED success"]
				seen := order == "seen first"
				if !was || in.Metadata["rotation_scheduled"] != (seen || again) || s.due(t) != (seen || again) {
					t.Errorf("the check-in says %v, due %v", in.Metadata, s.due(t))
				}
				now, e := s.Get(t.Context(), s.Admin, open)
				if e != nil || now.EndedBy != checkout.Admin {
					t.Fatalf("%+v %v", now, e)
				}
				_, shown := events["SECRET_ACCESSED success"]
				_, completed := events["CREDENTIAL_CHECKOUT_COMPLETED success"]
				if seen {
					if err != nil || got.Credential.Password.Empty() || !shown || completed == again || now.Reveals != got.Reveals {
						t.Errorf("%v, %v, told as shown %v, completed %v: %+v", got.Checkout, err, shown, completed, now)
					}
					return
				}
				if fault.CodeOf(err) != checkout.CodeOver || !got.Credential.Password.Empty() || shown || completed {
					t.Errorf("%v, told as shown %v, completed %v", err, shown, completed)
				}
				why, told := events["CREDENTIAL_CHECKOUT_COMPLETED failure"]
				want := "lease_cancelled"
				if again {
					why, told = events["SECRET_ACCESSED denied"]
					want = "lease_expired"
				}
				if !told || why.Reason != want {
					t.Errorf("the refusal is told as %q, want %q", why.Reason, want)
				}
			})
		}
	}
}

func TestTheSweepGoesOnAfterOneThatFails(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		first := s.out(t, s.anna)
		p := safe.Default()
		other := s.Safe("other", &p)
		s.Member(other.ID, s.bruno, safe.Manager)
		second, err := s.Open(t.Context(), s.bruno, checkout.Args{Safe: other.ID, Reason: "the disk is full"})
		if err != nil {
			t.Fatal(err)
		}
		state := func(c checkout.Shown) checkout.EndedBy {
			now, err := s.Get(t.Context(), s.Admin, c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return now.EndedBy
		}
		// The one that the sweep comes to first, which goes by their ids, is the one that fails.
		fails, goes := first, second
		if second.ID < first.ID {
			fails, goes = second, first
		}
		s.Now, s.lost = s.Now.Add(2*time.Hour), fails.Account
		if err := s.Sweep(t.Context()); err == nil || !strings.Contains(err.Error(), string(fails.ID)) {
			t.Fatalf("the failure is told as %v", err)
		}
		if state(fails) != "" || state(goes) != checkout.Expiry {
			t.Fatalf("%q and %q", state(fails), state(goes))
		}
		s.lost = ""
		s.sweep(t)
		if state(fails) != checkout.Expiry {
			t.Fatal("it is not ended when the store is awake again")
		}
	})
}

// once lets an approval be used once.
func once(p *safe.Policy) { p.Approval.Count, p.Approval.Once = 1, true }

const used = "the approval that you had was for one checkout, which has been: ask again for another one"

func TestAnApprovalForOneUseOpensOneCheckout(t *testing.T) {
	each(t, once, func(t *testing.T, s *scene) {
		r := s.approved(t)
		first := s.out(t, s.Operator)
		if first.Request != r.ID {
			t.Fatalf("opened through %q", first.Request)
		}
		s.Events()
		// While it is held, the holder is told that they hold it; and it stays theirs.
		s.refused(t, s.Operator, checkout.CodeCheckedOut, "exclusive_lease_held")
		s.Now = s.Now.Add(time.Minute) // the sweep asks again whether the right stands
		s.sweep(t)
		s.None()
		again, err := s.Reveal(t.Context(), s.Operator, first.ID)
		if err != nil || again.Reveals != 2 {
			t.Fatalf("%+v %v", again.Checkout, err)
		}
		if _, err := s.CheckIn(t.Context(), s.Operator, first.ID, ""); err != nil {
			t.Fatal(err)
		}
		before, err := s.Get(t.Context(), s.Operator, first.ID)
		if err != nil {
			t.Fatal(err)
		}
		s.Events()
		_, err = s.Open(t.Context(), s.Operator, checkout.Args{Safe: s.vault.ID, Reason: "the disk is full"})
		if fault.CodeOf(err) != checkout.CodeApprovalRequired || !strings.Contains(fault.MessageOf(err), used) {
			t.Errorf("the second is refused with %v", err)
		}
		s.One(event.CREDENTIAL_CHECKOUT_STARTED, event.Denied, "no_approval", event.User)
		if now, err := s.Get(t.Context(), s.Operator, first.ID); err != nil || now != before {
			t.Errorf("the first is now %+v %v", now, err)
		}
		if l, err := s.List(t.Context(), s.Operator, checkout.Filter{}, page.Request{}); err != nil || len(l.Items) != 1 {
			t.Errorf("%d checkouts, %v", len(l.Items), err)
		}
		// Who never had one is not told so.
		_, err = s.Open(t.Context(), s.anna, checkout.Args{Safe: s.vault.ID, Reason: "the disk is full"})
		if fault.CodeOf(err) != checkout.CodeApprovalRequired || strings.Contains(fault.MessageOf(err), used) {
			t.Error(err)
		}
	})
}

// A checkout that failed has shown nothing, and uses no approval up.
func TestACheckoutThatFailedUsesNoApproval(t *testing.T) {
	each(t, once, func(t *testing.T, s *scene) {
		s.approved(t)
		s.broken = fault.New(fault.Unavailable, "the store sleeps").WithCode(vault.SecretStoreUnavailable)
		if _, err := s.Open(t.Context(), s.Operator, checkout.Args{Safe: s.vault.ID, Reason: "the disk is full"}); fault.CodeOf(err) != vault.SecretStoreUnavailable {
			t.Fatal(err)
		}
		s.broken = nil
		s.out(t, s.Operator)
	})
}

// A second checkout that was decided before the first one began and ended.
func TestAnApprovalForOneUseIsNotUsedTwiceAtOnce(t *testing.T) {
	s := newScene(t, dbtest.Postgres(t), once)
	s.approved(t)
	var first checkout.Shown
	s.decided = func() {
		s.decided = nil
		first = s.out(t, s.Operator)
		if _, err := s.CheckIn(context.WithoutCancel(t.Context()), s.Operator, first.ID, ""); err != nil {
			t.Error(err)
		}
		s.Events()
	}
	_, err := s.Open(t.Context(), s.Operator, checkout.Args{Safe: s.vault.ID, Reason: "the disk is full"})
	if fault.CodeOf(err) != checkout.CodeApprovalRequired || !strings.Contains(fault.MessageOf(err), used) {
		t.Errorf("the second is refused with %v", err)
	}
	s.One(event.CREDENTIAL_CHECKOUT_STARTED, event.Denied, "no_approval", event.User)
}
