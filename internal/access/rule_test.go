package access_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/access"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// tickets is a ticket system of which some tickets are open.
type tickets struct {
	open  map[string]error
	asked func() // nil: nothing happens meanwhile
}

func (x *tickets) TicketOpen(_ context.Context, _ id.Org, q notify.TicketQuestion) (bool, error) {
	if x.asked != nil {
		x.asked()
	}
	err, ok := x.open[q.Ticket]
	return ok, err
}

func TestAnOpenTicketApproves(t *testing.T) {
	system := &tickets{open: map[string]error{"OPEN": nil, "SLOW": fault.New(fault.Unavailable, "it did not answer within 5s"), "LEAK": errors.New("dial tcp 10.0.0.1")}}
	each(t, func(p *safe.Policy) {
		p.Approval.Ticket, p.Approval.Count, p.Approval.RequestBy = true, 2, safe.ByOrganization
	}, func(t *testing.T, s *scene) {
		with, err := access.New(access.Deps{DB: s.DB, Ledger: s.Ledger, Needs: needs{s.Safes, s.shut}, Mail: s.mail, Ticket: system, Vault: due{}, Now: func() time.Time { return s.Now }})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(svc *access.Service, who authz.Actor, ticket string, uses access.Uses) access.Request {
			t.Helper()
			r, err := svc.Request(t.Context(), who, access.RequestArgs{Safe: s.vault.ID, Reason: "the disk is full", Ticket: ticket, Duration: time.Hour, Uses: uses})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		stranger := s.Person(s.Org, "stranger", authz.Operator)
		for _, c := range []struct {
			svc          *access.Service
			who          authz.Actor
			ticket, note string
			uses         access.Uses
		}{
			{with, s.Operator, "", "no ticket is named", ""},
			{with, s.Operator, "SHUT", "the ticket system says that this ticket is not open", ""},
			{with, s.Operator, "SLOW", "the ticket system: it did not answer within 5s", ""},
			{with, s.Operator, "LEAK", "the ticket system: internal error", ""},
			{s.Service, s.Operator, "OPEN", "the ticket system: there is none", ""},
			{with, stranger, "OPEN", "who is no member of the safe is let in by a person", ""},
			{with, s.Operator, "OPEN", "the credential is more than their role holds, and shown only if a person says so", access.ForCheckout},
			{with, s.Operator, "OPEN", "the credential is more than their role holds, and shown only if a person says so", access.ForBoth},
		} {
			r := ask(c.svc, c.who, c.ticket, c.uses)
			if r.State != access.Open || r.Kind != access.ByApproval || r.RuleNote != c.note || r.Grant != nil {
				t.Errorf("%q: %+v", c.ticket, r)
			}
			if told := s.mail.take(notify.AccessWaitingKind); len(told) == 0 {
				t.Errorf("%q: no approver was told", c.ticket)
			}
			if _, err := s.Withdraw(t.Context(), c.who, r.ID); err != nil {
				t.Fatal(err)
			}
		}
		s.mail.take("")
		r := ask(with, s.Operator, "OPEN", "")
		if r.State != access.Approved || r.Kind != access.ByRule || r.RuleNote != "" || r.Grant == nil || s.usable(t, s.Operator) != 1 {
			t.Errorf("%+v", r)
		}
		if told := s.mail.take(notify.AccessWaitingKind); len(told) != 0 {
			t.Errorf("%v were told", told)
		}
	})
}

// Who is taken out of a safe while the ticket system is asked is not let in by its answer.
func TestATicketLetsNobodyInWhoLeftMeanwhile(t *testing.T) {
	for _, by := range []safe.RequestBy{safe.ByMembers, safe.ByOrganization} {
		each(t, func(p *safe.Policy) { p.Approval.Ticket, p.Approval.RequestBy = true, by }, func(t *testing.T, s *scene) {
			system := &tickets{open: map[string]error{"OPEN": nil}, asked: func() {
				if err := s.Safes.RemoveMember(t.Context(), s.Admin, s.vault.ID, s.Operator.User); err != nil {
					t.Error(err)
				}
				s.Events()
			}}
			with, err := access.New(access.Deps{DB: s.DB, Ledger: s.Ledger, Needs: needs{s.Safes, s.shut}, Mail: s.mail, Ticket: system, Vault: due{}, Now: func() time.Time { return s.Now }})
			if err != nil {
				t.Fatal(err)
			}
			_, err = with.Request(t.Context(), s.Operator, access.RequestArgs{Safe: s.vault.ID, Reason: "the disk is full", Ticket: "OPEN", Duration: time.Hour})
			refused(t, err, access.CodeNotEligible)
			s.One(event.USER_ACCESS_REQUEST_CREATED, event.Denied, "not_eligible", event.User)
			if n := s.usable(t, s.Operator); n != 0 {
				t.Errorf("%d grants are open", n)
			}
		})
	}
}
