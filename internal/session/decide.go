package session

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// refusal is the broker's no: what the ledger is told, and what the person is told.
type refusal struct {
	why event.SessionStartRequestedReason
	err error
}

func refuse(why event.SessionStartRequestedReason, f *fault.Error) *refusal { return &refusal{why, f} }

// The codes of refusals, which programs may depend on. A safe that the actor may
// not even see is NOT_FOUND, one that they see and may not open NOT_PERMITTED.
const (
	CodeOutsideValidHours    = "OUTSIDE_VALID_HOURS"
	CodeSourceNotAllowed     = "SOURCE_NOT_ALLOWED"
	CodeMFARequired          = "MFA_REQUIRED"
	CodeAccountDisabled      = "ACCOUNT_DISABLED"
	CodeRecordingUnavailable = "RECORDING_UNAVAILABLE"
	CodeAuditUnavailable     = "AUDIT_UNAVAILABLE"
	CodeConcurrencyLimit     = "CONCURRENCY_LIMIT"
	CodeApprovalRequired     = "APPROVAL_REQUIRED"
	CodePolicyDenied         = "POLICY_DENIED"
	CodeStopping             = "SERVER_STOPPING"
)

// asker is who wants a session and what was proved about them, and when.
type asker struct {
	actor  authz.Actor
	called string    // the safe as they named it, for the refusal's sentence
	ticket string    // that they named
	mfaFor time.Time // the moment at which the second factor must be fresh: that of the launch
}

// target is what a session would be opened with.
type target struct {
	access   safe.Access // its Policy is what the session may do, its PolicyID what decided
	verdict  policy.Verdict
	resource resource.Resource
	account  vault.Account
}

// decide is the broker's decision, for a launch and again when the grant is
// redeemed. A *refusal is a no that must be recorded; an error is a failure. What
// is known of the target is given with a refusal too.
func (s *Service) decide(ctx context.Context, tx *db.Tx, a asker, sid id.Safe) (target, *refusal, error) {
	var t target
	unknown := refuse(event.SessionStartRequestedNotAMember, fault.New(fault.NotFound, "there is no safe %q that you may open: list your safes, or ask a manager of the safe to add you", printable(fmt.Sprintf("%.64s", a.called))))
	org := a.actor.Org
	v, err := s.d.Policies.Ask(ctx, tx, policy.Asker{Actor: a.actor, At: s.d.Now(), MFAFor: a.mfaFor, Ticket: a.ticket}, sid)
	if fault.Is(err, fault.NotFound) {
		return t, unknown, nil
	}
	if err != nil {
		return t, nil, fmt.Errorf("decide about safe %s: %w", sid, err)
	}
	d := &v.Decision
	t.access, t.verdict = v.Access, v
	t.access.Policy = d.Settings
	if d.By != "" {
		t.access.PolicyID = d.By
	}
	if err := d.Err(); err != nil {
		if a.actor.Kind != authz.Token && !authz.May(a.actor, authz.SafeView, authz.Object{ID: string(sid), Org: org, SafeRole: v.Access.Role}) {
			return t, unknown, nil
		}
		return t, &refusal{event.SessionStartRequestedNotAMember, err}, nil
	}
	if t.resource, err = s.d.Resources.Find(ctx, tx, org, v.Access.Resource); err != nil {
		return t, nil, fmt.Errorf("read the resource of safe %s: %w", sid, err)
	}
	if t.account, err = s.d.Vault.Find(ctx, tx, org, v.Access.Account); err != nil {
		return t, nil, fmt.Errorf("read the account of safe %s: %w", sid, err)
	}
	if no := refused(a, d); no != nil {
		return t, no, nil
	}
	return t, s.ready(org, t.access.Policy), nil
}

// refused says a decision's no in the words of the ledger and of the person.
func refused(a asker, d *policy.Decision) *refusal {
	no := func(why event.SessionStartRequestedReason, code string) *refusal {
		return refuse(why, fault.New(fault.Denied, "%s", d.Sentence()).WithCode(code))
	}
	switch d.Why {
	case policy.NotRefused:
		return nil
	case policy.AccountDisabled:
		return no(event.SessionStartRequestedAccountDisabled, CodeAccountDisabled)
	case policy.OutsideHours:
		return no(event.SessionStartRequestedOutsideValidHours, CodeOutsideValidHours)
	case policy.WrongSource:
		// The catalog has no word for a network; membership counts from these only.
		return no(event.SessionStartRequestedNotAMember, CodeSourceNotAllowed)
	case policy.MFARequired:
		if a.actor.Kind == authz.Token {
			return refuse(event.SessionStartRequestedMFARequired, fault.New(fault.Denied, "this safe asks for a second factor at each launch, which an API token cannot give: launch as a person").WithCode(CodeMFARequired))
		}
		return no(event.SessionStartRequestedMFARequired, CodeMFARequired)
	case policy.NoApproval:
		return no(event.SessionStartRequestedNoApproval, CodeApprovalRequired)
	}
	// Nor has it one for a policy that denies: policy_id names it.
	return no(event.SessionStartRequestedNotAMember, CodePolicyDenied)
}

// ready tells whether a session under p could be recorded and told of.
func (s *Service) ready(org id.Org, p safe.Policy) *refusal {
	if err := s.d.Ledger.HealthyFor(org); err != nil {
		return refuse(event.SessionStartRequestedAuditUnavailable, auditFault(err))
	}
	if p.Recording {
		if err := s.d.Recordings.Healthy(); err != nil {
			return refuse(event.SessionStartRequestedRecordingUnavailable, recordingFault(err))
		}
	}
	return nil
}

func auditFault(err error) *fault.Error {
	return fault.New(fault.Unavailable, "no session can be opened now, because the audit log cannot be written: try again in a moment, and tell an administrator if it lasts").
		WithCode(CodeAuditUnavailable).WithRetry(30 * time.Second).Because(err)
}

func recordingFault(err error) *fault.Error {
	return fault.New(fault.Unavailable, "no session can be opened with this safe now, because it cannot be recorded: try again in a moment, and tell an administrator if it lasts").
		WithCode(CodeRecordingUnavailable).WithRetry(30 * time.Second).Because(err)
}

// place checks the safe's limit on sessions at once. Callers of one safe wait for
// each other here until their transaction ends. A grant that waits to be redeemed
// holds a place; grants says whether those count.
func (s *Service) place(ctx context.Context, tx *db.Tx, acc safe.Access, grants bool) (*refusal, error) {
	limit := int64(acc.Policy.MaxSessions)
	if limit == 0 {
		return nil, nil
	}
	q := sessionsql.New(tx)
	org, sid, now := string(tx.Org()), string(acc.Safe), db.Micros(s.d.Now())
	if err := q.EnterGate(ctx, sessionsql.EnterGateParams{OrgID: org, SafeID: sid, Now: now}); err != nil {
		return nil, fmt.Errorf("enter the gate of safe %s: %w", sid, err)
	}
	n, err := q.CountOpenSessions(ctx, sessionsql.CountOpenSessionsParams{OrgID: org, SafeID: sid})
	if err != nil {
		return nil, fmt.Errorf("count the sessions of safe %s: %w", sid, err)
	}
	if grants {
		waiting, err := q.CountOpenGrants(ctx, sessionsql.CountOpenGrantsParams{OrgID: org, SafeID: sid, Now: now})
		if err != nil {
			return nil, fmt.Errorf("count the grants of safe %s: %w", sid, err)
		}
		n += waiting
	}
	if n < limit {
		return nil, nil
	}
	return refuse(event.SessionStartRequestedConcurrencyLimit, fault.New(fault.Exhausted, "this safe allows %d sessions at once, and they are in use: end one, or try again later", limit).WithCode(CodeConcurrencyLimit)), nil
}

// parseAddr is the inverse of authz.Source.Address.
func parseAddr(s string) netip.Addr {
	a, _ := netip.ParseAddr(s) // the zero address is "none"
	return a
}
