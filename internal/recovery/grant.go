package recovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/recovery/recoverysql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// RedeemArgs presents a grant.
type RedeemArgs struct {
	Challenge secret.Secret // of a new sign-in: the first factor is proved again
	Grant     secret.Secret
	From      identity.Origin
}

var (
	errGrantUsed    = fault.New(fault.Conflict, "this link was used already: if you did not finish, ask for a recovery again").WithCode("RECOVERY_GRANT_USED")
	errGrantExpired = fault.New(fault.Conflict, "this link has expired: ask for a recovery again").WithCode("RECOVERY_GRANT_EXPIRED")
)

func badGrant() error {
	return fault.New(fault.Unauthenticated, "this link is not valid for you: open the newest one that you were sent, whole, and sign in as who it was sent to").WithCode("RECOVERY_GRANT_INVALID")
}

// Redeem burns a grant and opens the web session in which the new factor is set up.
func (s *Service) Redeem(ctx context.Context, a RedeemArgs) (identity.Session, error) {
	if a.From.Request == "" {
		a.From.Request = id.New[id.Request]()
	}
	first, err := s.d.People.FirstFactorOf(ctx, a.Challenge, a.From)
	if err != nil {
		return identity.Session{}, err
	}
	user := first.User
	st, err := s.person(ctx, user)
	if err != nil {
		return identity.Session{}, err
	}
	row, known, err := s.byGrant(ctx, a.Grant)
	if err != nil {
		return identity.Session{}, err
	}
	ok := known && id.User(row.PersonID) == user
	if ok {
		if ok, err = s.goes(ctx, row, first); err != nil {
			return identity.Session{}, fmt.Errorf("look where a recovery reaches: %w", err)
		}
	}
	if !ok {
		return identity.Session{}, s.wrongGrant(ctx, a.From, st, row, known)
	}
	rec, org, grant := id.Recovery(row.ID), id.Org(row.OrgID), id.RecoveryGrant(row.GrantID)
	consumed := event.NewMFARecoveryGrantConsumed(by(a.From, org), target(rec, st.Profile)).WithRecoveryID(rec).WithSubjectUserID(user).WithGrantID(grant)
	var out identity.Session
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := recoverysql.New(tx)
		now, err := s.d.People.StandingOf(ctx, tx, user)
		if err != nil {
			return err
		}
		if !now.Active {
			return errGrantExpired
		}
		if out, err = s.d.People.OpenEnrolment(ctx, tx, first, a.From); err != nil {
			return err
		}
		n, err := q.ConsumeGrant(ctx, recoverysql.ConsumeGrantParams{OrgID: row.OrgID, ID: row.ID, GrantID: row.GrantID, WebSessionID: string(out.ID),
			ExpiresAt: db.Micros(out.ExpiresAt), Now: s.now()})
		if err != nil {
			return fmt.Errorf("burn a grant: %w", err)
		}
		if n == 0 {
			return spent(ctx, q, rec)
		}
		_, err = s.d.Ledger.Record(ctx, tx, consumed)
		return err
	})
	switch {
	case errors.Is(err, errGrantUsed):
		return identity.Session{}, s.refused(ctx, err, consumed.Denied(event.MFARecoveryGrantConsumedAlreadyUsed))
	case errors.Is(err, errGrantExpired):
		return identity.Session{}, s.refused(ctx, err, consumed.Denied(event.MFARecoveryGrantConsumedExpired))
	case err != nil:
		return identity.Session{}, fmt.Errorf("use a recovery grant: %w", err)
	}
	return out, nil
}

// goes tells whether a grant goes with the first factor that is shown with it. Where
// the word of a provider has a part in the case and reaches other organizations, the
// platform must have decided on the word of that same provider.
func (s *Service) goes(ctx context.Context, row recoverysql.MfaRecovery, by identity.FirstFactor) (ok bool, err error) {
	word := id.Org(row.ProviderOrg)
	if word == "" {
		word = by.Provider
	}
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		beyond, err := s.reaches(ctx, tx, by.User, word)
		ok = !beyond || row.Queue == "platform" && row.ProviderOrg != "" && (by.Provider == "" || by.Provider == word)
		return err
	})
	return ok, err
}

// spent says why a grant of the right person burns no more.
func spent(ctx context.Context, q *recoverysql.Queries, rec id.Recovery) error {
	row, err := q.CaseByID(ctx, string(rec))
	if err != nil {
		return fmt.Errorf("read a case: %w", err)
	}
	if row.WebSessionID != "" {
		return errGrantUsed
	}
	return errGrantExpired
}

func (s *Service) byGrant(ctx context.Context, shown secret.Secret) (row recoverysql.MfaRecovery, known bool, err error) {
	grant, token, ok := parseTicket[id.RecoveryGrant](shown.RevealString())
	if !ok {
		return row, false, nil
	}
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = recoverysql.New(tx).CaseByGrant(ctx, string(grant))
		return err
	})
	if db.NotFound(err) {
		return row, false, nil
	}
	if err != nil {
		return row, false, fmt.Errorf("look for a grant: %w", err)
	}
	return row, same(row.GrantHash, string(grant), token), nil
}

// wrongGrant refuses a grant that is nobody's or somebody else's, in one answer, and
// counts it; so is one that the first factor does not go with. An unknown one is told where the person who presents it belongs.
func (s *Service) wrongGrant(ctx context.Context, from identity.Origin, st identity.Standing, row recoverysql.MfaRecovery, known bool) error {
	ev := event.NewMFARecoveryGrantConsumed(by(from, seat(st).Org), event.RecoveryTarget("", "unknown grant")).WithSubjectUserID(st.ID).Denied(event.MFARecoveryGrantConsumedUnknown)
	switch rec := id.Recovery(row.ID); {
	case known && id.User(row.PersonID) == st.ID:
		ev = event.NewMFARecoveryGrantConsumed(by(from, id.Org(row.OrgID)), target(rec, st.Profile)).
			WithRecoveryID(rec).WithSubjectUserID(st.ID).WithGrantID(id.RecoveryGrant(row.GrantID)).Denied(event.MFARecoveryGrantConsumedUnknown)
	case known:
		ev = event.NewMFARecoveryGrantConsumed(by(from, id.Org(row.OrgID)), event.RecoveryTarget(rec, "another user's case")).
			WithRecoveryID(rec).WithSubjectUserID(id.User(row.PersonID)).WithGrantID(id.RecoveryGrant(row.GrantID)).Denied(event.MFARecoveryGrantConsumedWrongUser)
	}
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.d.People.CountFailure(ctx, tx, from); err != nil {
			return err
		}
		_, err := s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return fmt.Errorf("refuse a grant: %w", err)
	}
	return badGrant()
}

// Closer finishes cases when a new factor is enrolled; identity is built with one.
type Closer struct {
	DB      *db.DB
	Ledger  Ledger
	Mail    Mail
	Members identity.Memberships
	Now     func() time.Time
}

// Begun is the case of the actor's web session, and nil when there is none.
func (c Closer) Begun(ctx context.Context, actor authz.Actor) (identity.Recovery, error) {
	now := c.Now()
	out := closing{Closer: c, at: now}
	err := c.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		out.row, err = recoverysql.New(tx).CaseBySession(ctx, recoverysql.CaseBySessionParams{WebSessionID: string(actor.WebSession), PersonID: string(actor.User), Now: db.Micros(now)})
		if err != nil || out.row.OrgID == "" {
			return err
		}
		out.orgName, err = c.Members.Name(ctx, tx, id.Org(out.row.OrgID))
		return err
	})
	if db.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the recovery of a web session: %w", err)
	}
	ip := ""
	if actor.Source.IP.IsValid() {
		ip = actor.Source.IP.Unmap().String()
	}
	out.letter, err = c.Mail.Prepare(ctx, id.Org(out.row.OrgID), notify.Message{To: notify.Recipient{Email: actor.Email, Name: actor.Name},
		Data: notify.RecoveryCompleted{Name: actor.Name, Source: ip, At: now}})
	return out, err
}

// closing is a case whose person sets up the new factor right now.
type closing struct {
	Closer
	row     recoverysql.MfaRecovery
	orgName string
	letter  notify.Prepared
	at      time.Time
}

// Complete closes the case, and records that and what it has ended.
func (c closing) Complete(ctx context.Context, tx *db.Tx, r identity.Recovered) error {
	n, err := recoverysql.New(tx).CompleteCase(ctx, recoverysql.CompleteCaseParams{OrgID: c.row.OrgID, ID: c.row.ID, Now: db.Micros(c.at)})
	if err != nil {
		return fmt.Errorf("close a recovery: %w", err)
	}
	if n == 0 {
		return errGrantExpired
	}
	if err := c.Mail.Queue(ctx, tx, c.letter); err != nil {
		return err
	}
	org, rec := id.Org(c.row.OrgID), id.Recovery(c.row.ID)
	actor, as := r.Actor, event.User
	actor.Kind = authz.Person // the limited session is their own
	if org == "" {
		as = event.PlatformAdmin
	}
	act := event.By(actor, as).InOrg(org)
	done, err := c.Ledger.Record(ctx, tx, event.NewMFARecoveryCompleted(act, event.RecoveryTarget(rec, actor.Name), rec, actor.User, id.RecoveryGrant(c.row.GrantID), r.Method, r.Removed))
	if err != nil {
		return err
	}
	_, err = c.Ledger.Record(ctx, tx, event.NewMFASessionsInvalidated(act, event.TenantTarget(org, c.orgName), actor.User,
		event.InvalidationCauseRecoveryCompleted, r.Sessions, r.Tokens, done))
	return err
}
