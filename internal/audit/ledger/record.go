package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Record writes ev in the caller's transaction: both commit, or neither does. The
// transaction must be of the event's organization, or not scoped. An error means
// that the act must not be committed either.
func (l *Ledger) Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error) {
	org, err := ledgerOf(ev)
	if err != nil {
		return "", err
	}
	if tx.Org() != "" && tx.Org() != org {
		return "", fmt.Errorf("record %s: it belongs to ledger %q, the transaction to organization %q", ev.Constant(), org, tx.Org())
	}
	log, err := l.logID(ctx, tx, org)
	if err != nil {
		return "", err
	}
	row, err := l.row(ev, org, log)
	if err != nil {
		return "", err
	}
	if err := ledgersql.New(tx).InsertEvent(ctx, row); err != nil {
		l.health.doubt()
		return "", fmt.Errorf("record %s: %w", ev.Constant(), err)
	}
	tx.AfterCommit(func() { l.wrote(org) })
	return id.Event(row.ID), nil
}

// RecordAll is Record for many events of one ledger, in their order, written at once:
// one change of a large group is thousands of them.
func (l *Ledger) RecordAll(ctx context.Context, tx *db.Tx, evs []event.Event) ([]id.Event, error) {
	if len(evs) == 0 {
		return nil, nil
	}
	org, err := ledgerOf(evs[0])
	if err != nil {
		return nil, err
	}
	if tx.Org() != "" && tx.Org() != org {
		return nil, fmt.Errorf("record %d events: they belong to ledger %q, the transaction to organization %q", len(evs), org, tx.Org())
	}
	log, err := l.logID(ctx, tx, org)
	if err != nil {
		return nil, err
	}
	ids, rows := make([]id.Event, len(evs)), make([][]any, len(evs))
	for i, ev := range evs {
		if o, err := ledgerOf(ev); err != nil || o != org {
			return nil, fmt.Errorf("record %d events: they are of more than one ledger", len(evs))
		}
		row, err := l.row(ev, org, log)
		if err != nil {
			return nil, err
		}
		ids[i], rows[i] = id.Event(row.ID), eventRow(row)
	}
	if err := eventRows.Insert(ctx, tx, rows); err != nil {
		l.health.doubt()
		return nil, fmt.Errorf("record %d events: %w", len(evs), err)
	}
	tx.AfterCommit(func() { l.wrote(org) })
	return ids, nil
}

// wrote is called after each commit of events of org.
func (l *Ledger) wrote(org id.Org) {
	l.health.good(l.now())
	l.wake(org)
}

// ledgerOf is the organization in whose ledger ev belongs; empty is the platform.
func ledgerOf(ev event.Event) (id.Org, error) {
	if ev == nil {
		return "", errors.New("record: no event")
	}
	if ev.Log() == event.PlatformLog {
		return platform, nil
	}
	return ev.Org(), nil
}

// row makes the row of ev: id, time, payload, salt and hash.
func (l *Ledger) row(ev event.Event, org id.Org, log id.Log) (ledgersql.InsertEventParams, error) {
	now := l.now().UTC().Truncate(time.Microsecond)
	evt := id.New[id.Event]()
	payload, err := event.Encode(ev, evt, log, org, now, now)
	if err != nil {
		return ledgersql.InsertEventParams{}, fmt.Errorf("record: %w", err)
	}
	salt := make([]byte, verify.SaltSize)
	rand.Read(salt)
	hash := verify.PayloadHash(salt, payload)
	return ledgersql.InsertEventParams{
		OrgID: string(org), LogID: string(log), ID: string(evt), RecordedAt: db.Micros(now),
		Constant: string(ev.Constant()), Payload: payload, Salt: salt, PayloadHash: hash[:],
	}, nil
}

// logID is the ledger of org, made by the first event of that organization.
func (l *Ledger) logID(ctx context.Context, tx *db.Tx, org id.Org) (id.Log, error) {
	if known, ok := l.logIDs.Load(org); ok {
		return known.(id.Log), nil
	}
	q := ledgersql.New(tx)
	found, err := q.LogByOrg(ctx, string(org))
	if db.NotFound(err) {
		log := id.New[id.Log]()
		if err := q.InsertLog(ctx, ledgersql.InsertLogParams{
			OrgID: string(org), LogID: string(log), Origin: verify.Origin(l.host, string(log)),
			RootHash: verify.EmptyRoot[:], CreatedAt: db.Micros(l.now()),
		}); err != nil {
			return "", fmt.Errorf("open a ledger: %w", err)
		}
		// Somebody else's may have come first.
		found, err = q.LogByOrg(ctx, string(org))
	}
	if err != nil {
		return "", fmt.Errorf("find the ledger of %q: %w", org, err)
	}
	log := id.Log(found.LogID)
	tx.AfterCommit(func() { l.logIDs.Store(org, log) })
	return log, nil
}
