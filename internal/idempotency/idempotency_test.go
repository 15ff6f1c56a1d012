package idempotency_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/idempotency"
	"github.com/vaultpam/vaultpam/internal/seal"
)

func service(t *testing.T, d *db.DB, now func() time.Time) *idempotency.Service {
	t.Helper()
	root, err := seal.LoadRoot(filepath.Join(t.TempDir(), "keys", "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := seal.New(seal.Deps{DB: d, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	s, err := idempotency.New(idempotency.Deps{DB: d, Seal: k, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestARepeatGetsTheFirstAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := time.Now()
		s := service(t, d, func() time.Time { return now })
		r := idempotency.Request{Owner: "usr_a//org_a", Key: "k1", What: []byte("POST /tokens\n{}")}
		begin := func(r idempotency.Request) *idempotency.Answer {
			t.Helper()
			a, err := s.Begin(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		if begin(r) != nil {
			t.Fatal("the first request was answered from before")
		}
		if _, err := s.Begin(t.Context(), r); fault.CodeOf(err) != idempotency.CodeWorking {
			t.Fatalf("a repeat while the first is worked on: %v", err)
		}
		if err := s.Keep(t.Context(), r, idempotency.Answer{Status: 201, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: []byte("canary")}); err != nil {
			t.Fatal(err)
		}
		if a := begin(r); a == nil || a.Status != 201 || string(a.Body) != "canary" || a.Header["Content-Type"][0] != "application/json" {
			t.Fatalf("the repeat got %+v", a)
		}
		var stored []byte
		if err := d.Raw().QueryRow(`select answer from idempotency_key`).Scan(&stored); err != nil || strings.Contains(string(stored), "canary") {
			t.Fatalf("the answer is not sealed (%v)", err)
		}
		other := r
		other.What = []byte("POST /tokens\n{\"x\":1}")
		if _, err := s.Begin(t.Context(), other); fault.CodeOf(err) != idempotency.CodeReused {
			t.Fatalf("the key of another request: %v", err)
		}
		stranger := r
		stranger.Owner = "usr_b//org_a"
		if begin(stranger) != nil {
			t.Fatal("a stranger got somebody's answer")
		}
		if err := s.Forget(t.Context(), stranger); err != nil {
			t.Fatal(err)
		}
		if begin(stranger) != nil {
			t.Fatal("a forgotten key was answered")
		}
		now = now.Add(idempotency.Life + time.Second)
		if n, err := s.Sweep(t.Context()); err != nil || n != 2 {
			t.Fatalf("swept %d: %v", n, err)
		}
		if begin(r) != nil {
			t.Fatal("an answer outlived its day")
		}
	})
}

func FuzzCheckKey(f *testing.F) {
	for _, k := range []string{"", "a", "with space", "\x00", strings.Repeat("x", 256), "ü", "8e03978e-40d5-43dd-bc93-6894a57f9324"} {
		f.Add(k)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if idempotency.CheckKey(key) != nil {
			return
		}
		if len(key) == 0 || len(key) > idempotency.MaxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("%q was accepted", key)
		}
	})
}
