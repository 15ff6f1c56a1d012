package ledger_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/export"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/id"
)

// The writer is this test program, started again with these in its environment.
const (
	envWriter = "VAULTPAM_LEDGER_TEST_WRITER" // database URL
	envOrg    = "VAULTPAM_LEDGER_TEST_ORG"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(envWriter); url != "" {
		if err := writer(url, id.Org(os.Getenv(envOrg))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writer records, numbers and signs until it is killed. It says on standard output
// what it was told is durable, and only then: "ack <event id>" and "cp <base64 of a checkpoint>".
func writer(url string, org id.Org) error {
	ctx := context.Background()
	d, err := db.Open(ctx, db.Config{URL: url})
	if err != nil {
		return err
	}
	l, err := ledger.New(ledger.Deps{DB: d, Sealer: ledger.BridgeSealer, Host: "pam.example"})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(lines ...string) {
		mu.Lock()
		defer mu.Unlock()
		os.Stdout.WriteString(strings.Join(lines, ""))
	}
	go l.Run(ctx)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for {
				var lines []string
				err := d.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
					lines = nil
					for range 1 + w%3 {
						evt, err := l.Record(ctx, tx, ledger.BridgeAdded(org, "web"))
						if err != nil {
							return err
						}
						lines = append(lines, "ack "+string(evt)+"\n")
					}
					return nil
				})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				say(lines...)
				name := string(id.New[id.Safe]())
				if err := l.RecordRefusal(ctx, ledger.BridgeAdded(org, name)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				say("alone " + name + "\n")
			}
		})
	}
	wg.Go(func() {
		for {
			cp, err := l.Sign(ctx, org)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return
			}
			say("cp " + base64.StdEncoding.EncodeToString(cp.Note) + "\n")
		}
	})
	wg.Wait()
	return nil
}

// told is what a killed writer had said.
type told struct {
	acked []id.Event
	alone []string // names of the targets of events recorded alone
	cp    []byte   // the last checkpoint
}

// killAfter starts a writer, kills it with SIGKILL once it has said so many lines,
// and returns all that it had said by then.
func killAfter(t *testing.T, url string, org id.Org, lines int) (out told) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), envWriter+"="+url, envOrg+"="+string(org))
	var complaints bytes.Buffer
	c.Stderr = &complaints
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() { c.Process.Kill() })
	defer kill()
	guard := time.AfterFunc(30*time.Second, kill) // of a writer that hangs
	defer guard.Stop()
	in := bufio.NewReader(pipe)
	n := 0
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			break // a line cut short was not said
		}
		if n++; n == lines {
			kill()
		}
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch word {
		case "ack":
			out.acked = append(out.acked, id.Event(rest))
		case "alone":
			out.alone = append(out.alone, rest)
		case "cp":
			if out.cp, err = base64.StdEncoding.DecodeString(rest); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.Wait()
	if n < lines {
		t.Fatalf("the writer ended after %d lines: %s", n, complaints.String())
	}
	return out
}

// However a server dies, what it acknowledged is there, numbered without gap, in
// the tree that it signed.
func TestKilledServerLosesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		org := id.New[id.Org]()
		everything := map[id.Event]bool{}
		var names []string
		var cp []byte
		for round := range 6 {
			said := killAfter(t, d.URL(), org, 1+rand.IntN(40<<min(round, 3)))
			for _, e := range said.acked {
				everything[e] = true
			}
			names = append(names, said.alone...)
			if said.cp != nil {
				cp = said.cp
			}

			l := ledger.BridgeOpen(t, dbtest.Open(t, d.URL()), nil)
			if err := l.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			seen := map[id.Event]bool{}
			var text strings.Builder
			for _, e := range ledger.BridgeAll(t, l, org) { // fails on a gap
				if seen[e.ID] {
					t.Fatalf("%s stands twice", e.ID)
				}
				seen[e.ID] = true
				text.Write(e.Payload)
			}
			for e := range everything {
				if !seen[e] {
					t.Fatalf("round %d: %s was acknowledged and is gone", round, e)
				}
			}
			for _, name := range names {
				if !strings.Contains(text.String(), name) {
					t.Fatalf("round %d: the event about %s was acknowledged and is gone", round, name)
				}
			}
			var b bytes.Buffer
			if _, err := export.Write(t.Context(), &b, l, org, export.Options{}); err != nil {
				t.Fatal(err)
			}
			if r := verify.Bundle(&b, verify.Options{Keys: ledger.BridgeKeys(t, l, org), Since: cp}); r.Code != verify.Intact {
				t.Fatalf("round %d: %v %+v", round, r.Code, r.Findings)
			}
		}
		t.Logf("%d events acknowledged over all", len(everything)+len(names))
	})
}
