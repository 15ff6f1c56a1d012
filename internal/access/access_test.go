package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/access"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
)

// scene is a safe that asks for approval, with somebody who wants to open it and two who approve.
type scene struct {
	*safetest.World
	*access.Service
	vault       safe.Safe
	anna, bruno authz.Actor
	mail        *post
	shut        map[id.User]bool // whom a policy denies
}

// post counts letters by kind.
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

func (p *post) take(k notify.Kind) (to []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.sent {
		if m.Data.Kind() == k {
			to = append(to, m.To.Email)
		}
	}
	p.sent = nil
	return to
}

type due struct{}

func (due) Due(context.Context, *db.Tx, id.Account) error { return nil }

// needs asks for what the safe's settings say.
type needs struct {
	safes *safe.Service
	shut  map[id.User]bool // by a policy
}

func (n needs) Need(ctx context.Context, tx *db.Tx, actor authz.Actor, s id.Safe, _ access.Uses, _ time.Time) (access.Need, error) {
	a, err := n.safes.Access(ctx, tx, actor.Org, actor.User, s)
	return access.Need{Access: a, Approvals: a.Policy.Approval.Count}, err
}

func (n needs) Shut(_ context.Context, _ *db.Tx, user id.User, _ id.Safe, _ bool) (bool, error) {
	return n.shut[user], nil
}

func each(t *testing.T, change func(*safe.Policy), f func(t *testing.T, s *scene)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := &scene{World: safetest.New(t, d), mail: &post{}, shut: map[id.User]bool{}}
		p := safe.Default()
		p.Approval.Count = 1
		if change != nil {
			change(&p)
		}
		s.vault = s.Safe("vault", &p)
		s.anna, s.bruno = s.Person(s.Org, "anna", authz.Operator), s.Person(s.Org, "bruno", authz.Operator)
		s.Member(s.vault.ID, s.Operator, safe.User)
		s.Member(s.vault.ID, s.anna, safe.Approver)
		s.Member(s.vault.ID, s.bruno, safe.Manager)
		var err error
		s.Service, err = access.New(access.Deps{DB: d, Ledger: s.Ledger, Needs: needs{s.Safes, s.shut}, Mail: s.mail, Vault: due{}, Now: func() time.Time { return s.Now }})
		if err != nil {
			t.Fatal(err)
		}
		s.Events()
		f(t, s)
	})
}

func (s *scene) ask(t *testing.T) access.Request {
	t.Helper()
	r, err := s.Request(t.Context(), s.Operator, access.RequestArgs{Safe: s.vault.ID, Reason: "the disk is full", Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s.Events()
	return r
}

func (s *scene) usable(t *testing.T, who authz.Actor) (n int) {
	t.Helper()
	err := s.DB.ReadOrg(t.Context(), s.Org, func(ctx context.Context, tx *db.Tx) error {
		list, err := s.Usable(ctx, tx, s.Org, who.User, s.vault.ID)
		n = len(list)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func refused(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code {
		t.Fatalf("%v (%s), want %s", err, fault.CodeOf(err), code)
	}
}

func TestOneApprovalOpensAndTheClockCloses(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		r, err := s.Request(t.Context(), s.Operator, access.RequestArgs{Safe: s.vault.ID, Reason: "the disk is full", Duration: time.Hour})
		if err != nil || r.State != access.Open || r.MayDecide {
			t.Fatalf("%+v %v", r, err)
		}
		s.One(event.USER_ACCESS_REQUEST_CREATED, event.Success, "", event.User)
		if to := s.mail.take(notify.AccessWaitingKind); len(to) != 2 {
			t.Errorf("%v were told", to)
		}
		_, err = s.Request(t.Context(), s.Operator, access.RequestArgs{Safe: s.vault.ID, Reason: "again"})
		refused(t, err, access.CodeDuplicate)
		s.One(event.USER_ACCESS_REQUEST_CREATED, event.Denied, "duplicate_open_request", event.User)

		if r, err = s.Approve(t.Context(), s.anna, r.ID, access.DecideArgs{Comment: "yes"}); err != nil || r.State != access.Approved || r.Grant == nil {
			t.Fatalf("%+v %v", r, err)
		}
		s.One(event.ACCESS_REQUEST_APPROVED, event.Success, "", event.User)
		if s.usable(t, s.Operator) != 1 || s.usable(t, s.anna) != 0 {
			t.Fatal("the grant is not the requester's alone")
		}
		_, err = s.Approve(t.Context(), s.bruno, r.ID, access.DecideArgs{})
		refused(t, err, access.CodeClosed)
		s.One(event.ACCESS_REQUEST_APPROVED, event.Denied, "request_closed", event.OrgAdmin)

		s.Now = s.Now.Add(time.Hour)
		if s.usable(t, s.Operator) != 0 {
			t.Fatal("the grant outlives its end")
		}
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.One("ACCESS_GRANT_ENDED", event.Success, "expired", event.System)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.None()
	})
}

// picky is a ledger that does not take the events about one grant.
type picky struct {
	access.Ledger
	not string
}

func (l picky) Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error) {
	n, err := l.Ledger.Record(ctx, tx, ev)
	if err == nil && l.not != "" && strings.Contains(fmt.Sprintf("%+v", ev), l.not) {
		return "", errors.New("the disk is full")
	}
	return n, err
}

// One grant that cannot be ended keeps no other from its end.
func TestTheSweepGoesOnAfterOneThatFails(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		var grants []string
		for _, name := range []string{"carl", "dora", "emil"} {
			who := s.Person(s.Org, name, authz.Operator)
			s.Member(s.vault.ID, who, safe.User)
			r, err := s.Request(t.Context(), who, access.RequestArgs{Safe: s.vault.ID, Reason: "the disk is full", Duration: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			if r, err = s.Approve(t.Context(), s.anna, r.ID, access.DecideArgs{}); err != nil {
				t.Fatal(err)
			}
			grants = append(grants, string(r.Grant.ID))
		}
		s.Now = s.Now.Add(time.Hour)
		first := slices.Min(grants) // due at one moment, they come by their ids
		svc, err := access.New(access.Deps{DB: s.DB, Ledger: picky{s.Ledger, first}, Needs: needs{s.Safes, s.shut}, Mail: s.mail, Vault: due{}, Now: func() time.Time { return s.Now }})
		if err != nil {
			t.Fatal(err)
		}
		s.Events()
		if err := svc.Sweep(t.Context()); err == nil || !strings.Contains(err.Error(), first) {
			t.Fatalf("the failure is told as %v", err)
		}
		ended := 0
		for _, e := range s.Events() {
			if e.Constant == "ACCESS_GRANT_ENDED" {
				ended++
			}
		}
		if ended != 2 {
			t.Fatalf("%d of two grants ended beside the one that cannot", ended)
		}
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.One("ACCESS_GRANT_ENDED", event.Success, "expired", event.System)
	})
}

func TestFourEyesAreTwoPeopleAndNeverOneself(t *testing.T) {
	each(t, func(p *safe.Policy) { p.Approval.Count = 2 }, func(t *testing.T, s *scene) {
		s.Safes.SetMemberRole(t.Context(), s.Admin, s.vault.ID, s.Operator.User, safe.Manager)
		r := s.ask(t)
		_, err := s.Approve(t.Context(), s.Operator, r.ID, access.DecideArgs{})
		refused(t, err, access.CodeSelfApproval)
		s.One(event.ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED, event.Denied, "self_approval", event.OrgAdmin)
		token := s.Operator
		token.Kind, token.Token, token.Scopes = authz.Token, id.New[id.Token](), []string{"*"}
		_, err = s.Approve(t.Context(), token, r.ID, access.DecideArgs{})
		refused(t, err, access.CodeSelfApproval)
		s.One(event.ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED, event.Denied, "self_approval", event.ServiceAccount)

		if r, err = s.Approve(t.Context(), s.anna, r.ID, access.DecideArgs{}); err != nil || r.State != access.Open || r.Have != 1 {
			t.Fatalf("%+v %v", r, err)
		}
		s.One(event.ACCESS_REQUEST_APPROVED, event.Success, "", event.User)
		_, err = s.Approve(t.Context(), s.anna, r.ID, access.DecideArgs{})
		refused(t, err, access.CodeAlreadyDecided)
		s.One(event.ACCESS_REQUEST_APPROVED, event.Denied, "already_decided_by_actor", event.User)
		_, err = s.Approve(t.Context(), s.Admin, r.ID, access.DecideArgs{Version: r.Version - 1})
		refused(t, err, access.CodeChanged)
		s.Events()
		if r, err = s.Approve(t.Context(), s.Admin, r.ID, access.DecideArgs{Version: r.Version}); err != nil || r.State != access.Approved {
			t.Fatalf("%+v %v", r, err)
		}
		s.One(event.ACCESS_REQUEST_APPROVED, event.Success, "", event.OrgAdmin)
	})
}

func TestOfTwoApproversAtOnceOneDecides(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		r := s.ask(t)
		errs := make(chan error, 2)
		for _, who := range []authz.Actor{s.anna, s.bruno} {
			go func() {
				_, err := s.Approve(context.WithoutCancel(t.Context()), who, r.ID, access.DecideArgs{})
				errs <- err
			}()
		}
		a, b := <-errs, <-errs
		if a == nil {
			a, b = b, a
		}
		if b != nil {
			t.Fatalf("nobody decided: %v, %v", a, b)
		}
		refused(t, a, access.CodeClosed)
		if s.usable(t, s.Operator) != 1 {
			t.Fatal("not one grant")
		}
	})
}

func TestRequestsEndWithoutAccess(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		r, err := s.Reject(t.Context(), s.anna, s.ask(t).ID, access.DecideArgs{Comment: "no"})
		if err != nil || r.State != access.Rejected {
			t.Fatalf("%+v %v", r, err)
		}
		s.One(event.ACCESS_REQUEST_REJECTED, event.Success, "rejected_by_approver", event.User)
		if r, err = s.Withdraw(t.Context(), s.Operator, s.ask(t).ID); err != nil || r.State != access.Withdrawn {
			t.Fatalf("%+v %v", r, err)
		}
		s.One(event.ACCESS_REQUEST_REJECTED, event.Success, "withdrawn", event.User)
		_, err = s.Approve(t.Context(), s.anna, r.ID, access.DecideArgs{})
		refused(t, err, access.CodeClosed)
		s.Events()
		r = s.ask(t)
		_, err = s.Withdraw(t.Context(), s.anna, r.ID)
		refused(t, err, fault.DefaultCode(fault.Denied))
		s.One(event.ACCESS_REQUEST_REJECTED, event.Denied, "not_permitted", event.User)
		s.Now = s.Now.Add(24 * time.Hour)
		_, err = s.Approve(t.Context(), s.anna, r.ID, access.DecideArgs{})
		refused(t, err, authz.StepUpRequired)
		s.Events()
		s.anna.MFAAt = s.Now
		_, err = s.Approve(t.Context(), s.anna, r.ID, access.DecideArgs{})
		refused(t, err, access.CodeClosed) // by the clock, and not by the sweep
		s.Events()
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.One(event.ACCESS_REQUEST_REJECTED, event.Success, "expired", event.System)
		if to := s.mail.take(notify.AccessDecidedKind); len(to) == 0 {
			t.Error("the requester was not told")
		}
	})
}

func TestStrangersAndWeakerRolesAreRefused(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		ask := func(who authz.Actor) error {
			_, err := s.Request(t.Context(), who, access.RequestArgs{Safe: s.vault.ID, Reason: "curious"})
			return err
		}
		other := s.Person(s.Org, "odd", authz.Operator)
		refused(t, ask(other), fault.DefaultCode(fault.NotFound))
		s.One(event.USER_ACCESS_REQUEST_CREATED, event.Denied, "not_eligible", event.User)
		refused(t, ask(s.Auditor), fault.DefaultCode(fault.Denied))
		s.One(event.USER_ACCESS_REQUEST_CREATED, event.Denied, "not_eligible", event.User)
		refused(t, ask(s.Stranger), fault.DefaultCode(fault.NotFound))
		s.None()
		refused(t, ask(s.Admin), access.CodeNotEligible)
		s.Events()

		r := s.ask(t)
		for _, who := range []authz.Actor{s.Stranger, other} {
			_, err := s.Approve(t.Context(), who, r.ID, access.DecideArgs{})
			refused(t, err, fault.DefaultCode(fault.NotFound))
			_, err = s.Get(t.Context(), who, r.ID)
			refused(t, err, fault.DefaultCode(fault.NotFound))
			_, err = s.Comment(t.Context(), who, r.ID, "x")
			refused(t, err, fault.DefaultCode(fault.NotFound))
			if l, err := s.List(t.Context(), who, access.Filter{}, page.Request{}); err != nil || len(l.Items) != 0 {
				t.Errorf("%+v %v", l, err)
			}
		}
		s.None()
		_, err := s.Approve(t.Context(), s.Auditor, r.ID, access.DecideArgs{}) // who sees it
		refused(t, err, fault.DefaultCode(fault.Denied))
		s.One(event.ACCESS_REQUEST_APPROVED, event.Denied, "not_permitted", event.User)
		s.Member(s.vault.ID, other, safe.Checkout)
		s.Events()
		_, err = s.Reject(t.Context(), other, r.ID, access.DecideArgs{})
		refused(t, err, fault.DefaultCode(fault.NotFound))
	})
}

func TestNothingIsAskedWhereNothingIsNeeded(t *testing.T) {
	each(t, func(p *safe.Policy) { p.Approval.Count = 0; p.Approval.RequestBy = safe.ByOrganization }, func(t *testing.T, s *scene) {
		_, err := s.Request(t.Context(), s.Operator, access.RequestArgs{Safe: s.vault.ID, Reason: "x"})
		refused(t, err, access.CodeNotNeeded)
		s.None()
		other := s.Person(s.Org, "odd", authz.Operator)
		r, err := s.Request(t.Context(), other, access.RequestArgs{Safe: s.vault.ID, Reason: "x"})
		if err != nil || r.Needed != 1 || r.Duration != time.Hour {
			t.Fatalf("who is no member asks: %+v %v", r, err)
		}
	})
}

func TestEmergenciesAreOpenedAndTold(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		args := access.RequestArgs{Safe: s.vault.ID, Reason: "the bank stands still"}
		_, err := s.BreakGlass(t.Context(), s.Operator, args)
		refused(t, err, fault.DefaultCode(fault.Denied))
		s.One("ACCESS_GRANT_OPENED", event.Denied, "not_permitted", event.User)
		p := s.vault.Policy
		p.BreakGlass = []id.User{s.Stranger.User}
		if _, err := s.Safes.SetPolicy(t.Context(), s.Admin, s.vault.ID, p, 0); !fault.Is(err, fault.Invalid) {
			t.Fatalf("a stranger is named: %v", err)
		}
		p.BreakGlass = []id.User{s.Operator.User}
		if _, err := s.Safes.SetPolicy(t.Context(), s.Admin, s.vault.ID, p, 0); err != nil {
			t.Fatal(err)
		}
		s.Events()
		stale := s.Operator
		stale.MFAAt = s.Now.Add(-6 * time.Minute)
		_, err = s.BreakGlass(t.Context(), stale, args)
		refused(t, err, authz.StepUpRequired)
		s.One("ACCESS_GRANT_OPENED", event.Denied, "not_permitted", event.User)
		r, err := s.BreakGlass(t.Context(), s.Operator, args)
		if err != nil || r.Kind != access.ByEmergency || r.Grant == nil || s.usable(t, s.Operator) != 1 {
			t.Fatalf("%+v %v", r, err)
		}
		all := s.Events()
		if len(all) != 2 || all[0].Constant != "ACCESS_GRANT_OPENED" || all[1].Constant != event.SECURITY_INCIDENT_FLAGGED {
			t.Fatalf("%+v", all)
		}
		if to := s.mail.take(notify.AccessEmergencyKind); len(to) != 2 {
			t.Errorf("%v were told, not the owner and the admin", to)
		}
	})
}
