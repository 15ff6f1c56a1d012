package rotation

import (
	"context"
)

// Step is one round of Run, which waits for its work.
func (s *Service) Step(ctx context.Context) error {
	if err := s.enqueue(ctx); err != nil {
		return err
	}
	for {
		select {
		case j := <-s.taken:
			s.work(ctx, j)
			continue
		default:
		}
		break
	}
	return s.take(ctx, func(claim func() (job, bool, error)) error {
		j, ok, err := claim()
		if err == nil && ok {
			s.work(ctx, j)
		}
		return err
	})
}

// Forget loses what Rotate has taken, as a server that is killed does.
func (s *Service) Forget() { <-s.taken }

var (
	LinesOf    = linesOf
	Successor  = successor
	NewPass    = newPassword
	Converse   = converse
	CutMarks   = cutMarks
	Why        = why
	LeaseFor   = leaseFor
	FirstDelay = backOff[0]
	Attempts   = len(backOff) + 1
)
