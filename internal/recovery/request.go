package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// The methods that somebody may say they have lost.
var methods = []string{"totp", "webauthn", "backup_code"}

// RequestArgs asks for a recovery.
type RequestArgs struct {
	Challenge secret.Secret // of the sign-in whose second factor cannot be given
	Lost      []string      // methods; empty: all that the person has
	From      identity.Origin
}

// Request opens a case and mails the proof. Its refusals are told to somebody who
// has given the first factor, so they say what they are.
func (s *Service) Request(ctx context.Context, a RequestArgs) (Case, error) {
	for _, m := range a.Lost {
		if !slices.Contains(methods, m) {
			return Case{}, fault.New(fault.Invalid, "%.40q is not a method: use totp, webauthn or backup_code", m).WithField("lost_methods", "must be of totp, webauthn, backup_code")
		}
	}
	lost := slices.Compact(slices.Sorted(slices.Values(a.Lost)))
	if len(lost) == 0 {
		lost = []string{"backup_code", "totp", "webauthn"}
	}
	if a.From.Request == "" {
		a.From.Request = id.New[id.Request]()
	}
	first, err := s.d.People.FirstFactorOf(ctx, a.Challenge, a.From)
	if err != nil {
		return Case{}, err
	}
	user := first.User
	st, err := s.person(ctx, user)
	if err != nil {
		return Case{}, err
	}
	at := seat(st)
	if first.Provider != "" {
		at = in(st, first.Provider)
	}
	asked := func(c id.Recovery) event.MFARecoveryRequested {
		return event.NewMFARecoveryRequested(by(a.From, at.Org), target(c, st.Profile), c, user, lost)
	}
	rec := id.New[id.Recovery]()
	proof, hash := newTicket(rec)
	expires := s.d.Now().Add(ProofLife).UTC().Truncate(time.Microsecond)
	letter, err := s.mail(ctx, at.Org, st.Profile, notify.RecoveryProof{Name: st.Name, Source: sourceText(a.From), Proof: proof, ExpiresAt: expires}, expires)
	if err != nil {
		return Case{}, err
	}
	row := recoverysql.InsertCaseParams{OrgID: string(at.Org), ID: string(rec), PersonID: string(user), Lost: strings.Join(lost, " "),
		SourceIp: sourceText(a.From), ProofHash: hash, Empty: []byte{}, ProviderOrg: string(first.Provider), Now: s.now(), ExpiresAt: db.Micros(expires)}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		now, err := s.d.People.StandingOf(ctx, tx, user)
		if err != nil {
			return err
		}
		who, queue, err := s.deciders(ctx, tx, user, at, first.Provider)
		if err != nil {
			return err
		}
		if !now.Active || len(who) == 0 {
			return errNotEligible
		}
		row.Queue = queue
		if err := s.admit(ctx, tx, user); err != nil {
			return err
		}
		if err := recoverysql.New(tx).InsertCase(ctx, row); err != nil {
			if db.Unique(err) { // another request came first
				return errOpen
			}
			return fmt.Errorf("store a case: %w", err)
		}
		if err := s.d.Mail.Queue(ctx, tx, letter); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, asked(rec))
		return err
	})
	for _, r := range requestRefusals {
		if errors.Is(err, r.err) {
			return Case{}, s.refused(ctx, r.err, asked("").Denied(r.why))
		}
	}
	if err != nil {
		return Case{}, fmt.Errorf("ask for a recovery: %w", err)
	}
	return Case{ID: rec, Org: at.Org, Person: st.Profile, State: Requested, ByProvider: first.Provider != "", Lost: lost, Source: sourceText(a.From), CreatedAt: db.Time(row.Now), ExpiresAt: expires}, nil
}

var (
	errOpen        = fault.New(fault.Conflict, "a recovery is under way for you already: look into your mailbox, or ask your administrator; it ends by itself in time").WithCode("RECOVERY_OPEN")
	errNotEligible = fault.New(fault.Conflict, "nobody but you could decide this recovery, so there is none: use a backup code").WithCode("RECOVERY_NOT_ELIGIBLE")
	errTooOften    = fault.New(fault.Exhausted, "you have asked for a recovery %d times in a day: speak with your administrator, and try again tomorrow", maxCases).WithRetry(24 * time.Hour)
)

var requestRefusals = []struct {
	err error
	why event.MFARecoveryRequestedReason
}{
	{errOpen, event.MFARecoveryRequestedOpenCaseExists},
	{errNotEligible, event.MFARecoveryRequestedNotEligible},
	{errTooOften, event.MFARecoveryRequestedRateLimited},
}

// admit lets a person have one case at a time, and few in a day. A case whose time
// is over does not stand in the way.
func (s *Service) admit(ctx context.Context, tx *db.Tx, user id.User) error {
	q := recoverysql.New(tx)
	open, err := q.OpenCaseOf(ctx, string(user))
	switch {
	case err == nil && open.ExpiresAt > s.now():
		return errOpen
	case err == nil:
		if err := s.expire(ctx, tx, open); err != nil {
			return err
		}
	case !db.NotFound(err):
		return fmt.Errorf("look for an open case: %w", err)
	}
	n, err := q.CountSince(ctx, recoverysql.CountSinceParams{PersonID: string(user), Since: s.now() - (24 * time.Hour).Microseconds()})
	if err != nil {
		return fmt.Errorf("count cases: %w", err)
	}
	if n >= maxCases {
		return errTooOften
	}
	return nil
}

// badProof is the one answer to a link that opens nothing.
func badProof() error {
	return fault.New(fault.Unauthenticated, "this link is not valid: open the newest one that you were sent, whole, or ask again").WithCode("RECOVERY_PROOF_INVALID")
}

var (
	errProofUsed    = fault.New(fault.Conflict, "this link was used already: an administrator decides now").WithCode("RECOVERY_PROOF_USED")
	errProofExpired = fault.New(fault.Conflict, "this link has expired: sign in and ask again").WithCode("RECOVERY_EXPIRED")
)

// Verify takes the proof that was mailed, and puts the case into the queue of those
// who decide.
func (s *Service) Verify(ctx context.Context, proof secret.Secret, from identity.Origin) (Case, error) {
	if from.Request == "" {
		from.Request = id.New[id.Request]()
	}
	if err := s.d.People.Admit(ctx, from, ""); err != nil {
		return Case{}, err
	}
	rec, token, ok := parseTicket[id.Recovery](proof.RevealString())
	var row recoverysql.MfaRecovery
	var st identity.Standing
	if ok {
		err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			if row, err = recoverysql.New(tx).CaseByID(ctx, string(rec)); err != nil {
				return err
			}
			st, err = s.d.People.StandingOf(ctx, tx, id.User(row.PersonID))
			return err
		})
		if err != nil && !db.NotFound(err) {
			return Case{}, fmt.Errorf("read a case: %w", err)
		}
		ok = err == nil
	}
	right := ok && same(row.ProofHash, string(rec), token)
	switch now := state(row, s.now()); {
	case !ok || !right && now != Requested:
		return Case{}, s.turnAway(ctx, from)
	case !right:
		return Case{}, s.wrongProof(ctx, row, st, from)
	case now == Expired:
		return Case{}, errProofExpired
	case now != Requested:
		return Case{}, errProofUsed
	}
	return s.prove(ctx, row, st, from)
}

// turnAway counts an answer that belongs to no case.
func (s *Service) turnAway(ctx context.Context, from identity.Origin) error {
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.d.People.CountFailure(ctx, tx, from) })
	if err != nil {
		return fmt.Errorf("count a failure: %w", err)
	}
	return badProof()
}

func (s *Service) wrongProof(ctx context.Context, row recoverysql.MfaRecovery, st identity.Standing, from identity.Origin) error {
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.d.People.CountFailure(ctx, tx, from); err != nil {
			return err
		}
		got, err := recoverysql.New(tx).WrongProof(ctx, recoverysql.WrongProofParams{Most: maxProofs, Now: s.now(), OrgID: row.OrgID, ID: row.ID})
		if db.NotFound(err) {
			return nil // it moved on meanwhile
		}
		if err != nil {
			return fmt.Errorf("count a wrong proof: %w", err)
		}
		why := event.MFARecoveryVerifiedWrongProof
		if got.State == string(Failed) {
			why = event.MFARecoveryVerifiedAttemptsExhausted
		}
		rec := id.Recovery(row.ID)
		_, err = s.d.Ledger.Record(ctx, tx, event.NewMFARecoveryVerified(by(from, id.Org(row.OrgID)), target(rec, st.Profile), rec, st.ID,
			event.ProofChannelEmail, int(got.Attempts)).Failed(why))
		return err
	})
	if err != nil {
		return fmt.Errorf("refuse a proof: %w", err)
	}
	return badProof()
}

func (s *Service) prove(ctx context.Context, row recoverysql.MfaRecovery, st identity.Standing, from identity.Origin) (Case, error) {
	rec, org := id.Recovery(row.ID), id.Org(row.OrgID)
	at := in(st, org)
	expires := s.d.Now().Add(ApprovalLife).UTC().Truncate(time.Microsecond)
	var who []identity.Profile
	var queue string
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		who, queue, err = s.deciders(ctx, tx, st.ID, at, id.Org(row.ProviderOrg))
		return err
	})
	if err != nil {
		return Case{}, err
	}
	letters, err := s.lettersToDeciders(ctx, row, st, at, who[:min(len(who), maxNotified)], queue, expires)
	if err != nil {
		return Case{}, err
	}
	moved := false
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		moved = false
		attempts, err := recoverysql.New(tx).ProveCase(ctx, recoverysql.ProveCaseParams{Queue: queue, Now: s.now(), ExpiresAt: db.Micros(expires), OrgID: row.OrgID, ID: row.ID})
		if db.NotFound(err) {
			moved = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("move a case: %w", err)
		}
		if _, err := s.d.Ledger.Record(ctx, tx, event.NewMFARecoveryVerified(by(from, org), target(rec, st.Profile), rec, st.ID, event.ProofChannelEmail, int(attempts))); err != nil {
			return err
		}
		for _, l := range letters {
			if err := s.d.Mail.Queue(ctx, tx, l); err != nil {
				return err
			}
		}
		system := authz.SystemActor(org)
		system.Request = from.Request
		_, err = s.d.Ledger.Record(ctx, tx, event.NewMFARecoveryPendingAdminApproval(event.By(system, event.System), target(rec, st.Profile), rec, st.ID, len(letters), expires))
		return err
	})
	if err != nil {
		return Case{}, fmt.Errorf("prove a case: %w", err)
	}
	if moved {
		return Case{}, errProofUsed
	}
	row.State, row.VerifiedAt, row.ExpiresAt = string(Pending), s.now(), db.Micros(expires)
	return caseOf(row, st.Profile, s.now()), nil
}

// in is the person's place in org; the zero Membership on the platform, and where
// they have left.
func in(st identity.Standing, org id.Org) identity.Membership {
	for _, m := range st.Members {
		if m.Org == org {
			return m
		}
	}
	return identity.Membership{Org: org}
}

func (s *Service) lettersToDeciders(ctx context.Context, row recoverysql.MfaRecovery, st identity.Standing, at identity.Membership, who []identity.Profile, queue string, expires time.Time) ([]notify.Prepared, error) {
	data := notify.RecoveryWaiting{Person: st.Name, Email: st.Email, Organization: at.Name, Lost: strings.ReplaceAll(row.Lost, " ", ", "), Source: row.SourceIp,
		Path: "/organization/recoveries", ExpiresAt: expires}
	if queue == "platform" {
		data.Path = "/platform/recoveries"
	}
	out := make([]notify.Prepared, len(who))
	for i, p := range who {
		var err error
		if out[i], err = s.mail(ctx, at.Org, p, data, expires); err != nil {
			return nil, err
		}
	}
	return out, nil
}
