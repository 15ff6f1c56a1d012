package id_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/vaultpam/vaultpam/internal/id"
)

// Events of one transaction may bear the same instant; their ids order them.
func TestIDsOfOneProcessRise(t *testing.T) {
	last := id.New[id.Event]()
	for range 20_000 { // more than a counter of twelve bits holds
		next := id.New[id.Event]()
		if next <= last {
			t.Fatalf("%s was made after %s and does not sort after it", next, last)
		}
		last = next
	}
}

func TestIDsMadeAtOnceDiffer(t *testing.T) {
	const makers, each = 8, 2000
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		seen = make(map[id.Session]bool, makers*each)
	)
	for range makers {
		wg.Go(func() {
			for range each {
				n := id.New[id.Session]()
				mu.Lock()
				if seen[n] {
					t.Errorf("%s was made twice", n)
				}
				seen[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestParse(t *testing.T) {
	good := id.New[id.Safe]()
	if got, err := id.Parse[id.Safe](string(good)); err != nil || got != good {
		t.Fatal(got, err)
	}
	for _, bad := range []string{"", "safe_", string(id.New[id.User]()), strings.ToUpper(string(good)), string(good) + "0", string(good)[:len(good)-1], " " + string(good)} {
		if _, err := id.Parse[id.Safe](bad); err == nil {
			t.Errorf("%q was taken for a safe's id", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(string(id.New[id.Org]()))
	f.Add("org_")
	f.Add("org_zzzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := id.Parse[id.Org](s)
		if err == nil && (string(got) != s || len(s) != len("org_")+26) {
			t.Errorf("%q became %q", s, got)
		}
	})
}
