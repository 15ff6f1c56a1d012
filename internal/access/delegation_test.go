package access_test

import (
	"context"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/access"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe"
)

func (s *scene) lends(t *testing.T, from, to authz.Actor, right access.Right, d time.Duration) (access.Delegation, error) {
	t.Helper()
	return s.Delegate(t.Context(), from, access.DelegateArgs{Safe: s.vault.ID, To: to.User, Right: right, EndsAt: s.Now.Add(d)})
}

// lent is how many people somebody has the safe from, by each loan.
func (s *scene) lent(t *testing.T, who authz.Actor) (n []int) {
	t.Helper()
	err := s.DB.ReadOrg(t.Context(), s.Org, func(ctx context.Context, tx *db.Tx) error {
		list, err := s.Lent(ctx, tx, s.Org, who.User, s.vault.ID)
		n = nil
		for _, l := range list {
			n = append(n, len(l.Lenders))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLendingIsBoundedByTheLender(t *testing.T) {
	each(t, func(p *safe.Policy) { p.Delegation = safe.DelegationOnward }, func(t *testing.T, s *scene) {
		carl, dora := s.Person(s.Org, "carl", authz.Operator), s.Person(s.Org, "dora", authz.Operator)
		s.Events()
		d, err := s.lends(t, s.Operator, carl, access.LendAccess, 2*time.Hour)
		if err != nil || d.Lender.ID != s.Operator.User || d.Delegate.ID != carl.User {
			t.Fatalf("%+v %v", d, err)
		}
		s.One(event.ACCESS_DELEGATION_GRANTED, event.Success, "", event.User)
		if to := s.mail.take(notify.AccessLentKind); len(to) != 1 {
			t.Errorf("%v were told", to)
		}
		_, err = s.lends(t, s.Operator, carl, access.LendAccess, time.Hour)
		refused(t, err, access.CodeDelegateNotEligible) // twice
		s.One(event.ACCESS_DELEGATION_GRANTED, event.Denied, "delegate_not_eligible", event.User)
		_, err = s.lends(t, carl, dora, access.LendAccess, 3*time.Hour)
		refused(t, err, fault.DefaultCode(fault.Denied)) // longer than one has it
		s.One(event.ACCESS_DELEGATION_GRANTED, event.Denied, "not_permitted", event.User)
		_, err = s.lends(t, carl, dora, access.LendApprove, time.Hour)
		refused(t, err, fault.DefaultCode(fault.NotFound)) // of another kind than one has
		s.Events()
		_, err = s.lends(t, s.Operator, s.Auditor, access.LendAccess, time.Hour)
		refused(t, err, access.CodeDelegateNotEligible)
		_, err = s.lends(t, s.Operator, s.Stranger, access.LendAccess, time.Hour)
		refused(t, err, access.CodeDelegateNotEligible)
		robot := s.Operator
		robot.Kind, robot.Token, robot.Scopes = authz.Token, "tok_1", []string{"access:request", "access:decide"}
		s.Events()
		_, err = s.lends(t, robot, dora, access.LendAccess, time.Hour)
		refused(t, err, fault.DefaultCode(fault.Denied))
		s.One(event.AUTH_ACT_REFUSED, event.Denied, "not_permitted", event.ServiceAccount)
		stale := s.Operator
		stale.MFAAt = s.Now.Add(-16 * time.Minute)
		_, err = s.lends(t, stale, dora, access.LendAccess, time.Hour)
		refused(t, err, authz.StepUpRequired)
		s.Events()

		on, err := s.lends(t, carl, dora, access.LendAccess, time.Hour)
		if err != nil || on.Parent != d.ID {
			t.Fatalf("%+v %v", on, err)
		}
		s.Events()
		if got := s.lent(t, dora); len(got) != 1 || got[0] != 2 {
			t.Fatalf("dora has it from %v", got)
		}
		if l, err := s.Delegations(t.Context(), dora, true, page.Request{}); err != nil || len(l.Items) != 1 {
			t.Errorf("%+v %v", l, err)
		}
		for _, who := range []authz.Actor{s.Stranger, s.anna} {
			refused(t, s.RevokeDelegation(t.Context(), who, d.ID), fault.DefaultCode(fault.NotFound))
		}
		s.Events()
		if err := s.RevokeDelegation(t.Context(), carl, d.ID); err != nil {
			t.Fatal(err)
		}
		all := s.Events()
		if len(all) != 2 || all[0].Reason != "revoked_by_delegate" || all[1].Reason != "delegator_lost_right" || len(s.lent(t, dora)) != 0 {
			t.Errorf("%+v", all)
		}
	})
}

func TestLoansEndWithWhatTheyRestOn(t *testing.T) {
	each(t, nil, func(t *testing.T, s *scene) {
		carl := s.Person(s.Org, "carl", authz.Operator)
		for reason, end := range map[string]func(){
			"expired": func() { s.Now = s.Now.Add(time.Hour) },
			"delegator_lost_right": func() {
				if err := s.Safes.RemoveMember(t.Context(), s.Admin, s.vault.ID, s.Operator.User); err != nil {
					t.Fatal(err)
				}
			},
		} {
			s.Operator.MFAAt, s.Admin.MFAAt = s.Now, s.Now
			if _, err := s.lends(t, s.Operator, carl, access.LendAccess, time.Hour); err != nil {
				t.Fatal(reason, err)
			}
			end()
			s.Events()
			if len(s.lent(t, carl)) != 0 {
				t.Errorf("%s: it is still lent before the clock has come by", reason)
			}
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.One(event.ACCESS_DELEGATION_REVOKED, event.Success, reason, event.System)
			if reason == "delegator_lost_right" {
				s.Member(s.vault.ID, s.Operator, safe.User)
			}
		}
	})
}

// A lender whom a policy denies for good lends no more, nor does who lends on from them.
func TestLoansEndWhenAPolicyDeniesTheLender(t *testing.T) {
	each(t, func(p *safe.Policy) { p.Delegation = safe.DelegationOnward }, func(t *testing.T, s *scene) {
		carl, dora := s.Person(s.Org, "carl", authz.Operator), s.Person(s.Org, "dora", authz.Operator)
		both := func() {
			t.Helper()
			if _, err := s.lends(t, s.Operator, carl, access.LendAccess, 2*time.Hour); err != nil {
				t.Fatal(err)
			}
			if _, err := s.lends(t, carl, dora, access.LendAccess, time.Hour); err != nil {
				t.Fatal(err)
			}
			s.Events()
		}
		sweep := func(ended int) {
			t.Helper()
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			all := s.Events()
			if len(all) != ended {
				t.Fatalf("%+v", all)
			}
			for _, e := range all {
				if e.Constant != event.ACCESS_DELEGATION_REVOKED || e.Reason != "delegator_lost_right" || e.Actor.Type != event.System {
					t.Errorf("%+v", e)
				}
			}
		}
		both()
		sweep(0)
		s.shut[carl.User] = true // who has it from somebody, and lends it on
		sweep(0)                 // nothing that it rests on has changed
		s.Now = s.Now.Add(time.Minute)
		sweep(1)
		_, err := s.lends(t, carl, dora, access.LendAccess, time.Minute)
		refused(t, err, fault.DefaultCode(fault.Denied))
		s.One(event.ACCESS_DELEGATION_GRANTED, event.Denied, "not_permitted", event.User)
		s.shut[carl.User], s.shut[s.Operator.User] = false, true
		s.Now = s.Now.Add(time.Minute)
		sweep(1)
	})
}
