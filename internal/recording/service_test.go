package recording

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
	"github.com/vaultpam/vaultpam/internal/seal"
)

// house is a Service with its real neighbours.
type house struct {
	*Service
	t     *testing.T
	db    *db.DB
	store *Store
	now   time.Time
	roles map[id.User]authz.SafeRole
	org   id.Org
	safe  id.Safe
	user  id.User
}

func newHouse(t *testing.T, d *db.DB, change ...func(*StoreConfig)) *house {
	t.Helper()
	root, err := seal.LoadRoot(filepath.Join(t.TempDir(), "keys", "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.New(seal.Deps{DB: d, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: d, now: time.Now(), roles: map[id.User]authz.SafeRole{},
		org: id.New[id.Org](), safe: id.New[id.Safe](), user: id.New[id.User]()}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	led, err := ledger.New(ledger.Deps{DB: d, Sealer: keys, Host: "pam.example", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	h.store = openStore(t, append(change, func(c *StoreConfig) { c.Keys = keys })...)
	h.Service, err = New(Deps{Log: log, DB: d, Ledger: led, Store: h.store, Now: func() time.Time { return h.now },
		SafeRole: func(_ context.Context, _ *db.Tx, _ id.Org, u id.User, s id.Safe) (authz.SafeRole, error) {
			if s != h.safe {
				return authz.NoSafeRole, nil
			}
			return h.roles[u], nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) begin() (*Writer, id.Session) {
	h.t.Helper()
	ses := id.New[id.Session]()
	w, err := h.Begin(h.t.Context(), Begin{Org: h.org, Session: ses, User: h.user, UserName: "jane", Safe: h.safe, SafeName: "web-prod",
		Protocol: "ssh", Request: id.New[id.Request]()})
	if err != nil {
		h.t.Fatal(err)
	}
	return w, ses
}

func (h *house) finish(w *Writer) {
	h.t.Helper()
	if err := h.Finish(h.t.Context(), w, Summary{}, nil); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) file(w *Writer) string { return filepath.Join(h.store.cfg.Dir, string(w.ID())+suffix) }

// events are those in the ledger, the first recorded first.
func (h *house) events() (out []event.Envelope) {
	h.t.Helper()
	err := h.db.ReadPlatform(h.t.Context(), func(ctx context.Context, tx *db.Tx) error {
		rows, err := tx.QueryContext(ctx, `select payload from audit_event order by recorded_at, id /* platform-wide: a test */`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var payload []byte
			if err := rows.Scan(&payload); err != nil {
				return err
			}
			e, err := event.Decode(payload)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return rows.Err()
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// told checks which events were recorded since the last call, in order, each as
// CONSTANT/outcome or CONSTANT/outcome/reason, and returns them.
func (h *house) told(from int, want ...string) []event.Envelope {
	h.t.Helper()
	var got []string
	events := h.events()[from:]
	for _, e := range events {
		s := string(e.Constant) + "/" + string(e.Outcome)
		if e.Reason != "" {
			s += "/" + e.Reason
		}
		got = append(got, s)
	}
	if !slices.Equal(got, want) {
		h.t.Fatalf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return events
}

func meta(e event.Envelope, key string) string { return fmt.Sprint(e.Metadata[key]) }

func (h *house) info(ses id.Session) Info {
	h.t.Helper()
	i, err := h.Info(h.t.Context(), h.person(authz.Auditor), ses)
	if err != nil {
		h.t.Fatal(err)
	}
	return i
}

func (h *house) person(r authz.Role) authz.Actor {
	return authz.Actor{Kind: authz.Person, User: id.New[id.User](), Name: "somebody", Org: h.org, Role: r, MFAAt: h.now,
		Source: authz.Source{IP: netip.MustParseAddr("192.0.2.1")}, Request: id.New[id.Request]()}
}

func each(t *testing.T, f func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, newHouse(t, d)) })
}

const (
	started      = "SESSION_RECORDING_STARTED/success"
	writtenOK    = "PROXY_SSH_RECORDING_WRITTEN/success"
	finalized    = "SESSION_RECORDING_FINALIZED/success"
	accessed     = "SESSION_PLAYBACK_ACCESSED/success"
	notPermitted = "SESSION_PLAYBACK_ACCESSED/denied/not_permitted"
)

func TestRecordingFromBeginToPlayback(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w, ses := h.begin()
		first := h.told(0, started)[0]
		if first.Target.ID != string(ses) || first.SessionID != string(ses) || meta(first, "recording_id") != string(w.ID()) ||
			meta(first, "recording_format") != format.Name || meta(first, "storage") != h.store.ID() || meta(first, "encryption_key_id") != w.Header().KeyID {
			t.Errorf("%+v", first)
		}
		w.Record(1, Terminal{Term: "xterm", Size: Size{Cols: 80, Rows: 24}})
		w.Write(Frame{Channel: 1, Kind: Output, Data: []byte("hello")})
		if i := h.info(ses); i.State != StateRecording || i.Size == 0 || !i.EndedAt.IsZero() {
			t.Errorf("while it is recorded: %+v", i)
		}
		h.finish(w)
		h.finish(w) // a second time does nothing
		events := h.told(1, writtenOK, finalized)
		i := h.info(ses)
		raw, err := os.ReadFile(h.file(w))
		if err != nil {
			t.Fatal(err)
		}
		v, err := h.store.Verify(t.Context(), w.ID())
		if err != nil {
			t.Fatal(err)
		}
		root, sum := hex.EncodeToString(v.Root[:]), hex.EncodeToString(v.SHA256[:])
		if i.State != StateCompleted || i.Root != root || i.SHA256 != sum || i.Size != int64(len(raw)) || i.Frames != 2 ||
			i.RetentionUntil.Sub(i.EndedAt) != DefaultRetention {
			t.Errorf("%+v", i)
		}
		if meta(events[0], "content_sha256") != sum || meta(events[0], "frames") != "2" || meta(events[1], "root_hash") != root ||
			meta(events[1], "size_bytes") != fmt.Sprint(len(raw)) || meta(events[1], "parts") != fmt.Sprint(v.Chunks) {
			t.Errorf("%v\n%v", events[0].Metadata, events[1].Metadata)
		}

		p, err := h.OpenPlayback(t.Context(), h.person(authz.Admin), ses, Replay)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		watched := h.told(3, accessed)[0] // before the first byte
		if watched.Actor.Type != event.TenantAdmin || meta(watched, "playback_mode") != "replay" || meta(watched, "session_user_id") != string(h.user) ||
			meta(watched, "own_session") != "false" || meta(watched, "recording_id") != string(w.ID()) || watched.SessionID != string(ses) {
			t.Errorf("%+v", watched)
		}
		var kinds []Kind
		for f, err := range p.Frames() {
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, f.Kind)
		}
		if !slices.Equal(kinds, []Kind{format.Pty, Output}) || p.Title() != "jane on web-prod" {
			t.Errorf("%v of %s", kinds, p.Title())
		}
		var of map[id.Session]Info
		err = h.db.ReadOrg(t.Context(), h.org, func(ctx context.Context, tx *db.Tx) (err error) {
			of, err = h.Of(ctx, tx, h.org, []id.Session{ses, id.New[id.Session]()})
			return err
		})
		if err != nil || len(of) != 1 || of[ses].ID != w.ID() || of[ses].Root != root {
			t.Errorf("%v, %+v", err, of)
		}
	})
}

func TestWhoMayWatch(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w, ses := h.begin()
		h.finish(w)
		n := len(h.events())
		manager, user, own := h.person(authz.Operator), h.person(authz.Operator), h.person(authz.Operator)
		h.roles[manager.User], h.roles[user.User], h.roles[h.user] = authz.SafeManager, authz.SafeUser, authz.SafeUser
		own.User = h.user
		ownManager := own
		token := h.person(authz.Auditor)
		token.Kind, token.Token, token.Scopes = authz.Token, id.New[id.Token](), []string{"sessions:read"}
		scoped := token
		scoped.Scopes = []string{"sessions:playback"}
		stranger := h.person(authz.Owner)
		stranger.Org = id.New[id.Org]()
		for _, c := range []struct {
			name  string
			actor authz.Actor
			kind  fault.Kind
			told  []string
			as    event.ActorType
		}{
			{"owner", h.person(authz.Owner), 0, []string{accessed}, event.TenantAdmin},
			{"admin", h.person(authz.Admin), 0, []string{accessed}, event.TenantAdmin},
			{"auditor", h.person(authz.Auditor), 0, []string{accessed}, event.User},
			{"manager of the safe", manager, 0, []string{accessed}, event.OrgAdmin},
			{"token with the scope", scoped, 0, []string{accessed}, event.ServiceAccount},
			{"token without it", token, fault.Denied, []string{notPermitted}, event.ServiceAccount},
			{"user of the safe", user, fault.NotFound, []string{notPermitted}, event.User},
			{"whose session it was", own, fault.Denied, []string{notPermitted}, event.User},
			{"member without a role", h.person(authz.Operator), fault.NotFound, []string{notPermitted}, event.User},
			{"owner elsewhere", stranger, fault.NotFound, nil, ""},
			{"nobody", authz.Actor{Org: h.org}, fault.Unauthenticated, nil, ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				h.t = t
				p, err := h.OpenPlayback(t.Context(), c.actor, ses, Download)
				if (err == nil) != (c.kind == 0) || (err != nil && fault.KindOf(err) != c.kind) {
					t.Errorf("%v", err)
				}
				if p != nil {
					p.Close()
				}
				for _, e := range h.told(n, c.told...) {
					if e.Actor.Type != c.as || meta(e, "own_session") != fmt.Sprint(c.actor.User == h.user) {
						t.Errorf("%+v", e)
					}
				}
				n += len(c.told)
			})
		}
		h.t = t
		h.roles[h.user] = authz.SafeManager
		if p, err := h.OpenPlayback(t.Context(), ownManager, ses, Replay); err != nil {
			t.Errorf("a manager's own session: %v", err)
		} else {
			p.Close()
		}
		if _, err := h.Info(t.Context(), own, ses); err != nil {
			t.Errorf("one's own session: %v", err)
		}
		if _, err := h.Info(t.Context(), user, ses); !fault.Is(err, fault.NotFound) {
			t.Errorf("another's session: %v", err)
		}
		for _, unknown := range []id.Session{id.New[id.Session](), "", "../x", "ses_"} {
			if _, err := h.OpenPlayback(t.Context(), h.person(authz.Owner), unknown, Replay); !fault.Is(err, fault.NotFound) {
				t.Errorf("session %q: %v", unknown, err)
			}
		}
		if _, err := h.OpenPlayback(t.Context(), h.person(authz.Owner), ses, "look"); !fault.Is(err, fault.Invalid) {
			t.Errorf("an unknown mode: %v", err)
		}
	})
}

func TestLiveViewFollowsAndReplayWaits(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w, ses := h.begin()
		admin := h.person(authz.Admin)
		if _, err := h.OpenPlayback(t.Context(), admin, ses, Replay); !fault.Is(err, fault.Conflict) {
			t.Errorf("a replay of what still runs: %v", err)
		}
		p, err := h.OpenPlayback(t.Context(), admin, ses, LiveView)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if e := h.told(1, accessed)[0]; meta(e, "playback_mode") != "live_view" {
			t.Errorf("%v", e.Metadata)
		}
		w.Write(Frame{Channel: 1, Kind: Output, Data: []byte("live")})
		if f, err := p.Next(); err != nil || string(f.Data) != "live" {
			t.Fatalf("%+v, %v", f, err)
		}
		h.finish(w)
		if _, err := p.Next(); err != io.EOF {
			t.Errorf("after the end: %v", err)
		}
		if _, err := h.OpenPlayback(t.Context(), admin, ses, LiveView); !fault.Is(err, fault.Conflict) {
			t.Errorf("live view of what has ended: %v", err)
		}
	})
}

func TestWhatIsNotAsWrittenIsAnIncident(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, harm := range map[string]func(t *testing.T, path string){
			"changed": func(t *testing.T, path string) { edit(t, path, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }) },
			"cut":     func(t *testing.T, path string) { edit(t, path, func(b []byte) []byte { return b[:len(b)-40] }) },
			"longer":  func(t *testing.T, path string) { edit(t, path, func(b []byte) []byte { return append(b, 0) }) },
			"emptied": func(t *testing.T, path string) { edit(t, path, func(b []byte) []byte { return nil }) },
		} {
			t.Run(name, func(t *testing.T) {
				h.t = t
				n := len(h.events())
				w, ses := h.begin()
				w.Write(Frame{Channel: 1, Kind: Output, Data: []byte(strings.Repeat("evidence ", 100))})
				sum := closeWriter(t, w)
				harm(t, h.file(w))
				h.finish(w)
				events := h.told(n, started, writtenOK, "SESSION_RECORDING_FINALIZED/failure/digest_mismatch", "SECURITY_INCIDENT_FLAGGED/success")
				if meta(events[2], "root_hash") != hex.EncodeToString(sum.Root[:]) || meta(events[3], "object_id") != string(w.ID()) ||
					meta(events[3], "related_events") != fmt.Sprint([]string{string(events[2].ID)}) {
					t.Errorf("%v\n%v", events[2].Metadata, events[3].Metadata)
				}
				if i := h.info(ses); i.State != StateError || i.Failure != digestMismatch {
					t.Errorf("%+v", i)
				}
			})
		}
		h.t = t
	})
}

func edit(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, f(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestMissingFileIsTold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w, ses := h.begin()
		closeWriter(t, w)
		if err := os.Remove(h.file(w)); err != nil {
			t.Fatal(err)
		}
		h.finish(w)
		h.told(1, "PROXY_SSH_RECORDING_WRITTEN/failure/store_unavailable", "SESSION_RECORDING_FINALIZED/failure/artifact_missing",
			"SYSTEM_ERROR_LOGGED/failure/storage_failed")
		if _, err := h.OpenPlayback(t.Context(), h.person(authz.Admin), ses, Replay); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
	})
}

func TestFullDiskIsToldAndTheRestIsKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		dir, wrap := smallDisk(t, 3)
		h := newHouse(t, d, func(c *StoreConfig) { c.Dir, c.MinFree, c.Reserve = filepath.Join(dir, "r"), -1, -1 })
		h.store.wrap = wrap
		w, ses := h.begin()
		flood(t, w)
		failedWith(t, w, DiskFull)
		h.finish(w)
		events := h.told(1, "PROXY_SSH_RECORDING_WRITTEN/failure/disk_full", "SESSION_RECORDING_FINALIZED/failure/truncated",
			"SYSTEM_ERROR_LOGGED/failure/storage_failed")
		i := h.info(ses)
		if i.State != StateError || i.Failure != truncatedEnd || i.Truncated != "disk_full" || i.Frames == 0 || meta(events[1], "root_hash") != i.Root {
			t.Errorf("%+v\n%v", i, events[1].Metadata)
		}
		p, err := h.OpenPlayback(t.Context(), h.person(authz.Auditor), ses, Replay)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		n := int64(0)
		for _, err := range p.Frames() {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != i.Frames {
			t.Errorf("%d frames are there, %d were told", n, i.Frames)
		}
	})
}

func TestNoSessionBeginsWithoutItsRecording(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.store.cfg.MinFree = 1 << 60
		for range 3 {
			_, err := h.Begin(t.Context(), Begin{Org: h.org, Session: id.New[id.Session](), Protocol: "ssh"})
			if fault.KindOf(err) != fault.Unavailable || fault.CodeOf(err) != CodeUnavailable {
				t.Errorf("%v", err)
			}
		}
		h.told(0, "SYSTEM_ERROR_LOGGED/failure/storage_failed") // the repeats are folded
		if err := h.Healthy(); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
	})
}

// When the database does not take the row, there is no recording and no file.
func TestBeginLeavesNothingBehind(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w, ses := h.begin()
		h.finish(w)
		if _, err := h.Begin(t.Context(), Begin{Org: h.org, Session: ses, Protocol: "ssh"}); err == nil {
			t.Fatal("a session was recorded twice")
		}
		if list, err := h.store.List(); err != nil || len(list) != 1 {
			t.Errorf("%v, %v", list, err)
		}
		h.told(0, started, writtenOK, finalized)
	})
}
