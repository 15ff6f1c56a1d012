package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// A device that has no browser asks for a pair of codes, shows one of them, and
// asks with the other until a person has typed what it shows into a browser where
// they are signed in (the shape of RFC 8628).

const (
	deviceLife = 10 * time.Minute

	// DeviceInterval is how long a device waits between two questions.
	DeviceInterval = 2 * time.Second
	pollSlack      = 500 * time.Millisecond // that a network may take off an interval
)

// The answers to a device that asks too early, too often or too late.
const (
	CodePending = "AUTHORIZATION_PENDING"
	CodeSlow    = "SLOW_DOWN"
	CodeExpired = "EXPIRED_TOKEN"
	CodeDenied  = "ACCESS_DENIED"
)

// The letters of user codes: no vowels, so no words; nothing that looks like
// something else. Eight of 20 are 2^34, which nobody guesses in ten minutes.
const (
	userLetters    = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength = 8
)

func newUserCode() string {
	out := make([]byte, 0, userCodeLength)
	for raw := make([]byte, 1); len(out) < userCodeLength; {
		rand.Read(raw)
		if raw[0] < 240 { // the last whole multiple of 20
			out = append(out, userLetters[raw[0]%20])
		}
	}
	return string(out)
}

// showUserCode is how people read a user code.
func showUserCode(code string) string { return code[:4] + "-" + code[4:] }

// parseUserCode brings what a person typed to one spelling; ok is false when it is no code.
func parseUserCode(typed string) (code string, ok bool) {
	if len(typed) > 64 {
		return "", false
	}
	code = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, typed)
	return code, len(code) == userCodeLength && strings.Trim(code, userLetters) == ""
}

func hashUserCode(code string) []byte {
	sum := sha256.Sum256([]byte("vaultpam-user-code/v1\x00" + code))
	return sum[:]
}

// DeviceLogin is a pair of codes.
type DeviceLogin struct {
	DeviceCode secret.Secret // the device asks with it
	UserCode   secret.Secret // the person types it
	ExpiresAt  time.Time
}

// BeginDevice makes a pair of codes for a device that calls itself client.
func (s *Service) BeginDevice(ctx context.Context, client string, from Origin) (DeviceLogin, error) {
	if err := s.admit(ctx, from.OrNew(), "", event.SignInMethodDevice); err != nil {
		return DeviceLogin{}, err
	}
	if client == "" {
		client = "a device"
	}
	name, err := ParseName(client)
	if err != nil {
		return DeviceLogin{}, err
	}
	return s.beginDevice(ctx, identitysql.InsertDeviceLoginParams{Client: name}, from)
}

func (s *Service) beginDevice(ctx context.Context, row identitysql.InsertDeviceLoginParams, from Origin) (DeviceLogin, error) {
	now, code := s.d.Now(), newUserCode()
	out := DeviceLogin{DeviceCode: deviceToken.New(), UserCode: secret.FromString(showUserCode(code)), ExpiresAt: now.Add(deviceLife).UTC().Truncate(time.Microsecond)}
	row.ID, row.DeviceHash, row.UserHash = string(id.New[id.Challenge]()), deviceToken.Hash(out.DeviceCode.RevealString()), hashUserCode(code)
	row.SourceIp, row.UserAgent, row.Now, row.ExpiresAt = ipText(from.Source), bounded(from.Source.UserAgent, maxUserAgent), db.Micros(now), db.Micros(out.ExpiresAt)
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		return identitysql.New(tx).InsertDeviceLogin(ctx, row)
	})
	if err != nil {
		return DeviceLogin{}, fmt.Errorf("begin a device's sign-in: %w", err)
	}
	return out, nil
}

// WaitingDevice is a device as the person who is to let it in sees it.
type WaitingDevice struct {
	Client    string
	SourceIP  string
	UserAgent string
	CreatedAt time.Time
	ExpiresAt time.Time
	StepUp    bool // it is signed in as the person, and asks for a second factor only
}

// mayDevice tells whether the actor may let a device in as themselves.
func (s *Service) mayDevice(actor authz.Actor) error {
	if err := s.maySelf(actor); err != nil {
		return err
	}
	if actor.WebSession == "" {
		return fault.New(fault.Denied, "a device is let in from a browser: sign in with it")
	}
	return nil
}

// LookUpDevice shows what waits with a user code. A code that nothing waits with
// counts as a failed sign-in of its source.
func (s *Service) LookUpDevice(ctx context.Context, actor authz.Actor, userCode secret.Secret) (WaitingDevice, error) {
	if err := authz.Check(actor, authz.SelfUpdate, self(actor)); err != nil {
		return WaitingDevice{}, err
	}
	row, err := s.waiting(ctx, actor, userCode)
	return WaitingDevice{Client: row.Client, SourceIP: row.SourceIp, UserAgent: row.UserAgent, CreatedAt: db.Time(row.CreatedAt), ExpiresAt: db.Time(row.ExpiresAt), StepUp: row.WebSessionID != ""}, err
}

func (s *Service) waiting(ctx context.Context, actor authz.Actor, userCode secret.Secret) (identitysql.DeviceLogin, error) {
	o := Origin{Source: actor.Source, Via: actor.Via, Request: actor.Request}
	if err := s.admit(ctx, o, "", event.SignInMethodDevice); err != nil {
		return identitysql.DeviceLogin{}, err
	}
	code, ok := parseUserCode(userCode.RevealString())
	var row identitysql.DeviceLogin
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = identitysql.New(tx).DeviceLoginByUserCode(ctx, hashUserCode(code))
		return err
	})
	if err != nil && !db.NotFound(err) {
		return row, fmt.Errorf("look up a device: %w", err)
	}
	if ok && err == nil && row.State == "waiting" && row.ExpiresAt > s.now() && (row.PersonID == "" || row.PersonID == string(actor.User)) {
		return row, nil
	}
	sc := scope(actor, "")
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.CountFailure(ctx, tx, o); err != nil {
			return err
		}
		_, err := s.d.Ledger.Record(ctx, tx, event.NewAuthDeviceDecided(sc.Act, sc.Target, actor.User, event.DeviceDecisionDenied, "").Denied(event.AuthDeviceDecidedUnknownCode))
		return err
	})
	if err != nil {
		return row, fmt.Errorf("count a wrong code: %w", err)
	}
	return identitysql.DeviceLogin{}, fault.New(fault.NotFound, "no device waits with this code: look at what it shows, or let it begin again").WithCode("UNKNOWN_CODE")
}

// AnswerDevice lets the device that waits with a user code in as the actor, or
// sends it away. The device's sign-in is as fresh as the actor's, and good where
// theirs is.
func (s *Service) AnswerDevice(ctx context.Context, actor authz.Actor, userCode secret.Secret, approve bool) error {
	decision, state := event.DeviceDecisionDenied, "denied"
	if approve {
		decision, state = event.DeviceDecisionApproved, "approved"
	}
	if err := s.mayDevice(actor); err != nil {
		why := event.AuthDeviceDecidedNotPermitted
		if stale(err) {
			why = event.AuthDeviceDecidedMFARequired
		}
		sc := scope(actor, "")
		return s.refused(ctx, actor, err, event.NewAuthDeviceDecided(sc.Act, sc.Target, actor.User, decision, "").Denied(why))
	}
	row, err := s.waiting(ctx, actor, userCode)
	if err != nil {
		return err
	}
	if approve && row.WebSessionID != "" { // a factor that is proved for this question, not one from before
		if err := authz.FreshWithin(actor, max(s.d.Now().Sub(db.Time(row.CreatedAt)), time.Microsecond), s.d.Now()); err != nil {
			sc := scope(actor, "")
			return s.refused(ctx, actor, err, event.NewAuthDeviceDecided(sc.Act, sc.Target, actor.User, decision, "").Denied(event.AuthDeviceDecidedMFARequired))
		}
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := identitysql.New(tx)
		sso, err := q.WebSessionSSO(ctx, string(actor.WebSession))
		if err != nil {
			return fmt.Errorf("read a web session: %w", err)
		}
		n, err := q.AnswerDeviceLogin(ctx, identitysql.AnswerDeviceLoginParams{
			State: state, PersonID: string(actor.User), MfaAt: db.Micros(actor.MFAAt), SsoOrg: sso, ID: row.ID, Now: s.now()})
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "this device was answered meanwhile, or its code has expired")
		}
		if err != nil {
			return err
		}
		if approve && row.WebSessionID != "" {
			n, err := q.FreshenWebSession(ctx, identitysql.FreshenWebSessionParams{Now: db.Micros(actor.MFAAt), ID: row.WebSessionID, PersonID: string(actor.User)})
			if err == nil && n == 0 {
				err = fault.New(fault.Conflict, "the sign-in of this device has ended meanwhile: let it sign in again")
			}
			if err != nil {
				return err
			}
		}
		sc, err := s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewAuthDeviceDecided(sc.Act, sc.Target, actor.User, decision, row.Client).WithDeviceAddress(row.SourceIp))
		return err
	})
	if err != nil {
		return fmt.Errorf("answer a device: %w", err)
	}
	return nil
}

// DeviceSession is what a device asks for again and again until a person has
// answered: the codes of its faults are those above.
func (s *Service) DeviceSession(ctx context.Context, deviceCode secret.Secret, from Origin) (Session, error) {
	from = from.OrNew()
	var out Session
	err := s.askDevice(ctx, deviceCode, "", func(ctx context.Context, tx *db.Tx, row identitysql.DeviceLogin) (ok bool, err error) {
		out = Session{}
		if row.State == "approved" {
			out, err = s.letIn(ctx, tx, row, from)
		}
		return !out.Token.Empty(), err
	})
	return out, err
}

// BeginDeviceStepUp asks the actor to prove a second factor in a browser, where security
// keys work: for the web session that asks, which a device holds.
func (s *Service) BeginDeviceStepUp(ctx context.Context, actor authz.Actor, client string) (DeviceLogin, error) {
	if err := s.mayStepUp(ctx, actor); err != nil {
		return DeviceLogin{}, err
	}
	if client == "" {
		client = "a device"
	}
	name, err := ParseName(client)
	if err != nil {
		return DeviceLogin{}, err
	}
	from := Origin{Source: actor.Source, Via: actor.Via, Request: actor.Request}
	return s.beginDevice(ctx, identitysql.InsertDeviceLoginParams{Client: name, PersonID: string(actor.User), WebSessionID: string(actor.WebSession)}, from)
}

// DeviceStepUp is what the device asks again and again, as with DeviceSession; without a
// fault the actor's web session is fresh.
func (s *Service) DeviceStepUp(ctx context.Context, actor authz.Actor, deviceCode secret.Secret) error {
	if err := s.mayStepUp(ctx, actor); err != nil {
		return err
	}
	return s.askDevice(ctx, deviceCode, actor.WebSession, func(ctx context.Context, tx *db.Tx, row identitysql.DeviceLogin) (bool, error) {
		if row.State != "approved" {
			return false, nil
		}
		n, err := identitysql.New(tx).UseDeviceLogin(ctx, identitysql.UseDeviceLoginParams{ID: row.ID, Now: s.now()})
		return n == 1, err
	})
}

// askDevice is one question of a device: for which a person is to open a web session, or
// (web given) whose own is to be freshened. use takes what a person has answered.
func (s *Service) askDevice(ctx context.Context, deviceCode secret.Secret, web id.WebSession, use func(context.Context, *db.Tx, identitysql.DeviceLogin) (bool, error)) error {
	expired := fault.New(fault.Unauthenticated, "this code is not known, was used, or has expired: begin again").WithCode(CodeExpired)
	hash, ok := deviceToken.Parse(deviceCode)
	if !ok {
		return expired
	}
	var row identitysql.DeviceLogin
	var early, done bool
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		early, done = false, false
		q := identitysql.New(tx)
		if row, err = q.DeviceLoginByDevice(ctx, hash); err != nil {
			return err
		}
		if row.WebSessionID != string(web) {
			row.State = "used" // of another kind, or another's
			return nil
		}
		n, err := q.PollDeviceLogin(ctx, identitysql.PollDeviceLoginParams{Now: s.now(), ID: row.ID, Before: s.now() - (DeviceInterval - pollSlack).Microseconds()})
		if err != nil {
			return err
		}
		if early = n == 0; early || row.ExpiresAt <= s.now() {
			return nil
		}
		done, err = use(ctx, tx, row)
		return err
	})
	switch {
	case db.NotFound(err):
		return expired
	case err != nil:
		return fmt.Errorf("ask for a device's sign-in: %w", err)
	case done:
		return nil
	case row.ExpiresAt <= s.now() || row.State == "used" || row.State == "approved" && !early:
		return expired
	case early:
		return fault.New(fault.Exhausted, "asked too often: wait %s between two questions", DeviceInterval).WithCode(CodeSlow).WithRetry(DeviceInterval)
	case row.State == "denied":
		return fault.New(fault.Denied, "the person at the browser has sent this device away").WithCode(CodeDenied)
	}
	return fault.New(fault.Conflict, "nobody has answered yet: ask again in %s", DeviceInterval).WithCode(CodePending)
}

// letIn opens the session of a device that was let in. It gives none when the
// person may not sign in any more.
func (s *Service) letIn(ctx context.Context, tx *db.Tx, row identitysql.DeviceLogin, from Origin) (Session, error) {
	q := identitysql.New(tx)
	n, err := q.UseDeviceLogin(ctx, identitysql.UseDeviceLoginParams{ID: row.ID, Now: s.now()})
	if err != nil || n == 0 {
		return Session{}, err
	}
	p, err := q.PersonByID(ctx, row.PersonID)
	if err != nil || p.State != "active" {
		return Session{}, err
	}
	user := id.User(row.PersonID)
	st, err := s.standing(ctx, tx, user)
	if err != nil {
		return Session{}, err
	}
	home := st.through(id.Org(row.SsoOrg)).home()
	sc := scope(st.actor(Profile{ID: user, Email: p.Email, Handle: p.Handle, Name: p.Name}, home, from), home.Name)
	if _, err := s.d.Ledger.Record(ctx, tx, event.NewAuthSignInSucceeded(sc.Act, sc.Target, user, event.SignInMethodDevice, event.DoorCLI, false)); err != nil {
		return Session{}, err
	}
	out, err := s.openSession(ctx, tx, user, from, false)
	if err != nil {
		return Session{}, err
	}
	if row.SsoOrg != "" {
		if err := s.bindSession(ctx, tx, out.ID, id.Org(row.SsoOrg)); err != nil {
			return Session{}, err
		}
	}
	if err := q.SetWebSessionMFA(ctx, identitysql.SetWebSessionMFAParams{MfaAt: row.MfaAt, ID: string(out.ID)}); err != nil {
		return Session{}, fmt.Errorf("note the second factor of a device: %w", err)
	}
	return s.refreshable(ctx, tx, out)
}
