package mfa

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/mfa/mfasql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

const (
	maxFactors = 5
	maxPending = time.Hour // an enrolment that was begun and not finished in this time is void
)

// Sealer encrypts secrets at rest. It is called outside of transactions only.
type Sealer interface {
	Seal(ctx context.Context, org id.Org, context string, plain []byte) ([]byte, error)
	Open(ctx context.Context, org id.Org, context string, sealed []byte) ([]byte, error)
}

// Ledger records events in the transaction of the change that they tell.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	DB     *db.DB
	Seal   Sealer
	Ledger Ledger
	Issuer string // shown in authenticator applications; empty: VaultPAM
	Party  RelyingParty
	Now    func() time.Time
}

// Service keeps second factors. It is safe for concurrent use.
type Service struct {
	d     Deps
	party *webauthn.WebAuthn // nil: no security keys and passkeys
}

// New checks the parts. It opens nothing.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Seal == nil || d.Ledger == nil {
		return nil, errors.New("mfa: DB, Seal and Ledger are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Issuer == "" {
		d.Issuer = "VaultPAM"
	}
	party, err := d.Party.party(d.Issuer)
	if err != nil {
		return nil, fmt.Errorf("mfa: %w", err)
	}
	return &Service{d: d, party: party}, nil
}

// Scope is who acts and in whose ledger it is told.
type Scope struct {
	Act    event.Act
	Target event.TenantRef
}

// Factor is an enrolled second factor, as lists show it.
type Factor struct {
	ID         id.Factor
	Kind       Method
	Name       string
	Passkey    bool // it can sign in by itself
	Synced     bool // WebAuthn: it may be synchronized to other devices
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never, but at its enrolment
}

// Status is what a person has.
type Status struct {
	Factors   []Factor
	CodesLeft int // backup codes that are not used yet
}

// Enrolled tells whether the person has a second factor.
func (s *Service) Enrolled(ctx context.Context, tx *db.Tx, user id.User) (bool, error) {
	n, err := mfasql.New(tx).CountConfirmed(ctx, string(user))
	if err != nil {
		return false, fmt.Errorf("count the factors of %s: %w", user, err)
	}
	return n > 0, nil
}

// Status lists what the person has.
func (s *Service) Status(ctx context.Context, tx *db.Tx, user id.User) (Status, error) {
	q := mfasql.New(tx)
	rows, err := q.ConfirmedFactors(ctx, string(user))
	if err != nil {
		return Status{}, fmt.Errorf("list the factors of %s: %w", user, err)
	}
	var st Status
	for _, r := range rows {
		f := Factor{ID: id.Factor(r.ID), Kind: Method(r.Kind), Name: r.Name, CreatedAt: db.Time(r.ConfirmedAt)}
		if r.LastUsedAt != r.ConfirmedAt {
			f.LastUsedAt = db.Time(r.LastUsedAt)
		}
		st.Factors = append(st.Factors, f)
	}
	keys, err := q.CredentialsOf(ctx, string(user))
	if err != nil {
		return Status{}, fmt.Errorf("list the credentials of %s: %w", user, err)
	}
	for _, r := range keys {
		f := Factor{ID: id.Factor(r.ID), Kind: WebAuthn, Name: r.Name, Passkey: r.UserVerified && r.Discoverable, Synced: r.BackupEligible, CreatedAt: db.Time(r.CreatedAt)}
		if r.LastUsedAt != 0 {
			f.LastUsedAt = db.Time(r.LastUsedAt)
		}
		st.Factors = append(st.Factors, f)
	}
	codes, err := q.BackupCodes(ctx, string(user))
	if err != nil {
		return Status{}, fmt.Errorf("list the backup codes of %s: %w", user, err)
	}
	for _, c := range codes {
		if c.UsedAt == 0 {
			st.CodesLeft++
		}
	}
	return st, nil
}

// Pending is an enrolment that waits for its first code. Secret and URI are
// shown once.
type Pending struct {
	Factor id.Factor
	Secret secret.Secret // base32
	URI    secret.Secret // otpauth://..., for a QR code
}

// Begin makes a new TOTP secret for the person; account is what their
// application shows beside the issuer. An earlier one that was not confirmed is
// void. Nothing counts as a factor before Enrol. replaces tells that the new one will
// take the place of all others, however many those are.
func (s *Service) Begin(ctx context.Context, user id.User, account, name string, replaces bool) (Pending, error) {
	raw := make([]byte, secretSize)
	rand.Read(raw)
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	p := Pending{Factor: id.New[id.Factor](), Secret: secret.FromString(text), URI: secret.FromString(otpauth(s.d.Issuer, account, text))}
	sealed, err := s.d.Seal.Seal(ctx, "", sealContext(p.Factor), []byte(text))
	if err != nil {
		return Pending{}, fmt.Errorf("seal a TOTP secret: %w", err)
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := mfasql.New(tx)
		if err := room(ctx, q, user, replaces); err != nil {
			return err
		}
		if err := q.DropPendingFactors(ctx, string(user)); err != nil {
			return err
		}
		return q.InsertFactor(ctx, mfasql.InsertFactorParams{
			ID: string(p.Factor), PersonID: string(user), Name: name, Secret: sealed, Now: db.Micros(s.d.Now()),
		})
	})
	if err != nil {
		return Pending{}, fmt.Errorf("begin an enrolment: %w", err)
	}
	return p, nil
}

// room fails when the person has as many factors as they may.
func room(ctx context.Context, q *mfasql.Queries, user id.User, replaces bool) error {
	n, err := q.CountConfirmed(ctx, string(user))
	if err != nil {
		return fmt.Errorf("count factors: %w", err)
	}
	if n >= maxFactors && !replaces {
		return fault.New(fault.Conflict, "you have %d second factors already: remove one first", n).WithCode("FACTOR_LIMIT")
	}
	return nil
}

func sealContext(f id.Factor) string { return "mfa-factor/" + string(f) }

// Confirmation is the outcome of comparing a first code. It decides nothing before Enrol.
type Confirmation struct {
	user   id.User
	factor id.Factor
	step   int64 // zero: the code is wrong

	Replaces bool // as with Begin
}

// WeighFirst compares the first code of a pending enrolment.
func (s *Service) WeighFirst(ctx context.Context, user id.User, factor id.Factor, code secret.Secret) (Confirmation, error) {
	var row mfasql.MfaFactor
	now := s.d.Now()
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = mfasql.New(tx).PendingFactor(ctx, mfasql.PendingFactorParams{PersonID: string(user), ID: string(factor)})
		return err
	})
	if db.NotFound(err) || err == nil && now.Sub(db.Time(row.CreatedAt)) > maxPending {
		return Confirmation{}, fault.New(fault.NotFound, "no enrolment waits for this code: begin again")
	}
	if err != nil {
		return Confirmation{}, fmt.Errorf("read the pending factor: %w", err)
	}
	c := Confirmation{user: user, factor: factor}
	text, method := canonical(code)
	if text == "" || method != TOTP {
		return c, nil
	}
	plain, err := s.d.Seal.Open(ctx, "", sealContext(factor), row.Secret)
	if err != nil {
		return Confirmation{}, fmt.Errorf("open a TOTP secret: %w", err)
	}
	defer clear(plain)
	c.step, _, err = matchTOTP(string(plain), text, now, 0)
	return c, err
}

// Enrolment is the outcome of a first code.
type Enrolment struct {
	OK     bool
	First  bool            // it is the person's first factor
	Factor id.Factor       // that counts now
	Codes  []secret.Secret // backup codes, when there were none; shown once
}

// Enrol makes a pending factor count, and records it. With the first one the
// person gets backup codes. A wrong code is recorded and gives OK false.
func (s *Service) Enrol(ctx context.Context, tx *db.Tx, sc Scope, c Confirmation) (Enrolment, error) {
	q := mfasql.New(tx)
	n, err := q.CountConfirmed(ctx, string(c.user))
	if err != nil {
		return Enrolment{}, fmt.Errorf("count factors: %w", err)
	}
	if c.step == 0 {
		ev := event.NewMFAFactorEnrolled(sc.Act, sc.Target, c.user, c.factor, event.FactorKindTOTP, n == 0)
		_, err := s.d.Ledger.Record(ctx, tx, ev.Denied(event.MFAFactorEnrolledBadCode))
		return Enrolment{}, err
	}
	if err := room(ctx, q, c.user, c.Replaces); err != nil {
		return Enrolment{}, err
	}
	rows, err := q.ConfirmFactor(ctx, mfasql.ConfirmFactorParams{
		Now: db.Micros(s.d.Now()), Step: c.step, PersonID: string(c.user), ID: string(c.factor),
	})
	if err != nil {
		return Enrolment{}, fmt.Errorf("confirm a factor: %w", err)
	}
	if rows == 0 {
		return Enrolment{}, fault.New(fault.Conflict, "this enrolment was finished or replaced meanwhile: look at your second factors")
	}
	return s.enrolled(ctx, tx, sc, c.user, c.factor, event.FactorKindTOTP, n == 0)
}

// enrolled records a factor that counts from now on, and makes backup codes where there are none.
func (s *Service) enrolled(ctx context.Context, tx *db.Tx, sc Scope, user id.User, factor id.Factor, kind event.FactorKind, first bool) (Enrolment, error) {
	q := mfasql.New(tx)
	if _, err := s.d.Ledger.Record(ctx, tx, event.NewMFAFactorEnrolled(sc.Act, sc.Target, user, factor, kind, first)); err != nil {
		return Enrolment{}, err
	}
	out := Enrolment{OK: true, First: first, Factor: factor}
	_, err := q.CurrentCodeSet(ctx, string(user))
	if !db.NotFound(err) {
		if err != nil {
			err = fmt.Errorf("look for backup codes: %w", err)
		}
		return out, err
	}
	set, codes, err := s.newSet(ctx, q, user)
	if err != nil {
		return Enrolment{}, err
	}
	out.Codes = codes
	_, err = s.d.Ledger.Record(ctx, tx, event.NewMFABackupCodesGenerated(sc.Act, event.CodeSetTarget(set, codeSetName), user, set, len(codes)))
	return out, err
}

const codeSetName = "backup codes"

func (s *Service) newSet(ctx context.Context, q *mfasql.Queries, user id.User) (id.CodeSet, []secret.Secret, error) {
	set := id.New[id.CodeSet]()
	if err := q.InsertCodeSet(ctx, mfasql.InsertCodeSetParams{ID: string(set), PersonID: string(user), Now: db.Micros(s.d.Now())}); err != nil {
		return "", nil, fmt.Errorf("store a set of backup codes: %w", err)
	}
	var out []secret.Secret
	for i, code := range newBackupCodes() {
		shown := secret.FromString(code)
		text, _ := canonical(shown)
		if err := q.InsertBackupCode(ctx, mfasql.InsertBackupCodeParams{SetID: string(set), N: int64(i), Hash: hashBackup(string(set), text)}); err != nil {
			return "", nil, fmt.Errorf("store a backup code: %w", err)
		}
		out = append(out, shown)
	}
	return set, out, nil
}

// Regenerate replaces all backup codes of the person, used or not.
func (s *Service) Regenerate(ctx context.Context, tx *db.Tx, sc Scope, user id.User) ([]secret.Secret, error) {
	q := mfasql.New(tx)
	old, err := q.CurrentCodeSet(ctx, string(user))
	if db.NotFound(err) {
		return nil, fault.New(fault.NotFound, "there are no backup codes to replace: they come with the first second factor")
	}
	if err != nil {
		return nil, fmt.Errorf("look for backup codes: %w", err)
	}
	left, err := q.BackupCodesLeft(ctx, old.ID)
	if err != nil {
		return nil, fmt.Errorf("count backup codes: %w", err)
	}
	rows, err := q.ReplaceCodeSet(ctx, mfasql.ReplaceCodeSetParams{Now: db.Micros(s.d.Now()), ID: old.ID})
	if err != nil {
		return nil, fmt.Errorf("replace backup codes: %w", err)
	}
	if rows == 0 {
		return nil, fault.New(fault.Conflict, "the backup codes were replaced meanwhile: do it again if you did not do it yourself")
	}
	set, codes, err := s.newSet(ctx, q, user)
	if err != nil {
		return nil, err
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewMFABackupCodesRegenerated(
		sc.Act, event.CodeSetTarget(set, codeSetName), user, set, id.CodeSet(old.ID), int(left), len(codes)))
	return codes, err
}

// ErrLastFactor says that a factor is the only one and stays. ErrNoFactor says
// that there is no such factor.
var (
	ErrLastFactor = fault.New(fault.Conflict, "this is the only second factor: enrol another one before you remove it").WithCode("LAST_FACTOR")
	ErrNoFactor   = fault.New(fault.NotFound, "no such second factor")
)

// Remove takes a factor off the person and records it. sessionsEnded is how many
// web sessions the caller has ended in the same transaction for it.
func (s *Service) Remove(ctx context.Context, tx *db.Tx, sc Scope, user id.User, factor id.Factor, sessionsEnded int) (id.Event, error) {
	q := mfasql.New(tx)
	kind := event.FactorKindTOTP
	rows, err := q.DeleteFactor(ctx, mfasql.DeleteFactorParams{PersonID: string(user), ID: string(factor)})
	if err == nil && rows == 0 {
		kind = event.FactorKindWebAuthn
		rows, err = q.DeleteCredential(ctx, mfasql.DeleteCredentialParams{PersonID: string(user), ID: string(factor)})
	}
	if err != nil {
		return "", fmt.Errorf("remove a factor: %w", err)
	}
	if rows == 0 {
		return "", ErrNoFactor
	}
	if n, err := q.CountConfirmed(ctx, string(user)); err != nil {
		return "", fmt.Errorf("count factors: %w", err)
	} else if n == 0 {
		return "", ErrLastFactor
	}
	return s.d.Ledger.Record(ctx, tx, event.NewMFAFactorRemoved(sc.Act, sc.Target, user, factor, kind, false, sessionsEnded))
}

// Rename gives a factor another label, and records it. A label that it has
// already changes nothing.
func (s *Service) Rename(ctx context.Context, tx *db.Tx, sc Scope, user id.User, factor id.Factor, name string) error {
	st, err := s.Status(ctx, tx, user)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(st.Factors, func(f Factor) bool { return f.ID == factor })
	if at < 0 {
		return ErrNoFactor
	}
	q := mfasql.New(tx)
	rows, err := q.RenameFactor(ctx, mfasql.RenameFactorParams{Name: name, PersonID: string(user), ID: string(factor)})
	if err == nil && rows == 0 {
		rows, err = q.RenameCredential(ctx, mfasql.RenameCredentialParams{Name: name, PersonID: string(user), ID: string(factor)})
	}
	if err != nil || rows == 0 {
		return err
	}
	_, err = s.d.Ledger.Record(ctx, tx, event.NewMFAFactorRenamed(sc.Act, sc.Target, user, factor, st.Factors[at].Name, name))
	return err
}
