package policy

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/policy/policysql"
)

// Get gives a policy.
func (s *Service) Get(ctx context.Context, actor authz.Actor, pid id.Policy) (Policy, error) {
	var p Policy
	err := s.read(ctx, actor, authz.PolicyList, func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = s.find(ctx, tx, pid)
		return err
	})
	return p, err
}

// List gives policies in the order of their names; safe (if not empty) those that
// are on one safe.
func (s *Service) List(ctx context.Context, actor authz.Actor, on id.Safe, p page.Request) (page.List[Policy], error) {
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Policy]{}, err
	}
	var out []Policy
	err = s.read(ctx, actor, authz.PolicyList, func(ctx context.Context, tx *db.Tx) error {
		q := policysql.New(tx)
		rows, err := q.ListPolicies(ctx, policysql.ListPoliciesParams{OrgID: string(actor.Org), After: after, SafeID: string(on), Read: read})
		if err != nil {
			return fmt.Errorf("list policies: %w", err)
		}
		assigned, err := q.AllAssignments(ctx, string(actor.Org))
		if err != nil {
			return fmt.Errorf("list where policies are: %w", err)
		}
		of := map[string][]SafeRef{}
		for _, a := range assigned {
			of[a.PolicyID] = append(of[a.PolicyID], SafeRef{id.Safe(a.SafeID), a.SafeName})
		}
		out = nil
		for _, r := range rows {
			x := fromRow(r)
			x.Safes = of[r.ID]
			out = append(out, x)
		}
		return nil
	})
	if err != nil {
		return page.List[Policy]{}, err
	}
	return page.Cut(out, read, func(p Policy) string { return p.Name }), nil
}

// Version is what a policy was, and who made it so.
type Version struct {
	Policy        // Safes without their names
	Change        string
	Comment       string
	ChangedAt     time.Time
	ChangedBy     id.User
	ChangedByName string
}

// Versions gives the history of a policy, newest first; also of a deleted one.
func (s *Service) Versions(ctx context.Context, actor authz.Actor, pid id.Policy, p page.Request) (page.List[Version], error) {
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Version]{}, err
	}
	var before int64 = math.MaxInt64
	if after != "" {
		if before, err = strconv.ParseInt(after, 10, 64); err != nil {
			return page.List[Version]{}, fault.New(fault.Invalid, "the cursor is not one that a list gave; begin without it").WithField("cursor", "must be a next_cursor of this list")
		}
	}
	var out []Version
	err = s.read(ctx, actor, authz.PolicyList, func(ctx context.Context, tx *db.Tx) error {
		rows, err := policysql.New(tx).ListVersions(ctx, policysql.ListVersionsParams{OrgID: string(actor.Org), PolicyID: string(pid), Before: before, Read: read})
		if err != nil {
			return fmt.Errorf("list versions: %w", err)
		}
		if len(rows) == 0 && after == "" {
			return fault.New(fault.NotFound, "no policy with the id %.64q in this organization", pid)
		}
		out = nil
		for _, r := range rows {
			v := Version{Policy: Policy{ID: id.Policy(r.PolicyID), Org: id.Org(r.OrgID), Name: r.Name, Description: r.Description, Text: r.Text, Enabled: r.Enabled,
				Everywhere: r.Everywhere, Priority: r.Priority, Version: r.Version}, Change: r.Change, Comment: r.Comment, ChangedAt: db.Time(r.ChangedAt),
				ChangedBy: id.User(r.ChangedBy), ChangedByName: r.ChangedByName}
			for _, sid := range versionSafes(r.Safes) {
				v.Safes = append(v.Safes, SafeRef{ID: sid})
			}
			out = append(out, v)
		}
		return nil
	})
	if err != nil {
		return page.List[Version]{}, err
	}
	return page.Cut(out, read, func(v Version) string { return strconv.FormatInt(v.Version, 10) }), nil
}

// read runs fn for who may.
func (s *Service) read(ctx context.Context, actor authz.Actor, action authz.Action, fn db.Fn) error {
	obj := authz.Object{Org: actor.Org}
	if err := authz.Check(actor, action, obj); err != nil {
		return err
	}
	if actor.Org == "" {
		return fault.New(fault.Invalid, "policies belong to an organization: choose one first")
	}
	return s.d.DB.ReadOrg(ctx, actor.Org, fn)
}
