package identity

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
)

// WebSession is a live sign-in of a person, as they see it.
type WebSession struct {
	ID         id.WebSession
	Current    bool // it asks
	Enrolment  bool // it may only enrol a second factor
	SourceIP   string
	UserAgent  string
	CreatedAt  time.Time
	LastSeenAt time.Time // to the minute
	ExpiresAt  time.Time // at the latest
	MFAAt      time.Time // when a second factor was last proved in it; zero: never
}

// WebSessions lists the actor's live sign-ins, those used last first.
func (s *Service) WebSessions(ctx context.Context, actor authz.Actor) ([]WebSession, error) {
	if err := authz.Check(actor, authz.SelfView, self(actor)); err != nil {
		return nil, err
	}
	rows, err := s.liveWebSessions(ctx, actor.User)
	if err != nil {
		return nil, err
	}
	return webSessions(rows, actor.WebSession), nil
}

func (s *Service) liveWebSessions(ctx context.Context, user id.User) (rows []identitysql.WebSession, err error) {
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = identitysql.New(tx).LiveWebSessions(ctx, identitysql.LiveWebSessionsParams{
			PersonID: string(user), Now: s.now(), IdleSince: s.now() - s.d.Limits.Idle.Microseconds()})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list sign-ins: %w", err)
	}
	return rows, nil
}

func webSessions(rows []identitysql.WebSession, current id.WebSession) []WebSession {
	out := make([]WebSession, len(rows))
	for i, r := range rows {
		out[i] = WebSession{ID: id.WebSession(r.ID), Current: r.ID == string(current), Enrolment: r.Kind != "full", SourceIP: r.SourceIp,
			UserAgent: r.UserAgent, CreatedAt: db.Time(r.CreatedAt), LastSeenAt: db.Time(r.LastSeenAt), ExpiresAt: db.Time(r.ExpiresAt)}
		if r.MfaAt != 0 {
			out[i].MFAAt = db.Time(r.MfaAt)
		}
	}
	return out
}

// MemberWebSessions are the live sign-ins of a member of the actor's organization,
// for whoever may end them.
func (s *Service) MemberWebSessions(ctx context.Context, actor authz.Actor, user id.User) ([]WebSession, error) {
	if err := authz.Check(actor, authz.MemberSignOut, authz.Object{Type: authz.MemberObject, ID: string(user), Org: actor.Org}); err != nil {
		return nil, err
	}
	var rows []identitysql.WebSession
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := identitysql.New(tx)
		n, err := q.CountMembership(ctx, identitysql.CountMembershipParams{OrgID: string(actor.Org), UserID: string(user)})
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "no such member of this organization")
		}
		if err != nil {
			return err
		}
		rows, err = q.LiveWebSessions(ctx, identitysql.LiveWebSessionsParams{
			PersonID: string(user), Now: s.now(), IdleSince: s.now() - s.d.Limits.Idle.Microseconds()})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the sign-ins of a member: %w", err)
	}
	return webSessions(rows, actor.WebSession), nil
}

// EndWebSession ends one of the actor's own sign-ins, and within two seconds the
// privileged sessions that it launched. It needs no fresh second factor: who fears
// for a sign-in must be able to end it at once.
func (s *Service) EndWebSession(ctx context.Context, actor authz.Actor, web id.WebSession) error {
	_, err := s.endOwn(ctx, actor, func(ctx context.Context, tx *db.Tx) (int, error) {
		ended, err := s.endSession(ctx, tx, actor.User, web, event.AuthSignedOutByUser)
		if err == nil && !ended {
			err = fault.New(fault.NotFound, "no such sign-in, or it has ended already")
		}
		return 1, err
	})
	return err
}

// EndOtherWebSessions ends all sign-ins of the actor but the one that asks. It
// tells how many there were.
func (s *Service) EndOtherWebSessions(ctx context.Context, actor authz.Actor) (int, error) {
	return s.endOwn(ctx, actor, func(ctx context.Context, tx *db.Tx) (int, error) {
		return s.endSessions(ctx, tx, actor.User, actor.WebSession, event.AuthSignedOutByUser.String())
	})
}

func (s *Service) endOwn(ctx context.Context, actor authz.Actor, end func(context.Context, *db.Tx) (int, error)) (int, error) {
	if err := authz.Check(actor, authz.SelfUpdate, self(actor)); err != nil {
		sc := scope(actor, "")
		return 0, s.refused(ctx, actor, err, event.NewAuthSignedOut(sc.Act, sc.Target, actor.User, 0).Denied(event.AuthSignedOutNotPermitted))
	}
	ended := 0
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		if ended, err = end(ctx, tx); err != nil {
			return err
		}
		sc, err := s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		return s.signedOut(ctx, tx, sc, actor.User, ended, event.AuthSignedOutByUser)
	})
	if err != nil {
		return 0, fmt.Errorf("end a sign-in: %w", err)
	}
	return ended, nil
}

// Live ends privileged sessions.
type Live interface {
	// EndOf ends the live sessions of a member in the actor's organization, as the
	// actor's order: those launched from one web session, or all when it is empty.
	EndOf(ctx context.Context, actor authz.Actor, user id.User, web id.WebSession, comment string) (int, error)
}

// Ended is what an administrator's order has ended.
type Ended struct {
	WebSessions int // everywhere: a sign-in is of no organization
	Sessions    int // privileged ones, in the administrator's organization
}

// SignOutMember ends all sign-ins of a member of the actor's organization, their
// certificates there, and their live privileged sessions there. They can sign in
// again: whoever must not is to be removed.
func (s *Service) SignOutMember(ctx context.Context, actor authz.Actor, user id.User, comment string) (Ended, error) {
	var out Ended
	if err := s.maySignOut(ctx, actor, user); err != nil {
		return out, err
	}
	var err error
	if out.Sessions, err = s.d.Live.EndOf(ctx, actor, user, "", comment); err != nil {
		return out, fmt.Errorf("end the sessions of %s: %w", user, err)
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := identitysql.New(tx)
		n, err := q.VoidMember(ctx, identitysql.VoidMemberParams{Now: s.now(), OrgID: string(actor.Org), UserID: string(user)})
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "no such member of this organization")
		}
		if err != nil {
			return err
		}
		if _, err := q.RevokeCertificatesIn(ctx, identitysql.RevokeCertificatesInParams{Now: s.now(), OrgID: string(actor.Org), PersonID: string(user)}); err != nil {
			return err
		}
		if out.WebSessions, err = s.endSessions(ctx, tx, user, "", event.AuthSignedOutByAdmin.String()); err != nil {
			return err
		}
		return s.signedOutByOrder(ctx, tx, actor, user, out.WebSessions) // also when it ended none: an order is an act
	})
	if err != nil {
		return out, fmt.Errorf("sign a member out: %w", err)
	}
	return out, nil
}

// EndMemberWebSession ends one sign-in of a member of the actor's organization, and within
// two seconds the privileged sessions that it launched there.
func (s *Service) EndMemberWebSession(ctx context.Context, actor authz.Actor, user id.User, web id.WebSession, comment string) (Ended, error) {
	out := Ended{WebSessions: 1}
	if err := s.maySignOut(ctx, actor, user); err != nil {
		return Ended{}, err
	}
	there, err := s.liveWebSessions(ctx, user)
	if err != nil {
		return Ended{}, err
	}
	none := fault.New(fault.NotFound, "they have no such sign-in, or it has ended already")
	if !slices.ContainsFunc(there, func(r identitysql.WebSession) bool { return r.ID == string(web) }) {
		return Ended{}, none
	}
	if out.Sessions, err = s.d.Live.EndOf(ctx, actor, user, web, comment); err != nil {
		return Ended{}, fmt.Errorf("end the sessions of %s: %w", user, err)
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := identitysql.New(tx).EndWebSessionIn(ctx, identitysql.EndWebSessionInParams{
			Now: s.now(), Reason: event.AuthSignedOutByAdmin.String(), EndOrg: string(actor.Org), ID: string(web), PersonID: string(user)})
		if err == nil && n == 0 {
			err = none
		}
		if err != nil {
			return err
		}
		return s.signedOutByOrder(ctx, tx, actor, user, 1)
	})
	if err != nil {
		return Ended{}, fmt.Errorf("end a sign-in of a member: %w", err)
	}
	return out, nil
}

// maySignOut tells whether the actor may end sign-ins of user, who must be a member of
// their organization. A refusal is recorded.
func (s *Service) maySignOut(ctx context.Context, actor authz.Actor, user id.User) error {
	refuse := func(err error) error {
		ev := event.NewAuthSignedOut(event.By(actor, event.TenantAdmin), tenant(actor.Org, ""), user, 0)
		return s.refused(ctx, actor, err, ev.Denied(event.AuthSignedOutNotPermitted))
	}
	if err := authz.Check(actor, authz.MemberSignOut, authz.Object{Type: authz.MemberObject, ID: string(user), Org: actor.Org}); err != nil {
		return refuse(err)
	}
	all, err := s.OrgsOf(ctx, user)
	if err != nil {
		return err
	}
	place := slices.IndexFunc(all, func(m Membership) bool { return m.Org == actor.Org })
	if place < 0 {
		return fault.New(fault.NotFound, "no such member of this organization")
	}
	if role := all[place].Role; !actor.Role.Includes(role) {
		return refuse(fault.New(fault.Denied, "the role %s is above yours: ask one who has it", role).WithCode("ROLE_ABOVE_ACTOR"))
	}
	return nil
}

func (s *Service) signedOutByOrder(ctx context.Context, tx *db.Tx, actor authz.Actor, user id.User, ended int) error {
	name, err := s.orgName(ctx, tx, actor.Org)
	if err != nil {
		return err
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewAuthSignedOut(event.By(actor, event.TenantAdmin), tenant(actor.Org, name), user, ended).Because(event.AuthSignedOutByAdmin))
	return err
}
