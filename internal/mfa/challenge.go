package mfa

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/mfa/mfasql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

const (
	challengeLife = 5 * time.Minute
	maxAttempts   = 5 // wrong answers to one challenge
)

// Purpose is why a second factor is demanded.
type Purpose string

// The purposes.
const (
	SignIn    Purpose = "sign_in"
	SSO       Purpose = "sso_sign_in"      // a sign-in whose first factor was an identity provider
	StepUp    Purpose = "step_up"          // a rule of a safe's policy
	Sensitive Purpose = "sensitive_action" // a change of how the person signs in
)

func (p Purpose) word() event.MFAPurpose {
	switch p {
	case StepUp:
		return event.MFAPurposeStepUp
	case Sensitive:
		return event.MFAPurposeSensitiveAction
	}
	return event.MFAPurposeSignIn
}

func (m Method) word() event.MFAMethod {
	switch m {
	case BackupCode:
		return event.MFAMethodBackupCode
	case WebAuthn:
		return event.MFAMethodWebAuthn
	}
	return event.MFAMethodTOTP
}

// Demand asks a person for a second factor.
type Demand struct {
	User       id.User
	Purpose    Purpose
	Org        id.Org        // whose ledger tells of it; empty: the platform's
	Safe       id.Safe       // StepUp: whose policy asks; may be empty
	WebSession id.WebSession // the session that only its holder may freshen; empty at sign-in
	Only       Method        // the one method that is offered; empty: all that the person has
}

// Challenge is an open demand. Handle is what its answer must carry; it is a
// secret between the product and who was asked. ID is told in events.
type Challenge struct {
	ID        id.Challenge
	Handle    secret.Secret
	Methods   []string
	WebAuthn  *RequestOptions // for the person's security keys; nil without any
	ExpiresAt time.Time
}

// Challenge stores a demand and records it.
func (s *Service) Challenge(ctx context.Context, tx *db.Tx, sc Scope, d Demand) (Challenge, error) {
	q := mfasql.New(tx)
	now := s.d.Now()
	c := Challenge{ID: id.New[id.Challenge](), ExpiresAt: now.Add(challengeLife).UTC().Truncate(time.Microsecond)}
	token := secret.Token(32).RevealString()
	c.Handle = secret.FromString(string(c.ID) + "." + token)
	if err := s.offer(ctx, q, &c, d, token); err != nil {
		return Challenge{}, err
	}
	if err := q.InsertChallenge(ctx, mfasql.InsertChallengeParams{
		ID: string(c.ID), PersonID: string(d.User), TokenHash: hashHandle(token), Purpose: string(d.Purpose), LogOrg: string(d.Org),
		WebSessionID: string(d.WebSession), Now: db.Micros(now), ExpiresAt: db.Micros(c.ExpiresAt),
	}); err != nil {
		return Challenge{}, fmt.Errorf("store an MFA challenge: %w", err)
	}
	ev := event.NewMFAChallengeTriggered(sc.Act, sc.Target, d.User, c.ID, d.Purpose.word(), c.Methods)
	if d.Safe != "" {
		ev = ev.WithSafeID(d.Safe)
	}
	_, err := s.d.Ledger.Record(ctx, tx, ev)
	return c, err
}

// offer lists by what the person can answer.
func (s *Service) offer(ctx context.Context, q *mfasql.Queries, c *Challenge, d Demand, token string) error {
	apps, err := q.ConfirmedFactors(ctx, string(d.User))
	if err != nil {
		return fmt.Errorf("look for authenticator apps: %w", err)
	}
	keys, err := q.CredentialsOf(ctx, string(d.User))
	if err != nil {
		return fmt.Errorf("look for security keys: %w", err)
	}
	codes, err := q.BackupCodes(ctx, string(d.User))
	if err != nil {
		return fmt.Errorf("look for backup codes: %w", err)
	}
	unused := slices.ContainsFunc(codes, func(code mfasql.MfaBackupCode) bool { return code.UsedAt == 0 })
	have := func(m Method, has bool) bool {
		has = has && (d.Only == "" || d.Only == m)
		if has {
			c.Methods = append(c.Methods, string(m))
		}
		return has
	}
	have(TOTP, len(apps) > 0)
	if have(WebAuthn, len(keys) > 0 && s.party != nil) {
		c.WebAuthn = request(s.d.Party.ID, challengeBytes(token), keys, false)
	}
	have(BackupCode, unused)
	return nil
}

func hashHandle(token string) []byte {
	sum := sha256.Sum256([]byte("vaultpam-mfa-challenge/v1\x00" + token))
	return sum[:]
}

// Found is a challenge that somebody answers. It may be expired or closed: Settle decides.
type Found struct {
	ID         id.Challenge
	User       id.User
	Purpose    Purpose
	Org        id.Org
	WebSession id.WebSession
	token      string // what an authenticator signs follows from it
}

// Find looks up the challenge of a handle. The error of an unknown one is fault.Unauthenticated.
func (s *Service) Find(ctx context.Context, handle secret.Secret) (Found, error) {
	unknown := fault.New(fault.Unauthenticated, "this sign-in is not known any more: begin again")
	name, token, ok := strings.Cut(handle.RevealString(), ".")
	ch, err := id.Parse[id.Challenge](name)
	if !ok || err != nil || len(token) > 64 {
		return Found{}, unknown
	}
	var row mfasql.MfaChallenge
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = mfasql.New(tx).GetChallenge(ctx, string(ch))
		return err
	})
	if db.NotFound(err) || err == nil && subtle.ConstantTimeCompare(row.TokenHash, hashHandle(token)) != 1 {
		return Found{}, unknown
	}
	if err != nil {
		return Found{}, fmt.Errorf("read the challenge: %w", err)
	}
	return Found{ID: ch, User: id.User(row.PersonID), Purpose: Purpose(row.Purpose), Org: id.Org(row.LogOrg), WebSession: id.WebSession(row.WebSessionID), token: token}, nil
}

// Attempt is what a typed code or an authenticator's answer matches. It decides
// nothing before Settle.
type Attempt struct {
	method    Method
	user      id.User
	factor    id.Factor  // TOTP, WebAuthn
	step      int64      // TOTP; zero: no match
	set       id.CodeSet // backup code
	n         int64      // backup code; -1: no match
	spent     bool       // it matches a code that was used before
	assertion *assertion // WebAuthn
}

func (a Attempt) matched() bool {
	if a.assertion != nil {
		return a.assertion.ok
	}
	return a.step != 0 || a.n >= 0
}

// wrong is why an attempt that matches nothing is refused.
func (a Attempt) wrong() event.MFAVerificationFailedReason {
	if a.assertion != nil {
		return a.assertion.why
	}
	return event.MFAVerificationFailedBadCode
}

// usedUp is why an attempt that matched before is refused now: something else with
// the same code, or with a newer count of the same authenticator, was faster.
func (a Attempt) usedUp() event.MFAVerificationFailedReason {
	if a.assertion != nil {
		return event.MFAVerificationFailedCounterRegressed
	}
	return event.MFAVerificationFailedCodeReplayed
}

// Weigh compares a code with all that the person has. want is the method that
// the caller named; empty takes what the code looks like. Call it outside a
// transaction.
func (s *Service) Weigh(ctx context.Context, user id.User, want Method, code secret.Secret) (Attempt, error) {
	text, method := canonical(code)
	a := Attempt{method: method, user: user, n: -1}
	if want != "" && want != method {
		a.method, text = want, ""
	}
	if text == "" {
		return a, nil
	}
	var factors []mfasql.MfaFactor
	var codes []mfasql.MfaBackupCode
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		q := mfasql.New(tx)
		if factors, err = q.ConfirmedFactors(ctx, string(user)); err != nil {
			return err
		}
		codes, err = q.BackupCodes(ctx, string(user))
		return err
	})
	if err != nil {
		return a, fmt.Errorf("read what %s has enrolled: %w", user, err)
	}
	if method == BackupCode {
		for _, c := range codes {
			if subtle.ConstantTimeCompare(c.Hash, hashBackup(c.SetID, text)) == 1 {
				a.set, a.n, a.spent = id.CodeSet(c.SetID), c.N, c.UsedAt != 0
			}
		}
		return a, nil
	}
	return s.weighTOTP(ctx, a, factors, text)
}

func (s *Service) weighTOTP(ctx context.Context, a Attempt, factors []mfasql.MfaFactor, text string) (Attempt, error) {
	now := s.d.Now()
	for _, f := range factors {
		plain, err := s.d.Seal.Open(ctx, "", sealContext(id.Factor(f.ID)), f.Secret)
		if err != nil {
			return a, fmt.Errorf("open a TOTP secret: %w", err)
		}
		n, used, err := matchTOTP(string(plain), text, now, f.LastStep)
		clear(plain)
		if err != nil {
			return a, err
		}
		if n != 0 && (a.step == 0 || a.spent && !used) {
			a.factor, a.step, a.spent = id.Factor(f.ID), n, used
		}
	}
	return a, nil
}

// Verdict is the outcome of an answer.
type Verdict struct {
	OK     bool
	Locked bool // the challenge takes no more answers
	Method Method
}

// Settle decides an answer in the caller's transaction: it burns the code, closes
// the challenge and records the outcome, which the caller must commit also when
// it is a failure. yes and no are who acts in either case: before a sign-in is
// complete, a wrong answer is nobody's. barred is a lock on the account: nothing
// is accepted then.
func (s *Service) Settle(ctx context.Context, tx *db.Tx, yes, no Scope, f Found, a Attempt, barred bool) (Verdict, error) {
	if a.user != f.User {
		return Verdict{}, fmt.Errorf("mfa: the answer of %s was weighed for %s", f.User, a.user)
	}
	switch {
	case barred:
		return s.refuse(ctx, tx, no, f, a, event.MFAVerificationFailedLockedOut)
	case !a.matched():
		return s.refuse(ctx, tx, no, f, a, a.wrong())
	case a.spent:
		return s.refuse(ctx, tx, no, f, a, event.MFAVerificationFailedCodeReplayed)
	}
	q := mfasql.New(tx)
	now := db.Micros(s.d.Now())
	passed, err := q.PassChallenge(ctx, mfasql.PassChallengeParams{ID: string(f.ID), Now: now})
	if err != nil {
		return Verdict{}, fmt.Errorf("close the challenge: %w", err)
	}
	if passed == 0 {
		return s.refuse(ctx, tx, no, f, a, event.MFAVerificationFailedChallengeExpired)
	}
	left, burned, err := s.burn(ctx, q, a, now)
	if err != nil {
		return Verdict{}, err
	}
	if !burned { // another answer with the same code came first; this challenge is spent with it
		return s.refuse(ctx, tx, no, f, a, a.usedUp())
	}
	return Verdict{OK: true, Method: a.method}, s.accept(ctx, tx, yes, f, a, left)
}

// Answer is Challenge and Settle at once, for doors that ask for the code before
// they know whether one is needed.
func (s *Service) Answer(ctx context.Context, tx *db.Tx, yes, no Scope, d Demand, a Attempt, barred bool) (Verdict, error) {
	c, err := s.Challenge(ctx, tx, no, d)
	if err != nil {
		return Verdict{}, err
	}
	f := Found{ID: c.ID, User: d.User, Purpose: d.Purpose, Org: d.Org, WebSession: d.WebSession}
	return s.Settle(ctx, tx, yes, no, f, a, barred)
}

// burn takes the code for its one use; left is the number of backup codes then.
func (s *Service) burn(ctx context.Context, q *mfasql.Queries, a Attempt, now int64) (left int64, burned bool, err error) {
	var rows int64
	if a.assertion != nil {
		rows, err = q.UseCredential(ctx, mfasql.UseCredentialParams{SignCount: a.assertion.count, Now: now, ID: string(a.factor), PersonID: string(a.user)})
	} else if a.method == TOTP {
		rows, err = q.BurnStep(ctx, mfasql.BurnStepParams{Step: a.step, Now: now, PersonID: string(a.user), ID: string(a.factor)})
	} else if rows, err = q.BurnBackupCode(ctx, mfasql.BurnBackupCodeParams{Now: now, SetID: string(a.set), N: a.n}); err == nil {
		left, err = q.BackupCodesLeft(ctx, string(a.set))
	}
	if err != nil {
		return 0, false, fmt.Errorf("burn a code: %w", err)
	}
	return left, rows == 1, nil
}

func (s *Service) accept(ctx context.Context, tx *db.Tx, sc Scope, f Found, a Attempt, left int64) error {
	ev := event.NewMFAVerificationSucceeded(sc.Act, sc.Target, f.User, f.ID, a.method.word(), f.Purpose.word())
	if a.factor != "" {
		ev = ev.WithCredentialID(a.factor)
	}
	if a.assertion != nil {
		ev = ev.WithUserVerified(a.assertion.verified)
	}
	if _, err := s.d.Ledger.Record(ctx, tx, ev); err != nil {
		return err
	}
	if a.method != BackupCode {
		return nil
	}
	_, err := s.d.Ledger.Record(ctx, tx, event.NewMFABackupCodesUsed(
		sc.Act, event.CodeSetTarget(a.set, codeSetName), f.User, a.set, f.ID, int(left)))
	return err
}

func (s *Service) refuse(ctx context.Context, tx *db.Tx, sc Scope, f Found, a Attempt, reason event.MFAVerificationFailedReason) (Verdict, error) {
	row, err := mfasql.New(tx).FailChallenge(ctx, mfasql.FailChallengeParams{Attempts: maxAttempts, ID: string(f.ID)})
	if err != nil {
		return Verdict{}, fmt.Errorf("count a wrong answer: %w", err)
	}
	v := Verdict{Method: a.method, Locked: row.State == "locked"}
	switch {
	case v.Locked && row.Failures > maxAttempts:
		reason = event.MFAVerificationFailedLockedOut // it was locked before this answer
	case !v.Locked && row.ExpiresAt <= db.Micros(s.d.Now()):
		reason = event.MFAVerificationFailedChallengeExpired
	case a.assertion != nil && row.State == "passed": // the same answer once more, as after a lost connection: no second authenticator
		reason = event.MFAVerificationFailedChallengeExpired
	}
	told, err := s.d.Ledger.Record(ctx, tx, event.NewMFAVerificationFailed(
		sc.Act, sc.Target, reason, f.User, f.ID, a.method.word(), f.Purpose.word(), int(row.Failures), v.Locked))
	if err == nil && a.assertion != nil && reason == event.MFAVerificationFailedCounterRegressed {
		err = s.Flag(ctx, tx, sc, a.factor, told)
	}
	return v, err
}

// Sweep deletes challenges and ceremonies that ended a day ago.
func (s *Service) Sweep(ctx context.Context, tx *db.Tx) error {
	q, before := mfasql.New(tx), db.Micros(s.d.Now().Add(-24*time.Hour))
	if err := q.DropOldChallenges(ctx, before); err != nil {
		return fmt.Errorf("delete old challenges: %w", err)
	}
	if err := q.DropOldCeremonies(ctx, before); err != nil {
		return fmt.Errorf("delete old ceremonies: %w", err)
	}
	return nil
}
