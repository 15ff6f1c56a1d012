package policy

import (
	"context"
	"maps"
	"slices"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
)

// tell records a change: once for the policy, and once for each safe whose policy
// it changes.
func (s *Service) tell(ctx context.Context, tx *db.Tx, actor authz.Actor, old, next Policy, what event.PolicyChange, comment string, changes []event.Change,
	names map[id.Safe]string, before *Set) error {
	act, target := event.By(actor, event.TenantAdmin), event.PolicyTarget(next.ID, next.Name)
	ev := event.NewAccessPolicyChanged(act, target, what, changes).WithPolicyVersion(int(next.Version))
	if comment != "" {
		ev = ev.WithComment(comment)
	}
	if _, err := s.d.Ledger.Record(ctx, tx, ev); err != nil {
		return err
	}
	was, is := reach(old, names), reach(next, names)
	for _, sid := range slices.Sorted(maps.Keys(names)) {
		var change event.AssignmentChange
		var weaker []string
		switch {
		case was[sid] && is[sid]:
			if old.Text == next.Text && old.Priority == next.Priority {
				continue
			}
			change, weaker = event.AssignmentChangeEdited, weakerText(old.Text, next.Text)
		case is[sid]:
			change, weaker = event.AssignmentChangeAttached, weakerAttached(next, before.governed || before.governs[sid])
		case was[sid]:
			change, weaker = event.AssignmentChangeDetached, weakerDetached(old)
		default:
			continue
		}
		if _, err := s.d.Ledger.Record(ctx, tx, event.NewPolicyAssignmentChanged(act, target, sid, change, changes, weaker)); err != nil {
			return err
		}
	}
	return nil
}

// reach are the safes on which a policy counts.
func reach(p Policy, names map[id.Safe]string) map[id.Safe]bool {
	out := map[id.Safe]bool{}
	switch {
	case !p.Enabled:
	case p.Everywhere:
		for sid := range names {
			out[sid] = true
		}
	default:
		for _, r := range p.Safes {
			out[r.ID] = true
		}
	}
	return out
}

// weakerAttached: a second policy that allows opens one more way in; everything
// else that is attached only narrows.
func weakerAttached(p Policy, governed bool) []string {
	if governed && slices.Contains(p.Effects(), Allow) {
		return []string{"allow"}
	}
	return []string{}
}

// weakerDetached names what is missing once a policy is gone. Without the last one
// that allows, everybody with a role may open the safe.
func weakerDetached(p Policy) []string {
	out := []string{}
	for _, e := range p.Effects() {
		out = append(out, map[Effect]string{Deny: "deny", RequireApproval: "approval", Allow: "allow"}[e])
	}
	return out
}

// weakerText names the controls that an edit may have weakened. It errs towards
// telling: a condition that changed counts, unless it is plainly stricter.
func weakerText(from, to string) []string {
	out := []string{}
	if from == to {
		return out
	}
	a, okA := ReadForm(from)
	b, okB := ReadForm(to)
	if !okA || !okB {
		return []string{"conditions"}
	}
	note := func(control string, weaker bool) {
		if weaker {
			out = append(out, control)
		}
	}
	rank := []Effect{Allow, RequireApproval, Deny}
	note("effect", slices.Index(rank, b.Effect) < slices.Index(rank, a.Effect))
	note("approval", b.Effect == RequireApproval && (b.Approvals < a.Approvals || a.Effect == RequireApproval && !slices.Equal(a.Approvers, b.Approvers)))
	note("scope", !slices.Equal(a.who(), b.who()) || !slices.Equal(a.SafeRoles, b.SafeRoles) || !slices.Equal(a.Safes, b.Safes) ||
		!slices.Equal(a.Types, b.Types) || !slices.Equal(a.Labels, b.Labels) || a.Unless != b.Unless)
	note("valid_hours", changedList(a.Hours, b.Hours))
	note("source_networks", changedList(a.Networks, b.Networks))
	lets := b.Effect != Deny || b.Unless // what is asked must be met to get in
	note("step_up_freshness", a.MFAWithin != b.MFAWithin && !(lets && b.MFAWithin > 0 && (a.MFAWithin == 0 || b.MFAWithin < a.MFAWithin)))
	note("ticket", a.Ticket != b.Ticket && !(lets && b.Ticket))
	note("options", laxer(a.Options.options(), b.Options.options()))
	return out
}

// changedList tells whether a list of alternatives has one that it had not, or lost
// its last one.
func changedList(a, b []string) bool {
	if len(a) > 0 && len(b) == 0 {
		return true
	}
	return len(a) > 0 && slices.ContainsFunc(b, func(s string) bool { return !slices.Contains(a, s) })
}

func laxer(a, b Options) bool {
	flags := func(o Options) []bool {
		return []bool{o.Recording, o.RecordInput, o.FileTransfer != "", o.FileTransfer == "block", o.LocalForward, o.RemoteForward, o.AgentForward, o.X11Forward, o.Jump, o.Clipboard}
	}
	for i, on := range flags(a) {
		if on && !flags(b)[i] {
			return true
		}
	}
	longer := func(x, y int64) bool { return x > 0 && (y == 0 || y > x) }
	return longer(int64(a.SessionTTL), int64(b.SessionTTL)) || longer(int64(a.IdleTimeout), int64(b.IdleTimeout))
}
