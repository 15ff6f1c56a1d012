package safe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

// Loan is a safe that another member lends to somebody for a time.
type Loan struct {
	ID       id.Delegation
	Safe     id.Safe
	By       id.User
	ByName   string
	ByHandle string
	Until    time.Time
}

// Loans knows what is lent to somebody now: of one safe, or (empty) of any; of a safe
// that several people lend, the loan that lasts longest comes first.
type Loans interface {
	LentTo(ctx context.Context, tx *db.Tx, org id.Org, user id.User, s id.Safe) ([]Loan, error)
}

// loans are the safes that the actor has lent, one of each. A token has none of its
// own: it acts with what its owner has.
func (s *Service) loans(ctx context.Context, tx *db.Tx, actor authz.Actor, sid id.Safe) (map[id.Safe]*Loan, error) {
	if s.d.Loans == nil || actor.User == "" {
		return nil, nil
	}
	list, err := s.d.Loans.LentTo(ctx, tx, actor.Org, actor.User, sid)
	if err != nil {
		return nil, fmt.Errorf("list what is lent to %s: %w", actor.User, err)
	}
	out := map[id.Safe]*Loan{}
	for _, l := range list {
		if out[l.Safe] == nil {
			out[l.Safe] = &l
		}
	}
	return out, nil
}

// withLent adds to a page of one's own safes, which begins after a name and has at most
// read of them, those that one has lent.
func (s *Service) withLent(ctx context.Context, tx *db.Tx, actor authz.Actor, own []Entry, f Filter, after string, read int) ([]Entry, error) {
	lent, err := s.loans(ctx, tx, actor, "")
	if err != nil {
		return nil, err
	}
	for i, e := range own {
		if e.Role == NoRole {
			own[i].Loan = lent[e.ID]
		}
		delete(lent, e.ID)
	}
	for sid, l := range lent {
		row, err := safesql.New(tx).GetSafe(ctx, safesql.GetSafeParams{OrgID: string(actor.Org), ID: string(sid), UserID: string(actor.User)})
		if db.NotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read a safe that is lent: %w", err)
		}
		sf, role, err := fromRow(actor.Org, row)
		if err != nil {
			return nil, err
		}
		if role == NoRole && sf.Name > after && f.matches(sf) {
			own = append(own, Entry{Safe: sf, Loan: l})
		}
	}
	slices.SortFunc(own, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return own[:min(len(own), read)], nil
}

// matches says of one safe what the query says of those in the store.
func (f Filter) matches(sf Safe) bool {
	if f.Name != "" && sf.Name != strings.ToLower(f.Name) || f.Resource != "" && sf.Resource.ID != f.Resource || f.Account != "" && sf.Account.ID != f.Account {
		return false
	}
	for _, text := range []string{sf.Name, sf.Description, sf.Resource.Name, sf.Resource.Host, sf.Account.Username} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(f.Text)) {
			return true
		}
	}
	return false
}

// pattern is what finds a text within another, with ! before what means more.
func pattern(text string) string {
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}
