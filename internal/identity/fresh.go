package identity

import "github.com/vaultpam/vaultpam/internal/authz"

// Fresh tells whether the actor has proved a second factor recently enough to
// change how they sign in. When not, the fault's code is STEP_UP_REQUIRED.
func (s *Service) Fresh(actor authz.Actor) error {
	return authz.FreshWithin(actor, s.d.Limits.Fresh, s.d.Now())
}
