package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// The organization of the decisions: as large as the promise says.
const (
	decidePeople   = 10_000
	decideSafes    = 2_000
	decidePolicies = 500
)

// policyDecisions measures one launch decision in process and with the store, and
// the replay of ten thousand, on both stores.
func policyDecisions(ctx context.Context, b *bench) error {
	server, url, err := startPostgres(ctx, b.dir)
	if err != nil {
		return err
	}
	defer server.stop()
	for _, store := range []struct{ name, url string }{{"SQLite", "sqlite:" + filepath.Join(b.dir, "policy.db")}, {"PostgreSQL", url}} {
		if err := b.decideOn(ctx, store.name, store.url); err != nil {
			return fmt.Errorf("decide on %s: %w", store.name, err)
		}
	}
	return nil
}

func (b *bench) decideOn(ctx context.Context, store, url string) (err error) {
	d, err := db.Open(ctx, db.Config{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	people, safes, policies := b.pick(decidePeople, 200), b.pick(decideSafes, 50), b.pick(decidePolicies, 100)
	w := decisionWorld{org: id.New[id.Org]()}
	if err := w.fill(ctx, d, people, safes, policies); err != nil {
		return err
	}
	access, err := safe.New(safe.Deps{DB: d, Ledger: silent{}, Resources: nobody{}, Accounts: noAccounts{}})
	if err != nil {
		return err
	}
	s, err := policy.New(policy.Deps{DB: d, Ledger: silent{}, Safes: access})
	if err != nil {
		return err
	}
	asker := policy.Asker{Actor: authz.Actor{Kind: authz.Person, Org: w.org, MFAAt: time.Now(), Source: authz.Source{IP: netip.MustParseAddr("10.1.2.3")}}}
	var v policy.Verdict
	var took []float64
	for i := range b.pick(2000, 200) + 1 {
		asker.Actor.User, asker.At = w.people[i%len(w.people)], time.Now()
		began := time.Now()
		err := d.ReadOrg(ctx, w.org, func(ctx context.Context, tx *db.Tx) (err error) {
			v, err = s.Ask(ctx, tx, asker, w.safes[i%len(w.safes)])
			return err
		})
		if err != nil {
			return err
		}
		if i > 0 { // the first compiles
			took = append(took, float64(time.Since(began).Microseconds())/1000)
		}
	}
	slices.Sort(took)
	size := fmt.Sprintf("%d people, %d safes, %d policies", people, safes, policies)
	if store == "SQLite" {
		n := b.pick(20_000, 2000)
		began := time.Now()
		for range n {
			v.Set.Decide(&v.Question)
		}
		b.report.value(false, 100, "launch decision in process, "+size, "us", float64(time.Since(began).Microseconds())/float64(n), math.NaN())
	}
	b.report.value(false, 2, "launch decision with the store ("+store+"), median, "+size, "ms", took[len(took)/2], math.NaN())
	b.report.note("launch decision with the store (%s), p99: %.2f ms", store, took[len(took)*99/100])

	launches := b.pick(policy.MaxSimulated, 500)
	err = d.InOrg(ctx, w.org, func(ctx context.Context, tx *db.Tx) error {
		for i := range launches {
			v.Question.Moment.At = time.Now().Add(-time.Duration(i) * time.Minute)
			v.Question.Who.ID, v.Question.Safe.ID = w.people[i%len(w.people)], w.safes[i%len(w.safes)]
			if err := s.Remember(ctx, tx, id.New[id.Event](), v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	text, on := `forbid (principal, action, resource) unless { context.hours.contains("mon-fri 08:00-18:00 UTC") };`, true
	admin := authz.Actor{Kind: authz.Person, User: w.people[0], Org: w.org, Role: authz.Admin}
	for _, p := range []struct {
		name string
		policy.Proposal
	}{
		{"simulation", policy.Proposal{Policies: []policy.ProposedPolicy{{Draft: policy.Draft{Text: &text, Everywhere: &on}}}}},
		{"simulation of a group's end, which is about all", policy.Proposal{Deleted: []id.Group{w.all}}},
	} {
		p.Days = 30
		began := time.Now()
		got, err := s.Simulate(ctx, admin, p.Proposal)
		if err != nil {
			return err
		}
		if got.Launches != launches {
			return fmt.Errorf("%d launches were decided again, not %d", got.Launches, launches)
		}
		b.report.value(false, 5, fmt.Sprintf("%s, %d launches (%s)", p.name, launches, store), "s", time.Since(began).Seconds(), math.NaN())
	}
	return nil
}

// decisionWorld is an organization, written past the product: it is the reading that is measured.
type decisionWorld struct {
	org    id.Org
	people []id.User
	safes  []id.Safe
	all    id.Group // in which everybody is
}

func (w *decisionWorld) fill(ctx context.Context, d *db.DB, people, safes, policies int) error {
	settings, err := safe.EncodePolicy(safe.Default())
	if err != nil {
		return err
	}
	return d.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		put := func(q string, args ...any) {
			if err == nil {
				_, err = tx.ExecContext(ctx, "/* platform-wide: bench */ "+q, args...)
			}
		}
		org := string(w.org)
		put(`insert into organization (id, slug, name, state, created_at, changed_at) values ($1, 'bench', 'bench', 'active', 1, 1)`, org)
		for i := range people {
			u := id.New[id.User]()
			w.people = append(w.people, u)
			handle := fmt.Sprintf("p%05d", i)
			put(`insert into person (id, email, handle, name, state, created_at, changed_at) values ($1, $2, $3, $3, 'active', 1, 1)`, string(u), handle+"@bench.example", handle)
			put(`insert into member (org_id, user_id, role, created_at, changed_at) values ($1, $2, 'operator', 1, 1)`, org, string(u))
		}
		for i := range safes {
			s, r, a := id.New[id.Safe](), id.New[id.Resource](), id.New[id.Account]()
			w.safes = append(w.safes, s)
			name := fmt.Sprintf("s%05d", i)
			put(`insert into resource (org_id, id, name, protocol, host, port, description, labels, version, created_at, created_by, updated_at) values ($1, $2, $3, 'ssh', 'host.example', 22, '', '["env=prod"]', 1, 1, '', 1)`, org, string(r), name)
			put(`insert into account (org_id, id, resource_id, name, username, kind, state, secret_id, credential_version, public_key, version, created_at, created_by, updated_at) values ($1, $2, $3, $4, 'root', 'password', 'enabled', 'sec_x', 1, '', 1, 1, '', 1)`, org, string(a), string(r), name)
			put(`insert into safe (org_id, id, name, description, resource_id, account_id, policy_id, policy, version, created_at, created_by, updated_at) values ($1, $2, $3, '', $4, $5, 'pol_x', $6, 1, 1, '', 1)`, org, string(s), name, string(r), string(a), settings)
		}
		w.all = id.New[id.Group]()
		put(`insert into org_group (org_id, id, name, match_name, description, source, provider_id, claim, version, created_at, created_by, updated_at) values ($1, $2, 'all', 'all', '', 'local', '', '', 1, 1, '', 1)`, org, string(w.all))
		for _, u := range w.people {
			put(`insert into org_group_member (org_id, group_id, user_id, added_at, added_by) values ($1, $2, $3, 1, '')`, org, string(w.all), string(u))
		}
		for i, u := range w.people { // each in five safes
			for k := range 5 {
				put(`insert into safe_access (org_id, safe_id, user_id, role, direct_role, group_role, group_id, ends_at) values ($1, $2, $3, 'user', 'user', '', '', 0)`,
					org, string(w.safes[(i+k*7)%len(w.safes)]), string(u))
			}
		}
		for i := range policies {
			text := []string{
				`permit (principal, action, resource) when { context.hours.contains("mon-sun 00:00-24:00 UTC") };`,
				`forbid (principal, action, resource) unless { context.source.isInRange(ip("10.0.0.0/8")) };`,
				`forbid (principal, action, resource) unless { context.mfa_age <= 900 };`,
				`@require_approval("1") permit (principal, action, resource) when { resource.labels.contains("env=secret") };`,
			}[i%4]
			p := fmt.Sprintf("pol_%05d", i)
			everywhere := i < policies/10
			put(`insert into access_policy (org_id, id, name, description, text, enabled, everywhere, priority, version, created_at, created_by, updated_at, updated_by) values ($1, $2, $2, '', $3, true, $4, 100, 1, 1, '', 1, '')`, org, p, text, everywhere)
			for k := 0; !everywhere && k < 8; k++ {
				put(`insert into access_policy_safe (org_id, policy_id, safe_id, assigned_at, assigned_by) values ($1, $2, $3, 1, '')`, org, p, string(w.safes[(i*3+k*11)%len(w.safes)]))
			}
		}
		put(`insert into access_policy_set (org_id, version, changed_at) values ($1, 1, 1)`, org)
		return err
	})
}

// silent is a ledger for reading only.
type silent struct{}

func (silent) Record(context.Context, *db.Tx, event.Event) (id.Event, error) { return "", nil }
func (silent) RecordRefusal(context.Context, event.Event) error              { return nil }

func (silent) RecordAll(context.Context, *db.Tx, []event.Event) ([]id.Event, error) { return nil, nil }

// nobody stands in for the parts of safes that reading does not need.
type nobody struct{}

func (nobody) Hold(context.Context, *db.Tx, id.Org, id.Resource) (string, error) { return "", nil }

type noAccounts struct{}

func (noAccounts) Hold(context.Context, *db.Tx, id.Org, id.Account) (id.Resource, error) {
	return "", nil
}
