package session

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// Session is a session as lists show it. Times that are not yet are zero.
type Session struct {
	ID              id.Session
	Org             id.Org
	User            id.User
	UserName        string
	UserEmail       string
	Token           id.Token // set when an API token launched it
	TokenName       string
	Safe            id.Safe
	SafeName        string
	Resource        id.Resource
	ResourceName    string
	Account         id.Account
	AccountName     string
	Username        string // at the target
	Protocol        Protocol
	Client          string
	ClientVersion   string
	SourceIP        string
	State           State
	RequestedAt     time.Time
	StartedAt       time.Time
	EndedAt         time.Time
	ExpiresAt       time.Time
	EndedBy         EndedBy
	EndReason       string // a Reason, or a Failure when it never came up
	EndedByName     string // the administrator's
	EndComment      string
	Recording       id.Recording // empty when it is not recorded
	ExitStatus      *int
	Channels        int
	BytesToTarget   int64
	BytesFromTarget int64
	AccessRequest   id.AccessReq // that it was opened through; empty: none was needed
}

// Duration is how long the session was live, or has been until now.
func (s Session) Duration(now time.Time) time.Duration {
	switch {
	case s.StartedAt.IsZero():
		return 0
	case s.EndedAt.IsZero():
		return max(0, now.Sub(s.StartedAt))
	}
	return max(0, s.EndedAt.Sub(s.StartedAt))
}

func sessionOf(r sessionsql.Session) Session {
	out := Session{
		ID: id.Session(r.ID), Org: id.Org(r.OrgID), User: id.User(r.UserID), UserName: r.UserName, UserEmail: r.UserEmail,
		Token: id.Token(r.TokenID), TokenName: r.TokenName, Safe: id.Safe(r.SafeID), SafeName: r.SafeName,
		Resource: id.Resource(r.ResourceID), ResourceName: r.ResourceName, Account: id.Account(r.AccountID),
		AccountName: r.AccountName, Username: r.Username, Protocol: Protocol(r.Protocol), Client: r.Client,
		ClientVersion: r.ClientVersion, SourceIP: r.SourceIp, State: State(r.State), RequestedAt: timeOf(r.RequestedAt),
		StartedAt: timeOf(r.StartedAt), EndedAt: timeOf(r.EndedAt), ExpiresAt: timeOf(r.ExpiresAt),
		EndedBy: EndedBy(r.EndedBy), EndReason: r.EndReason, EndedByName: r.EndedByName, EndComment: r.EndComment,
		Recording: id.Recording(r.RecordingID), Channels: int(r.Channels),
		BytesToTarget: r.BytesToTarget, BytesFromTarget: r.BytesFromTarget, AccessRequest: id.AccessReq(r.AccessRequestID),
	}
	if r.ExitStatus.Valid {
		n := int(r.ExitStatus.Int64)
		out.ExitStatus = &n
	}
	return out
}

// timeOf is the time of a column in which 0 is "not yet".
func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return db.Time(us)
}

func notFound(sid id.Session) error {
	return fault.New(fault.NotFound, "there is no session %q that you may see", printable(fmt.Sprintf("%.64s", sid)))
}

// read gives the row of a session of the actor's organization, and what it is to
// the actor. A session that exists nowhere, or elsewhere, is fault.NotFound.
func (s *Service) read(ctx context.Context, actor authz.Actor, sid id.Session) (sessionsql.Session, authz.Object, error) {
	var row sessionsql.Session
	var o authz.Object
	if _, err := id.Parse[id.Session](string(sid)); err != nil || actor.Org == "" {
		return row, o, notFound(sid)
	}
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, o, err = s.readIn(ctx, tx, actor, sid)
		return err
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		err = fmt.Errorf("read session %s: %w", sid, err)
	}
	return row, o, err
}

func (s *Service) readIn(ctx context.Context, tx *db.Tx, actor authz.Actor, sid id.Session) (sessionsql.Session, authz.Object, error) {
	q := sessionsql.New(tx)
	row, err := q.GetSession(ctx, sessionsql.GetSessionParams{OrgID: string(actor.Org), ID: string(sid)})
	if db.NotFound(err) {
		return row, authz.Object{}, notFound(sid)
	}
	if err != nil {
		return row, authz.Object{}, err
	}
	role, err := q.SafeRole(ctx, sessionsql.SafeRoleParams{OrgID: row.OrgID, SafeID: row.SafeID, UserID: string(actor.User)})
	if err != nil && !db.NotFound(err) {
		return row, authz.Object{}, err
	}
	o := authz.Object{ID: row.ID, Org: id.Org(row.OrgID), SafeRole: authz.SafeRole(role), Owner: id.User(row.UserID)}
	return row, o, nil
}

// Get gives one session: one's own, for owners, admins and auditors every one,
// for managers of a safe those of that safe. Others are fault.NotFound.
func (s *Service) Get(ctx context.Context, actor authz.Actor, sid id.Session) (Session, error) {
	if err := authz.Check(actor, authz.SessionList, authz.Object{Org: actor.Org}); err != nil {
		return Session{}, err
	}
	row, o, err := s.read(ctx, actor, sid)
	if err != nil {
		return Session{}, err
	}
	if !authz.May(actor, authz.SessionView, o) {
		return Session{}, notFound(sid)
	}
	return sessionOf(row), nil
}

// Filter narrows a list. Zero fields do not.
type Filter struct {
	State    State
	User     id.User
	Safe     id.Safe
	Resource id.Resource
	From, To time.Time // of the request that opened the session: From <= t < To
}

// List gives the sessions that the actor may see, newest first; the rule is that of Get.
func (s *Service) List(ctx context.Context, actor authz.Actor, f Filter, p page.Request) (page.List[Session], error) {
	var none page.List[Session]
	if err := authz.Check(actor, authz.SessionList, authz.Object{Org: actor.Org}); err != nil {
		return none, err
	}
	if !slices.Contains([]State{"", Starting, Active, Ended}, f.State) {
		return none, fault.New(fault.Invalid, "%.32q is not a state of a session", string(f.State)).
			WithField("state", "must be %q, %q or %q", Starting, Active, Ended)
	}
	read, after, err := p.Resolve()
	if err != nil {
		return none, err
	}
	whole := authz.May(actor, authz.SessionView, authz.Object{Org: actor.Org})
	text, args := f.statement(actor, whole, after, read)
	var rows []sessionsql.Session
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = selectSessions(ctx, tx, text, args)
		return err
	})
	if err != nil {
		return none, fmt.Errorf("list sessions: %w", err)
	}
	items := make([]Session, len(rows))
	for i, r := range rows {
		items[i] = sessionOf(r)
	}
	return page.Cut(items, read, func(s Session) string { return string(s.ID) }), nil
}
