package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/id"
)

// A Folder keeps repeats that an outsider can cause from flooding a ledger. The
// first of its kind is recorded at once; those that follow within the window are
// counted, and told by one event when the window ends, or when the server stops.
// None is dropped: at most the count of one window is lost when the process dies.
type Folder struct {
	l      *Ledger
	window time.Duration
	most   int // windows open at once
	mu     sync.Mutex
	open   map[FoldKey]*fold
}

// FoldKey is what makes two events the same for a Folder.
type FoldKey struct {
	Org      id.Org
	Constant event.Constant
	Source   string // address that it came from, or the object that it is about
	Reason   string
}

type fold struct {
	ends time.Time
	n    int                             // repeats that are not recorded yet
	make func(coalesced int) event.Event // of the first of them
}

// FoldWindow is the window for repeats that an outsider causes.
const FoldWindow = time.Minute

// maxFolds bounds the memory of a Folder. Beyond it, windows end early.
const maxFolds = 10_000

// NewFolder makes a Folder that Run serves.
func (l *Ledger) NewFolder(window time.Duration) *Folder {
	f := &Folder{l: l, window: window, most: maxFolds, open: map[FoldKey]*fold{}}
	l.mu.Lock()
	l.folders = append(l.folders, f)
	l.mu.Unlock()
	return f
}

func (l *Ledger) allFolders() []*Folder {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.folders)
}

// Record records or counts one event of kind key. build makes it, with how many
// it stands for; it may be called later, and must not change what it captured.
// On an error the event is not recorded yet; it is counted and told later.
func (f *Folder) Record(ctx context.Context, key FoldKey, build func(coalesced int) event.Event) error {
	now := f.l.now()
	f.mu.Lock()
	g := f.open[key]
	if g != nil && now.Before(g.ends) {
		g.count(1, build)
		f.mu.Unlock()
		return nil
	}
	var ended, crowd map[FoldKey]*fold
	if g != nil {
		ended = map[FoldKey]*fold{key: g}
	} else if len(f.open) >= f.most {
		crowd = f.makeRoom()
	}
	g = &fold{ends: now.Add(f.window)}
	f.open[key] = g
	f.mu.Unlock()

	err := errors.Join(f.tell(ctx, ended), f.tell(ctx, crowd))
	if first := f.l.RecordRefusal(ctx, build(1)); first != nil {
		f.mu.Lock()
		f.putBack(key, &fold{ends: g.ends, n: 1, make: build})
		f.mu.Unlock()
		err = errors.Join(err, first)
	}
	return err
}

func (g *fold) count(n int, build func(int) event.Event) {
	if g.n == 0 {
		g.make = build
	}
	g.n += n
}

// makeRoom forgets the windows in which nothing was repeated; when there is none,
// it ends all of them.
func (f *Folder) makeRoom() map[FoldKey]*fold {
	maps.DeleteFunc(f.open, func(_ FoldKey, g *fold) bool { return g.n == 0 })
	if len(f.open) < f.most {
		return nil
	}
	all := f.open
	f.open = map[FoldKey]*fold{}
	return all
}

// putBack returns a count that could not be recorded.
func (f *Folder) putBack(key FoldKey, g *fold) {
	if now := f.open[key]; now != nil {
		now.count(g.n, g.make)
		return
	}
	f.open[key] = g
}

// flush tells the windows that have ended, or all of them.
func (f *Folder) flush(ctx context.Context, all bool) error {
	now := f.l.now()
	due := map[FoldKey]*fold{}
	f.mu.Lock()
	for key, g := range f.open {
		if all || !now.Before(g.ends) {
			due[key] = g
			delete(f.open, key)
		}
	}
	f.mu.Unlock()
	return f.tell(ctx, due)
}

// tell records the counts of folds, many at a time so that they share commits.
func (f *Folder) tell(ctx context.Context, folds map[FoldKey]*fold) error {
	var group errgroup.Group
	group.SetLimit(64)
	for key, g := range folds {
		if g.n == 0 {
			continue
		}
		group.Go(func() error {
			err := f.l.RecordRefusal(ctx, g.make(g.n))
			if err != nil {
				f.mu.Lock()
				f.putBack(key, g)
				f.mu.Unlock()
			}
			return err
		})
	}
	return group.Wait()
}

// faultWindow is how seldom the same fault of the same object is told again.
const faultWindow = 5 * time.Minute

// A Fault is an internal fault that breaks or degrades something that security
// rests on.
type Fault struct {
	Org        id.Org // empty: the platform
	Code       string // stable, lower_snake_case
	Component  string
	Reason     event.SystemErrorLoggedReason
	ObjectType string // optional, with ObjectID
	ObjectID   event.ObjectID
}

// ReportFault records SYSTEM_ERROR_LOGGED: at once for the first of its code and
// object, then at most every five minutes with the count of the repeats. When it
// cannot be recorded now, it is logged and told later.
func (l *Ledger) ReportFault(ctx context.Context, f Fault) {
	seen := l.now()
	key := FoldKey{Org: f.Org, Constant: event.SYSTEM_ERROR_LOGGED, Source: fmt.Sprint(f.ObjectType, f.ObjectID), Reason: f.Code}
	err := l.faults.Record(ctx, key, func(n int) event.Event {
		e := event.NewSystemErrorLogged(systemAct(f.Org), event.TenantTarget(f.Org, ""), f.Reason, f.Code, f.Component, n, seen)
		if f.ObjectType != "" {
			e = e.WithObjectType(f.ObjectType).WithObjectID(f.ObjectID)
		}
		return e
	})
	if err != nil && ctx.Err() == nil {
		l.log.ErrorContext(ctx, "a fault is not recorded yet", "fault_code", f.Code, "error", err)
	}
}
