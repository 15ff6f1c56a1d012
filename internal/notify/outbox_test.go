package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/notify/notifytest"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/seal"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func keyring(t *testing.T, d *db.DB) *seal.Keyring {
	t.Helper()
	root, err := seal.LoadRoot(filepath.Join(t.TempDir(), "keys", "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := seal.New(seal.Deps{DB: d, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func grant(token string) notify.Message {
	return notify.Message{To: notify.Recipient{Email: "ada@example.com", Name: "Ada Ünal"}, Data: notify.RecoveryGrant{Name: "Ada", By: "Bob", Grant: secret.FromString(token), ExpiresAt: time.Now()}}
}

func send(t *testing.T, d *db.DB, s *notify.Service, org id.Org, m notify.Message) notify.Prepared {
	t.Helper()
	p, err := s.Prepare(t.Context(), org, m)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error { return s.Queue(ctx, tx, p) }); err != nil {
		t.Fatal(err)
	}
	return p
}

func admin(org id.Org) authz.Actor {
	return authz.Actor{Kind: authz.Person, User: id.New[id.User](), Org: org, Role: authz.Admin}
}

func get(t *testing.T, s *notify.Service, org id.Org, p notify.Prepared) notify.Delivery {
	t.Helper()
	got, err := s.Get(t.Context(), admin(org), org, p.ID())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAMessageExistsExactlyWhenItsActDoes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		box := notifytest.New(t, d, keyring(t, d), time.Now)
		org := id.New[id.Org]()
		p, err := box.Prepare(t.Context(), org, grant("undone"))
		if err != nil {
			t.Fatal(err)
		}
		undone := errors.New("undone")
		if err := d.InOrg(t.Context(), org, func(ctx context.Context, tx *db.Tx) error {
			return errors.Join(box.Queue(ctx, tx, p), undone)
		}); !errors.Is(err, undone) {
			t.Fatal(err)
		}
		if got := box.Take(t); len(got) != 0 {
			t.Fatalf("a message of an act that was undone: %+v", got)
		}
		if err := d.InOrg(t.Context(), org, func(ctx context.Context, tx *db.Tx) error { return box.Queue(ctx, tx, p) }); err != nil {
			t.Fatal(err)
		}
		var stored []byte
		if err := d.Raw().QueryRow(`select content from delivery /* platform-wide: a test */`).Scan(&stored); err != nil || len(stored) == 0 || strings.Contains(string(stored), "undone") {
			t.Fatalf("the content is not sealed (%v): %q", err, stored)
		}
		got := box.One(t, notify.RecoveryGrantKind)
		if link, token := got.Link(); token != "undone" || link.Path != "/recover" || link.Host != "vault.test" || got.To != "ada@example.com" {
			t.Fatalf("%+v", got)
		}
		if !strings.HasPrefix(got.ID, string(p.ID())+"@") {
			t.Errorf("the Message-ID %s does not name %s", got.ID, p.ID())
		}
		sent := get(t, box.Service, org, p)
		if sent.State != "sent" || sent.Attempts != 1 || len(sent.Tries) != 1 || sent.Tries[0].Outcome != "sent" || sent.EndedAt.IsZero() {
			t.Errorf("%+v", sent)
		}
		if err := d.Raw().QueryRow(`select content from delivery /* platform-wide: a test */`).Scan(&stored); err != nil || len(stored) != 0 {
			t.Errorf("the content outlives its delivery (%v)", err)
		}
		if got := box.Take(t); len(got) != 0 {
			t.Errorf("it was sent twice: %+v", got)
		}
		if err := d.InOrg(t.Context(), id.New[id.Org](), func(ctx context.Context, tx *db.Tx) error { return box.Queue(ctx, tx, p) }); err == nil {
			t.Error("a message of one organization was queued in a transaction of another")
		}
	})
}

func TestOnlyItsOwnPeopleSeeAMessage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		box := notifytest.New(t, d, keyring(t, d), time.Now)
		org, other := id.New[id.Org](), id.New[id.Org]()
		p := send(t, d, box.Service, org, grant("a"))
		send(t, d, box.Service, org, grant("b"))
		send(t, d, box.Service, "", grant("c"))
		l, err := box.List(t.Context(), admin(org), org, page.Request{Limit: 1})
		if err != nil || len(l.Items) != 1 || l.Next == "" {
			t.Fatalf("%+v %v", l, err)
		}
		if l, err = box.List(t.Context(), admin(org), org, page.Request{Limit: 1, Cursor: l.Next}); err != nil || len(l.Items) != 1 || l.Next != "" || l.Items[0].ID != p.ID() {
			t.Fatalf("%+v %v", l, err)
		}
		if _, err := box.Get(t.Context(), admin(other), other, p.ID()); !fault.Is(err, fault.NotFound) {
			t.Errorf("another organization: %v", err)
		}
		operator := admin(org)
		operator.Role = authz.Operator
		if _, err := box.List(t.Context(), operator, org, page.Request{}); !fault.Is(err, fault.Denied) {
			t.Errorf("an operator: %v", err)
		}
		if _, err := box.List(t.Context(), admin(org), "", page.Request{}); !fault.Is(err, fault.Denied) {
			t.Errorf("an organization's admin on the platform: %v", err)
		}
		root := authz.Actor{Kind: authz.Person, User: id.New[id.User](), PlatformRole: authz.PlatformAuditor}
		if l, err := box.List(t.Context(), root, "", page.Request{}); err != nil || len(l.Items) != 1 {
			t.Errorf("the platform's: %+v %v", l, err)
		}
	})
}

// A server that nobody answers for: the port is closed.
func closedPort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

func TestWhatCannotBeDeliveredIsTriedAgainAndEndsByTheClock(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := time.Now().Truncate(time.Second)
		s, err := notify.New(notify.Deps{Log: slog.New(slog.DiscardHandler), DB: d, Seal: keyring(t, d), PublicURL: notifytest.PublicURL, Now: func() time.Time { return now },
			Server: notify.Server{Host: "127.0.0.1", Port: closedPort(t), Security: notify.StartTLS, From: "vaultpam@example.com"}})
		if err != nil {
			t.Fatal(err)
		}
		org := id.New[id.Org]()
		m := grant("x")
		m.Expires = now.Add(15 * time.Minute)
		p := send(t, d, s, org, m)
		for n := 1; ; n++ {
			if err := s.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := get(t, s, org, p)
			if got.Attempts != n || len(got.Tries) != n || got.LastError == "" || got.Tries[n-1].Outcome != "retry" {
				t.Fatalf("after try %d: %+v", n, got)
			}
			if got.State == "expired" {
				if n < 4 {
					t.Errorf("it was given up after %d tries", n)
				}
				break
			}
			if got.State != "queued" || !got.NextAt.After(now) || n > 10 {
				t.Fatalf("after try %d: %+v", n, got)
			}
			now = got.NextAt.Add(-time.Millisecond)
			if err := s.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			if early := get(t, s, org, p); early.Attempts != n {
				t.Fatalf("it was tried before its time: %+v", early)
			}
			now = got.NextAt
		}
		late := send(t, d, s, org, m)
		now = m.Expires.Add(time.Second)
		if err := s.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := get(t, s, org, late); got.State != "expired" || got.Attempts != 0 {
			t.Errorf("a message that came too late was tried: %+v", got)
		}
	})
}

func TestATryWhoseServerDiedIsKnownAndRepeated(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := time.Now()
		box := notifytest.New(t, d, keyring(t, d), func() time.Time { return now })
		org := id.New[id.Org]()
		p := send(t, d, box.Service, org, grant("x"))
		if _, err := d.Raw().Exec(`update delivery set state = 'sending', attempts = 1, next_at = $1 /* platform-wide: a test */`, db.Micros(now.Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		if got := box.Take(t); len(got) != 0 {
			t.Fatal("a message that another server has was sent")
		}
		now = now.Add(2 * time.Minute)
		if got := box.Take(t); len(got) != 1 {
			t.Fatalf("%d messages after the lease", len(got))
		}
		got := get(t, box.Service, org, p)
		if got.State != "sent" || len(got.Tries) != 2 || got.Tries[0].Outcome != "lost" || got.Tries[1].Outcome != "sent" {
			t.Errorf("%+v", got)
		}
	})
}

func TestRunDeliversWhatIsQueuedAndStops(t *testing.T) {
	d := dbtest.SQLite(t)
	dir := filepath.Join(t.TempDir(), "mail")
	s, err := notify.New(notify.Deps{Log: slog.New(slog.DiscardHandler), DB: d, Seal: keyring(t, d), PublicURL: notifytest.PublicURL, Folder: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	const n = 40
	for range n {
		send(t, d, s, id.New[id.Org](), grant("x"))
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		got, err := notifytest.ReadFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == n {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d arrived", len(got), n)
		}
		select {
		case err := <-done:
			t.Fatalf("it stopped: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v %v", info.Mode(), err)
	}
}

func TestOddAddressesAreRefused(t *testing.T) {
	d := dbtest.SQLite(t)
	box := notifytest.New(t, d, keyring(t, d), time.Now)
	for _, addr := range []string{"", "ada", "Ada <ada@example.com>", "ada@example.com, b@example.com", "ada@example.com\r\nBcc: b@example.com", strings.Repeat("a", 400) + "@example.com"} {
		m := grant("x")
		m.To.Email = addr
		if _, err := box.Prepare(t.Context(), "", m); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

func TestServersThatCannotBeUsedAreRefused(t *testing.T) {
	good := notify.Server{Host: "mail.example.com", Port: 587, Security: notify.StartTLS, From: "VaultPAM <v@example.com>"}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(*notify.Server){
		"no host":       func(s *notify.Server) { s.Host = "" },
		"a URL":         func(s *notify.Server) { s.Host = "smtp://x" },
		"a port":        func(s *notify.Server) { s.Port = 0 },
		"no encryption": func(s *notify.Server) { s.Security = "none" },
		"a sender":      func(s *notify.Server) { s.From = "x" },
		"two senders":   func(s *notify.Server) { s.From = "a@example.com\r\nBcc: b@example.com" },
		"a name alone":  func(s *notify.Server) { s.Username = "x" },
		"no authority":  func(s *notify.Server) { s.CA = []byte("x") },
	} {
		bad := good
		spoil(&bad)
		if err := bad.Check(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
