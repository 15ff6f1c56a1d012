package rotation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/rotation/rotationsql"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// attempt is one try of a rotation, and what it knows.
type attempt struct {
	s        *Service
	job      job
	acc      vault.Account
	res      resource.Resource
	pending  int64  // version; 0: none is made yet
	target   string // what is known of the target
	oldKey   string
	promoted bool
}

// failure is why an attempt ended without a proved new credential.
type failure struct {
	reason event.CredentialRotationFailedReason
	word   string // of the reason
	detail string // for people; nothing of a secret, and no word of the target's
	cause  error  // for the log
}

func (f *failure) Error() string {
	if f.cause == nil {
		return f.detail
	}
	return f.detail + ": " + f.cause.Error()
}

func unreachable(err error) *failure {
	detail := "the target cannot be reached"
	switch {
	case errors.Is(err, errStranger):
		detail = "the target does not show a confirmed host key; nothing was sent to it"
	case fault.As(err) != nil && fault.As(err).Kind != fault.Internal:
		detail = fault.MessageOf(err)
	}
	return &failure{event.CredentialRotationFailedTargetUnreachable, "target_unreachable", detail, err}
}

func authFailed(detail string, err error) *failure {
	return &failure{event.CredentialRotationFailedAuthFailed, "auth_failed", detail, err}
}

func rejected(detail string, err error) *failure {
	return &failure{event.CredentialRotationFailedTargetPolicyRejected, "target_policy_rejected", detail, err}
}

func unproved(detail string, err error) *failure {
	return &failure{event.CredentialRotationFailedVerificationFailed, "verification_failed", detail, err}
}

func sealed(err error) *failure {
	return &failure{event.CredentialRotationFailedSecretStoreUnavailable, "secret_store_unavailable", "the account's credential cannot be opened or sealed on the server", err}
}

var (
	// errLost is a rotation that somebody else holds by now.
	errLost = errors.New("the rotation is held by another server")
	// errSuperseded is an account that got another credential, or is gone.
	errSuperseded = errors.New("the credential was replaced by hand")
)

// work makes one attempt and settles it.
func (s *Service) work(ctx context.Context, j job) {
	ctx, cancel := context.WithTimeout(ctx, attemptWithin)
	defer cancel()
	a := &attempt{s: s, job: j, pending: j.row.NewVersion, target: j.row.TargetState, oldKey: j.row.OldKey, promoted: State(j.row.State) == Tidying}
	err := a.load(ctx)
	if err == nil && !a.promoted {
		err = a.rotate(ctx)
	}
	if err == nil && a.promoted {
		err = a.tidy(ctx)
	}
	end := context.WithoutCancel(ctx) // what was done is written down, also when the time is over
	if err := a.settle(end, err); err != nil && !errors.Is(err, errLost) {
		s.d.Log.ErrorContext(ctx, "the end of a rotation could not be stored", "rotation_id", j.rid, "error", err.Error())
	}
}

// load reads the account and its target as they are now.
func (a *attempt) load(ctx context.Context) error {
	return a.s.d.DB.ReadOrg(ctx, a.job.org, func(ctx context.Context, tx *db.Tx) (err error) {
		if a.acc, err = a.s.d.Vault.Find(ctx, tx, a.job.org, a.job.aid); fault.Is(err, fault.NotFound) {
			return errSuperseded
		}
		if err != nil {
			return err
		}
		want := a.job.row.OldVersion
		if a.promoted {
			want = a.job.row.NewVersion
		}
		if a.acc.CredentialVersion != want {
			return errSuperseded
		}
		a.res, err = a.s.d.Resources.Find(ctx, tx, a.job.org, a.acc.Resource)
		return err
	})
}

// rotate makes the new credential the current one.
func (a *attempt) rotate(ctx context.Context) error {
	current, _, err := a.s.d.Vault.OpenForRotation(ctx, a.job.org, a.job.aid, a.job.row.OldVersion)
	if err != nil {
		return sealed(err)
	}
	defer current.Wipe()
	var next vault.Credential
	if a.pending != 0 {
		if next, _, err = a.s.d.Vault.OpenForRotation(ctx, a.job.org, a.job.aid, a.pending); err != nil {
			return sealed(err)
		}
	}
	defer func() { next.Wipe() }()
	asked := a.pending != 0 && a.target != "unchanged"
	if asked {
		if done, err := a.reconcile(ctx, next); err != nil || done {
			return err
		}
	}
	client, err := a.s.signIn(ctx, a.res, a.acc.Username, current)
	if errors.Is(err, errRefused) && a.pending != 0 && !asked {
		// A target that said no may have changed it all the same.
		if done, err := a.reconcile(ctx, next); err != nil || done {
			return err
		}
	}
	switch {
	case errors.Is(err, errRefused) && a.target == "unchanged":
		return authFailed("the target does not accept the account's credential any more: somebody has changed it there", err)
	case errors.Is(err, errRefused):
		a.target = "unknown"
		return authFailed("the target accepts neither the current credential nor the new one: somebody has changed it there", err)
	case err != nil:
		return unreachable(err)
	}
	defer client.Close()
	a.target = "unchanged" // it accepts the current one, and not the pending one
	if a.pending != 0 && a.job.row.Reason == "target_policy_rejected" {
		if err := a.drop(ctx); err != nil {
			return err
		}
		next.Wipe()
		next = vault.Credential{}
	}
	if err := a.stage(ctx, &next); err != nil {
		return err
	}
	if err := a.change(ctx, client, current, next); err != nil {
		var no *refusal
		if errors.As(err, &no) {
			a.target = "unchanged"
			return rejected(no.detail, no.cause)
		}
		return unreachable(err)
	}
	a.target = "changed_unverified"
	if err := a.prove(ctx, current, next); err != nil {
		return err
	}
	return a.promote(ctx)
}

// reconcile asks the target whether it accepts the pending credential already, and makes
// it the current one if so.
func (a *attempt) reconcile(ctx context.Context, next vault.Credential) (bool, error) {
	client, err := a.s.signIn(ctx, a.res, a.acc.Username, next)
	switch {
	case errors.Is(err, errRefused):
		return false, nil
	case err != nil:
		return false, unreachable(err)
	}
	client.Close()
	return true, a.promote(ctx)
}

// stage makes the new credential, where there is none, and writes down that the target
// is about to be touched.
func (a *attempt) stage(ctx context.Context, next *vault.Credential) error {
	store := func(context.Context, *db.Tx) error { return nil }
	if a.pending == 0 {
		plain, err := newSecret(a.acc.Kind)
		if err != nil {
			return err
		}
		version, write, err := a.s.d.Vault.Stage(ctx, a.acc, plain)
		if err != nil {
			plain.Wipe()
			return sealed(err)
		}
		*next = vault.Credential{Kind: a.acc.Kind, Version: version}
		if a.acc.Kind == vault.SSHKey {
			next.PrivateKey = plain
		} else {
			next.Password = plain
		}
		a.pending, store = version, write
	}
	return a.s.d.DB.InOrg(ctx, a.job.org, func(ctx context.Context, tx *db.Tx) error {
		if err := store(ctx, tx); err != nil {
			return err
		}
		acc, err := a.s.d.Vault.Find(ctx, tx, a.job.org, a.job.aid)
		if err != nil {
			return err
		}
		if acc.CredentialVersion != a.acc.CredentialVersion || acc.Username != a.acc.Username {
			return errSuperseded
		}
		return a.touch(ctx, tx, "unknown")
	})
}

func (a *attempt) touch(ctx context.Context, tx *db.Tx, state string) error {
	n, err := rotationsql.New(tx).Touch(ctx, rotationsql.TouchParams{OrgID: a.job.row.OrgID, ID: a.job.row.ID, Attempt: a.job.row.Attempt, Holder: a.job.row.Holder, TargetState: state, NewVersion: a.pending})
	if err == nil && n == 0 {
		err = errLost
	}
	if err == nil {
		a.target = state
	}
	return err
}

// drop gives a pending credential up that the target has refused.
func (a *attempt) drop(ctx context.Context) error {
	return a.s.d.DB.InOrg(ctx, a.job.org, func(ctx context.Context, tx *db.Tx) error {
		if err := a.s.d.Vault.DropPending(ctx, tx, a.job.org, a.job.aid, a.pending); err != nil {
			return err
		}
		a.pending = 0
		return a.touch(ctx, tx, "unchanged")
	})
}

// change replaces the credential at the target. A *refusal says that the target is as it was.
func (a *attempt) change(ctx context.Context, client *ssh.Client, current, next vault.Credential) error {
	if a.acc.Kind == vault.Password {
		return changePassword(ctx, client, a.acc.Username, current.Password, next.Password)
	}
	old, err := current.Signer()
	if err != nil {
		return fmt.Errorf("read the current key: %w", err)
	}
	key, err := next.Signer()
	if err != nil {
		return fmt.Errorf("read the new key: %w", err)
	}
	return addKey(ctx, client, old.PublicKey(), key.PublicKey())
}

// prove signs in with the new credential on a connection of its own.
func (a *attempt) prove(ctx context.Context, current, next vault.Credential) error {
	client, err := a.s.signIn(ctx, a.res, a.acc.Username, next)
	if err == nil {
		return client.Close()
	}
	if !errors.Is(err, errRefused) {
		return unreachable(err)
	}
	if old, oldErr := a.s.signIn(ctx, a.res, a.acc.Username, current); oldErr == nil {
		old.Close()
		a.target = "unchanged"
		return unproved("the target says that it has changed the credential, and accepts only the former one", err)
	}
	a.target = "unknown"
	return unproved("the target does not accept the new credential, and its answer about the former one is not yes either", err)
}

// promote makes the proved credential the current one, with its event.
func (a *attempt) promote(ctx context.Context) error {
	row := a.job.row
	state, oldKey := Completed, ""
	if a.acc.Kind == vault.SSHKey {
		state, oldKey = Tidying, "left"
	}
	// The old key is needed to prove that it is refused.
	destroy := row.TriggerKind == "incident" && a.acc.Kind == vault.Password
	a.target = "changed_unverified" // until it is stored
	err := a.s.d.DB.InOrg(ctx, a.job.org, func(ctx context.Context, tx *db.Tx) error {
		now := a.s.now()
		again, err := a.stillDue(ctx, tx)
		if err != nil {
			return err
		}
		if err := a.s.d.Vault.Promote(ctx, tx, a.job.org, a.job.aid, row.OldVersion, a.pending, destroy); err != nil {
			if fault.Is(err, fault.Conflict) {
				return errSuperseded
			}
			return err
		}
		if again {
			if err := a.s.d.Vault.Due(ctx, tx, a.job.aid); err != nil {
				return err
			}
		}
		n, err := rotationsql.New(tx).Promoted(ctx, rotationsql.PromotedParams{OrgID: row.OrgID, ID: row.ID, Attempt: row.Attempt, Holder: row.Holder, State: string(state), NewVersion: a.pending, OldKey: oldKey, Now: now})
		if err != nil {
			return err
		}
		if n == 0 {
			return errLost
		}
		_, err = a.s.d.Ledger.Record(ctx, tx, event.NewCredentialRotationCompleted(event.By(authz.SystemActor(a.job.org), event.System), event.AccountTarget(a.acc.ID, a.acc.Name), a.job.rid,
			int(a.pending), int(row.Attempt), time.Duration(now-row.AttemptAt)*time.Microsecond, destroy))
		return err
	})
	if err == nil {
		a.target, a.promoted, a.oldKey = "changed", true, oldKey
	}
	return err
}

// stillDue tells whether the new credential is due too: an emergency for which the
// former one was still goes on, and uses the new one from now on.
func (a *attempt) stillDue(ctx context.Context, tx *db.Tx) (bool, error) {
	acc, err := a.s.d.Vault.Find(ctx, tx, a.job.org, a.job.aid)
	if fault.Is(err, fault.NotFound) {
		return false, errSuperseded
	}
	if err != nil || acc.DueBecause != "incident" {
		return false, err
	}
	for _, inUse := range a.s.d.InUse {
		if used, err := inUse(ctx, tx, a.job.org, a.job.aid); err != nil || used {
			return used, err
		}
	}
	return false, nil
}

// tidy takes the old key off the target, and proves that it is refused.
func (a *attempt) tidy(ctx context.Context) error {
	if a.acc.Kind != vault.SSHKey {
		return nil
	}
	former, _, err := a.s.d.Vault.OpenForRotation(ctx, a.job.org, a.job.aid, a.job.row.OldVersion)
	if err != nil {
		return sealed(err)
	}
	defer former.Wipe()
	current, _, err := a.s.d.Vault.OpenForRotation(ctx, a.job.org, a.job.aid, a.pending)
	if err != nil {
		return sealed(err)
	}
	defer current.Wipe()
	old, err := former.Signer()
	if err != nil {
		return fmt.Errorf("read the old key: %w", err)
	}
	client, err := a.s.signIn(ctx, a.res, a.acc.Username, current)
	if errors.Is(err, errRefused) {
		return authFailed("the target does not accept the new key any more", err)
	}
	if err != nil {
		return unreachable(err)
	}
	defer client.Close()
	if err := removeKey(ctx, client, old.PublicKey()); err != nil {
		var no *refusal
		if errors.As(err, &no) {
			return rejected(no.detail, no.cause)
		}
		return unreachable(err)
	}
	again, err := a.s.signIn(ctx, a.res, a.acc.Username, former)
	switch {
	case errors.Is(err, errRefused):
		a.oldKey = "removed"
		return nil
	case err != nil:
		return unreachable(err)
	}
	again.Close()
	return unproved("the target still accepts the old key: it is allowed elsewhere than in ~/.ssh/authorized_keys too", nil)
}

// settle writes down how an attempt ended.
func (a *attempt) settle(ctx context.Context, why error) error {
	row := a.job.row
	p := rotationsql.SettleParams{OrgID: row.OrgID, ID: row.ID, Attempt: row.Attempt, Holder: row.Holder, TargetState: a.target, NewVersion: a.pending, OldKey: a.oldKey}
	now := a.s.d.Now()
	switch {
	case why == nil && a.acc.Kind == vault.Password:
		return nil // promote has written it
	case why == nil:
		p.State, p.EndedAt = string(Completed), db.Micros(now)
		return a.s.d.DB.InOrg(ctx, a.job.org, func(ctx context.Context, tx *db.Tx) error {
			if row.TriggerKind == "incident" {
				if err := a.s.d.Vault.Destroy(ctx, tx, a.job.org, a.job.aid, 0); err != nil {
					return err
				}
			}
			return settle(ctx, tx, p)
		})
	case errors.Is(why, errLost):
		return errLost
	case errors.Is(why, errSuperseded):
		p.State, p.EndedAt = string(Superseded), db.Micros(now)
		return a.s.d.DB.InOrg(ctx, a.job.org, func(ctx context.Context, tx *db.Tx) error {
			if err := a.s.d.Vault.DropPending(ctx, tx, a.job.org, a.job.aid, a.pending); err != nil {
				return err
			}
			return settle(ctx, tx, p)
		})
	}
	var f *failure
	if !errors.As(why, &f) {
		f = unproved("the server could not go on with it", why)
	}
	a.s.d.Log.WarnContext(ctx, "a credential was not rotated", "rotation_id", a.job.rid, "account_id", a.job.aid, "attempt", row.Attempt, "reason", f.word, "error", f.Error())
	p.State, p.Reason, p.Detail = string(Waiting), f.word, f.detail
	if a.promoted {
		p.State = string(Tidying)
	}
	last := int(row.Attempt) > len(backOff)
	var next time.Time
	if last {
		p.EndedAt = db.Micros(now)
		if p.State = string(Failed); a.promoted {
			p.State = string(Completed) // with the old key left
		}
	} else {
		next = now.Add(backOff[row.Attempt-1])
		p.NextAttemptAt = db.Micros(next)
	}
	var letters []notify.Prepared
	if row.Attempt == 1 || last {
		letters = a.letters(ctx, f, next)
	}
	return a.s.d.DB.InOrg(ctx, a.job.org, func(ctx context.Context, tx *db.Tx) error {
		if err := settle(ctx, tx, p); err != nil {
			return err
		}
		for _, l := range letters {
			if err := a.s.d.Mail.Queue(ctx, tx, l); err != nil {
				return err
			}
		}
		if a.promoted {
			return nil // the new credential is proved and stored
		}
		ev := event.NewCredentialRotationFailed(event.By(authz.SystemActor(a.job.org), event.System), event.AccountTarget(a.job.aid, a.acc.Name), f.reason, a.job.rid, int(row.Attempt), targetState(a.target))
		if !last {
			ev = ev.WithNextAttemptAt(next)
		}
		_, err := a.s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
}

func settle(ctx context.Context, tx *db.Tx, p rotationsql.SettleParams) error {
	n, err := rotationsql.New(tx).Settle(ctx, p)
	if err == nil && n == 0 {
		err = errLost
	}
	return err
}

// letters tell every administrator, outside of a transaction.
func (a *attempt) letters(ctx context.Context, f *failure, next time.Time) (out []notify.Prepared) {
	var to []rotationsql.AdministratorsRow
	err := a.s.d.DB.ReadOrg(ctx, a.job.org, func(ctx context.Context, tx *db.Tx) (err error) {
		to, err = rotationsql.New(tx).Administrators(ctx, string(a.job.org))
		return err
	})
	for _, r := range to {
		var p notify.Prepared
		p, err = a.s.d.Mail.Prepare(ctx, a.job.org, notify.Message{To: notify.Recipient{Email: r.Email, Name: r.Name}, Data: notify.RotationFailed{
			Account: a.acc.Name, AccountID: string(a.job.aid), Target: a.res.Name, Why: f.detail, Left: a.promoted, State: a.target, Next: next, Rotation: string(a.job.rid), Attempt: int(a.job.row.Attempt)}})
		if err == nil {
			out = append(out, p)
		}
	}
	if err != nil {
		a.s.d.Log.WarnContext(ctx, "an administrator cannot be told of a failed rotation", "rotation_id", a.job.rid, "error", err.Error())
	}
	return out
}

// newSecret makes a credential of a kind.
func newSecret(k vault.Kind) (secret.Secret, error) {
	if k == vault.SSHKey {
		return newKey()
	}
	return newPassword(), nil
}
