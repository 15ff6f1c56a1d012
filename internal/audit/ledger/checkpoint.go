package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger/ledgersql"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// when says under which condition a checkpoint is signed.
type when int

const (
	whenDue   when = iota // the tree grew and the last one is old enough, or it is very old
	whenGrown             // the tree grew
)

// A Signed checkpoint is the note as published, and what it says.
type Signed struct {
	Note []byte
	verify.Checkpoint
	At time.Time
}

// Checkpoint is the last signed checkpoint of org's ledger. It signs one only if
// there is none yet. fault.NotFound: nothing was ever recorded.
func (l *Ledger) Checkpoint(ctx context.Context, org id.Org) (Signed, error) {
	last, err := l.lastSigned(ctx, org)
	if err == nil || !db.NotFound(err) {
		return last, err
	}
	return l.sign(ctx, org, whenGrown)
}

func (l *Ledger) lastSigned(ctx context.Context, org id.Org) (s Signed, err error) {
	err = l.read(ctx, org, func(ctx context.Context, q *ledgersql.Queries, _ *db.Tx) error {
		row, err := q.LastCheckpoint(ctx, string(org))
		if err != nil {
			return fmt.Errorf("read the last checkpoint of %q: %w", org, err)
		}
		s, err = storedCheckpoint(row.Note, row.SignedAt)
		return err
	})
	return s, err
}

// storedCheckpoint reads the text of a stored note; the signature is for those
// who hold a key to check.
func storedCheckpoint(text string, at int64) (Signed, error) {
	n, err := note.Open([]byte(text), note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if errors.As(err, &unverified) {
		n, err = unverified.Note, nil
	}
	if err != nil {
		return Signed{}, fmt.Errorf("a stored checkpoint: %w", err)
	}
	c, err := verify.ParseText(n.Text)
	if err != nil {
		return Signed{}, fmt.Errorf("a stored checkpoint: %w", err)
	}
	return Signed{Note: []byte(text), Checkpoint: c, At: db.Time(at)}, nil
}

// Sign numbers what is committed and returns a checkpoint over all of it. Exports
// and people who ask for a proof use it; the clock signs by itself.
func (l *Ledger) Sign(ctx context.Context, org id.Org) (Signed, error) {
	if err := l.flushOrg(ctx, org); err != nil {
		return Signed{}, err
	}
	return l.sign(ctx, org, whenGrown)
}

// signAll signs every ledger that is due; at the end of Run (final), every one
// that grew.
func (l *Ledger) signAll(ctx context.Context, final bool) {
	var logs []ledgersql.LogsRow
	err := l.db.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		logs, err = ledgersql.New(tx).Logs(ctx)
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			l.log.ErrorContext(ctx, "the ledgers cannot be listed for signing", "error", err)
		}
		return
	}
	how := whenDue
	if final {
		how = whenGrown
	}
	l.health.halted(logs)
	for _, log := range logs {
		org := id.Org(log.OrgID)
		if log.HaltedAt.Valid || log.TreeSize == 0 || !l.mayBeDue(org, log.TreeSize, how) {
			continue
		}
		if _, err := l.sign(ctx, org, how); err != nil && ctx.Err() == nil && !errors.Is(err, errHalted) {
			l.log.ErrorContext(ctx, "a checkpoint is not signed", "org_id", org, "error", err)
			l.ReportFault(ctx, Fault{Org: org, Code: "checkpoint_not_signed", Component: "audit/ledger", Reason: event.SystemErrorLoggedSigningFailed})
		}
	}
}

// mayBeDue spares the ledgers that this process knows to be signed, and those that
// are at work now, which would keep the clock from the others.
func (l *Ledger) mayBeDue(org id.Org, size int64, how when) bool {
	b := l.book(org)
	if how == whenGrown {
		return true
	}
	if !b.mu.TryLock() {
		return false
	}
	defer b.mu.Unlock()
	return b.signedAt.IsZero() || l.due(size, b.signed.Size, b.signedAt, how)
}

func (l *Ledger) due(size, signed int64, at time.Time, how when) bool {
	age := l.now().Sub(at)
	switch {
	case how == whenGrown:
		return size > signed
	case size > signed:
		return age >= l.every
	default:
		return age >= l.idle
	}
}

// sign signs org's tree under the conditions of how, and returns the last
// checkpoint when they do not hold.
func (l *Ledger) sign(ctx context.Context, org id.Org, how when) (Signed, error) {
	log, err := l.logRow(ctx, org)
	if err != nil {
		return Signed{}, err
	}
	now, ever, err := l.signers(ctx, org, log.Origin)
	if err != nil {
		return Signed{}, err
	}
	b := l.book(org)
	b.mu.Lock()
	defer b.mu.Unlock()
	var out Signed
	err = l.db.InRole(ctx, db.Sequencer, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = l.signTree(ctx, tx, org, b, now, ever, how)
		return err
	})
	var broken errTree
	if errors.As(err, &broken) {
		l.halt(ctx, org, broken)
		return Signed{}, fault.New(fault.Unavailable, "the audit ledger was stopped: its tree is not the one that was signed; an administrator of the platform must look at it").Because(err)
	}
	if errors.Is(err, errHalted) {
		return Signed{}, fault.New(fault.Unavailable, "the audit ledger is stopped since its tree was found not to be the one that was signed").Because(err)
	}
	if err != nil {
		return Signed{}, fmt.Errorf("sign the ledger of %q: %w", org, err)
	}
	b.signed, b.signedAt = out.Checkpoint, out.At
	return out, nil
}

func (l *Ledger) signTree(ctx context.Context, tx *db.Tx, org id.Org, b *book, signers []note.Signer, keys []string, how when) (Signed, error) {
	log, e, err := l.lockTree(ctx, tx, org, b)
	if err != nil {
		return Signed{}, err
	}
	root, err := e.root()
	if err != nil {
		return Signed{}, err
	}
	q := ledgersql.New(tx)
	tree := verify.Checkpoint{Origin: log.Origin, Size: e.size, Root: root}
	last, err := lastOf(ctx, q, org, keys)
	switch {
	case err != nil && !db.NotFound(err):
		return Signed{}, err
	case err == nil:
		if err := continues(tiles{ctx, tx, org}, tree, last.Checkpoint); err != nil {
			return Signed{}, err
		}
		if how == whenGrown && last.Size == tree.Size || how == whenDue && !l.due(tree.Size, last.Size, last.At, how) {
			return last, l.remembered(tiles{ctx, tx, org}, tree, b)
		}
	}
	if err := l.remembered(tiles{ctx, tx, org}, tree, b); err != nil {
		return Signed{}, err
	}
	signed, err := note.Sign(&note.Note{Text: tree.Text()}, signers...)
	if err != nil {
		return Signed{}, fmt.Errorf("sign the checkpoint: %w", err)
	}
	at := l.now()
	if err := q.InsertCheckpoint(ctx, ledgersql.InsertCheckpointParams{OrgID: string(org), SignedAt: db.Micros(at), TreeSize: tree.Size, Note: string(signed)}); err != nil {
		return Signed{}, fmt.Errorf("store the checkpoint: %w", err)
	}
	return Signed{Note: signed, Checkpoint: tree, At: db.Time(db.Micros(at))}, nil
}

// lastOf is the last stored checkpoint, which must bear one of the ledger's signatures.
func lastOf(ctx context.Context, q *ledgersql.Queries, org id.Org, keys []string) (Signed, error) {
	row, err := q.LastCheckpoint(ctx, string(org))
	if err != nil {
		return Signed{}, err
	}
	c, err := verify.Open([]byte(row.Note), keys...)
	if err != nil {
		return Signed{}, errTree{"the last stored checkpoint: " + err.Error()}
	}
	return Signed{Note: []byte(row.Note), Checkpoint: c, At: db.Time(row.SignedAt)}, nil
}

// remembered checks the tree against the checkpoint that this process signed or
// saw last, which whoever changes the database cannot change.
func (l *Ledger) remembered(t tiles, tree verify.Checkpoint, b *book) error {
	if b.signedAt.IsZero() {
		return nil
	}
	return continues(t, tree, b.signed)
}

// continues proves that tree begins with all the leaves of old. An errTree says
// that it does not.
func continues(t tiles, tree, old verify.Checkpoint) error {
	switch {
	case old.Origin != tree.Origin:
		return errTree{fmt.Sprintf("the last checkpoint is of %s, the ledger is %s", old.Origin, tree.Origin)}
	case old.Size > tree.Size:
		return errTree{fmt.Sprintf("%d events were signed and the tree has %d", old.Size, tree.Size)}
	case old.Size == tree.Size:
		if old.Root != tree.Root {
			return errTree{fmt.Sprintf("the root of %d events is not the one that was signed", tree.Size)}
		}
		return nil
	case old.Size == 0:
		return nil
	}
	proof, err := tlog.ProveTree(tree.Size, old.Size, t.checked(tree.Size, tree.Root))
	if err != nil {
		return unfit("the tiles of the tree do not lead to its root: ", err)
	}
	if err := tlog.CheckTree(proof, tree.Size, tree.Root, old.Size, old.Root); err != nil {
		return errTree{fmt.Sprintf("the tree of %d events does not begin with the %d events that were signed", tree.Size, old.Size)}
	}
	return nil
}

// detector is how the ledger appears in SECURITY_INCIDENT_FLAGGED.
const detector = "audit_tree_consistency"

// halt stops org's ledger and records the incident. The stopped ledger would not
// number the event that tells it, so that goes to the platform's.
func (l *Ledger) halt(ctx context.Context, org id.Org, why errTree) {
	steady, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusalTime)
	defer cancel()
	l.log.ErrorContext(ctx, "AUDIT TREE NOT CONSISTENT: the ledger is stopped", "org_id", org, "error", why)
	ev := event.NewSecurityIncidentFlagged(systemAct(platform), event.TenantTarget(org, ""), id.New[id.Incident](),
		detector, "AuditLog", nil, event.AutomaticActionNone)
	if log, ok := l.logIDs.Load(org); ok {
		ev = ev.WithObjectID(event.AnyID(log.(id.Log)))
	}
	if err := l.RecordRefusal(steady, ev); err != nil {
		l.log.ErrorContext(ctx, "the incident is not recorded", "error", err)
	}
	err := l.db.InRole(steady, db.Sequencer, func(ctx context.Context, tx *db.Tx) error {
		_, err := ledgersql.New(tx).HaltLog(ctx, ledgersql.HaltLogParams{OrgID: string(org), HaltedAt: micros(l.now()), HaltReason: why.what})
		return err
	})
	if err != nil {
		l.log.ErrorContext(ctx, "the ledger's stop is not stored; it is found again at the next pass", "error", err)
	}
	l.health.halt(org)
}

// Stop tells when and why a ledger was stopped.
type Stop struct {
	Log    id.Log
	At     time.Time
	Reason string
}

// Resume lets a stopped ledger go on after a person has looked at it. record, when
// not nil, tells of it in the same transaction. The tree is checked against the
// last stored checkpoint at once; when it still does not continue that, the ledger
// stops again (fault.Unavailable). fault.Conflict: it is not stopped.
func (l *Ledger) Resume(ctx context.Context, org id.Org, record func(context.Context, *db.Tx, Stop) error) error {
	err := l.db.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := ledgersql.New(tx)
		log, err := q.LogByOrg(ctx, string(org))
		if db.NotFound(err) || err == nil && !log.HaltedAt.Valid {
			return fault.New(fault.Conflict, "this ledger is not stopped").WithCode("LEDGER_NOT_STOPPED")
		}
		if err != nil {
			return err
		}
		err = tx.As(ctx, db.Sequencer, func() error {
			n, err := q.ResumeLog(ctx, string(org))
			if err == nil && n == 0 {
				err = fault.New(fault.Conflict, "this ledger was resumed meanwhile").WithCode("LEDGER_NOT_STOPPED")
			}
			return err
		})
		if err != nil || record == nil {
			return err
		}
		return record(ctx, tx, Stop{Log: id.Log(log.LogID), At: db.Time(log.HaltedAt.Int64), Reason: log.HaltReason})
	})
	if err != nil {
		return fmt.Errorf("resume the ledger of %q: %w", org, err)
	}
	b := l.book(org)
	b.mu.Lock()
	b.edge, b.signed, b.signedAt = nil, verify.Checkpoint{}, time.Time{}
	b.mu.Unlock()
	l.health.resume(org)
	_, err = l.Sign(ctx, org)
	return err
}
