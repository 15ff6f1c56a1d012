package identity

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// NewPerson describes somebody who is to be known.
type NewPerson struct {
	Email    string
	Handle   string
	Name     string        // empty: the handle
	Password secret.Secret // empty: none yet; they cannot sign in with one
	Own      bool          // they chose the password themselves

	service bool // made by ServiceAccount
}

// Draft is a checked NewPerson whose password is hashed already, so that no
// transaction waits for that.
type Draft struct {
	profile Profile
	hash    string
	own     bool
}

// Draft checks a new person. Call it outside a transaction.
func (s *Service) Draft(ctx context.Context, n NewPerson) (Draft, error) {
	var d Draft
	var err error
	if d.profile.Email, err = ParseEmail(n.Email); err != nil {
		return Draft{}, err
	}
	if IsService(d.profile.Email) != n.service {
		return Draft{}, fault.New(fault.Invalid, "addresses under %s are those of service accounts", serviceDomain[1:]).WithField("email", "must be a person's address")
	}
	if d.profile.Handle, err = ParseHandle(n.Handle); err != nil {
		return Draft{}, err
	}
	if n.Name == "" {
		n.Name = d.profile.Handle
	}
	if d.profile.Name, err = ParseName(n.Name); err != nil {
		return Draft{}, err
	}
	d.profile.ID, d.own = id.New[id.User](), n.Own
	if n.Password.Empty() {
		return d, nil
	}
	if err := CheckPassword(n.Password, d.profile.Email, d.profile.Handle, d.profile.Name); err != nil {
		return Draft{}, err
	}
	d.hash, err = s.hash.hash(ctx, n.Password)
	return d, err
}

// Kept is a draft whose parts were kept in a row of another domain meanwhile: hash is
// what Keep gave, or nothing.
func Kept(p Profile, hash string) Draft {
	p.ID = id.New[id.User]()
	return Draft{profile: p, hash: hash, own: true}
}

// Keep gives the parts of a draft. The hash is as good as the password to nobody but
// this product, and stays out of answers, logs and events all the same.
func (d Draft) Keep() (p Profile, hash string) { return d.profile, d.hash }

// Introduce makes the person of a draft known, in the transaction that gives them
// their place. Somebody with that e-mail address who is known already stays as
// they are: known is true, and the draft's handle, name and password are dropped.
func (s *Service) Introduce(ctx context.Context, tx *db.Tx, sc mfa.Scope, d Draft) (p Profile, known bool, err error) {
	q := identitysql.New(tx)
	row, err := q.PersonByLogin(ctx, identitysql.PersonByLoginParams{Email: d.profile.Email})
	if err == nil {
		return Profile{ID: id.User(row.ID), Email: row.Email, Handle: row.Handle, Name: row.Name}, true, nil
	}
	if !db.NotFound(err) {
		return Profile{}, false, fmt.Errorf("look up a person: %w", err)
	}
	_, err = q.PersonByLogin(ctx, identitysql.PersonByLoginParams{Handle: d.profile.Handle})
	if err == nil {
		return Profile{}, false, fault.New(fault.Conflict, "the handle %s is taken: choose another", d.profile.Handle).
			WithCode("HANDLE_TAKEN").WithField("handle", "is taken")
	}
	if !db.NotFound(err) {
		return Profile{}, false, fmt.Errorf("look up a handle: %w", err)
	}
	now := s.now()
	if err := q.InsertPerson(ctx, identitysql.InsertPersonParams{
		ID: string(d.profile.ID), Email: d.profile.Email, Handle: d.profile.Handle, Name: d.profile.Name, Now: now}); err != nil {
		if db.Unique(err) { // taken between the look and the write
			return Profile{}, false, fault.New(fault.Conflict, "this e-mail address or handle was taken meanwhile: look again").Because(db.Overtaken(err))
		}
		return Profile{}, false, fmt.Errorf("store a person: %w", err)
	}
	if d.hash == "" {
		return d.profile, false, nil
	}
	if err := q.SetPassword(ctx, identitysql.SetPasswordParams{PersonID: string(d.profile.ID), Hash: d.hash, Now: now}); err != nil {
		return Profile{}, false, fmt.Errorf("store a password: %w", err)
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewPasswordChanged(sc.Act, sc.Target, d.profile.ID, !d.own, 0))
	return d.profile, false, err
}

// ChangePassword replaces the actor's own password, ends their other web
// sessions, and revokes their certificates.
func (s *Service) ChangePassword(ctx context.Context, actor authz.Actor, current, replacement secret.Secret) error {
	sc := scope(actor, "")
	denied := func(err error, why event.PasswordChangedReason) error {
		return s.refused(ctx, actor, err, event.NewPasswordChanged(sc.Act, sc.Target, actor.User, false, 0).Denied(why))
	}
	if err := authz.Check(actor, authz.SelfUpdate, self(actor)); err != nil {
		return denied(err, event.PasswordChangedNotPermitted)
	}
	me, err := s.ByID(ctx, actor.User)
	if err != nil {
		return err
	}
	if err := CheckPassword(replacement, me.Email, me.Handle, me.Name); err != nil {
		return denied(err, event.PasswordChangedWeakPassword)
	}
	who, match, err := s.password(ctx, me.Handle, current)
	if err != nil {
		return err
	}
	fresh, err := s.hash.hash(ctx, replacement)
	if err != nil {
		return err
	}
	var wrong bool
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		wrong = false
		sc, err := s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		locked, err := s.hold(ctx, tx, actor.User)
		if err != nil {
			return err
		}
		if locked || !match || who == nil || who.ID != actor.User {
			wrong = true
			return s.wrongPassword(ctx, tx, actor, sc, locked)
		}
		return s.storePassword(ctx, tx, sc, actor.User, fresh, actor.WebSession, false)
	})
	if err != nil {
		return fmt.Errorf("change a password: %w", err)
	}
	if wrong {
		return fault.New(fault.Invalid, "the present password is not right: type the one that you sign in with").WithCode("WRONG_PASSWORD").WithField("current", "is not the present password")
	}
	return nil
}

func (s *Service) wrongPassword(ctx context.Context, tx *db.Tx, actor authz.Actor, sc mfa.Scope, locked bool) error {
	why := event.PasswordChangedWrongPassword
	o := Origin{Source: actor.Source, Via: actor.Via, Request: actor.Request}
	if err := s.CountFailure(ctx, tx, o); err != nil {
		return err
	}
	if locked {
		why = event.PasswordChangedRateLimited
	} else {
		name, err := s.orgName(ctx, tx, actor.Org)
		if err != nil {
			return err
		}
		if _, err := s.strike(ctx, tx, o, actor.User, Membership{Org: actor.Org, Name: name}); err != nil {
			return err
		}
	}
	_, err := s.d.Ledger.Record(ctx, tx, event.NewPasswordChanged(sc.Act, sc.Target, actor.User, false, 0).Denied(why))
	return err
}

// storePassword replaces a person's password, ends their web sessions but one (when it is
// given) and their certificates, and makes links that would set another void.
func (s *Service) storePassword(ctx context.Context, tx *db.Tx, sc mfa.Scope, user id.User, hash string, but id.WebSession, byLink bool) error {
	q := identitysql.New(tx)
	if err := q.SetPassword(ctx, identitysql.SetPasswordParams{PersonID: string(user), Hash: hash, Now: s.now()}); err != nil {
		return fmt.Errorf("store a password: %w", err)
	}
	if err := q.VoidResetsOf(ctx, identitysql.VoidResetsOfParams{Now: s.now(), PersonID: string(user)}); err != nil {
		return fmt.Errorf("void the links of %s: %w", user, err)
	}
	ended, err := s.endSessions(ctx, tx, user, but, event.AuthSignedOutPasswordChanged.String())
	if err != nil {
		return err
	}
	if err := s.revokeCertificates(ctx, tx, user); err != nil {
		return err
	}
	ev := event.NewPasswordChanged(sc.Act, sc.Target, user, false, ended)
	if byLink {
		ev = ev.WithByLink(true)
	}
	if _, err := s.d.Ledger.Record(ctx, tx, ev); err != nil {
		return err
	}
	return s.signedOut(ctx, tx, sc, user, ended, event.AuthSignedOutPasswordChanged)
}

// signedOut records that an act has ended web sessions; nothing when it ended none.
func (s *Service) signedOut(ctx context.Context, tx *db.Tx, sc mfa.Scope, user id.User, ended int, why event.AuthSignedOutReason) error {
	if ended == 0 {
		return nil
	}
	_, err := s.d.Ledger.Record(ctx, tx, event.NewAuthSignedOut(sc.Act, sc.Target, user, ended).Because(why))
	return err
}

// UserLeft ends what a person's membership of an organization gave them: API tokens
// and certificates. tenancy calls it in the transaction that ends the membership.
func (s *Service) UserLeft(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, user id.User) error {
	if _, err := s.endTokens(ctx, tx, systemAct(org, act.Request()), user, org, false, event.APITokenRevokedOwnerRemoved); err != nil {
		return err
	}
	_, err := identitysql.New(tx).RevokeCertificatesIn(ctx, identitysql.RevokeCertificatesInParams{Now: s.now(), OrgID: string(org), PersonID: string(user)})
	if err != nil {
		return fmt.Errorf("revoke the certificates of %s: %w", user, err)
	}
	return nil
}

// MemberSuspended ends what a suspended membership gave: certificates, web sessions that
// came through the organization's provider, and all of them where the person has no other
// place. It tells how many web sessions there were. tenancy calls it after the membership
// was suspended, in that transaction.
func (s *Service) MemberSuspended(ctx context.Context, tx *db.Tx, sc mfa.Scope, org id.Org, user id.User) (int, error) {
	q := identitysql.New(tx)
	if _, err := q.RevokeCertificatesIn(ctx, identitysql.RevokeCertificatesInParams{Now: s.now(), OrgID: string(org), PersonID: string(user)}); err != nil {
		return 0, fmt.Errorf("revoke the certificates of %s: %w", user, err)
	}
	st, err := s.standing(ctx, tx, user)
	if err != nil {
		return 0, err
	}
	why, ended := event.AuthSignedOutSuspended, 0
	if len(st.members) == 0 && !st.platform.Valid() {
		ended, err = s.endSessions(ctx, tx, user, "", why.String())
	} else {
		var n int64
		n, err = q.EndWebSessionsThrough(ctx, identitysql.EndWebSessionsThroughParams{Now: s.now(), Reason: why.String(), PersonID: string(user), SsoOrg: string(org)})
		ended = int(n)
	}
	if err != nil {
		return 0, fmt.Errorf("end the web sessions of %s: %w", user, err)
	}
	return ended, s.signedOut(ctx, tx, sc, user, ended, why)
}

// EndAll ends all web sessions of a person and their tokens of the platform. The
// platform calls it in the transaction that takes an operator's role away.
func (s *Service) EndAll(ctx context.Context, tx *db.Tx, act event.Act, user id.User) (sessions, tokens int, err error) {
	if sessions, err = s.endSessions(ctx, tx, user, "", event.AuthSignedOutRoleChanged.String()); err != nil {
		return 0, 0, err
	}
	if err := s.signedOut(ctx, tx, mfa.Scope{Act: act, Target: event.PlatformTarget()}, user, sessions, event.AuthSignedOutRoleChanged); err != nil {
		return 0, 0, err
	}
	tokens, err = s.endTokens(ctx, tx, systemAct("", act.Request()), user, "", false, event.APITokenRevokedOwnerRemoved)
	return sessions, tokens, err
}

func (s *Service) revokeCertificates(ctx context.Context, tx *db.Tx, user id.User) error {
	_, err := identitysql.New(tx).RevokeCertificatesOf(ctx, identitysql.RevokeCertificatesOfParams{Now: s.now(), PersonID: string(user)})
	if err != nil {
		return fmt.Errorf("revoke the certificates of %s: %w", user, err)
	}
	return nil
}
