// Package review is how people read the ledger. Reading is an act like any
// other: who searches, opens or exports audit events needs the right to, and
// leaves an event of their own that says what they looked for.
package review

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/export"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Deps are the parts that a Service is made of.
type Deps struct {
	Ledger *ledger.Ledger
	Now    func() time.Time // nil: time.Now
}

// Service reads the ledger of the actor's organization, or the platform's for
// an operator of the platform who has no organization active.
type Service struct {
	ledger *ledger.Ledger
	now    func() time.Time
}

// New checks the parts.
func New(d Deps) (*Service, error) {
	if d.Ledger == nil {
		return nil, errors.New("review: Deps.Ledger is missing")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{ledger: d.Ledger, now: d.Now}, nil
}

// Search reads one page of events. The first page leaves AUDIT_LOG_VIEWED; the
// pages that follow belong to the same search.
func (s *Service) Search(ctx context.Context, actor authz.Actor, f ledger.Filter, p ledger.Page) ([]ledger.Entry, string, error) {
	if err := s.permit(ctx, actor, authz.AuditView, filters(f)); err != nil {
		return nil, "", err
	}
	entries, next, err := s.ledger.List(ctx, actor.Org, f, p)
	if err != nil {
		return nil, "", err
	}
	if p.Cursor != "" {
		return entries, next, nil
	}
	return entries, next, s.viewed(ctx, actor, f, len(entries))
}

// Get opens one event.
func (s *Service) Get(ctx context.Context, actor authz.Actor, evt id.Event) (ledger.Entry, error) {
	about := []string{"id=" + string(evt)}
	if err := s.permit(ctx, actor, authz.AuditView, about); err != nil {
		return ledger.Entry{}, err
	}
	e, err := s.ledger.Get(ctx, actor.Org, evt)
	if err != nil {
		return ledger.Entry{}, err
	}
	target, err := s.target(ctx, actor.Org)
	if err != nil {
		return ledger.Entry{}, err
	}
	return e, s.ledger.RecordRefusal(ctx, event.NewAuditLogViewed(by(actor), target, via(actor), about, 1))
}

// Checkpoint is the last signed checkpoint of the ledger. With fresh, everything
// that was committed is numbered and signed first.
func (s *Service) Checkpoint(ctx context.Context, actor authz.Actor, fresh bool) (ledger.Signed, error) {
	if err := s.permit(ctx, actor, authz.AuditVerify, nil); err != nil {
		return ledger.Signed{}, err
	}
	if fresh {
		return s.ledger.Sign(ctx, actor.Org)
	}
	return s.ledger.Checkpoint(ctx, actor.Org)
}

// Keys are the verifier keys of the ledger, oldest first.
func (s *Service) Keys(ctx context.Context, actor authz.Actor) ([]ledger.Key, error) {
	if err := s.permit(ctx, actor, authz.AuditVerify, nil); err != nil {
		return nil, err
	}
	return s.ledger.Keys(ctx, actor.Org)
}

// Inclusion proves that an event stands in the signed tree, and gives the leaf
// that the proof is about.
func (s *Service) Inclusion(ctx context.Context, actor authz.Actor, evt id.Event) (verify.Inclusion, tlog.Hash, error) {
	if err := s.permit(ctx, actor, authz.AuditVerify, nil); err != nil {
		return verify.Inclusion{}, tlog.Hash{}, err
	}
	p, err := s.ledger.Inclusion(ctx, actor.Org, evt)
	if err != nil {
		return verify.Inclusion{}, tlog.Hash{}, err
	}
	e, err := s.ledger.Get(ctx, actor.Org, evt)
	return p, e.LeafHash, err
}

// Consistency proves that the tree of to events begins with the first from.
func (s *Service) Consistency(ctx context.Context, actor authz.Actor, from, to int64) (verify.Consistency, error) {
	if err := s.permit(ctx, actor, authz.AuditVerify, nil); err != nil {
		return verify.Consistency{}, err
	}
	return s.ledger.Consistency(ctx, actor.Org, from, to)
}

// Tile is part of the tree: see ledger.Tile.
func (s *Service) Tile(ctx context.Context, actor authz.Actor, level int, n int64) ([]byte, error) {
	if err := s.permit(ctx, actor, authz.AuditVerify, nil); err != nil {
		return nil, err
	}
	return s.ledger.Tile(ctx, actor.Org, level, n)
}

// Export is an order to write the ledger as a bundle; Write carries it out.
type Export struct {
	ID    id.Export
	Write func(ctx context.Context, w io.Writer) error
}

// asked is the event of an order for a bundle from seq first on.
func (s *Service) asked(ctx context.Context, actor authz.Actor, first int64, about []string) (event.AuditLogExportRequested, event.AuditLogRef, error) {
	target, err := s.target(ctx, actor.Org)
	if first > 0 {
		about = append([]string{fmt.Sprintf("from_seq=%d", first)}, about...)
	}
	return event.NewAuditLogExportRequested(by(actor), target, event.AuditExportFormatNDJSON, about, true), target, err
}

// MayExport checks the right to export; a refusal leaves its event.
func (s *Service) MayExport(ctx context.Context, actor authz.Actor, first int64) error {
	asked, _, err := s.asked(ctx, actor, first, nil)
	if err != nil {
		return err
	}
	if err := authz.Check(actor, authz.AuditExport, authz.Object{Org: actor.Org}); err != nil {
		return s.refuse(ctx, asked.Denied(event.AuditLogExportRequestedNotPermitted), err)
	}
	return nil
}

// Held records that an export was not ordered, because a second person has to agree to it.
func (s *Service) Held(ctx context.Context, actor authz.Actor, first int64) error {
	asked, _, err := s.asked(ctx, actor, first, nil)
	if err != nil {
		return err
	}
	return s.ledger.RecordRefusal(ctx, asked.Denied(event.AuditLogExportRequestedNeedsGovernanceApproval))
}

// Extent is what a bundle would hold.
type Extent struct {
	Size  int64     // events of the whole ledger
	Rows  int64     // of them, those in the bundle
	Since time.Time // when the first of those was recorded
}

// Extent tells what a bundle from seq first on would hold.
func (s *Service) Extent(ctx context.Context, org id.Org, first int64) (Extent, error) {
	cp, err := s.ledger.Sign(ctx, org)
	if err != nil {
		return Extent{}, fmt.Errorf("measure the ledger for its export: %w", err)
	}
	x := Extent{Size: cp.Size, Rows: cp.Size - first}
	if first < 0 || x.Rows <= 0 {
		return Extent{Size: cp.Size}, nil
	}
	rows, err := s.ledger.Read(ctx, org, first, first+1, 1)
	if err != nil {
		return Extent{}, err
	}
	if len(rows) > 0 {
		x.Since = rows[0].RecordedAt
	}
	return x, nil
}

// Export orders a bundle from seq first on (0: all). AUDIT_LOG_EXPORT_REQUESTED
// is recorded before it returns, AUDIT_LOG_EXPORT_COMPLETED when Write ends. about is
// told with the first.
func (s *Service) Export(ctx context.Context, actor authz.Actor, first int64, about ...string) (Export, error) {
	if err := s.MayExport(ctx, actor, first); err != nil {
		return Export{}, err
	}
	asked, target, err := s.asked(ctx, actor, first, about)
	if err != nil {
		return Export{}, err
	}
	x := Export{ID: id.New[id.Export]()}
	if err := s.ledger.RecordRefusal(ctx, asked.WithExportID(x.ID)); err != nil {
		return Export{}, err
	}
	x.Write = func(ctx context.Context, w io.Writer) error {
		sum := sha256.New()
		got, err := export.Write(ctx, io.MultiWriter(w, sum), s.ledger, actor.Org, export.Options{From: first, At: s.now()})
		system := authz.SystemActor(actor.Org)
		system.Request = actor.Request
		done := event.NewAuditLogExportCompleted(event.By(system, event.System), target, x.ID, actor.User, got.Rows)
		steady := context.WithoutCancel(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return errors.Join(err, s.ledger.RecordRefusal(steady, done.Failed(event.AuditLogExportCompletedCancelled)))
		case err != nil:
			return errors.Join(err, s.ledger.RecordRefusal(steady, done.Failed(event.AuditLogExportCompletedInternalError)))
		}
		return s.ledger.RecordRefusal(steady, done.WithFileSHA256(event.SHA256(sum.Sum(nil))).WithTreeSize(got.Size))
	}
	return x, nil
}

// permit checks the right; a refusal to read is itself AUDIT_LOG_VIEWED, denied.
func (s *Service) permit(ctx context.Context, actor authz.Actor, action authz.Action, about []string) error {
	err := authz.Check(actor, action, authz.Object{Org: actor.Org})
	if err == nil {
		return nil
	}
	target, terr := s.target(ctx, actor.Org)
	if terr != nil {
		return errors.Join(err, terr)
	}
	return s.refuse(ctx, event.NewAuditLogViewed(by(actor), target, via(actor), about, 0).Denied(event.AuditLogViewedNotPermitted), err)
}

func (s *Service) refuse(ctx context.Context, ev event.Event, why error) error {
	if err := s.ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

func (s *Service) viewed(ctx context.Context, actor authz.Actor, f ledger.Filter, rows int) error {
	target, err := s.target(ctx, actor.Org)
	if err != nil {
		return err
	}
	ev := event.NewAuditLogViewed(by(actor), target, via(actor), filters(f), rows)
	if !f.From.IsZero() {
		ev = ev.WithRangeFrom(f.From)
	}
	if !f.To.IsZero() {
		ev = ev.WithRangeTo(f.To)
	}
	return s.ledger.RecordRefusal(ctx, ev)
}

// target names the ledger; one that nothing was ever recorded in has no id yet.
func (s *Service) target(ctx context.Context, org id.Org) (event.AuditLogRef, error) {
	log, err := s.ledger.LogOf(ctx, org)
	if err != nil && !fault.Is(err, fault.NotFound) && !db.NotFound(err) {
		return event.AuditLogRef{}, err
	}
	return event.AuditLogTarget(log, "audit log"), nil
}

// by is the actor as this event sees them: a reader of the organization's log is
// its administrator when their role says so, and a user otherwise.
func by(a authz.Actor) event.Act {
	switch {
	case a.Org == "":
		return event.By(a, event.PlatformAdmin)
	case a.Role == authz.Owner || a.Role == authz.Admin:
		return event.By(a, event.TenantAdmin)
	}
	return event.By(a, event.User)
}

func via(a authz.Actor) event.AuditReadVia {
	if a.Via == authz.ViaConsole {
		return event.AuditReadViaConsole
	}
	return event.AuditReadViaAPI
}

func filters(f ledger.Filter) []string {
	var out []string
	add := func(key string, values ...string) {
		for _, v := range values {
			if v != "" {
				out = append(out, key+"="+v)
			}
		}
	}
	add("constant", f.Constants...)
	add("category", f.Categories...)
	add("severity", f.Severities...)
	add("actor", f.Actor)
	add("target", f.Target)
	add("outcome", f.Outcome)
	add("session", f.Session)
	add("text", f.Text)
	return out
}
