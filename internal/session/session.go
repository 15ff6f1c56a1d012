package session

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// Deps are the parts that a Service is made of.
type Deps struct {
	Log *slog.Logger
	DB  *db.DB
	Now func() time.Time
}

// Service launches, redeems, controls and enforces. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts. It opens nothing and starts nothing; see Run.
func New(d Deps) (*Service, error) {
	if d.Log == nil || d.DB == nil || d.Now == nil {
		return nil, errors.New("session: Log, DB and Now are needed")
	}
	return &Service{d: d}, nil
}

var errClosed = fault.New(fault.Unavailable, "this server takes no sessions yet: try again in a moment")

// Launch decides whether the actor may open the safe now, and mints a grant.
func (s *Service) Launch(ctx context.Context, actor authz.Actor, a LaunchArgs) (Launch, error) {
	return Launch{}, errClosed
}

// Redeem takes a grant for its one use.
func (s *Service) Redeem(ctx context.Context, a RedeemArgs) (*Ticket, error) { return nil, errClosed }

// Lease gives the credential of the ticket's account for this session.
func (s *Service) Lease(ctx context.Context, t *Ticket) (vault.Credential, error) {
	return vault.Credential{}, errClosed
}

// Failed records that the target could not be reached or refused the sign-in.
func (s *Service) Failed(ctx context.Context, t *Ticket, why Failure) error { return errClosed }

// Start makes the session live: recorded and established.
func (s *Service) Start(ctx context.Context, t *Ticket) (*Live, error) { return nil, errClosed }

// Terminate ends somebody's live session by an administrator's order.
func (s *Service) Terminate(ctx context.Context, actor authz.Actor, session id.Session, comment string) error {
	return errClosed
}

// Run enforces until ctx ends.
func (s *Service) Run(ctx context.Context) error { <-ctx.Done(); return nil }
