package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/seal"
)

const canary = "canary-7f3a-secret"

// server is one running product: it shares database and root key file with others.
func server(t *testing.T, d *db.DB, path string) (*seal.Keyring, *seal.Root) {
	t.Helper()
	root, err := seal.LoadRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	k, err := seal.New(seal.Deps{DB: d, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return k, root
}

func rootPath(t *testing.T) string { return filepath.Join(t.TempDir(), "keys", "root.key") }

func TestSealedBytesOpenInTheirPlaceOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		k, _ := server(t, d, rootPath(t))
		org, other := id.New[id.Org](), id.New[id.Org]()
		for _, o := range []id.Org{org, other, ""} {
			sealed, err := k.Seal(ctx, o, "account/a/v/1", []byte(canary))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(sealed, []byte(canary)) {
				t.Fatal("sealed bytes hold the secret")
			}
			plain, err := k.Open(ctx, o, "account/a/v/1", sealed)
			if err != nil || string(plain) != canary {
				t.Fatalf("Open: %q, %v", plain, err)
			}
			if _, err := k.Open(ctx, o, "account/a/v/2", sealed); !errors.Is(err, seal.ErrUnopened) {
				t.Errorf("opened in another record: %v", err)
			}
			for _, p := range []id.Org{org, other, "", id.New[id.Org]()} {
				if p != o {
					if _, err := k.Open(ctx, p, "account/a/v/1", sealed); !errors.Is(err, seal.ErrUnopened) {
						t.Errorf("what %q sealed opens for %q: %v", o, p, err)
					}
				}
			}
			for i := range sealed {
				bad := bytes.Clone(sealed)
				bad[i] ^= 1
				if _, err := k.Open(ctx, o, "account/a/v/1", bad); !errors.Is(err, seal.ErrUnopened) {
					t.Fatalf("opened with byte %d changed: %v", i, err)
				}
			}
			if _, err := k.Open(ctx, o, "account/a/v/1", sealed[:3]); !errors.Is(err, seal.ErrUnopened) {
				t.Errorf("opened when cut: %v", err)
			}
		}
	})
}

func TestOrgKeyRotation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		path := rootPath(t)
		a, _ := server(t, d, path)
		b, _ := server(t, d, path)
		org := id.New[id.Org]()
		old := must(a.Seal(ctx, org, "x", []byte(canary)))(t)
		opens(t, b, org, old) // b has the keyset in memory now
		before := must(a.KeyID(ctx, org))(t)

		after := must(a.RotateOrg(ctx, org, nil))(t)
		if after == before || must(a.KeyID(ctx, org))(t) != after {
			t.Errorf("key id is %s after rotation from %s", after, before)
		}
		sealed := must(a.Seal(ctx, org, "x", []byte(canary)))(t)
		if bytes.Equal(sealed[:5], old[:5]) {
			t.Error("the old key still seals")
		}
		for _, k := range []*seal.Keyring{a, b} {
			opens(t, k, org, old)
			opens(t, k, org, sealed) // b learns the new key when it meets it
		}

		moved, changed, err := b.Reseal(ctx, org, "x", old)
		if err != nil || !changed || !bytes.Equal(moved[:5], sealed[:5]) {
			t.Fatalf("Reseal: changed %v, %v", changed, err)
		}
		opens(t, a, org, moved)
		if _, changed, err := a.Reseal(ctx, org, "x", moved); err != nil || changed {
			t.Errorf("a second pass: changed %v, %v", changed, err)
		}
		if _, _, err := a.Reseal(ctx, org, "y", old); !errors.Is(err, seal.ErrUnopened) {
			t.Errorf("resealed in another record: %v", err)
		}
	})
}

// Everything seals and opens on two servers while the root key is replaced, again and again.
func TestRootRotationWithoutDowntime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		path := rootPath(t)
		a, root := server(t, d, path)
		b, _ := server(t, d, path)
		orgs := []id.Org{"", id.New[id.Org](), id.New[id.Org]()}
		kept := map[id.Org][]byte{}
		for _, o := range orgs {
			kept[o] = must(a.Seal(ctx, o, "x", []byte(canary)))(t)
		}
		stop := make(chan struct{})
		var work sync.WaitGroup
		for _, k := range []*seal.Keyring{a, b} {
			work.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					o := orgs[n%len(orgs)]
					sealed, err := k.Seal(ctx, o, "x", []byte(canary))
					if err != nil {
						t.Errorf("Seal during rotation: %v", err)
						return
					}
					for _, s := range [][]byte{sealed, kept[o]} {
						if plain, err := k.Open(ctx, o, "x", s); err != nil || string(plain) != canary {
							t.Errorf("Open during rotation: %v", err)
							return
						}
					}
				}
			})
		}
		first := root.ID()
		for range 3 {
			if _, err := a.RotateRoot(ctx); err != nil {
				t.Error(err)
			}
			if _, err := a.RotateOrg(ctx, orgs[1], nil); err != nil {
				t.Error(err)
			}
		}
		close(stop)
		work.Wait()
		if ids := root.IDs(); len(ids) != 1 || ids[0] == first {
			t.Errorf("root keys after rotation: %v, began with %s", ids, first)
		}
		// A server that starts now knows the new root key only, and opens everything.
		c, _ := server(t, d, path)
		if err := c.Check(ctx); err != nil {
			t.Error(err)
		}
		for _, o := range orgs {
			opens(t, c, o, kept[o])
		}
		// One that was there all the time makes new keysets under it.
		fresh := must(b.Seal(ctx, id.Org("org_new"), "x", []byte(canary)))(t)
		opens(t, c, "org_new", fresh)
	})
}

func TestInterruptedRootRotationIsFinished(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		path := rootPath(t)
		a, _ := server(t, d, path)
		org := id.New[id.Org]()
		sealed := must(a.Seal(ctx, org, "x", []byte(canary)))(t)
		added := must(a.AddRoot())(t)
		if err := a.DropRoot(ctx); !fault.Is(err, fault.Conflict) {
			t.Fatalf("DropRoot with a keyset under the old root key: %v, want a Conflict", err)
		}
		// The server stops here; the next one has both keys.
		b, root := server(t, d, path)
		opens(t, b, org, sealed)
		if got := must(b.RotateRoot(ctx))(t); got != added {
			t.Errorf("RotateRoot made %s instead of finishing with %s", got, added)
		}
		if len(root.IDs()) != 1 {
			t.Errorf("root keys: %v", root.IDs())
		}
		c, _ := server(t, d, path)
		opens(t, c, org, sealed)
	})
}

func TestLostRootKeyIsFoundAtStart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		path := rootPath(t)
		a, _ := server(t, d, path)
		sealed := must(a.Seal(ctx, "org_a", "x", []byte(canary)))(t)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		b, _ := server(t, d, path) // makes another key
		err := b.Check(ctx)
		if !fault.Is(err, fault.Unavailable) || fault.CodeOf(err) != "ROOT_KEY_MISSING" || !strings.Contains(fault.MessageOf(err), "restore") {
			t.Errorf("Check: %v", err)
		}
		if _, err := b.Open(ctx, "org_a", "x", sealed); !fault.Is(err, fault.Unavailable) {
			t.Errorf("Open: %v", err)
		}
	})
}

func TestServersThatStartTogetherShareOneKeyset(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		path := rootPath(t)
		var work sync.WaitGroup
		sealed := make([][]byte, 8)
		for i := range sealed {
			k, _ := server(t, d, path)
			work.Go(func() {
				var err error
				if sealed[i], err = k.Seal(ctx, "org_a", "x", []byte(canary)); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		k, _ := server(t, d, path)
		for _, s := range sealed {
			opens(t, k, "org_a", s)
		}
	})
}

// A server that did not hear of a rotation goes on for a minute at most.
func TestRotationReachesOtherServers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		path := rootPath(t)
		a, root := server(t, d, path)
		now := time.Now()
		b, err := seal.New(seal.Deps{DB: d, Root: root, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		first := must(b.KeyID(ctx, "org_a"))(t)
		next := must(a.RotateOrg(ctx, "org_a", nil))(t)
		now = now.Add(59 * time.Second)
		if got := must(b.KeyID(ctx, "org_a"))(t); got != first {
			t.Errorf("key is %s before a minute is over", got)
		}
		now = now.Add(2 * time.Second)
		if got := must(b.KeyID(ctx, "org_a"))(t); got != next {
			t.Errorf("key is %s after a minute, want %s", got, next)
		}
	})
}

func opens(t *testing.T, k *seal.Keyring, org id.Org, sealed []byte) {
	t.Helper()
	plain, err := k.Open(context.Background(), org, "x", sealed)
	if err != nil || string(plain) != canary {
		t.Fatalf("Open: %q, %v", plain, err)
	}
	if s := fmt.Sprint(err); strings.Contains(s, canary) {
		t.Fatal("the error quotes the secret")
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
