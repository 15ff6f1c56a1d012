package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify/notifysql"
	"github.com/vaultpam/vaultpam/internal/page"
)

// Delivery is a message as lists show it: never its content.
type Delivery struct {
	ID        id.Delivery
	Channel   string // email, slack or webhook
	ChannelID string // email, or the channel's id
	Kind      Kind
	Recipient string
	State     string // queued, sending, sent, failed, expired
	Attempts  int
	LastError string
	FellBack  bool // another channel was asked in its place
	CreatedAt time.Time
	ExpiresAt time.Time
	NextAt    time.Time // zero when it ended
	EndedAt   time.Time // zero while it waits
	Tries     []Try     // Get only
}

// Try is one attempt to deliver.
type Try struct {
	N         int
	StartedAt time.Time
	EndedAt   time.Time
	Outcome   string // sent, retry, refused, lost
	Via       string // server or folder
	Error     string
}

func mayList(actor authz.Actor, org id.Org) error {
	if org == "" {
		actor.Org, actor.Role = "", authz.None
		return authz.Check(actor, authz.PlatformMailList, authz.Object{Type: authz.PlatformObject})
	}
	return authz.Check(actor, authz.MailList, authz.Object{Type: authz.OrgObject, ID: string(org), Org: org})
}

// read runs f in org, or on the platform when it is empty.
func (s *Service) read(ctx context.Context, org id.Org, f db.Fn) error {
	if org == "" {
		return s.d.DB.ReadPlatform(ctx, f)
	}
	return s.d.DB.ReadOrg(ctx, org, f)
}

// List lists the e-mails of an organization (empty: of the platform), newest first.
func (s *Service) List(ctx context.Context, actor authz.Actor, org id.Org, p page.Request) (page.List[Delivery], error) {
	return s.Deliveries(ctx, actor, org, DeliveryFilter{Channel: emailWay}, p)
}

// DeliveryFilter narrows a list of deliveries; an empty field does not.
type DeliveryFilter struct {
	Channel string // email, or a channel's id
	State   string
}

// Deliveries lists what was sent by any channel, newest first.
func (s *Service) Deliveries(ctx context.Context, actor authz.Actor, org id.Org, f DeliveryFilter, p page.Request) (page.List[Delivery], error) {
	if err := mayList(actor, org); err != nil {
		return page.List[Delivery]{}, err
	}
	n, before, err := p.Resolve()
	if err != nil {
		return page.List[Delivery]{}, err
	}
	if before == "" {
		before = "~" // after every id
	}
	var rows []notifysql.ListDeliveriesRow
	err = s.read(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = notifysql.New(tx).ListDeliveries(ctx, notifysql.ListDeliveriesParams{OrgID: string(org), Before: before, ChannelID: f.Channel, State: f.State, N: n})
		return err
	})
	if err != nil {
		return page.List[Delivery]{}, fmt.Errorf("list messages: %w", err)
	}
	out := make([]Delivery, len(rows))
	for i, r := range rows {
		out[i] = delivery(r)
	}
	return page.Cut(out, n, func(d Delivery) string { return string(d.ID) }), nil
}

func delivery(r notifysql.ListDeliveriesRow) Delivery {
	d := Delivery{ID: id.Delivery(r.ID), Channel: r.Channel, ChannelID: r.ChannelID, Kind: Kind(r.Kind), Recipient: r.Recipient, State: r.State, Attempts: int(r.Attempts),
		LastError: r.LastError, FellBack: r.FellBack, CreatedAt: db.Time(r.CreatedAt), ExpiresAt: db.Time(r.ExpiresAt)}
	if r.EndedAt != 0 {
		d.EndedAt = db.Time(r.EndedAt)
	} else {
		d.NextAt = db.Time(r.NextAt)
	}
	return d
}

// Get is one message with its tries.
func (s *Service) Get(ctx context.Context, actor authz.Actor, org id.Org, name id.Delivery) (Delivery, error) {
	if err := mayList(actor, org); err != nil {
		return Delivery{}, err
	}
	var row notifysql.Delivery
	var tries []notifysql.DeliveryTry
	err := s.read(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		q := notifysql.New(tx)
		if row, err = q.GetDelivery(ctx, notifysql.GetDeliveryParams{OrgID: string(org), ID: string(name)}); err != nil {
			return err
		}
		tries, err = q.Tries(ctx, notifysql.TriesParams{OrgID: string(org), DeliveryID: string(name)})
		return err
	})
	if db.NotFound(err) {
		return Delivery{}, fault.New(fault.NotFound, "no message %.64q here", name)
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("read message %s: %w", name, err)
	}
	d := delivery(notifysql.ListDeliveriesRow{OrgID: row.OrgID, ID: row.ID, Channel: row.Channel, ChannelID: row.ChannelID, FellBack: row.FellBack, Kind: row.Kind, Recipient: row.Recipient, State: row.State,
		Attempts: row.Attempts, LastError: row.LastError, CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt, NextAt: row.NextAt, EndedAt: row.EndedAt})
	for _, t := range tries {
		d.Tries = append(d.Tries, Try{N: int(t.N), StartedAt: db.Time(t.StartedAt), EndedAt: db.Time(t.EndedAt), Outcome: t.Outcome, Via: t.Via, Error: t.Error})
	}
	return d, nil
}
