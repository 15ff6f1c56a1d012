package governance_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// scene is an organization in which a new name has to be agreed to by two.
type scene struct {
	*safetest.World
	*governance.Service
	mail   *post
	always bool
}

// post keeps what was written to whom.
type post struct {
	mu   sync.Mutex
	sent []notify.Message
}

func (p *post) Prepare(_ context.Context, _ id.Org, m notify.Message) (notify.Prepared, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, m)
	return notify.Prepared{}, nil
}

func (p *post) Queue(context.Context, *db.Tx, notify.Prepared) error { return nil }

func (p *post) take() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.sent {
		out = append(out, string(m.Data.Kind())+" "+m.To.Email)
	}
	p.sent = nil
	return out
}

const renames = "rename"

func each(t *testing.T, f func(t *testing.T, s *scene)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := &scene{World: safetest.New(t, d), mail: &post{}}
		var err error
		s.Service, err = governance.New(governance.Deps{DB: d, Ledger: s.Ledger, Seal: s.Keyring, Members: tenancy.Directory{}, Mail: s.mail,
			Always: func(context.Context, *db.Tx, id.Org) (bool, error) { return s.always, nil }, Now: func() time.Time { return s.Now }})
		if err != nil {
			t.Fatal(err)
		}
		s.Register(governance.Direct(renames, "Rename the organization", func(ctx context.Context, tx *db.Tx, p governance.Permit, to string) (id.Event, error) {
			return s.rename(ctx, tx, p.Actor(), p, to)
		}))
		for _, a := range []authz.Actor{s.Owner, s.Admin} {
			s.enrol(t, a)
		}
		s.Events()
		f(t, s)
	})
}

func (s *scene) enrol(t *testing.T, a authz.Actor) {
	t.Helper()
	_, err := s.DB.Raw().Exec(`insert into mfa_factor (id, person_id, kind, name, secret, created_at, confirmed_at, last_step, last_used_at) values ($1, $2, 'totp', 'phone', $3, 1, 1, 0, 0)`,
		"fac_"+string(a.User), string(a.User), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
}

func (s *scene) name(t *testing.T) (name string) {
	t.Helper()
	if err := s.DB.Raw().QueryRow(`select name from organization where id = $1`, string(s.Org)).Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}

func (s *scene) rename(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, to string) (id.Event, error) {
	var from string
	if err := tx.QueryRowContext(ctx, `select name from organization where id = $1`, string(s.Org)).Scan(&from); err != nil {
		return "", err
	}
	err := s.Demand(ctx, tx, actor, p, governance.Change{Kind: renames, Subject: string(s.Org), Name: from, Summary: "rename the organization", Payload: to,
		Fields: []governance.Field{{Field: "name", From: from, To: to}}})
	if err != nil {
		return "", err
	}
	if to == "" {
		return "", fault.New(fault.Invalid, "a name is needed")
	}
	_, err = tx.ExecContext(ctx, `update organization set name = $1 where id = $2`, to, string(s.Org))
	return "", err
}

// asks renames, or files that.
func (s *scene) asks(actor authz.Actor, to string) error {
	err := s.DB.InOrg(context.Background(), s.Org, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.rename(ctx, tx, actor, governance.Permit{}, to)
		return err
	})
	return s.Queue(context.Background(), actor, err)
}

func (s *scene) waits(t *testing.T, actor authz.Actor, to string) governance.Action {
	t.Helper()
	var w *governance.Waiting
	if err := s.asks(actor, to); !errors.As(err, &w) {
		t.Fatalf("it does not wait: %v", err)
	}
	return w.Action
}

func (s *scene) state(t *testing.T, g id.Governance) governance.Action {
	t.Helper()
	a, err := s.Get(t.Context(), s.Auditor, g)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestChangeIsMadeByTwo(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		a := s.waits(t, s.Owner, "Acme Corp")
		e := s.One(event.ORG_GOVERNANCE_ACTION_REQUESTED, event.Success, "", event.TenantAdmin)
		if s.name(t) == "Acme Corp" || a.State != governance.Open || len(a.Fields) != 1 || e.Metadata["payload_digest"] != a.Digest {
			t.Fatalf("%+v %v", a, e.Metadata)
		}
		if got := s.mail.take(); len(got) != 1 || got[0] != "governance_waiting adam@vaultpam.test" {
			t.Errorf("letters %v", got)
		}
		if err := s.asks(s.Admin, "Third"); fault.CodeOf(err) != governance.Duplicate {
			t.Errorf("asked for twice: %v", err)
		}
		s.One(event.ORG_GOVERNANCE_ACTION_REQUESTED, event.Denied, "duplicate_open_action", event.TenantAdmin)
		s.mail.take() // prepared, and not queued

		stale := s.Admin
		stale.MFAAt = s.Now.Add(-time.Hour)
		for name, c := range map[string]struct {
			actor  authz.Actor
			code   string
			reason string
		}{
			"who asked": {s.Owner, governance.SelfApproval, "self_approval"},
			"operator":  {s.Operator, fault.DefaultCode(fault.Denied), "not_permitted"},
			"stale":     {stale, "STEP_UP_REQUIRED", "not_permitted"},
		} {
			if _, err := s.Approve(t.Context(), c.actor, governance.OfOrganization, a.ID, ""); fault.CodeOf(err) != c.code {
				t.Errorf("%s: %v", name, err)
			}
			if all := s.Events(); len(all) != 1 || all[0].Reason != c.reason || all[0].Outcome != event.Denied {
				t.Errorf("%s: %+v", name, all)
			}
		}
		if _, err := s.Approve(t.Context(), s.Stranger, governance.OfOrganization, a.ID, ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("from another organization: %v", err)
		}
		s.None()

		done, err := s.Approve(t.Context(), s.Admin, governance.OfOrganization, a.ID, "as agreed")
		if err != nil || done.State != governance.Approved || done.DecidedBy != s.Admin.User || s.name(t) != "Acme Corp" {
			t.Fatalf("%+v, %v", done, err)
		}
		s.One(event.ORG_GOVERNANCE_ACTION_APPROVED, event.Success, "", event.OrgAdmin)
		if got := s.mail.take(); len(got) != 1 || got[0] != "governance_decided olga@vaultpam.test" {
			t.Errorf("letters %v", got)
		}
		if _, err := s.Approve(t.Context(), s.Admin, governance.OfOrganization, a.ID, ""); fault.CodeOf(err) != governance.Closed {
			t.Errorf("approved twice: %v", err)
		}
		s.One(event.ORG_GOVERNANCE_ACTION_APPROVED, event.Denied, "action_closed", event.OrgAdmin)
	})
}

// Of approvals, rejections and the clock, one wins; the effect is made once or not at all.
func TestOneDecisionWins(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		third := s.Person(s.Org, "ines", authz.Admin)
		s.enrol(t, third)
		for round := range 4 {
			to := fmt.Sprintf("Name %d", round)
			a := s.waits(t, s.Owner, to)
			s.Events()
			errs := make([]error, 4)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() {
					by := []authz.Actor{s.Admin, third}[i%2]
					if i < 2 {
						_, errs[i] = s.Approve(context.Background(), by, governance.OfOrganization, a.ID, "")
					} else {
						_, errs[i] = s.Reject(context.Background(), by, governance.OfOrganization, a.ID, "no")
					}
				})
			}
			all.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if fault.CodeOf(err) != governance.Closed {
					t.Errorf("round %d: %v", round, err)
				}
			}
			got := s.state(t, a.ID)
			if won != 1 || (got.State == governance.Approved) != (s.name(t) == to) {
				t.Errorf("round %d: %d decisions, %s, and the name is %q", round, won, got.State, s.name(t))
			}
			decided := 0
			for _, e := range s.Events() {
				if e.Outcome == event.Success {
					decided++
				}
			}
			if decided != 1 {
				t.Errorf("round %d: %d events tell a decision", round, decided)
			}
		}
	})
}

// What would not be what was asked for is not done, and the action says why.
func TestChangedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		for name, change := range map[string]struct{ sql, says string }{
			"the value": {`update organization set name = 'Elsewhere' where id = '` + string(s.Org) + `'`, "is Elsewhere now"},
			"who asked": {`update member set suspended_at = 1 where user_id = '` + string(s.Owner.User) + `'`, "no active member"},
		} {
			a := s.waits(t, s.Owner, "Next "+name)
			s.Events()
			if _, err := s.DB.Raw().Exec(change.sql); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Approve(t.Context(), s.Admin, governance.OfOrganization, a.ID, ""); fault.CodeOf(err) != governance.Stale || !strings.Contains(err.Error(), change.says) {
				t.Errorf("%s: %v", name, err)
			}
			s.One(event.ORG_GOVERNANCE_ACTION_REJECTED, event.Success, "superseded", event.System)
			if got := s.state(t, a.ID); got.State != governance.Superseded || !strings.Contains(got.Note, change.says) {
				t.Errorf("%s: %+v", name, got)
			}
			if _, err := s.DB.Raw().Exec(`update member set suspended_at = 0`); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// After seven days an action lapses, whoever looks first: a decision, somebody who asks anew, or the clock.
func TestActionsLapse(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		fresh := func(a authz.Actor) authz.Actor { a.MFAAt = s.Now; return a }
		first := s.waits(t, s.Owner, "One")
		s.Now = s.Now.Add(governance.Life)
		if got := s.state(t, first.ID); got.State != governance.Expired {
			t.Errorf("%+v", got)
		}
		if _, err := s.Approve(t.Context(), fresh(s.Admin), governance.OfOrganization, first.ID, ""); fault.CodeOf(err) != governance.Closed {
			t.Errorf("approved after its end: %v", err)
		}
		s.Events()
		second := s.waits(t, fresh(s.Owner), "Two")
		all := s.Events()
		if len(all) != 2 || all[0].Reason != "expired" && all[1].Reason != "expired" {
			t.Errorf("%+v", all)
		}
		s.Now = s.Now.Add(governance.Life)
		for range 2 {
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s.One(event.ORG_GOVERNANCE_ACTION_REJECTED, event.Success, "expired", event.System)
		if l, err := s.List(t.Context(), s.Auditor, governance.Filter{State: governance.Expired}, page.Request{}); err != nil || len(l.Items) != 2 || l.Items[0].ID != second.ID {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

// Where nobody else can decide nothing waits, unless the organization wants it; an issuer is nobody else.
func TestWhoElseCanDecide(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		if _, err := s.DB.Raw().Exec(`delete from mfa_factor where person_id = $1`, string(s.Admin.User)); err != nil {
			t.Fatal(err)
		}
		if err := s.asks(s.Owner, "Alone"); err != nil || s.name(t) != "Alone" {
			t.Errorf("alone: %v", err)
		}
		robot := s.Person(s.Org, "robot", authz.Admin)
		robot.Kind, robot.Token, robot.Scopes, robot.Issuer = authz.Token, "tok_1", []string{authz.AllScopes}, s.Owner.User
		if err := s.asks(robot, "By its issuer alone"); err != nil || s.name(t) != "By its issuer alone" {
			t.Errorf("by a token of the only one who decides: %v", err)
		}
		s.always = true
		a := s.waits(t, s.Owner, "Later")
		if got := s.mail.take(); len(got) != 0 {
			t.Errorf("letters %v", got)
		}
		if a.MayDecide(s.Owner) || !a.MayDecide(s.Admin) {
			t.Error("who may decide")
		}
		if got, err := s.Withdraw(t.Context(), s.Owner, a.ID, "not needed"); err != nil || got.State != governance.Withdrawn {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// However the stored lists of changes came about, a page of them can be shown.
func FuzzStoredChanges(f *testing.F) {
	for _, c := range []string{`[]`, `[{"field":"name","from":"a","to":"b"}]`, `{}`, ``, `[{"field":1}]`, `null`, "\xff"} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, changes string) {
		a := governance.Parsed(changes)
		if a.Fields == nil {
			t.Error("the list of changes is null")
		}
	})
}
