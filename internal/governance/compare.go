package governance

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/governance/governancesql"
	"github.com/vaultpam/vaultpam/internal/id"
)

// open gives what an action would apply.
func (s *Service) open(ctx context.Context, a Action) ([]byte, error) {
	plain, err := s.d.Seal.Open(ctx, a.Org, sealContext(a.ID), a.sealed)
	if err != nil {
		return nil, fmt.Errorf("open the payload of %s: %w", a.ID, err)
	}
	var e envelope
	if err := json.Unmarshal(plain, &e); err != nil {
		return nil, fmt.Errorf("read the payload of %s: %w", a.ID, err)
	}
	return e.Payload, nil
}

// stands tells the role that who asked has now; an error says that they cannot ask any more.
func (s *Service) stands(ctx context.Context, tx *db.Tx, a Action) (authz.Role, error) {
	role, err := s.d.Members.RoleIn(ctx, tx, a.Org, a.RequestedBy)
	live := int64(1)
	if err == nil && a.Token != "" {
		live, err = governancesql.New(tx).TokenLives(ctx, governancesql.TokenLivesParams{OrgID: string(a.Org), ID: string(a.Token), Now: s.now()})
	}
	switch {
	case err != nil:
		return authz.None, fmt.Errorf("read who asked for %s: %w", a.ID, err)
	case role == authz.None:
		return authz.None, &stale{a.RequesterName + ", who asked for it, is no active member any more"}
	case live == 0:
		return authz.None, &stale{"the API token that asked for it has ended"}
	}
	return role, nil
}

// compare says of open actions what has changed since they were asked for, so that who
// decides knows it before. Whether an approval makes the change is decided once more in its
// own transaction.
func (s *Service) compare(ctx context.Context, all []Action) error {
	byOrg := map[id.Org][]int{}
	payloads := make([][]byte, len(all))
	for i, a := range all {
		if a.State != Open {
			continue
		}
		var err error
		if payloads[i], err = s.open(ctx, a); err != nil {
			return err
		}
		byOrg[a.Org] = append(byOrg[a.Org], i)
	}
	for org, which := range byOrg {
		err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
			for _, i := range which {
				why, err := s.outOfDate(ctx, tx, all[i], payloads[i])
				if err != nil {
					return err
				}
				all[i].OutOfDate = why
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("compare actions with what is there now: %w", err)
		}
	}
	return nil
}

func (s *Service) outOfDate(ctx context.Context, tx *db.Tx, a Action, payload []byte) (string, error) {
	_, err := s.stands(ctx, tx, a)
	var now []Field
	if k := s.kinds[a.Kind]; err == nil && k.read != nil {
		if now, err = k.read(ctx, tx, a.Org, payload); err == nil {
			return differing(a.Fields, now), nil
		}
	}
	if why := obsolete(err); why != "" || err == nil {
		return why, nil
	}
	return "", err
}
