package identity

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
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Who has lost their password, or came through an identity provider and has none,
// asks for a link by e-mail and sets one. The question is only stored: whether there
// is such an account shows neither in its answer nor in its time. The link gives no
// session, and takes no second factor away. It goes by the installation's own mail
// server, since an organization's server belongs to administrators of one
// organization, and the password opens all of the person's.

const (
	resetLife = 30 * time.Minute
	maxResets = 3 // messages to one person within resetLife: who asks for more has one that still works
)

var resetToken = secret.TokenKind{Prefix: "vppr_", Use: "vaultpam-password-reset/v1"}

// Mail writes to people; notify.Service is one.
type Mail interface {
	Prepare(ctx context.Context, org id.Org, m notify.Message) (notify.Prepared, error)
	Queue(ctx context.Context, tx *db.Tx, p notify.Prepared) error
}

// RequestReset asks for a link that sets the password of an address. It succeeds
// whoever that is, if anybody; a source that asks or fails too often gets
// fault.Exhausted.
func (s *Service) RequestReset(ctx context.Context, email string, from Origin) error {
	from = from.OrNew()
	if s.d.Mail == nil {
		return fault.New(fault.Unavailable, "this server sends no mail")
	}
	if err := s.admit(ctx, from, email, event.SignInMethodPassword); err != nil {
		return err
	}
	email, err := ParseEmail(email)
	if err != nil {
		email = "" // nobody's; it is dealt with all the same
	}
	row := identitysql.InsertResetRequestParams{
		ID: string(id.New[id.Job]()), Email: email, SourceIp: ipText(from.Source), UserAgent: bounded(from.Source.UserAgent, maxUserAgent),
		Via: string(from.Via), RequestID: string(from.Request), Now: s.now(),
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.CountFailure(ctx, tx, from); err != nil {
			return err
		}
		if err := identitysql.New(tx).InsertResetRequest(ctx, row); err != nil {
			return err
		}
		tx.AfterCommit(s.wakeResets)
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask for a new password: %w", err)
	}
	return nil
}

func (s *Service) wakeResets() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// answerResets deals with those who have asked for a link, a batch at a time.
func (s *Service) answerResets(ctx context.Context) (more bool, err error) {
	if s.d.Mail == nil {
		return false, nil
	}
	var due []identitysql.PasswordResetRequest
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = identitysql.New(tx).OpenResetRequests(ctx)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("list those who ask for a password: %w", err)
	}
	failed := false
	for _, r := range due {
		if err := s.answerReset(ctx, r); err != nil { // it is tried again; the others are not to wait for it
			failed = true
			if ctx.Err() == nil {
				s.d.Log.ErrorContext(ctx, "a question for a password was not answered", "request_id", r.RequestID, "error", err)
			}
		}
	}
	return len(due) == 100 && !failed, nil
}

// answerReset writes to one of them. Several servers may be at it: the row decides.
func (s *Service) answerReset(ctx context.Context, r identitysql.PasswordResetRequest) error {
	from := Origin{Source: authz.Source{UserAgent: r.UserAgent}, Via: authz.Via(r.Via), Request: id.Request(r.RequestID)}
	from.Source.IP, _ = netip.ParseAddr(r.SourceIp)
	who, err := s.account(ctx, r.Email)
	if err != nil {
		return err
	}
	token, expires := resetToken.New(), s.d.Now().Add(resetLife).UTC().Truncate(time.Microsecond)
	var link, elsewhere notify.Prepared
	if who != nil {
		link, err = s.letter(ctx, who.Profile, notify.PasswordReset{Name: who.Name, First: who.hash == "", Source: r.SourceIp, Token: token, ExpiresAt: expires}, expires)
		if err == nil {
			elsewhere, err = s.letter(ctx, who.Profile, notify.PasswordResetSSO{Name: who.Name}, expires)
		}
		if err != nil {
			return err
		}
	}
	return s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := identitysql.New(tx)
		n, err := q.CloseResetRequest(ctx, identitysql.CloseResetRequestParams{Now: s.now(), ID: r.ID})
		if err != nil || n == 0 {
			return err
		}
		var st standing
		var sent int64
		if who != nil {
			if st, err = s.standing(ctx, tx, who.ID); err != nil {
				return err
			}
			if sent, err = q.CountResets(ctx, identitysql.CountResetsParams{PersonID: string(who.ID), Since: s.now() - resetLife.Microseconds()}); err != nil {
				return fmt.Errorf("count the links of %s: %w", who.ID, err)
			}
		}
		home := st.home()
		ev := event.NewPasswordResetRequested(event.By(from.Stranger(home.Org), event.User), tenant(home.Org, home.Name))
		if who != nil {
			ev = ev.WithSubjectUserID(who.ID)
		} else if r.Email != "" {
			ev = ev.WithClaimedUser(r.Email)
		}
		switch {
		case who == nil:
			ev = ev.Denied(event.PasswordResetRequestedUnknownAddress)
		case !who.active:
			ev = ev.Denied(event.PasswordResetRequestedSuspended)
		case sent >= maxResets:
			ev = ev.Denied(event.PasswordResetRequestedRateLimited)
		case st.shut():
			ev = ev.Denied(event.PasswordResetRequestedSSORequired)
			err = s.storeReset(ctx, tx, who.ID, token, expires, s.now(), elsewhere)
		default:
			err = s.storeReset(ctx, tx, who.ID, token, expires, 0, link)
		}
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
}

// storeReset keeps a link and mails it. One that is void stands for a message that has none in it.
func (s *Service) storeReset(ctx context.Context, tx *db.Tx, user id.User, token secret.Secret, expires time.Time, void int64, letter notify.Prepared) error {
	err := identitysql.New(tx).InsertReset(ctx, identitysql.InsertResetParams{
		TokenHash: resetToken.Hash(token.RevealString()), PersonID: string(user), Now: s.now(), ExpiresAt: db.Micros(expires), UsedAt: void})
	if err != nil {
		return fmt.Errorf("store a link: %w", err)
	}
	return s.d.Mail.Queue(ctx, tx, letter)
}

func (s *Service) letter(ctx context.Context, to Profile, data notify.Data, expires time.Time) (notify.Prepared, error) {
	return s.d.Mail.Prepare(ctx, "", notify.Message{To: notify.Recipient{Email: to.Email, Name: to.Name}, Data: data, Expires: expires})
}

var (
	errResetUsed    = fault.New(fault.Conflict, "this link was used already, or a newer password made it void: ask for a new one").WithCode("RESET_LINK_USED")
	errResetExpired = fault.New(fault.Conflict, "this link has expired: ask for a new one").WithCode("RESET_LINK_EXPIRED")
	errResetSSO     = fault.New(fault.Denied, "your organization lets its members in through its identity provider only: a password would open nothing").WithCode("SSO_REQUIRED")
)

// CompleteReset sets the password of the person to whom a link was mailed, and ends
// all their web sessions and certificates. It opens none: they sign in next, with
// their second factor.
func (s *Service) CompleteReset(ctx context.Context, token, password secret.Secret, from Origin) error {
	from = from.OrNew()
	if err := s.admit(ctx, from, "", event.SignInMethodPassword); err != nil {
		return err
	}
	row, me, err := s.reset(ctx, token, from)
	if err != nil {
		return err
	}
	if err := CheckPassword(password, me.Email, me.Handle, me.Name); err != nil {
		return s.resetRefused(ctx, me.ID, from, err, event.PasswordChangedWeakPassword)
	}
	hash, err := s.hash.hash(ctx, password)
	if err != nil {
		return err
	}
	told, err := s.letter(ctx, me, notify.PasswordWasSet{Name: me.Name, Source: ipText(from.Source), At: s.d.Now()}, time.Time{})
	if err != nil {
		return err
	}
	var why event.PasswordChangedReason
	var refusal error
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		refusal = nil
		person, err := identitysql.New(tx).PersonByID(ctx, string(me.ID))
		if err != nil {
			return fmt.Errorf("read person %s: %w", me.ID, err)
		}
		st, err := s.standing(ctx, tx, me.ID)
		if err != nil {
			return err
		}
		switch {
		case person.State != "active":
			refusal, why = fault.New(fault.Denied, "this account is suspended: ask your administrator"), event.PasswordChangedNotPermitted
			return nil
		case st.shut():
			refusal, why = errResetSSO, event.PasswordChangedSSORequired
			return nil
		}
		n, err := identitysql.New(tx).UseReset(ctx, identitysql.UseResetParams{Now: s.now(), TokenHash: row.TokenHash})
		if err != nil {
			return fmt.Errorf("use a link: %w", err)
		}
		if n == 0 { // another request was faster
			refusal, why = errResetUsed, event.PasswordChangedLinkUsed
			return nil
		}
		if err := s.ProveEmail(ctx, tx, me.ID, me.Email); err != nil {
			return err
		}
		home := st.home()
		sc := mfa.Scope{Act: event.By(from.Stranger(home.Org), event.User), Target: tenant(home.Org, home.Name)}
		if err := s.storePassword(ctx, tx, sc, me.ID, hash, "", true); err != nil {
			return err
		}
		return s.d.Mail.Queue(ctx, tx, told)
	})
	if err != nil {
		return fmt.Errorf("set a password by link: %w", err)
	}
	if refusal != nil {
		return s.resetRefused(ctx, me.ID, from, refusal, why)
	}
	return nil
}

// reset is the live link that somebody presents, and whose it is.
func (s *Service) reset(ctx context.Context, token secret.Secret, from Origin) (row identitysql.PasswordReset, me Profile, err error) {
	hash, ok := resetToken.Parse(token)
	if ok {
		err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			row, err = identitysql.New(tx).ResetByToken(ctx, hash)
			return err
		})
		if err != nil && !db.NotFound(err) {
			return row, me, fmt.Errorf("look up a link: %w", err)
		}
		ok = err == nil
	}
	if !ok {
		err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.CountFailure(ctx, tx, from) })
		if err != nil {
			return row, me, fmt.Errorf("count a wrong link: %w", err)
		}
		return row, me, fault.New(fault.Unauthenticated, "this link is not valid: open the newest one that you were sent, whole, or ask again").WithCode("RESET_LINK_INVALID")
	}
	if me, err = s.ByID(ctx, id.User(row.PersonID)); err != nil {
		return row, me, err
	}
	switch {
	case row.UsedAt != 0:
		err = s.resetRefused(ctx, me.ID, from, errResetUsed, event.PasswordChangedLinkUsed)
	case row.ExpiresAt <= s.now():
		err = s.resetRefused(ctx, me.ID, from, errResetExpired, event.PasswordChangedLinkExpired)
	}
	return row, me, err
}

// resetRefused records why a link did not set a password, and gives that back.
func (s *Service) resetRefused(ctx context.Context, user id.User, from Origin, why error, reason event.PasswordChangedReason) error {
	var st standing
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		st, err = s.standing(ctx, tx, user)
		return err
	})
	if err != nil {
		return err
	}
	home := st.home()
	ev := event.NewPasswordChanged(event.By(from.Stranger(home.Org), event.User), tenant(home.Org, home.Name), user, false, 0).WithByLink(true).Denied(reason)
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}
