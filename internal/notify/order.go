package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify/notifysql"
)

// What administrators send by hand: a test to themselves, and a message that did not
// arrive once more. A test goes to nobody else, so that nobody is written to at will.

const (
	maxTests    = 5 // of one organization within testsWithin
	testsWithin = 10 * time.Minute
	testLife    = 30 * time.Minute
	mostTries   = 30 // of one message, by itself and by hand
)

// TestKind is the kind of a test.
const TestKind Kind = "test"

// Test says that mail arrives.
type Test struct {
	Organization bool // by an organization's way, not the platform's
	By           string
}

func (Test) Kind() Kind { return TestKind }

func (d Test) letter(w *writer) {
	w.subject("A test message from VaultPAM")
	whose := "of this installation"
	if d.Organization {
		whose = "of your organization"
	}
	w.text("%s has sent this message to see whether the messages %s arrive. They do.", d.By, whose)
}

// SendTest sends a test to the actor themselves, as a message of org (empty: the platform).
func (s *Service) SendTest(ctx context.Context, actor authz.Actor, org id.Org) (Delivery, error) {
	order := func(d id.Delivery) event.MailOrdered {
		return event.NewMailOrdered(orderAct(actor, org), orderTarget(org), event.MailOrderTest, string(TestKind)).WithDelivery(d)
	}
	if err := s.mayOrder(ctx, actor, org, order("")); err != nil {
		return Delivery{}, err
	}
	p, err := s.Prepare(ctx, org, Message{To: Recipient{Email: actor.Email, Name: actor.Name}, Data: Test{Organization: org != "", By: actor.Name}, Expires: s.d.Now().Add(testLife)})
	if err != nil {
		return Delivery{}, err
	}
	return s.queueTest(ctx, actor, org, p, order)
}

// SendChannelTest sends a test by one channel, also when it is switched off.
func (s *Service) SendChannelTest(ctx context.Context, actor authz.Actor, name id.Channel) (Delivery, error) {
	org := actor.Org
	order := func(d id.Delivery) event.MailOrdered {
		return event.NewMailOrdered(orderAct(actor, org), orderTarget(org), event.MailOrderTest, string(TestKind)).WithDelivery(d)
	}
	if err := s.mayOrder(ctx, actor, org, order("")); err != nil {
		return Delivery{}, err
	}
	row, err := s.channel(ctx, org, name)
	if err != nil {
		return Delivery{}, err
	}
	if asks(row) {
		why := fault.New(fault.Conflict, "%s is a ticket system: it is asked, and told of nothing, tests neither", row.Name).WithCode("TICKET_SYSTEM")
		return Delivery{}, s.orderRefused(ctx, why, order("").Denied(event.MailOrderedTicketSystem))
	}
	e, err := s.toChannel(ctx, row, share(s.d.PublicURL, org, Test{Organization: true, By: actor.Name}, nil, s.d.Now()), "")
	if err != nil {
		return Delivery{}, err
	}
	return s.queueTest(ctx, actor, org, Prepared{org: org, kind: TestKind, entries: []entry{e}, expires: s.d.Now().Add(testLife)}, order)
}

// queueTest queues a test unless there were many lately.
func (s *Service) queueTest(ctx context.Context, actor authz.Actor, org id.Org, p Prepared, order func(id.Delivery) event.MailOrdered) (Delivery, error) {
	limited := false
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := notifysql.New(tx).CountKindSince(ctx, notifysql.CountKindSinceParams{OrgID: string(org), Kind: string(TestKind), Since: db.Micros(s.d.Now().Add(-testsWithin))})
		if err != nil {
			return fmt.Errorf("count tests: %w", err)
		}
		if limited = n >= maxTests; limited {
			return nil
		}
		if err := s.Queue(ctx, tx, p); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, order(p.ID()))
		return err
	})
	if err != nil {
		return Delivery{}, fmt.Errorf("send a test: %w", err)
	}
	if limited {
		why := fault.New(fault.Exhausted, "%d tests in %s are enough: look at how they went, and try again later", maxTests, testsWithin).WithRetry(testsWithin)
		return Delivery{}, s.orderRefused(ctx, why, order("").Denied(event.MailOrderedRateLimited))
	}
	return s.Get(ctx, actor, org, p.ID())
}

// Resend tries a message that failed, or waits for its next try, at once. One that was sent
// or has expired is not there any more (fault.Conflict).
func (s *Service) Resend(ctx context.Context, actor authz.Actor, org id.Org, name id.Delivery) (Delivery, error) {
	order := func(kind Kind) event.MailOrdered {
		return event.NewMailOrdered(orderAct(actor, org), orderTarget(org), event.MailOrderResend, string(kind)).WithDelivery(name)
	}
	if err := s.mayOrder(ctx, actor, org, order("")); err != nil {
		return Delivery{}, err
	}
	d, err := s.Get(ctx, actor, org, name)
	if err != nil {
		return Delivery{}, err
	}
	gone := false
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := notifysql.New(tx).ResendDelivery(ctx, notifysql.ResendDeliveryParams{Now: db.Micros(s.d.Now()), OrgID: string(org), ID: string(name), Most: mostTries, Empty: []byte{}})
		if err != nil {
			return fmt.Errorf("queue message %s again: %w", name, err)
		}
		if gone = n == 0; gone {
			return nil
		}
		tx.AfterCommit(s.notify)
		_, err = s.d.Ledger.Record(ctx, tx, order(d.Kind))
		return err
	})
	if err != nil {
		return Delivery{}, fmt.Errorf("send a message again: %w", err)
	}
	if gone {
		why := fault.New(fault.Conflict, "this message was sent, is on its way, has expired, or was tried too often: what it told has to be done again").WithCode("MAIL_GONE")
		return Delivery{}, s.orderRefused(ctx, why, order(d.Kind).Denied(event.MailOrderedGone))
	}
	return s.Get(ctx, actor, org, name)
}

func orderAct(actor authz.Actor, org id.Org) event.Act {
	if org == "" {
		return event.By(actor, event.PlatformAdmin).OnPlatform()
	}
	return event.By(actor, event.TenantAdmin)
}

func orderTarget(org id.Org) event.TenantRef {
	if org == "" {
		return event.PlatformTarget()
	}
	return event.TenantTarget(org, "")
}

func (s *Service) mayOrder(ctx context.Context, actor authz.Actor, org id.Org, ev event.MailOrdered) error {
	if s.d.Ledger == nil {
		return fault.New(fault.Unavailable, "this server sends nothing by hand")
	}
	action, at, who := authz.MailSend, authz.Object{Type: authz.OrgObject, ID: string(org), Org: org}, actor
	if org == "" {
		action, at = authz.PlatformMailSend, authz.Object{Type: authz.PlatformObject}
		who.Org, who.Role = "", authz.None
	}
	err := authz.Check(who, action, at)
	if err == nil || actor.Kind == authz.Nobody {
		return err
	}
	return s.orderRefused(ctx, err, ev.Denied(event.MailOrderedNotPermitted))
}

func (s *Service) orderRefused(ctx context.Context, why error, ev event.Event) error {
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}
