package phone

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/phone/phonesql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// verification is a code that is ready to be stored and sent.
type verification struct {
	ask
	id      id.PhoneVerification
	code    secret.Secret
	hash    []byte
	sealed  []byte
	made    time.Time
	expires time.Time
	dg      digests
}

// prepare counts the wish and makes a code for it, outside of a transaction.
func (s *Service) prepare(ctx context.Context, a ask, dg digests) (verification, error) {
	key, err := s.indexKey(ctx)
	if err != nil {
		return verification{}, err
	}
	a.index = key.index(a.number)
	if err := s.count(ctx, a, dg); err != nil {
		return verification{}, err
	}
	v := verification{ask: a, id: id.New[id.PhoneVerification](), code: newCode(), made: s.d.Now(), expires: s.in(codeLife), dg: dg}
	v.hash = key.code(v.id, v.code.RevealString())
	v.sealed, err = s.seal(ctx, v.id, a.number)
	return v, err
}

// store keeps a verification, open from now on.
func (v verification) store(ctx context.Context, q *phonesql.Queries) error {
	err := q.InsertVerification(ctx, phonesql.InsertVerificationParams{
		ID: string(v.id), PersonID: string(v.user), LogOrg: string(v.org), Purpose: fmt.Sprint(v.purpose), Number: v.sealed, NumberIndex: v.index,
		Country: v.number.country, CodeHash: v.hash, Now: db.Micros(v.made), ExpiresAt: db.Micros(v.expires),
	})
	if err != nil {
		return fmt.Errorf("store a verification: %w", err)
	}
	return nil
}

type blockedReason = event.PhoneVerificationCodeSendBlockedProviderUnavailableReason

// send hands the code of a stored verification to the provider, and records how
// that went. When it was not taken the verification is closed, and the error is
// fault.Unavailable.
func (s *Service) send(ctx context.Context, v verification) error {
	ctx = context.WithoutCancel(ctx) // the outcome is told even to nobody
	name, err := s.carry(ctx, v)
	if err == nil {
		return s.sent(ctx, v, name)
	}
	s.sends.WithLabelValues("not_sent").Inc()
	reason := reasonOf(err)
	s.d.Log.WarnContext(ctx, "a code was not sent", "verification_id", v.id, "reason", fmt.Sprint(reason), "error", err.Error())
	provider := ""
	if s.d.Provider != nil {
		provider = s.d.Provider.Name()
	}
	rerr := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := phonesql.New(tx).CloseVerification(ctx, phonesql.CloseVerificationParams{State: "unsent", Now: s.now(), ID: string(v.id)}); err != nil {
			return fmt.Errorf("close a verification: %w", err)
		}
		target, err := s.target(ctx, tx, v.org)
		if err != nil {
			return err
		}
		ev := event.NewPhoneVerificationCodeSendBlockedProviderUnavailable(v.act(), target, reason, v.dg.of(v.number), v.number.country, v.purpose).WithVerificationID(v.id)
		if v.user != "" {
			ev = ev.WithSubjectUserID(v.user)
		}
		if provider != "" {
			ev = ev.WithProvider(provider)
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if rerr != nil {
		return fmt.Errorf("record that a code was not sent: %w", rerr)
	}
	return notSent(reason).Because(err)
}

var (
	errNoProvider = fmt.Errorf("no provider is configured")
	errResting    = fmt.Errorf("the provider failed too often and is left alone for a while")
)

func (s *Service) carry(ctx context.Context, v verification) (string, error) {
	switch {
	case s.d.Provider == nil:
		return "", errNoProvider
	case s.breaker.open(s.d.Now()):
		return "", errResting
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	name, err := s.d.Provider.Send(ctx, v.number, message(v.code))
	s.breaker.tell(s.d.Now(), err)
	return name, err
}

func reasonOf(err error) blockedReason {
	switch {
	case err == errNoProvider:
		return event.PhoneVerificationCodeSendBlockedProviderUnavailableNotConfigured
	case err == errResting:
		return event.PhoneVerificationCodeSendBlockedProviderUnavailableCircuitOpen
	}
	switch causeOf(err) {
	case Rejected:
		return event.PhoneVerificationCodeSendBlockedProviderUnavailableProviderRejected
	case Timeout:
		return event.PhoneVerificationCodeSendBlockedProviderUnavailableTimeout
	}
	return event.PhoneVerificationCodeSendBlockedProviderUnavailableProviderError
}

func notSent(reason blockedReason) *fault.Error {
	switch reason {
	case event.PhoneVerificationCodeSendBlockedProviderUnavailableNotConfigured:
		return fault.New(fault.Unavailable, "this installation cannot send codes by SMS: whoever runs it has to name a provider").WithCode("SMS_UNAVAILABLE")
	case event.PhoneVerificationCodeSendBlockedProviderUnavailableProviderRejected:
		return fault.New(fault.Unavailable, "the SMS provider did not take the message: check the number, or try another one").WithCode("SMS_REJECTED")
	}
	return fault.New(fault.Unavailable, "the code could not be sent, because the SMS provider does not answer as it should: try again in a minute").WithCode("SMS_UNAVAILABLE").WithRetry(breakerRest)
}

func (s *Service) sent(ctx context.Context, v verification, name string) error {
	s.sends.WithLabelValues("sent").Inc()
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := phonesql.New(tx).MarkSent(ctx, phonesql.MarkSentParams{Now: s.now(), ID: string(v.id)}); err != nil {
			return err
		}
		target, err := s.target(ctx, tx, v.org)
		if err != nil {
			return err
		}
		ev := event.NewPhoneVerificationCodeSent(v.act(), target, v.id, v.dg.of(v.number), v.number.country, v.purpose, s.d.Provider.Name(), v.expires)
		if v.user != "" {
			ev = ev.WithSubjectUserID(v.user)
		}
		if name != "" {
			ev = ev.WithProviderMessageID(name)
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return fmt.Errorf("record that a code was sent: %w", err)
	}
	return nil
}

// verdict is what became of an answer to a code.
type verdict uint8

const (
	accepted  verdict = iota
	wrong             // there are tries left
	exhausted         // it was the last try
	late              // its time is over, which was found by this answer
	closed            // it was over before
)

// answer is somebody's code for a verification.
type answer struct {
	act    event.Act
	row    phonesql.PhoneVerification
	number Number
	old    Number // what it would replace; none at a registration
	right  bool
	dg     digests
}

func purposeOf(row phonesql.PhoneVerification) event.SMSPurpose {
	if row.Purpose == "registration" {
		return event.SMSPurposeRegistration
	}
	return event.SMSPurposePhoneChange
}

// weigh compares a typed code with the verification's, outside of a transaction.
// It decides nothing.
func (s *Service) weigh(ctx context.Context, act event.Act, row phonesql.PhoneVerification, typed secret.Secret) (answer, error) {
	key, err := s.indexKey(ctx)
	if err != nil {
		return answer{}, err
	}
	a := answer{act: act, row: row, right: key.matches(id.PhoneVerification(row.ID), typed, row.CodeHash)}
	if a.number, err = s.open(ctx, row.ID, row.Country, row.Number); err != nil {
		return answer{}, err
	}
	a.dg, err = s.digests(ctx, id.Org(row.LogOrg))
	return a, err
}

// settle closes the verification or counts a wrong answer, and records which.
func (s *Service) settle(ctx context.Context, tx *db.Tx, a answer) (verdict, error) {
	q, now := phonesql.New(tx), s.now()
	v, purpose := id.PhoneVerification(a.row.ID), purposeOf(a.row)
	target, err := s.target(ctx, tx, id.Org(a.row.LogOrg))
	if err != nil {
		return closed, err
	}
	digest := a.dg.of(a.number)
	if a.right {
		failed, err := q.AcceptVerification(ctx, phonesql.AcceptVerificationParams{Now: now, ID: a.row.ID, Most: maxAttempts})
		if err == nil {
			ev := event.NewPhoneVerificationSucceeded(a.act, target, v, digest, purpose, int(failed)+1)
			_, err = s.d.Ledger.Record(ctx, tx, subject(ev, a.row))
			return accepted, err
		}
		if !db.NotFound(err) {
			return closed, fmt.Errorf("accept a code: %w", err)
		}
	} else {
		r, err := q.FailVerification(ctx, phonesql.FailVerificationParams{Most: maxAttempts, Now: now, ID: a.row.ID})
		if err == nil {
			reason, out := event.PhoneVerificationFailedWrongCode, wrong
			if r.State == "failed" {
				reason, out = event.PhoneVerificationFailedAttemptsExhausted, exhausted
			}
			ev := event.NewPhoneVerificationFailed(a.act, target, reason, v, digest, purpose, int(r.Attempts), out == exhausted)
			_, err = s.d.Ledger.Record(ctx, tx, subject(ev, a.row))
			return out, err
		}
		if !db.NotFound(err) {
			return closed, fmt.Errorf("count a wrong code: %w", err)
		}
	}
	expired, err := s.expire(ctx, tx, a, event.ExpiryFinderLateCode)
	if expired {
		return late, err
	}
	return closed, err
}

// expire closes a verification whose time is over, once.
func (s *Service) expire(ctx context.Context, tx *db.Tx, a answer, finder event.ExpiryFinder) (bool, error) {
	attempts, err := phonesql.New(tx).ExpireVerification(ctx, phonesql.ExpireVerificationParams{Now: s.now(), ID: a.row.ID})
	if db.NotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("expire a verification: %w", err)
	}
	target, err := s.target(ctx, tx, id.Org(a.row.LogOrg))
	if err != nil {
		return false, err
	}
	ev := event.NewPhoneVerificationExpired(a.act, target, event.PhoneVerificationExpiredExpired, id.PhoneVerification(a.row.ID),
		a.dg.of(a.number), purposeOf(a.row), int(attempts), finder)
	_, err = s.d.Ledger.Record(ctx, tx, subject(ev, a.row))
	return true, err
}

// subject adds whose number it is, where that is known.
func subject[E interface {
	event.Event
	WithSubjectUserID(id.User) E
}](ev E, row phonesql.PhoneVerification) event.Event {
	if row.PersonID != "" {
		return ev.WithSubjectUserID(id.User(row.PersonID))
	}
	return ev
}

// told is what the person hears of a verdict; nil when the code was right.
func (v verdict) told() error {
	switch v {
	case accepted:
		return nil
	case wrong:
		return fault.New(fault.Invalid, "the code is not right: look again at the newest message").WithCode("BAD_CODE").WithField("code", "is not the code of the newest message")
	case exhausted:
		return fault.New(fault.Conflict, "the code was wrong too often and does not count any more: begin again").WithCode("CODE_EXHAUSTED")
	}
	return fault.New(fault.Conflict, "this code does not count any more: ask for a new one").WithCode("CODE_EXPIRED")
}
