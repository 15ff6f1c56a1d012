package session

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// Redeem takes a grant for its one use. Whatever is wrong with it, nothing else
// happens than that the refusal is recorded: PROXY_SSH_AUTH_REJECTED when the
// grant is no good (codes GRANT_*), SESSION_START_REQUESTED when the grant is good
// and its holder may no longer use the safe; the grant is spent then.
func (s *Service) Redeem(ctx context.Context, a RedeemArgs) (*Ticket, error) {
	if s.stopping.Load() {
		return nil, errStopping
	}
	hash, ok := parseToken(a.Token)
	if !ok {
		return nil, s.reject(ctx, a, sessionsql.LaunchGrant{}, grantInvalid)
	}
	var g sessionsql.LaunchGrant
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		g, err = sessionsql.New(tx).GrantByHash(ctx, hash)
		return err
	})
	if db.NotFound(err) {
		return nil, s.reject(ctx, a, sessionsql.LaunchGrant{}, grantInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("find the grant: %w", err)
	}
	if bad := s.wrong(g, a); bad != nil {
		return nil, s.reject(ctx, a, g, bad)
	}
	if err := s.d.Ledger.HealthyFor(id.Org(g.OrgID)); err != nil {
		return nil, auditFault(err)
	}
	return s.use(ctx, g, a)
}

// wrong tells what keeps a grant that exists from being used by this holder here.
func (s *Service) wrong(g sessionsql.LaunchGrant, a RedeemArgs) *rejected {
	switch {
	case g.UsedAt != 0:
		return grantReplayed
	case g.ExpiresAt <= db.Micros(s.d.Now()):
		return grantExpired
	case g.Protocol != string(a.Protocol) || g.Client != a.Client:
		return grantWrongGateway
	case a.User != "" && g.UserID != string(a.User):
		return grantInvalid // as if it did not exist: its owner is none of their business
	}
	return nil
}

// use spends the grant and opens the session's row, in one transaction.
func (s *Service) use(ctx context.Context, g sessionsql.LaunchGrant, a RedeemArgs) (*Ticket, error) {
	var t *Ticket
	var no *refusal
	var bad *rejected
	err := s.d.DB.InOrg(ctx, id.Org(g.OrgID), func(ctx context.Context, tx *db.Tx) error {
		t, no, bad = nil, nil, nil
		n, err := sessionsql.New(tx).UseGrant(ctx, sessionsql.UseGrantParams{
			OrgID: g.OrgID, ID: g.ID, Now: db.Micros(s.d.Now()), UsedBy: s.name,
		})
		if err != nil {
			return fmt.Errorf("use grant %s: %w", g.ID, err)
		}
		if n != 1 {
			bad, err = s.lost(ctx, tx, g)
			return err
		}
		t, no, err = s.admit(ctx, tx, g, a)
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("redeem grant %s: %w", g.ID, err)
	case bad != nil:
		return nil, s.reject(ctx, a, g, bad)
	case no != nil:
		return nil, no.err
	}
	s.changed(t.Org, t.Session)
	return t, nil
}

// lost tells why the one use of a grant was not ours: somebody was faster, or its time ran out.
func (s *Service) lost(ctx context.Context, tx *db.Tx, g sessionsql.LaunchGrant) (*rejected, error) {
	now, err := sessionsql.New(tx).GetGrant(ctx, sessionsql.GetGrantParams{OrgID: g.OrgID, ID: g.ID})
	switch {
	case err != nil && !db.NotFound(err):
		return nil, fmt.Errorf("read grant %s: %w", g.ID, err)
	case err == nil && now.UsedAt != 0:
		return grantReplayed, nil
	}
	return grantExpired, nil
}

// admit checks again what the launch checked, and opens the session's row.
func (s *Service) admit(ctx context.Context, tx *db.Tx, g sessionsql.LaunchGrant, a RedeemArgs) (*Ticket, *refusal, error) {
	actor, person, no, err := s.holder(ctx, tx, g, a.Source)
	if err != nil {
		return nil, nil, err
	}
	var t target
	if no == nil {
		who := asker{actor: actor, called: g.SafeID, ticket: g.Ticket, mfaFor: db.Time(g.CreatedAt)}
		t, no, err = s.decide(ctx, tx, who, id.Safe(g.SafeID))
	}
	if err == nil && no == nil && (string(t.access.Resource) != g.ResourceID || string(t.access.Account) != g.AccountID) {
		no = refuse(event.SessionStartRequestedNotAMember, fault.New(fault.Conflict, "this safe was changed while you connected: connect again"))
	}
	if err == nil && no == nil {
		no, err = s.place(ctx, tx, t.access, false)
	}
	if err != nil {
		return nil, nil, err
	}
	if no != nil {
		ev := startRequested(event.By(actor, event.User), Protocol(g.Protocol), t, id.Safe(g.SafeID)).WithGrantID(id.Grant(g.ID))
		_, err := s.d.Ledger.Record(ctx, tx, ev.Denied(no.why))
		return nil, no, err
	}
	now := s.d.Now()
	ticket := &Ticket{
		Actor: actor, Org: id.Org(g.OrgID), Session: id.Session(g.SessionID), Grant: id.Grant(g.ID),
		Protocol: Protocol(g.Protocol), Client: g.Client, ClientVersion: a.ClientVersion,
		SafeID: t.access.Safe, SafeName: t.access.SafeName, Policy: t.access.Policy, Resource: t.resource, Account: t.account,
		ExpiresAt: now.Add(t.access.Policy.SessionTTL), policyID: t.access.PolicyID,
		person: person.handle, named: g.Ticket, verdict: t.verdict,
	}
	err = sessionsql.New(tx).InsertSession(ctx, sessionsql.InsertSessionParams{
		OrgID: g.OrgID, ID: g.SessionID, UserID: g.UserID, UserName: person.handle, UserEmail: person.email, TokenID: g.TokenID,
		TokenName: g.TokenName, Via: g.Via, SafeID: g.SafeID, SafeName: ticket.SafeName, ResourceID: g.ResourceID,
		ResourceName: t.resource.Name, AccountID: g.AccountID, AccountName: t.account.Name, Username: t.account.Username,
		Protocol: g.Protocol, Client: g.Client, ClientVersion: a.ClientVersion, SourceIp: a.Source.Address(),
		AccessGrantID: string(t.verdict.Decision.Grant), AccessRequestID: string(t.verdict.Decision.Request), DelegationID: string(t.verdict.Decision.Delegation),
		GrantID: g.ID, WebSessionID: g.WebSessionID, RequestID: g.RequestID, ServerID: s.name, Now: db.Micros(now), ExpiresAt: db.Micros(ticket.ExpiresAt),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("open the session's row: %w", err)
	}
	return ticket, nil, nil
}

// holder is the actor that a grant stands for, as they are now: their role may
// have changed since the launch, or be gone.
func (s *Service) holder(ctx context.Context, tx *db.Tx, g sessionsql.LaunchGrant, src authz.Source) (authz.Actor, personStanding, *refusal, error) {
	actor := authz.Actor{
		Kind: authz.Person, User: id.User(g.UserID), Name: g.UserName, Email: g.UserEmail, Org: id.Org(g.OrgID),
		Source: src, Via: authz.Via(g.Via), Request: id.Request(g.RequestID),
	}
	if g.MfaAt != 0 {
		actor.MFAAt = db.Time(g.MfaAt)
	}
	if g.TokenID != "" {
		actor.Kind, actor.Token = authz.Token, id.Token(g.TokenID)
	}
	p, err := s.standing(ctx, tx, actor, g.WebSessionID)
	if err != nil {
		return actor, p, nil, err
	}
	if !p.stands(s.d.Now()) {
		return actor, p, refuse(event.SessionStartRequestedNotAMember, fault.New(fault.Denied, "your access to this organization was taken away while you connected: ask an administrator if you still need it")), nil
	}
	if ended, _ := p.over(g.CreatedAt); ended {
		return actor, p, refuse(event.SessionStartRequestedNotAMember, fault.New(fault.Denied, "the sign-in that launched this session has ended: sign in and launch it again")), nil
	}
	actor.Role, actor.Scopes = p.role, p.scopes
	return actor, p, nil, nil
}
