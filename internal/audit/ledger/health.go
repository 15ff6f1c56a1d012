package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// CodeUnavailable is the fault code of Healthy: no privileged session may start
// or go on.
const CodeUnavailable = "AUDIT_UNAVAILABLE"

// The bounds of back-pressure and health.
const (
	alarmRows  = 50_000           // waiting for a number: somebody must look
	alarmAge   = 60 * time.Second // of the oldest that waits
	refuseRows = 500_000          // new privileged sessions are refused
	probeAfter = 5 * time.Second  // without any successful write
	probeTime  = 5 * time.Second  // for one probe
	silentTime = 15 * time.Second // without any successful write: the store hangs
	quietRows  = 10_000           // up to here the count of what waits is cheap
)

// health is what this process knows of its ability to record.
type health struct {
	mu       sync.Mutex
	running  bool
	lastGood time.Time
	failing  bool // the last probe failed
	doubted  bool // a write failed since; the next tick probes
	stopped  map[id.Org]bool
	backlog  []ledgersql.BacklogsRow
	counted  time.Time
}

func (h *health) good(now time.Time) {
	h.mu.Lock()
	h.lastGood, h.failing, h.doubted = now, false, false
	h.mu.Unlock()
}

func (h *health) doubt() {
	h.mu.Lock()
	h.doubted = true
	h.mu.Unlock()
}

func (h *health) stop() {
	h.mu.Lock()
	h.running = false
	h.mu.Unlock()
}

func (h *health) halt(org id.Org) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped == nil {
		h.stopped = map[id.Org]bool{}
	}
	h.stopped[org] = true
}

func (h *health) resume(org id.Org) {
	h.mu.Lock()
	delete(h.stopped, org)
	h.mu.Unlock()
}

// halted takes over which ledgers stand still, also those that other servers stopped.
func (h *health) halted(logs []ledgersql.LogsRow) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = map[id.Org]bool{}
	for _, log := range logs {
		if log.HaltedAt.Valid {
			h.stopped[id.Org(log.OrgID)] = true
		}
	}
}

// Healthy tells whether events can be recorded at all: nil, or fault.Unavailable
// with CodeUnavailable. It answers from memory, at most a few seconds old, and
// says no until Run has written once.
func (l *Ledger) Healthy() error {
	h := &l.health
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.running:
		return unavailable("the audit ledger is not running")
	case h.failing:
		return unavailable("the audit ledger cannot be written")
	case l.now().Sub(h.lastGood) > silentTime:
		return unavailable("the audit ledger does not answer")
	}
	return nil
}

// HealthyFor is Healthy for a session in org: its ledger must not be stopped
// after an incident, and not have more than 500,000 events without a number.
func (l *Ledger) HealthyFor(org id.Org) error {
	if err := l.Healthy(); err != nil {
		return err
	}
	h := &l.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped[org] {
		return unavailable("the audit ledger of the organization is stopped after an incident")
	}
	for _, b := range h.backlog {
		if id.Org(b.OrgID) == org && b.Waiting >= refuseRows {
			return unavailable("the audit ledger of the organization is too far behind")
		}
	}
	return nil
}

func unavailable(why string) error {
	return fault.New(fault.Unavailable, "%s: no session can be opened until it is; tell an administrator of the platform", why).WithCode(CodeUnavailable)
}

// probe writes to the store when nobody else has for a while, or when a write
// has failed, and counts what waits for its number.
func (l *Ledger) probe(ctx context.Context) {
	h := &l.health
	h.mu.Lock()
	due := !h.running || h.doubted || h.failing || l.now().Sub(h.lastGood) >= probeAfter
	count := l.now().Sub(h.counted) >= probeAfter || total(h.backlog) <= quietRows
	h.running = true
	h.mu.Unlock()
	if due {
		l.writeProbe(ctx)
	}
	if count {
		l.countBacklog(ctx)
	}
}

func (l *Ledger) writeProbe(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	err := l.db.InPlatform(short, func(ctx context.Context, tx *db.Tx) error {
		return ledgersql.New(tx).Probe(ctx, ledgersql.ProbeParams{ServerID: l.server, At: db.Micros(l.now())})
	})
	if err == nil {
		l.health.good(l.now())
		return
	}
	if ctx.Err() != nil {
		return
	}
	l.health.mu.Lock()
	l.health.failing = true
	l.health.mu.Unlock()
	l.log.ErrorContext(ctx, "the audit ledger cannot be written: sessions are refused", "error", err)
}

func (l *Ledger) countBacklog(ctx context.Context) {
	var rows []ledgersql.BacklogsRow
	err := l.db.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = ledgersql.New(tx).Backlogs(ctx)
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			l.log.ErrorContext(ctx, "events without a number cannot be counted", "error", err)
		}
		return
	}
	h := &l.health
	h.mu.Lock()
	h.backlog, h.counted = rows, l.now()
	stopped := h.stopped
	h.mu.Unlock()
	for _, b := range rows {
		age := l.now().Sub(db.Time(b.Oldest))
		if b.Waiting <= alarmRows && age <= alarmAge || stopped[id.Org(b.OrgID)] {
			continue
		}
		l.log.ErrorContext(ctx, "the audit ledger is behind", "org_id", b.OrgID, "waiting", b.Waiting, "oldest_seconds", int(age.Seconds()))
		l.ReportFault(ctx, Fault{Org: id.Org(b.OrgID), Code: "audit_backlog", Component: "audit/ledger", Reason: event.SystemErrorLoggedInternal})
	}
}

func total(rows []ledgersql.BacklogsRow) (n int64) {
	for _, r := range rows {
		n += r.Waiting
	}
	return n
}

// Stats is the state of one ledger, for metrics and status pages.
type Stats struct {
	Org      id.Org
	Log      id.Log
	Size     int64 // numbered events
	Waiting  int64 // committed events without a number
	Oldest   time.Time
	Signed   int64 // events under the last checkpoint that this process knows
	SignedAt time.Time
	Stopped  bool
	Stop     Stop // when Stopped
}

// Stats reads the state of all ledgers, by organization.
func (l *Ledger) Stats(ctx context.Context) ([]Stats, error) {
	var logs []ledgersql.LogsRow
	var backlog []ledgersql.BacklogsRow
	err := l.db.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		q := ledgersql.New(tx)
		if logs, err = q.Logs(ctx); err != nil {
			return err
		}
		backlog, err = q.Backlogs(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the state of the ledgers: %w", err)
	}
	out := make([]Stats, 0, len(logs))
	for _, log := range logs {
		s := Stats{Org: id.Org(log.OrgID), Log: id.Log(log.LogID), Size: log.TreeSize, Stopped: log.HaltedAt.Valid}
		if s.Stopped {
			s.Stop = Stop{Log: s.Log, At: db.Time(log.HaltedAt.Int64), Reason: log.HaltReason}
		}
		if i := slices.IndexFunc(backlog, func(b ledgersql.BacklogsRow) bool { return b.OrgID == log.OrgID }); i >= 0 {
			s.Waiting, s.Oldest = backlog[i].Waiting, db.Time(backlog[i].Oldest)
		}
		b := l.book(s.Org)
		b.mu.Lock()
		s.Signed, s.SignedAt = b.signed.Size, b.signedAt
		b.mu.Unlock()
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Stats) int { return cmp.Compare(a.Org, b.Org) })
	return out, nil
}
