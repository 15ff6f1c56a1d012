package governance

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/governance/governancesql"
)

// Parsed is an action with the stored changes.
func Parsed(changes string) Action {
	s := &Service{d: Deps{Now: time.Now}}
	return s.actionOf(governancesql.GovernanceAction{Changes: changes, State: string(Open)})
}
