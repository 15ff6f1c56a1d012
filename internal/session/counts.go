package session

import (
	"context"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// Counts tells other domains how many sessions an act of theirs will end, in
// their transaction. It needs nothing of a Service, which needs them.
type Counts struct{}

// OnResource counts the sessions on a resource.
func (Counts) OnResource(ctx context.Context, tx *db.Tx, org id.Org, r id.Resource) (int, error) {
	n, err := sessionsql.New(tx).CountOnResource(ctx, sessionsql.CountOnResourceParams{OrgID: string(org), ResourceID: string(r)})
	return int(n), err
}

// OnAccount counts the sessions that use an account.
func (Counts) OnAccount(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (int, error) {
	n, err := sessionsql.New(tx).CountOnAccount(ctx, sessionsql.CountOnAccountParams{OrgID: string(org), AccountID: string(a)})
	return int(n), err
}

// OfMember counts the sessions that a member has in a safe.
func (Counts) OfMember(ctx context.Context, tx *db.Tx, org id.Org, s id.Safe, u id.User) (int, error) {
	n, err := sessionsql.New(tx).CountOfMember(ctx, sessionsql.CountOfMemberParams{OrgID: string(org), SafeID: string(s), UserID: string(u)})
	return int(n), err
}

// InSafe counts the sessions in a safe, for each person who has any.
func (Counts) InSafe(ctx context.Context, tx *db.Tx, org id.Org, s id.Safe) (map[id.User]int, error) {
	rows, err := sessionsql.New(tx).CountInSafe(ctx, sessionsql.CountInSafeParams{OrgID: string(org), SafeID: string(s)})
	out := map[id.User]int{}
	for _, r := range rows {
		out[id.User(r.UserID)] = int(r.N)
	}
	return out, err
}

// OfUser counts the sessions of a person, for each safe in which they have any.
func (Counts) OfUser(ctx context.Context, tx *db.Tx, org id.Org, u id.User) (map[id.Safe]int, error) {
	rows, err := sessionsql.New(tx).CountOfUser(ctx, sessionsql.CountOfUserParams{OrgID: string(org), UserID: string(u)})
	out := map[id.Safe]int{}
	for _, r := range rows {
		out[id.Safe(r.SafeID)] = int(r.N)
	}
	return out, err
}
