package session

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// GrantLife is how long a launch grant can be redeemed.
const GrantLife = 60 * time.Second

// Launch decides whether the actor may open the safe now, and mints a grant. A no
// is a fault whose code is one of the Code constants, NOT_FOUND or NOT_PERMITTED,
// and SESSION_START_REQUESTED tells of it in the actor's own organization.
func (s *Service) Launch(ctx context.Context, actor authz.Actor, a LaunchArgs) (Launch, error) {
	if err := a.check(); err != nil {
		return Launch{}, err
	}
	if actor.Kind != authz.Person && actor.Kind != authz.Token {
		return Launch{}, authz.Check(authz.Actor{}, authz.SessionLaunch, authz.Object{Org: actor.Org})
	}
	if actor.Org == "" {
		return Launch{}, fault.New(fault.Invalid, "choose the organization in which to open the session").WithField("org", "is needed")
	}
	if s.stopping.Load() {
		return Launch{}, errStopping
	}
	if err := s.d.Ledger.HealthyFor(actor.Org); err != nil {
		return Launch{}, s.refuseUnheard(ctx, actor, a, auditFault(err))
	}
	var out Launch
	var no *refusal
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		var err error
		out, no, err = s.launch(ctx, tx, actor, a)
		return err
	})
	switch {
	case err != nil:
		return Launch{}, fmt.Errorf("launch safe %s: %w", a.called(), err)
	case no != nil:
		return Launch{}, no.err
	}
	return out, nil
}

// called is the safe as the caller named it. A door that has found the id by a name
// gives both; telling the id would tell that there is such a safe.
func (a LaunchArgs) called() string {
	if a.Name != "" {
		return a.Name
	}
	return string(a.Safe)
}

func (a LaunchArgs) check() error {
	f := fault.New(fault.Invalid, "the launch is not valid: see the fields that are named")
	if a.Safe == "" && a.Name == "" {
		f.WithField("safe_id", "is needed, or the safe's name in safe")
	}
	if wrong := label.Name(a.Ticket); a.Ticket != "" && wrong != "" {
		f.WithField("ticket", "%s", wrong)
	}
	if len(a.Name) > 256 || len(a.Safe) > 64 {
		f.WithField("safe", "is too long for the name of a safe")
	}
	if a.Protocol != SSH {
		f.WithField("protocol", "must be %q", SSH)
	}
	if !knownClient(a.Client) {
		f.WithField("client", "must be one of %q, %q, %q", ClientOpenSSH, ClientVaultPAM, ClientBrowser)
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

func knownClient(c string) bool {
	return c == ClientOpenSSH || c == ClientVaultPAM || c == ClientBrowser
}

// launch is the body of Launch's transaction.
func (s *Service) launch(ctx context.Context, tx *db.Tx, actor authz.Actor, a LaunchArgs) (Launch, *refusal, error) {
	sid, err := safe.Meant(ctx, tx, a.Safe, a.Name)
	if err != nil {
		return Launch{}, nil, err
	}
	who := asker{actor: actor, called: a.called(), ticket: a.Ticket, mfaFor: s.d.Now()}
	t, no, err := s.decide(ctx, tx, who, sid)
	if err == nil && no == nil {
		no, err = s.place(ctx, tx, t.access, true)
	}
	if err != nil {
		return Launch{}, nil, err
	}
	ev := startRequested(event.By(actor, event.User), a.Protocol, t, sid)
	if no != nil {
		told, err := s.d.Ledger.Record(ctx, tx, ev.Denied(no.why))
		if err == nil && t.verdict.Set != nil {
			err = s.d.Policies.Remember(ctx, tx, told, t.verdict)
		}
		return Launch{}, no, err
	}
	gid := id.New[id.Grant]()
	told, err := s.d.Ledger.Record(ctx, tx, ev.WithGrantID(gid))
	if err != nil {
		return Launch{}, nil, err
	}
	if err := s.d.Policies.Remember(ctx, tx, told, t.verdict); err != nil {
		return Launch{}, nil, err
	}
	out, err := s.mint(ctx, tx, actor, a, t, gid, told)
	return out, nil, err
}

// mint keeps a new grant; told is the event of its launch.
func (s *Service) mint(ctx context.Context, tx *db.Tx, actor authz.Actor, a LaunchArgs, t target, gid id.Grant, told id.Event) (Launch, error) {
	now := s.d.Now()
	token, hash := mintToken()
	out := Launch{Grant: gid, Token: token, Session: id.New[id.Session](), ExpiresAt: now.Add(GrantLife)}
	row := sessionsql.InsertGrantParams{
		OrgID: string(actor.Org), ID: string(out.Grant), TokenHash: hash, SessionID: string(out.Session),
		UserID: string(actor.User), UserName: actor.Name, UserEmail: actor.Email, TokenID: string(actor.Token),
		Via: string(actor.Via), SafeID: string(t.access.Safe), ResourceID: string(t.resource.ID),
		AccountID: string(t.account.ID), Protocol: string(a.Protocol), Client: a.Client, RequestID: string(actor.Request), EventID: string(told), Ticket: a.Ticket,
		CreatedAt: db.Micros(now), ExpiresAt: db.Micros(out.ExpiresAt),
	}
	if actor.Kind == authz.Person {
		row.WebSessionID = string(actor.WebSession)
	}
	if !actor.MFAAt.IsZero() {
		row.MfaAt = db.Micros(actor.MFAAt)
	}
	if actor.Kind == authz.Token {
		row.TokenName = actor.Name
	}
	if err := sessionsql.New(tx).InsertGrant(ctx, row); err != nil {
		return Launch{}, fmt.Errorf("keep the grant: %w", err)
	}
	return out, nil
}

// refuseUnheard refuses while the ledger is in trouble: the refusal is told if the
// ledger takes it after all, and stands in any case.
func (s *Service) refuseUnheard(ctx context.Context, actor authz.Actor, a LaunchArgs, no *fault.Error) error {
	sid, err := id.Parse[id.Safe](string(a.Safe))
	if err != nil {
		sid = ""
	}
	ev := startRequested(event.By(actor, event.User), a.Protocol, target{}, sid).Denied(event.SessionStartRequestedAuditUnavailable)
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		s.d.Log.WarnContext(ctx, "refusal not recorded", "reason", "audit_unavailable", "err", err)
	}
	return no
}

var errStopping = fault.New(fault.Unavailable, "this VaultPAM server is stopping: try again in a moment").
	WithCode(CodeStopping).WithRetry(5 * time.Second)
