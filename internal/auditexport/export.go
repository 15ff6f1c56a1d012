// Package auditexport says who takes the audit log of an organization out, and when two
// people must agree to it: whoever holds the whole log holds every name, address and time
// in it for good, and nobody can take it back.
//
// An export runs from an entry to the last. It waits for a second person when it reaches
// further back than Alone, or holds more than half of all entries. By exports that do not
// wait nobody comes to what is older than that, in however many of them: each ends at the
// last entry, and so each holds the newest ones. Approval lets who asked fetch the bundle a
// few times, for a few days.
package auditexport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/review"
	"github.com/vaultpam/vaultpam/internal/auditexport/auditexportsql"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
)

// The rule and what an approval gives.
const (
	Alone = 30 * 24 * time.Hour // as far back one person goes
	Life  = 72 * time.Hour      // of an approval
	Uses  = 3                   // downloads of one approval; a line may break
)

// whole is the kind of what waits.
const whole = "audit_export"

// Log is the ledger as people read it; review.Service is one.
type Log interface {
	MayExport(ctx context.Context, actor authz.Actor, first int64) error
	Extent(ctx context.Context, org id.Org, first int64) (review.Extent, error)
	Held(ctx context.Context, actor authz.Actor, first int64) error
	Export(ctx context.Context, actor authz.Actor, first int64, about ...string) (review.Export, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	DB         *db.DB
	Log        Log
	Governance *governance.Service // nil: nothing waits for a second person
	Now        func() time.Time    // nil: time.Now
}

// Service orders exports. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Log == nil {
		return nil, errors.New("auditexport: DB and Log are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d}, nil
}

// Governed are the exports that wait for a second person.
func (s *Service) Governed() []governance.Kind {
	return []governance.Kind{governance.Direct(whole, "Export the whole audit log", s.grant)}
}

// order is what is asked for.
type order struct {
	First int64     `json:"first"`
	Since time.Time `json:"since"` // of the first entry
}

// Export orders a bundle from entry first on (0: all) of the log of the actor's
// organization, or of the platform's log for an operator who has none active; that one
// waits for nobody.
func (s *Service) Export(ctx context.Context, actor authz.Actor, first int64) (review.Export, error) {
	if err := s.d.Log.MayExport(ctx, actor, first); err != nil {
		return review.Export{}, err
	}
	if actor.Org == "" {
		return s.d.Log.Export(ctx, actor, first)
	}
	x, err := s.d.Log.Extent(ctx, actor.Org, first)
	if err != nil {
		return review.Export{}, err
	}
	if !s.needsTwo(x) {
		return s.d.Log.Export(ctx, actor, first)
	}
	var by id.Governance
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		if by, err = s.use(ctx, tx, actor, first); err != nil || by != "" {
			return err
		}
		return s.demand(ctx, tx, actor, governance.Permit{}, order{first, x.Since}, x.Rows)
	})
	if governance.Needed(err) {
		if err := s.d.Log.Held(ctx, actor, first); err != nil {
			return review.Export{}, err
		}
	}
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return review.Export{}, fmt.Errorf("export the audit log: %w", err)
	}
	if by == "" {
		return s.d.Log.Export(ctx, actor, first)
	}
	return s.d.Log.Export(ctx, actor, first, "governance_action="+string(by))
}

// needsTwo is the rule.
func (s *Service) needsTwo(x review.Extent) bool {
	return x.Rows > 0 && (2*x.Rows > x.Size || s.d.Now().Sub(x.Since) > Alone)
}

// use takes one download of an approval that the actor has; empty where there is none.
func (s *Service) use(ctx context.Context, tx *db.Tx, actor authz.Actor, first int64) (id.Governance, error) {
	q, now := auditexportsql.New(tx), db.Micros(s.d.Now())
	g, err := q.LiveGrant(ctx, auditexportsql.LiveGrantParams{OrgID: string(actor.Org), UserID: string(actor.User), FirstSeq: first, Now: now})
	if db.NotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for an approved export: %w", err)
	}
	n, err := q.UseGrant(ctx, auditexportsql.UseGrantParams{OrgID: string(actor.Org), ActionID: g.ActionID, Now: now})
	if err != nil || n == 0 {
		return "", errors.Join(err, fault.New(fault.Conflict, "this approved export was fetched a moment ago: try again"))
	}
	return id.Governance(g.ActionID), nil
}

func (s *Service) demand(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, o order, rows int64) error {
	since := o.Since.UTC().Format("2006-01-02 15:04 UTC")
	c := governance.Change{Kind: whole, Subject: string(actor.User), Name: "audit log", Payload: o,
		Summary: fmt.Sprintf("export the audit log from entry %d on, %d entries since %s", o.First, rows, since),
		Fields: []governance.Field{
			{Field: "entries that leave the product", From: "none", To: fmt.Sprintf("from %d, of %s, to the last", o.First, since)},
			{Field: "who may fetch them", From: "nobody", To: fmt.Sprintf("%s, %d times within %d hours of the approval", actor.Name, Uses, int(Life.Hours()))},
		}}
	return s.d.Governance.Demand(ctx, tx, actor, p, c)
}

// grant lets who asked fetch the bundle. The event that tells it is the approval's own, and
// each download has its events.
func (s *Service) grant(ctx context.Context, tx *db.Tx, p governance.Permit, o order) (id.Event, error) {
	actor := p.Actor()
	if err := authz.Check(actor, authz.AuditExport, authz.Object{Org: actor.Org}); err != nil {
		return "", err
	}
	if err := s.demand(ctx, tx, actor, p, o, 0); err != nil {
		return "", err
	}
	q, now := auditexportsql.New(tx), s.d.Now()
	if err := q.DropOldGrants(ctx, auditexportsql.DropOldGrantsParams{OrgID: string(actor.Org), Now: db.Micros(now)}); err != nil {
		return "", fmt.Errorf("drop approvals that are over: %w", err)
	}
	err := q.InsertGrant(ctx, auditexportsql.InsertGrantParams{OrgID: string(actor.Org), ActionID: string(p.Action()), UserID: string(actor.User),
		FirstSeq: o.First, ExpiresAt: db.Micros(now.Add(Life)), UsesLeft: Uses, Now: db.Micros(now)})
	if err != nil {
		return "", fmt.Errorf("store an approved export: %w", err)
	}
	return "", nil
}
