package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/access/accesssql"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/rounds"
)

// sweepEvery bounds how long a delegation outlives its lender's right; sessions are
// cut within two seconds.
const sweepEvery = time.Second / 2

// Run ends what is due, each with its event, until ctx ends: requests that nobody
// decided, grants and delegations whose time is over, and what lost its person, its
// safe or its lender. Decisions do not wait for it: each compares the clock.
func (s *Service) Run(ctx context.Context) error {
	return rounds.Every(ctx, sweepEvery, s.d.Log, "access that is over could not be ended", s.Sweep)
}

// Sweep is one round of Run.
func (s *Service) Sweep(ctx context.Context) error {
	for more := true; more; {
		var requests []accesssql.DueRequestsRow
		var grants []accesssql.DueGrantsRow
		var lent []accesssql.DueDelegationsRow
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			q := accesssql.New(tx)
			if requests, err = q.DueRequests(ctx, s.now()); err != nil {
				return err
			}
			if grants, err = q.DueGrants(ctx, s.now()); err != nil {
				return err
			}
			lent, err = q.DueDelegations(ctx, s.now())
			return err
		})
		if err != nil {
			return fmt.Errorf("list access that is over: %w", err)
		}
		err = errors.Join(
			rounds.All(ctx, requests, func(r accesssql.DueRequestsRow) error {
				return of("close request", r.ID, s.lapse(ctx, id.Org(r.OrgID), id.AccessReq(r.ID), r.Why))
			}),
			rounds.All(ctx, grants, func(g accesssql.DueGrantsRow) error {
				return of("end grant", g.ID, s.runOut(ctx, id.Org(g.OrgID), id.AccessGrant(g.ID), g.Why))
			}),
			rounds.All(ctx, lent, func(l accesssql.DueDelegationsRow) error {
				return of("end delegation", l.ID, s.endDue(ctx, id.Org(l.OrgID), id.Delegation(l.ID), l.Why))
			}))
		if err != nil {
			return errors.Join(err, s.checkLenders(ctx))
		}
		more = len(requests) == 100 || len(grants) == 100 || len(lent) == 100
	}
	return s.checkLenders(ctx)
}

// of says with what something failed.
func of(what, which string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s, which is over: %w", what, which, err)
}

// footing is what a lender's right to open a safe rests on. While it stays, the answer
// stays, but for groups that are renewed within a microsecond: those the minute tells.
type footing struct {
	safe, resource, set, groups, grouped int64
	role, safeRole                       string
	minute                               int64
}

// checkLenders ends the loans whose lenders a policy denies for good. Who only stands before
// the safe at a wrong hour, or in a wrong place, goes on lending: it opens nothing then.
func (s *Service) checkLenders(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[id.Delegation]footing{}
	var failed []error
	for after, more := "", true; more; {
		var rows []accesssql.FootingsRow
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			rows, err = accesssql.New(tx).Footings(ctx, after)
			return err
		})
		if err != nil {
			return fmt.Errorf("list what is lent: %w", err)
		}
		failed = append(failed, rounds.All(ctx, rows, func(r accesssql.FootingsRow) error {
			after = r.ID
			d := id.Delegation(r.ID)
			now := footing{r.SafeVersion, r.ResourceVersion, r.SetVersion, r.Groups, r.GroupedAt, r.Role, r.SafeRole, s.d.Now().Unix() / 60}
			if was, ok := s.looked[d]; !ok || was != now {
				if err := s.checkLender(ctx, id.Org(r.OrgID), r); err != nil {
					return fmt.Errorf("ask whether the lender of %s could open their safe: %w", r.ID, err) // not seen: asked again
				}
			}
			seen[d] = now
			return nil
		}))
		more = len(rows) == 500 && ctx.Err() == nil
	}
	s.looked = seen
	return errors.Join(failed...)
}

func (s *Service) checkLender(ctx context.Context, org id.Org, r accesssql.FootingsRow) error {
	shut := false
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		shut, err = s.d.Needs.Shut(ctx, tx, id.User(r.DelegatorID), id.Safe(r.SafeID), r.ParentID != "")
		return err
	})
	if err != nil || !shut {
		return err
	}
	return s.endDue(ctx, org, id.Delegation(r.ID), "delegator_lost_right")
}

// lapse closes a request that nobody decided in time, or that lost its person or safe.
func (s *Service) lapse(ctx context.Context, org id.Org, r id.AccessReq, why string) error {
	var row subject
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		row.GetRequestRow, err = accesssql.New(tx).GetRequest(ctx, accesssql.GetRequestParams{OrgID: string(org), ID: string(r)})
		return err
	})
	if err != nil {
		return err
	}
	state, reason := Closed, event.AccessRequestRejectedSafeDeleted
	var letters []notify.Prepared
	switch why {
	case "expired":
		state, reason = Expired, event.AccessRequestRejectedExpired
		letters = s.prepare(ctx, org, row.decided("", "", false, s.d.Now()))
	case "requester_disabled":
		reason = event.AccessRequestRejectedRequesterDisabled
	}
	return s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		n, err := accesssql.New(tx).EndRequest(ctx, accesssql.EndRequestParams{OrgID: string(org), ID: string(r), State: string(state), Reason: why, Now: s.now()})
		if err != nil || n == 0 {
			return err
		}
		if err := s.queue(ctx, tx, letters); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewAccessRequestRejected(event.By(authz.SystemActor(org), event.System), row.target(), r, row.requester(), int(row.ApprovalsHave)).Because(reason))
		return err
	})
}

// runOut ends a grant that is over.
func (s *Service) runOut(ctx context.Context, org id.Org, g id.AccessGrant, why string) error {
	reasons := map[string]event.AccessGrantEndedReason{"expired": event.AccessGrantEndedExpired, "safe_deleted": event.AccessGrantEndedSafeDeleted, "requester_disabled": event.AccessGrantEndedRequesterDisabled, "membership_lost": event.AccessGrantEndedMembershipLost}
	err := s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		row, err := accesssql.New(tx).GetGrant(ctx, accesssql.GetGrantParams{OrgID: string(org), ID: string(g)})
		if err != nil {
			return err
		}
		return s.endGrant(ctx, tx, g, why, "", func(n int) event.AccessGrantEnded {
			return event.NewAccessGrantEnded(event.By(authz.SystemActor(org), event.System), event.SafeTarget(id.Safe(row.SafeID), row.SafeName), g, id.AccessReq(row.RequestID), id.User(row.UserID), n).
				Because(reasons[why])
		})
	})
	if errors.Is(err, errGrantOver) {
		return nil // somebody else did
	}
	return err
}
