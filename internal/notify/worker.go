package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify/notifysql"
)

const (
	workers   = 8
	pollEvery = 2 * time.Second // for what other servers queue, and for retries
	sendLimit = time.Minute     // one try, from dialling to the last answer
	lease     = 2 * time.Minute // a try that takes longer has lost its server
	stopLimit = 5 * time.Second // for tries under way at the stop signal
	keepEnded = 30 * 24 * time.Hour
	ownDown   = time.Minute // an organization's server or channel that did not answer is left alone for this long
)

// backoff is how long to wait after the nth try. The last one repeats until the
// message expires.
var backoff = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}

func pause(attempts int64) time.Duration {
	d := backoff[min(int(attempts), len(backoff))-1]
	return d + time.Duration(rand.Int64N(int64(d)/5)) // so that what failed together does not come back together
}

// Run delivers until ctx ends, and lets tries under way finish shortly.
func (s *Service) Run(ctx context.Context) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(stopLimit, cut) })()
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, workers)
	t := time.NewTicker(pollEvery)
	defer t.Stop()
	var swept, summarized time.Time
	for {
		if now := s.d.Now(); now.Sub(summarized) >= time.Minute {
			summarized = now
			s.complain(ctx, "the summaries that are due could not be queued", s.summarize(ctx))
		}
		if now := s.d.Now(); now.Sub(swept) >= time.Hour {
			swept = now
			s.complain(ctx, "old messages could not be deleted", s.sweep(ctx))
		}
		due, err := s.due(ctx)
		s.complain(ctx, "the messages that are due could not be listed", err)
		for _, row := range due {
			name := id.Delivery(row.ID)
			if !s.take(name) {
				continue // this server is at it
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			running.Go(func() {
				defer func() { s.release(name); <-slots; s.notify() }()
				s.complain(work, "a message could not be handled", s.deliver(work, id.Org(row.OrgID), name, restKey(row.OrgID, row.ChannelID)))
			})
		}
		select {
		case <-t.C:
		case <-s.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Service) complain(ctx context.Context, text string, err error) {
	if err != nil && ctx.Err() == nil {
		s.d.Log.ErrorContext(ctx, text, "error", err.Error())
	}
}

// take marks a message as being worked on here; false when it is already.
func (s *Service) take(d id.Delivery) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[d] {
		return false
	}
	s.busy[d] = true
	return true
}

func (s *Service) release(d id.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, d)
}

func (s *Service) due(ctx context.Context) (rows []notifysql.DueDeliveriesRow, err error) {
	var waiting notifysql.WaitingRow
	now := s.d.Now()
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		q := notifysql.New(tx)
		if waiting, err = q.Waiting(ctx); err != nil || waiting.N == 0 {
			rows = nil
			return err
		}
		rows, err = q.DueDeliveries(ctx, notifysql.DueDeliveriesParams{Now: db.Micros(now), N: 4 * workers})
		return err
	})
	if err != nil {
		return nil, err
	}
	s.metrics.waiting.Set(float64(waiting.N))
	s.metrics.oldest.Set(0)
	if waiting.N > 0 {
		s.metrics.oldest.Set(now.Sub(db.Time(waiting.Oldest)).Seconds())
	}
	return rows, nil
}

// deliver makes one try.
func (s *Service) deliver(ctx context.Context, org id.Org, name id.Delivery, by string) error {
	if until, waits := s.resting(by); waits {
		return s.postpone(ctx, org, name, until)
	}
	row, ok, err := s.claim(ctx, org, name)
	if err != nil || !ok {
		return err
	}
	started := s.d.Now()
	via, err := s.try(ctx, row)
	return s.settle(context.WithoutCancel(ctx), row, started, via, err)
}

// claim takes a message for one try. Several servers may be after it: the row decides.
func (s *Service) claim(ctx context.Context, org id.Org, name id.Delivery) (row notifysql.Delivery, ok bool, err error) {
	now := s.d.Now()
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		ok = false
		q := notifysql.New(tx)
		if row, err = q.GetDelivery(ctx, notifysql.GetDeliveryParams{OrgID: string(org), ID: string(name)}); err != nil {
			return err
		}
		key := notifysql.EndDeliveryParams{OrgID: row.OrgID, ID: row.ID, Attempts: row.Attempts, Now: db.Micros(now), Empty: []byte{}}
		if row.State == "sending" && row.NextAt <= db.Micros(now) { // whoever tried last did not come back
			if err := q.InsertTry(ctx, notifysql.InsertTryParams{OrgID: row.OrgID, DeliveryID: row.ID, N: row.Attempts,
				StartedAt: row.NextAt - lease.Microseconds(), EndedAt: db.Micros(now), Outcome: "lost", Error: "the server stopped before the outcome was known"}); err != nil {
				return err
			}
		}
		if row.EndedAt == 0 && row.ExpiresAt <= db.Micros(now) {
			key.State, key.LastError = "expired", row.LastError
			n, err := q.EndDelivery(ctx, key)
			if err == nil && n == 1 {
				s.count(tx, "expired")
			}
			return err
		}
		n, err := q.ClaimDelivery(ctx, notifysql.ClaimDeliveryParams{OrgID: row.OrgID, ID: row.ID, Attempts: row.Attempts, Now: db.Micros(now), LeaseUntil: db.Micros(now.Add(lease))})
		ok = n == 1
		return err
	})
	if err != nil {
		return row, false, fmt.Errorf("claim message %s: %w", name, err)
	}
	row.Attempts++
	return row, ok, nil
}

// try sends it once and tells through what.
func (s *Service) try(ctx context.Context, row notifysql.Delivery) (via string, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	plain, err := s.d.Seal.Open(ctx, id.Org(row.OrgID), sealContext(id.Delivery(row.ID)), row.Content)
	if err != nil {
		return "", err
	}
	defer clear(plain)
	var c content
	if err := json.Unmarshal(plain, &c); err != nil {
		return "", &refusal{errors.New("the stored message cannot be read")}
	}
	if row.Channel != emailWay {
		via, err := s.tryChannel(ctx, row, c)
		if unreachable(err) {
			s.rest(restKey(row.OrgID, row.ChannelID))
		}
		return via, err
	}
	server, own, err := s.server(ctx, id.Org(row.OrgID))
	if err != nil {
		return "", err
	}
	e := envelope{id: id.Delivery(row.ID), kind: Kind(row.Kind), to: row.Recipient, name: c.Name, Rendered: c.Rendered, at: db.Time(row.CreatedAt)}
	if server.Host == "" {
		return s.d.Folder, s.toFolder(e)
	}
	err = s.send(ctx, server, own, e)
	if own && unreachable(err) {
		s.rest(restKey(row.OrgID, row.ChannelID))
	}
	return server.name(), err
}

// server is whose server sends for org.
func (s *Service) server(ctx context.Context, org id.Org) (_ Server, own bool, err error) {
	if org != "" && s.d.Own != nil {
		sv, ok, err := s.d.Own.MailServer(ctx, org)
		if err != nil {
			return Server{}, false, fmt.Errorf("read the organization's mail server: %w", err)
		}
		if ok {
			return sv, true, sv.check()
		}
	}
	return s.d.Server, false, nil
}

// settle keeps the outcome of a try.
func (s *Service) settle(ctx context.Context, row notifysql.Delivery, started time.Time, via string, outcome error) error {
	now := s.d.Now()
	text := ""
	if outcome != nil {
		text = line(outcome.Error(), 300)
	}
	try := notifysql.InsertTryParams{OrgID: row.OrgID, DeliveryID: row.ID, N: row.Attempts, StartedAt: db.Micros(started), EndedAt: db.Micros(now), Via: via, Error: text}
	end := notifysql.EndDeliveryParams{OrgID: row.OrgID, ID: row.ID, Attempts: row.Attempts, Now: db.Micros(now), Empty: []byte{}, LastError: text}
	var final *refusal
	wait := pause(row.Attempts)
	var later *asked
	if errors.As(outcome, &later) {
		wait = max(wait, later.after)
	}
	next := now.Add(wait)
	switch {
	case outcome == nil:
		try.Outcome, end.State = "sent", "sent"
	case errors.As(outcome, &final):
		try.Outcome, end.State = "refused", "failed"
	case db.Micros(next) >= row.ExpiresAt:
		try.Outcome, end.State = "retry", "expired"
	default:
		try.Outcome = "retry"
	}
	besides := db.Fn(nothing)
	var err error
	if outcome != nil && (end.State != "" || row.Attempts >= patience) {
		if besides, err = s.fallBack(ctx, row, outcome); err != nil {
			return err
		}
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := notifysql.New(tx)
		if err := q.InsertTry(ctx, try); err != nil {
			return err
		}
		s.count(tx, try.Outcome)
		if err := errors.Join(noteChannel(ctx, q, row, try), besides(ctx, tx)); err != nil {
			return err
		}
		if end.State == "" {
			_, err := q.RetryDelivery(ctx, notifysql.RetryDeliveryParams{OrgID: row.OrgID, ID: row.ID, Attempts: row.Attempts, NextAt: db.Micros(next), LastError: text})
			return err
		}
		_, err := q.EndDelivery(ctx, end)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the outcome of message %s: %w", row.ID, err)
	}
	if outcome != nil {
		s.d.Log.WarnContext(ctx, "a message was not delivered", "delivery_id", row.ID, "org_id", row.OrgID, "kind", row.Kind, "attempt", row.Attempts, "final", end.State != "", "via", via, "error", text)
	}
	return nil
}

func (s *Service) count(tx *db.Tx, outcome string) {
	tx.AfterCommit(func() { s.metrics.tries.WithLabelValues(outcome).Inc() })
}

// noteChannel keeps how a channel is.
func noteChannel(ctx context.Context, q *notifysql.Queries, row notifysql.Delivery, try notifysql.InsertTryParams) error {
	switch {
	case row.Channel == emailWay:
		return nil
	case try.Outcome == "sent":
		return q.ChannelSent(ctx, notifysql.ChannelSentParams{Now: try.EndedAt, OrgID: row.OrgID, ID: row.ChannelID})
	}
	return q.ChannelFailed(ctx, notifysql.ChannelFailedParams{Now: try.EndedAt, LastError: try.Error, OrgID: row.OrgID, ID: row.ChannelID})
}

// restKey names what is left alone: an organization's own mail server, or a channel.
func restKey(org, channel string) string { return org + "/" + channel }

// rest leaves an own server or channel alone for a while: one that does not
// answer must not hold the workers that others wait for.
func (s *Service) rest(by string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down[by] = s.d.Now().Add(ownDown)
}

func (s *Service) resting(by string) (until time.Time, rests bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	until = s.down[by]
	if until.After(s.d.Now()) {
		return until, true
	}
	delete(s.down, by)
	return until, false
}

func (s *Service) postpone(ctx context.Context, org id.Org, name id.Delivery, until time.Time) error {
	return s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := notifysql.New(tx)
		row, err := q.GetDelivery(ctx, notifysql.GetDeliveryParams{OrgID: string(org), ID: string(name)})
		if err != nil {
			return err
		}
		_, err = q.PostponeDelivery(ctx, notifysql.PostponeDeliveryParams{OrgID: row.OrgID, ID: row.ID, Attempts: row.Attempts, Now: db.Micros(s.d.Now()), NextAt: db.Micros(until),
			LastError: "it did not answer to another message, and is left alone for a minute"})
		return err
	})
}

// sweep forgets what ended long ago.
func (s *Service) sweep(ctx context.Context) error {
	before := db.Micros(s.d.Now().Add(-keepEnded))
	if err := s.sweepFolder(); err != nil {
		return err
	}
	return s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := notifysql.New(tx)
		if err := q.ClearExpired(ctx, notifysql.ClearExpiredParams{Now: db.Micros(s.d.Now()), Empty: []byte{}}); err != nil {
			return err
		}
		if err := q.DropOldTries(ctx, before); err != nil {
			return err
		}
		if err := q.DropOldNotices(ctx, db.Micros(s.d.Now().Add(-keepNotices))); err != nil {
			return err
		}
		_, err := q.DropOldDeliveries(ctx, before)
		return err
	})
}

// Round delivers all that is due now, one after the other, and returns when it has
// tried each once. Tests use it in place of Run.
func (s *Service) Round(ctx context.Context) error {
	if err := s.summarize(ctx); err != nil {
		return err
	}
	due, err := s.due(ctx)
	for _, row := range due {
		err = errors.Join(err, s.deliver(ctx, id.Org(row.OrgID), id.Delivery(row.ID), restKey(row.OrgID, row.ChannelID)))
	}
	return err
}
