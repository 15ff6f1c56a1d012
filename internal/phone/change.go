package phone

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
	"github.com/vaultpam/vaultpam/internal/phone/phonesql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Change is a number that waits for its code.
type Change struct {
	ID            id.PhoneChange
	Number        Number
	ByAdmin       bool
	CreatedAt     time.Time
	ExpiresAt     time.Time // of the change
	CodeExpiresAt time.Time // of its newest code
	AttemptsLeft  int       // 0: ask for a new code
}

// Record is a person's number and what is pending.
type Record struct {
	User       id.User
	Version    int // to be named by who confirms or cancels
	Number     Number
	VerifiedAt time.Time // zero: there is no number
	Change     *Change
}

var (
	errStale = errors.New("the record was altered since it was read")
	errTaken = errors.New("the number is somebody else's")
)

// who is whose number it is about, and who asks.
type who struct {
	actor authz.Actor
	user  id.User
}

func (w who) byAdmin() bool { return w.actor.User != w.user }

// act is the person's own, or their administrator's.
func (w who) act() event.Act {
	if w.byAdmin() {
		return event.By(w.actor, event.TenantAdmin)
	}
	return event.By(w.actor, event.User)
}

// member looks whether the person is one of the active organization. Somebody
// else's number is as unknown as they are.
func (s *Service) member(ctx context.Context, w who) (authz.Role, error) {
	none := fault.New(fault.NotFound, "no such member in this organization")
	if w.actor.Org == "" {
		return authz.None, none
	}
	var role authz.Role
	err := s.d.DB.ReadOrg(ctx, w.actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		role, err = s.d.Members.RoleIn(ctx, tx, w.actor.Org, w.user)
		return err
	})
	if err == nil && role == authz.None {
		err = none
	}
	return role, err
}

// allow checks the right to look at or, with change, to change a number.
func (s *Service) allow(ctx context.Context, w who, change bool) error {
	if !w.byAdmin() {
		self := authz.Object{Type: authz.SelfObject, ID: string(w.user), Owner: w.user}
		if !change {
			return authz.Check(w.actor, authz.SelfView, self)
		}
		return authz.Check(w.actor, authz.SelfUpdate, self)
	}
	if w.actor.Kind == authz.Nobody {
		return authz.Check(w.actor, authz.MemberPhone, authz.Object{Type: authz.MemberObject})
	}
	role, err := s.member(ctx, w)
	if err != nil {
		return err
	}
	if err := authz.Check(w.actor, authz.MemberPhone, authz.Object{Type: authz.MemberObject, ID: string(w.user), Org: w.actor.Org, Owner: w.user}); err != nil {
		return err
	}
	if change && !w.actor.Role.Includes(role) {
		return fault.New(fault.Denied, "the role %s is above yours: they change their number themselves", role).WithCode("ROLE_ABOVE_ACTOR")
	}
	return nil
}

// changes is the action of changing this number.
func (w who) changes() authz.Action {
	if w.byAdmin() {
		return authz.MemberPhoneChange
	}
	return authz.SelfManage
}

// Get is a person's number and what is pending: one's own, or that of a member of
// the active organization, of whom a door shows the masked number only.
func (s *Service) Get(ctx context.Context, actor authz.Actor, user id.User) (Record, error) {
	w := who{actor, user}
	if err := s.allow(ctx, w, false); err != nil {
		return Record{}, err
	}
	out, p, err := s.record(ctx, user)
	if p != nil && w.byAdmin() && id.Org(p.change.LogOrg) != actor.Org {
		out.Change = nil // what a person does elsewhere is not theirs to see
	}
	return out, err
}

// record reads a person's number, and the pending change if there is one.
func (s *Service) record(ctx context.Context, user id.User) (Record, *pending, error) {
	var p pending
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		q := phonesql.New(tx)
		p = pending{}
		if p.phone, err = q.GetPhone(ctx, string(user)); err != nil {
			return err
		}
		if p.change, err = q.PendingChange(ctx, string(user)); err != nil {
			return err
		}
		p.v, err = q.GetVerification(ctx, p.change.VerificationID)
		return err
	})
	if err != nil && !db.NotFound(err) {
		return Record{}, nil, fmt.Errorf("read the number of %s: %w", user, err)
	}
	out := Record{User: user, Version: int(p.phone.Version)}
	if len(p.phone.Number) > 0 {
		out.VerifiedAt = db.Time(p.phone.VerifiedAt)
		if out.Number, err = s.open(ctx, p.phone.SealedAs, p.phone.Country, p.phone.Number); err != nil {
			return Record{}, nil, err
		}
	}
	if p.change.ID == "" || p.v.ID == "" {
		return out, nil, nil
	}
	c := &Change{ID: id.PhoneChange(p.change.ID), ByAdmin: p.change.ByAdmin, CreatedAt: db.Time(p.change.CreatedAt), ExpiresAt: db.Time(p.change.ExpiresAt), CodeExpiresAt: db.Time(p.v.ExpiresAt)}
	if c.Number, err = s.open(ctx, p.v.ID, p.v.Country, p.v.Number); err != nil {
		return Record{}, nil, err
	}
	if p.v.State == "open" && p.v.ExpiresAt > s.now() {
		c.AttemptsLeft = maxAttempts - int(p.v.Attempts)
	}
	if p.change.ExpiresAt > s.now() {
		out.Change = c
	}
	return out, &p, nil
}

func (s *Service) after(ctx context.Context, user id.User) (Record, error) {
	out, _, err := s.record(ctx, user)
	return out, err
}

// Request asks for another number, of oneself or, by an administrator, of a
// member, and sends a code to it. What was pending before is replaced. An error of
// kind fault.Unavailable says that the change waits, but the code was not sent.
func (s *Service) Request(ctx context.Context, actor authz.Actor, user id.User, typed string) (Record, error) {
	w := who{actor, user}
	n, err := ParseNumber(typed)
	if err != nil {
		return Record{}, err
	}
	if err := s.mayRequest(ctx, w, n); err != nil {
		return Record{}, err
	}
	if err := served(s.d.Countries, n); err != nil {
		return Record{}, err
	}
	before, old, err := s.record(ctx, user)
	if err == nil && old != nil && before.Change == nil { // its time is over, and the clock has not come by yet
		if err = s.abandonLapsed(ctx, old.change); err == nil {
			before, old, err = s.record(ctx, user)
		}
	}
	if err != nil {
		return Record{}, err
	}
	if before.Number == n {
		return Record{}, fault.New(fault.Conflict, "this number is the one that is stored already").WithCode("PHONE_UNCHANGED")
	}
	dg, err := s.digests(ctx, actor.Org)
	if err != nil {
		return Record{}, err
	}
	b := beginning{who: w, before: before, old: old}
	if old != nil {
		was, err := s.digests(ctx, id.Org(old.change.LogOrg))
		if err != nil {
			return Record{}, err
		}
		b.oldDigest = was.of(before.Change.Number)
	}
	if b.v, err = s.prepare(ctx, ask{actor: actor, user: user, org: actor.Org, purpose: event.SMSPurposePhoneChange, number: n}, dg); err != nil {
		return Record{}, err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.begin(ctx, tx, b) })
	switch {
	case errors.Is(err, errTaken):
		return Record{}, s.taken(ctx, w, dg, n)
	case errors.Is(err, errStale):
		return Record{}, altered()
	case err != nil:
		return Record{}, fmt.Errorf("ask for another number: %w", err)
	}
	if err := s.send(ctx, b.v); err != nil {
		return Record{}, err
	}
	return s.after(ctx, user)
}

// mayRequest checks the right to ask for a change, and records a refusal.
func (s *Service) mayRequest(ctx context.Context, w who, n Number) error {
	why, err := event.PhoneChangeRequestedNotPermitted, s.allow(ctx, w, true)
	if err == nil {
		why, err = event.PhoneChangeRequestedMFARequired, authz.Fresh(w.actor, w.changes(), s.d.Now())
	}
	if err == nil || !fault.Is(err, fault.Denied) {
		return err
	}
	dg, derr := s.digests(ctx, w.actor.Org)
	if derr != nil {
		return derr
	}
	return s.refuse(ctx, w.actor, err, event.NewPhoneChangeRequested(w.act(), event.TenantTarget(w.actor.Org, ""), w.user, dg.of(n)).Denied(why))
}

// taken refuses a number that another person has proved to hold.
func (s *Service) taken(ctx context.Context, w who, dg digests, n Number) error {
	err := fault.New(fault.Conflict, "this number cannot be used here: use another one").WithCode("PHONE_IN_USE").WithField("number", "cannot be used")
	return s.refuse(ctx, w.actor, err, event.NewPhoneChangeRequested(w.act(), event.TenantTarget(w.actor.Org, ""), w.user, dg.of(n)).
		Denied(event.PhoneChangeRequestedNumberInUse))
}

// beginning is a change that is ready to be stored.
type beginning struct {
	who
	v         verification
	before    Record
	old       *pending // what it replaces; nil: nothing
	oldDigest event.PhoneDigest
}

// begin stores a change and its verification, in place of what was pending.
func (s *Service) begin(ctx context.Context, tx *db.Tx, b beginning) error {
	q, v, now := phonesql.New(tx), b.v, db.Micros(b.v.made)
	if err := q.EnsurePhone(ctx, phonesql.EnsurePhoneParams{PersonID: string(b.user), Nothing: []byte{}}); err != nil {
		return fmt.Errorf("open a record: %w", err)
	}
	if _, err := hold(ctx, q, b.user, b.before.Version); err != nil {
		return err
	}
	if err := free(ctx, q, v.index, b.user); err != nil {
		return err
	}
	change, act := id.New[id.PhoneChange](), b.act()
	if b.old != nil {
		if err := s.end(ctx, q, b.old.change, "abandoned"); err != nil {
			return err
		}
		if err := s.tellAbandoned(ctx, tx, b.old.change, b.oldDigest, event.PhoneChangeAbandonedSuperseded, change, act.Request()); err != nil {
			return err
		}
	}
	if err := v.store(ctx, q); err != nil {
		return err
	}
	if err := q.InsertChange(ctx, phonesql.InsertChangeParams{
		ID: string(change), PersonID: string(b.user), LogOrg: string(v.org), VerificationID: string(v.id), ByAdmin: b.byAdmin(),
		Now: now, ExpiresAt: db.Micros(v.made.Add(changeLife)),
	}); err != nil {
		return fmt.Errorf("store a change: %w", err)
	}
	if err := q.TouchPhone(ctx, phonesql.TouchPhoneParams{Now: now, PersonID: string(b.user)}); err != nil {
		return fmt.Errorf("advance the record: %w", err)
	}
	target, err := s.target(ctx, tx, v.org)
	if err != nil {
		return err
	}
	ev := event.NewPhoneChangeRequested(act, target, b.user, v.dg.of(v.number)).WithChangeID(change)
	if b.before.Number.e164 != "" {
		ev = ev.WithOldPhone(v.dg.of(b.before.Number))
	}
	_, err = s.d.Ledger.Record(ctx, tx, ev)
	return err
}

// free makes sure that a number is nobody's but user's.
func free(ctx context.Context, q *phonesql.Queries, index string, user id.User) error {
	holder, err := q.HolderOf(ctx, index)
	switch {
	case db.NotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("look for a number: %w", err)
	case holder != string(user):
		return errTaken
	}
	return nil
}

// pending is a change with what is known of it, read outside of a transaction.
type pending struct {
	change phonesql.PhoneChange
	v      phonesql.PhoneVerification
	phone  phonesql.PersonPhone
}

// find reads a change of a person. fault.NotFound: there is none.
func (s *Service) find(ctx context.Context, user id.User, change id.PhoneChange) (pending, error) {
	var o pending
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		q := phonesql.New(tx)
		if o.change, err = q.GetChange(ctx, phonesql.GetChangeParams{PersonID: string(user), ID: string(change)}); err != nil {
			return err
		}
		if o.v, err = q.GetVerification(ctx, o.change.VerificationID); err != nil {
			return err
		}
		o.phone, err = q.GetPhone(ctx, string(user))
		return err
	})
	if db.NotFound(err) {
		return o, fault.New(fault.NotFound, "there is no such change of a number: it may be over for long")
	}
	if err != nil {
		return o, fmt.Errorf("read a change of a number: %w", err)
	}
	return o, nil
}

// over is the answer to a change that is not pending any more.
func over() error {
	return fault.New(fault.Conflict, "this change is over: look at the number, and begin again if it is not the right one").WithCode("PHONE_CHANGE_OVER")
}

// hold takes the record for the rest of the transaction and checks that it is as
// it was when the actor looked.
func hold(ctx context.Context, q *phonesql.Queries, user id.User, expected int) (phonesql.PersonPhone, error) {
	row, err := q.HoldPhone(ctx, string(user))
	if err != nil {
		return row, fmt.Errorf("hold the record: %w", err)
	}
	if row.Version != int64(expected) {
		return row, errStale
	}
	return row, nil
}

// stale records that somebody decided on a view that does not hold any more.
func (s *Service) stale(ctx context.Context, act event.Act, user id.User, change id.PhoneChange, op event.PhoneChangeOperation, expected int) error {
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		row, err := phonesql.New(tx).GetPhone(ctx, string(user))
		if err != nil {
			return err
		}
		target, err := s.target(ctx, tx, act.Org())
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewPhoneChangeConcurrentModification(act, target, event.PhoneChangeConcurrentModificationVersionConflict,
			user, change, op, expected, int(row.Version)))
		return err
	})
	if err != nil {
		return fmt.Errorf("record a conflict: %w", err)
	}
	return altered()
}

func altered() error {
	return fault.New(fault.Conflict, "the number or its change was altered since you looked, and nothing was done: look again").WithCode("VERSION_CONFLICT")
}

// Confirm brings the code of a pending change of the actor's own number. version is
// that of the record as they saw it.
func (s *Service) Confirm(ctx context.Context, actor authz.Actor, change id.PhoneChange, version int, code secret.Secret) (Record, error) {
	w := who{actor, actor.User}
	if err := s.allow(ctx, w, true); err != nil {
		return Record{}, s.refusedAct(ctx, w, err, event.RefusedActPhoneCodeConfirm)
	}
	o, err := s.find(ctx, actor.User, change)
	if err != nil {
		return Record{}, err
	}
	act := event.By(actor, event.User).InOrg(id.Org(o.change.LogOrg))
	if o.phone.Version != int64(version) {
		return Record{}, s.stale(ctx, act, actor.User, change, event.PhoneChangeOperationCommit, version)
	}
	if o.change.State != "pending" {
		return Record{}, over()
	}
	if o.change.ExpiresAt <= s.now() {
		return Record{}, errors.Join(s.abandonLapsed(ctx, o.change), over())
	}
	a, err := s.weigh(ctx, act, o.v, code)
	if err == nil {
		a.old, err = s.open(ctx, o.phone.SealedAs, o.phone.Country, o.phone.Number)
	}
	if err != nil {
		return Record{}, err
	}
	var out verdict
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = s.commit(ctx, tx, o, a, version)
		return err
	})
	switch {
	case errors.Is(err, errStale):
		return Record{}, s.stale(ctx, act, actor.User, change, event.PhoneChangeOperationCommit, version)
	case errors.Is(err, errTaken):
		return Record{}, s.taken(ctx, w, a.dg, a.number)
	case err != nil:
		return Record{}, fmt.Errorf("confirm a number: %w", err)
	}
	if err := out.told(); err != nil {
		return Record{}, err
	}
	return s.after(ctx, actor.User)
}

// commit settles the code and, when it is right, replaces the number.
func (s *Service) commit(ctx context.Context, tx *db.Tx, o pending, a answer, version int) (verdict, error) {
	q, user, change := phonesql.New(tx), id.User(o.change.PersonID), id.PhoneChange(o.change.ID)
	if _, err := hold(ctx, q, user, version); err != nil {
		return closed, err
	}
	out, err := s.settle(ctx, tx, a)
	if err != nil || out != accepted && out != exhausted {
		return out, err
	}
	state := "committed"
	if out == exhausted {
		state = "abandoned"
	}
	if err := closeChange(ctx, q, change, state, s.now()); err != nil {
		return out, err
	}
	if err := q.TouchPhone(ctx, phonesql.TouchPhoneParams{Now: s.now(), PersonID: string(user)}); err != nil {
		return out, fmt.Errorf("advance the record: %w", err)
	}
	if out == exhausted {
		return out, s.tellAbandoned(ctx, tx, o.change, a.dg.of(a.number), event.PhoneChangeAbandonedAttemptsExhausted, "", a.act.Request())
	}
	if err := free(ctx, q, a.row.NumberIndex, user); err != nil {
		return out, err
	}
	err = q.SetNumber(ctx, phonesql.SetNumberParams{Number: a.row.Number, SealedAs: a.row.ID, NumberIndex: a.row.NumberIndex, Country: a.row.Country, Now: s.now(), PersonID: string(user)})
	if db.Unique(err) {
		return out, errTaken
	}
	if err != nil {
		return out, fmt.Errorf("store a number: %w", err)
	}
	target, err := s.target(ctx, tx, id.Org(o.change.LogOrg))
	if err != nil {
		return out, err
	}
	ev := event.NewPhoneChangeCommitted(a.act, target, user, change, id.PhoneVerification(a.row.ID), a.dg.of(a.number))
	if a.old.e164 != "" {
		ev = ev.WithOldPhone(a.dg.of(a.old))
	}
	_, err = s.d.Ledger.Record(ctx, tx, ev)
	return out, err
}

// closeChange ends a pending change; that of another transaction came first: errStale.
func closeChange(ctx context.Context, q *phonesql.Queries, change id.PhoneChange, state string, now int64) error {
	rows, err := q.CloseChange(ctx, phonesql.CloseChangeParams{State: state, Now: now, ID: string(change)})
	if err != nil {
		return fmt.Errorf("close a change: %w", err)
	}
	if rows == 0 {
		return errStale
	}
	return nil
}

// Resend makes a new code for a pending change of the actor's own number, and
// sends it. The one before does not count any more.
func (s *Service) Resend(ctx context.Context, actor authz.Actor, change id.PhoneChange, version int) (Record, error) {
	if err := s.allow(ctx, who{actor, actor.User}, true); err != nil {
		return Record{}, s.refusedAct(ctx, who{actor, actor.User}, err, event.RefusedActPhoneCodeResend)
	}
	o, err := s.find(ctx, actor.User, change)
	if err != nil {
		return Record{}, err
	}
	if o.change.State != "pending" {
		return Record{}, over()
	}
	if o.change.ExpiresAt <= s.now() {
		return Record{}, errors.Join(s.abandonLapsed(ctx, o.change), over())
	}
	if o.phone.Version != int64(version) { // before it counts as a message
		return Record{}, altered()
	}
	n, err := s.open(ctx, o.v.ID, o.v.Country, o.v.Number)
	if err != nil {
		return Record{}, err
	}
	org := id.Org(o.change.LogOrg)
	dg, err := s.digests(ctx, org)
	if err != nil {
		return Record{}, err
	}
	v, err := s.prepare(ctx, ask{actor: actor, user: actor.User, org: org, purpose: event.SMSPurposePhoneChange, number: n}, dg)
	if err != nil {
		return Record{}, err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := phonesql.New(tx)
		if _, err := hold(ctx, q, actor.User, version); err != nil {
			return err
		}
		if err := s.replace(ctx, q, o.change, v); err != nil {
			return err
		}
		return q.TouchPhone(ctx, phonesql.TouchPhoneParams{Now: s.now(), PersonID: string(actor.User)})
	})
	if errors.Is(err, errStale) {
		return Record{}, altered()
	}
	if err != nil {
		return Record{}, fmt.Errorf("make a new code: %w", err)
	}
	if err := s.send(ctx, v); err != nil {
		return Record{}, err
	}
	return s.after(ctx, actor.User)
}

// replace puts a new verification in the place of a change's last one.
func (s *Service) replace(ctx context.Context, q *phonesql.Queries, c phonesql.PhoneChange, v verification) error {
	if _, err := q.CloseVerification(ctx, phonesql.CloseVerificationParams{State: "replaced", Now: s.now(), ID: c.VerificationID}); err != nil {
		return fmt.Errorf("close a verification: %w", err)
	}
	if err := v.store(ctx, q); err != nil {
		return err
	}
	rows, err := q.VerifyChangeBy(ctx, phonesql.VerifyChangeByParams{VerificationID: string(v.id), Until: db.Micros(v.expires), ID: c.ID})
	if err != nil {
		return fmt.Errorf("store a change: %w", err)
	}
	if rows == 0 {
		return errStale
	}
	return nil
}

// Cancel gives a pending change up, by the person or by an administrator of theirs.
func (s *Service) Cancel(ctx context.Context, actor authz.Actor, user id.User, change id.PhoneChange, version int) error {
	w := who{actor, user}
	if err := s.allow(ctx, w, true); err != nil {
		return s.mayNotCancel(ctx, w, change, err)
	}
	o, err := s.find(ctx, user, change)
	if err != nil {
		return err
	}
	org := id.Org(o.change.LogOrg)
	if w.byAdmin() && org != actor.Org { // what a person does elsewhere is not theirs to see
		return fault.New(fault.NotFound, "there is no such change of a number: it may be over for long")
	}
	act := w.act().InOrg(org)
	lost := event.By(actor, event.User).InOrg(org) // an administrator who comes too late is a user, too
	if o.phone.Version != int64(version) {
		return s.stale(ctx, lost, user, change, event.PhoneChangeOperationCancel, version)
	}
	if o.change.State != "pending" {
		return over()
	}
	n, err := s.open(ctx, o.v.ID, o.v.Country, o.v.Number)
	if err != nil {
		return err
	}
	dg, err := s.digests(ctx, org)
	if err != nil {
		return err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := phonesql.New(tx)
		if _, err := hold(ctx, q, user, version); err != nil {
			return err
		}
		if err := s.end(ctx, q, o.change, "cancelled"); err != nil {
			return err
		}
		target, err := s.target(ctx, tx, org)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewPhoneChangeCancel(act, target, user, change, dg.of(n), w.byAdmin()))
		return err
	})
	if errors.Is(err, errStale) {
		return s.stale(ctx, lost, user, change, event.PhoneChangeOperationCancel, version)
	}
	if err != nil {
		return fmt.Errorf("cancel a change of a number: %w", err)
	}
	return nil
}

// mayNotCancel records a refusal to cancel a change that there is.
func (s *Service) mayNotCancel(ctx context.Context, w who, change id.PhoneChange, why error) error {
	if !fault.Is(why, fault.Denied) {
		return why
	}
	o, err := s.find(ctx, w.user, change)
	if err != nil || id.Org(o.change.LogOrg) != w.actor.Org {
		return why // nothing that the refusal could concern, as far as they may know
	}
	n, err := s.open(ctx, o.v.ID, o.v.Country, o.v.Number)
	if err != nil {
		return err
	}
	dg, err := s.digests(ctx, w.actor.Org)
	if err != nil {
		return err
	}
	return s.refuse(ctx, w.actor, why, event.NewPhoneChangeCancel(w.act(), event.TenantTarget(w.actor.Org, ""), w.user, change, dg.of(n), w.byAdmin()).
		Denied(event.PhoneChangeCancelNotPermitted))
}

// end closes a pending change and its code, and advances the record.
func (s *Service) end(ctx context.Context, q *phonesql.Queries, c phonesql.PhoneChange, state string) error {
	if err := closeChange(ctx, q, id.PhoneChange(c.ID), state, s.now()); err != nil {
		return err
	}
	if _, err := q.CloseVerification(ctx, phonesql.CloseVerificationParams{State: "replaced", Now: s.now(), ID: c.VerificationID}); err != nil {
		return fmt.Errorf("close a verification: %w", err)
	}
	if err := q.TouchPhone(ctx, phonesql.TouchPhoneParams{Now: s.now(), PersonID: c.PersonID}); err != nil {
		return fmt.Errorf("advance the record: %w", err)
	}
	return nil
}
