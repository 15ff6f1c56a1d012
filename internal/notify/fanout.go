package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify/notifysql"
)

const (
	patience   = 3             // tries after which the next channel is asked; the one that fails is tried further
	alertEvery = 6 * time.Hour // administrators hear of one channel's failures
)

// entry is one row to be queued: one notice by one way.
type entry struct {
	id        id.Delivery
	way       string
	channel   string // its id, or email
	recipient string
	key       string
	content   []byte
}

// toChannel writes and seals a notice for one channel.
func (s *Service) toChannel(ctx context.Context, c notifysql.NotifyChannel, d document, key string) (entry, error) {
	e := entry{id: id.New[id.Delivery](), way: c.Kind, channel: c.ID, recipient: c.Name, key: key}
	plain, err := json.Marshal(content{Document: &d})
	if err != nil {
		return e, fmt.Errorf("encode a notice: %w", err)
	}
	if e.content, err = s.d.Seal.Seal(ctx, id.Org(c.OrgID), sealContext(e.id), plain); err != nil {
		return e, fmt.Errorf("seal a notice: %w", err)
	}
	return e, nil
}

// toPerson writes and seals a document as an e-mail.
func (s *Service) toPerson(ctx context.Context, org id.Org, to Recipient, d document, key string) (entry, error) {
	r, err := letterOf(s.d.PublicURL, d)
	if err != nil {
		return entry{}, err
	}
	e, err := s.toMailbox(ctx, org, to, content{Name: line(to.Name, maxShown), Rendered: r})
	if key != "" {
		e.key = key + "/" + to.Email
	}
	return e, err
}

// toMailbox seals a letter.
func (s *Service) toMailbox(ctx context.Context, org id.Org, to Recipient, c content) (entry, error) {
	e := entry{id: id.New[id.Delivery](), way: emailWay, channel: emailWay, recipient: to.Email}
	plain, err := json.Marshal(c)
	if err != nil {
		return e, fmt.Errorf("encode a message: %w", err)
	}
	if e.content, err = s.d.Seal.Seal(ctx, org, sealContext(e.id), plain); err != nil {
		return e, fmt.Errorf("seal a message: %w", err)
	}
	return e, nil
}

// broadcast makes the entries of those of an organization's channels that want to hear
// of a notice; but is left out.
func (s *Service) broadcast(ctx context.Context, org id.Org, d document, key, but string) ([]entry, error) {
	if org == "" || !kindInfo(d.Kind).Shared {
		return nil, nil
	}
	channels, err := s.channels(ctx, org)
	if err != nil {
		return nil, err
	}
	var out []entry
	for _, c := range channels {
		if c.ID == but || !wants(c, d.Kind) {
			continue
		}
		e, err := s.toChannel(ctx, c, d, key)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// fallBack prepares what happens when a delivery keeps failing: its notice goes by the next
// channel in the organization's order that does not have it yet, or last to the
// administrators by e-mail; and administrators are told, unless they were lately. What it
// gives is called in the transaction that keeps the outcome.
func (s *Service) fallBack(ctx context.Context, row notifysql.Delivery, outcome error) (db.Fn, error) {
	org := id.Org(row.OrgID)
	if org == "" || row.FellBack || Kind(row.Kind) == TestKind {
		return nothing, nil
	}
	var admins []notifysql.AdministratorsRow
	var told []string
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		q := notifysql.New(tx)
		if admins, err = q.Administrators(ctx, row.OrgID); err != nil {
			return err
		}
		told, err = q.ToldAlready(ctx, notifysql.ToldAlreadyParams{OrgID: row.OrgID, NoticeKey: row.NoticeKey})
		return err
	})
	if err != nil {
		return nothing, fmt.Errorf("look for another channel: %w", err)
	}
	channels, err := s.channels(ctx, org)
	if err != nil {
		return nothing, err
	}
	var instead []entry
	if kindInfo(Kind(row.Kind)).Shared {
		if instead, err = s.instead(ctx, row, channels, told, admins); err != nil {
			return nothing, err
		}
	}
	alert, err := s.alert(ctx, row, channels, admins, outcome)
	if err != nil {
		return nothing, err
	}
	var inbox []inboxRow
	for _, a := range admins {
		r, err := s.toInbox(s.failing(row, outcome), id.User(a.ID), nil, standard(kindInfo(ChannelFailingKind)))
		if err != nil {
			return nothing, err
		}
		inbox = append(inbox, r)
	}
	return func(ctx context.Context, tx *db.Tx) error {
		now := s.d.Now()
		q := notifysql.New(tx)
		n, err := q.FellBack(ctx, notifysql.FellBackParams{OrgID: row.OrgID, ID: row.ID})
		if err != nil || n == 0 {
			return err
		}
		for _, e := range instead {
			if err := s.insert(ctx, tx, org, Kind(row.Kind), e, db.Time(row.ExpiresAt)); err != nil {
				return err
			}
		}
		if n, err = q.Alert(ctx, notifysql.AlertParams{OrgID: row.OrgID, ChannelID: row.ChannelID, Now: db.Micros(now), Before: db.Micros(now.Add(-alertEvery))}); err != nil || n == 0 {
			return err
		}
		for _, e := range alert {
			if err := s.insert(ctx, tx, org, ChannelFailingKind, e, now.Add(defaultLife)); err != nil {
				return err
			}
		}
		for _, r := range inbox {
			if err := s.insertNotice(ctx, tx, org, ChannelFailingKind, r); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func nothing(context.Context, *db.Tx) error { return nil }

// instead is the notice by the next channel in the order, going round, that does not have it.
func (s *Service) instead(ctx context.Context, row notifysql.Delivery, channels []notifysql.NotifyChannel, told []string, admins []notifysql.AdministratorsRow) ([]entry, error) {
	plain, err := s.d.Seal.Open(ctx, id.Org(row.OrgID), sealContext(id.Delivery(row.ID)), row.Content)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	var c content
	if err := json.Unmarshal(plain, &c); err != nil || c.Document == nil {
		return nil, err // a message to one person alone
	}
	at := slices.IndexFunc(channels, func(c notifysql.NotifyChannel) bool { return c.ID == row.ChannelID }) + 1 // of e-mail: the first
	for i := range channels {
		next := channels[(at+i)%len(channels)]
		if next.ID == row.ChannelID || !next.Enabled || asks(next) || next.FailingSince != 0 || slices.Contains(told, next.ID) {
			continue
		}
		e, err := s.toChannel(ctx, next, *c.Document, row.NoticeKey)
		return []entry{e}, err
	}
	if row.Channel == emailWay {
		return nil, nil
	}
	var out []entry
	for _, a := range admins {
		e, err := s.toPerson(ctx, id.Org(row.OrgID), Recipient{Email: a.Email, Name: a.Name}, *c.Document, row.NoticeKey)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// failing tells of a channel by one delivery that failed.
func (s *Service) failing(row notifysql.Delivery, outcome error) ChannelFailing {
	d := ChannelFailing{Way: row.Channel, Error: line(outcome.Error(), 300), At: s.d.Now()}
	if row.Channel != emailWay {
		d.Channel = row.Recipient
	}
	return d
}

// alert is what administrators are told of a channel that fails, by every other way.
func (s *Service) alert(ctx context.Context, row notifysql.Delivery, channels []notifysql.NotifyChannel, admins []notifysql.AdministratorsRow, outcome error) ([]entry, error) {
	if Kind(row.Kind) == ChannelFailingKind && row.Channel == emailWay {
		return nil, nil // nobody is left to be told
	}
	org := id.Org(row.OrgID)
	d := share(s.d.PublicURL, org, s.failing(row, outcome), nil, s.d.Now())
	out, err := s.broadcast(ctx, org, d, "", row.ChannelID)
	if err != nil || row.Channel == emailWay {
		return out, err
	}
	for _, a := range admins {
		e, err := s.toPerson(ctx, org, Recipient{Email: a.Email, Name: a.Name}, d, "")
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// insert queues one entry in the caller's transaction.
func (s *Service) insert(ctx context.Context, tx *db.Tx, org id.Org, k Kind, e entry, expires time.Time) error {
	err := notifysql.New(tx).InsertDelivery(ctx, notifysql.InsertDeliveryParams{OrgID: string(org), ID: string(e.id), Channel: e.way, ChannelID: e.channel, Kind: string(k), Recipient: e.recipient,
		NoticeKey: e.key, Content: e.content, Now: db.Micros(s.d.Now()), ExpiresAt: db.Micros(expires)})
	if err != nil {
		return fmt.Errorf("queue a message: %w", err)
	}
	tx.AfterCommit(s.notify)
	return nil
}

// tryChannel makes one try by a channel and tells which host took it.
func (s *Service) tryChannel(ctx context.Context, row notifysql.Delivery, c content) (via string, err error) {
	if c.Document == nil {
		return "", &refusal{errors.New("the stored notice cannot be read")}
	}
	if s.d.Web == nil {
		return "", &refusal{errors.New("this server reaches no channels")}
	}
	d, err := s.open(ctx, id.Org(row.OrgID), id.Channel(row.ChannelID))
	if fault.Is(err, fault.NotFound) {
		return "", &refusal{errors.New("the channel was deleted")}
	}
	if err != nil {
		return "", err
	}
	if asks(d.row) {
		return d.row.Host, &refusal{errors.New("the channel is a ticket system now, which is told of nothing")}
	}
	if !d.row.Enabled && Kind(row.Kind) != TestKind {
		return d.row.Host, &refusal{errors.New("the channel is switched off")}
	}
	return d.row.Host, s.post(ctx, id.Delivery(row.ID), Way(row.Channel), d.in, len(d.in.Previous) > 0 && d.row.PreviousUntil > db.Micros(s.d.Now()), *c.Document)
}
