// Package safetest gives tests an organization with people in every role and the
// real services around it: ledger, keyring, resources, accounts and safes, on a
// database of the test's own.
package safetest

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/seal"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// World is an organization and the services around it.
type World struct {
	DB        *db.DB
	Now       time.Time // what the services take for the time; set it to move on
	Root      *seal.Root
	Keyring   *seal.Keyring
	Ledger    *ledger.Ledger
	Dialer    *resource.Dialer
	Resources *resource.Service
	Accounts  *vault.Service
	Safes     *safe.Service
	Groups    *group.Service
	Policies  *policy.Service
	Live      *Live

	Org                             id.Org
	Owner, Admin, Operator, Auditor authz.Actor
	Stranger                        authz.Actor // admin of another organization
	seen                            map[string]bool
	t                               testing.TB
}

// Live says how many sessions there are on anything.
type Live struct {
	N  int
	In map[id.User]int // in any safe
	Of map[id.Safe]int // of anybody
}

func (l *Live) OnResource(context.Context, *db.Tx, id.Org, id.Resource) (int, error) { return l.N, nil }
func (l *Live) OnAccount(context.Context, *db.Tx, id.Org, id.Account) (int, error)   { return l.N, nil }
func (l *Live) OfMember(context.Context, *db.Tx, id.Org, id.Safe, id.User) (int, error) {
	return l.N, nil
}
func (l *Live) InSafe(context.Context, *db.Tx, id.Org, id.Safe) (map[id.User]int, error) {
	return l.In, nil
}
func (l *Live) OfUser(context.Context, *db.Tx, id.Org, id.User) (map[id.Safe]int, error) {
	return l.Of, nil
}

// judge is the policies, which are built on the safes.
type judge struct{ w *World }

func (j judge) Blocked(ctx context.Context, tx *db.Tx, actor authz.Actor, list []safe.Entry) ([]safe.Block, error) {
	return j.w.Policies.Blocked(ctx, tx, actor, list)
}

// New makes a world in d.
func New(t testing.TB, d *db.DB) *World {
	t.Helper()
	w := &World{DB: d, Now: time.Now(), Live: &Live{}, seen: map[string]bool{}, t: t, Dialer: &resource.Dialer{Loopback: true, Timeout: 5 * time.Second}}
	now := func() time.Time { return w.Now }
	var err error
	w.Root, err = seal.LoadRoot(filepath.Join(t.TempDir(), "keys", "root.key"))
	w.check(err)
	w.Keyring, err = seal.New(seal.Deps{DB: d, Root: w.Root})
	w.check(err)
	w.Ledger, err = ledger.New(ledger.Deps{DB: d, Sealer: w.Keyring, Host: "vaultpam.test"})
	w.check(err)
	w.Resources, err = resource.New(resource.Deps{DB: d, Ledger: w.Ledger, Dialer: w.Dialer, Uses: []resource.Uses{vault.OnResource, safe.OnResource}, Live: w.Live, Now: now})
	w.check(err)
	w.Accounts, err = vault.New(vault.Deps{DB: d, Ledger: w.Ledger, Sealer: w.Keyring, Resources: w.Resources, Uses: []vault.Uses{safe.OnAccount}, Live: w.Live, Now: now})
	w.check(err)
	w.Safes, err = safe.New(safe.Deps{DB: d, Ledger: w.Ledger, Resources: w.Resources, Accounts: w.Accounts, Live: w.Live, Judge: judge{w}, Now: now})
	w.check(err)
	w.Policies, err = policy.New(policy.Deps{DB: d, Ledger: w.Ledger, Safes: w.Safes, Now: now})
	w.check(err)
	w.Groups, err = group.New(group.Deps{DB: d, Ledger: w.Ledger, Safes: w.Safes, Now: now})
	w.check(err)

	w.Org = w.Organization("acme")
	w.Owner = w.Person(w.Org, "olga", authz.Owner)
	w.Admin = w.Person(w.Org, "adam", authz.Admin)
	w.Operator = w.Person(w.Org, "otto", authz.Operator)
	w.Auditor = w.Person(w.Org, "aude", authz.Auditor)
	w.Stranger = w.Person(w.Organization("other"), "stan", authz.Admin)
	return w
}

func (w *World) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// Organization makes one.
func (w *World) Organization(slug string) id.Org {
	w.t.Helper()
	org := id.New[id.Org]()
	_, err := w.DB.Raw().Exec(`insert into organization (id, slug, name, state, created_at, changed_at) values ($1, $2, $2, 'active', 1, 1)`, string(org), slug)
	w.check(err)
	return org
}

// Person makes somebody with a role in org, and the actor that they are.
func (w *World) Person(org id.Org, handle string, role authz.Role) authz.Actor {
	w.t.Helper()
	user := id.New[id.User]()
	_, err := w.DB.Raw().Exec(`insert into person (id, email, handle, name, state, created_at, changed_at) values ($1, $2, $3, $3, 'active', 1, 1)`, string(user), handle+"@vaultpam.test", handle)
	w.check(err)
	_, err = w.DB.Raw().Exec(`insert into member (org_id, user_id, role, created_at, changed_at) values ($1, $2, $3, 1, 1)`, string(org), string(user), string(role))
	w.check(err)
	return authz.Actor{
		Kind: authz.Person, User: user, Name: handle, Email: handle + "@vaultpam.test", Org: org, Role: role, Via: authz.ViaAPI,
		Source: authz.Source{IP: netip.MustParseAddr("192.0.2.10"), UserAgent: "test"}, Request: id.New[id.Request](), MFAAt: w.Now,
	}
}

// Resource makes one with a host that is never dialled.
func (w *World) Resource(name string) resource.Resource {
	w.t.Helper()
	r, err := w.Resources.Create(context.Background(), w.Admin, resource.CreateArgs{Name: name, Protocol: resource.SSH, Host: "host.vaultpam.test"})
	w.check(err)
	return r
}

// Account makes one with a password on r.
func (w *World) Account(name string, r id.Resource, password string) vault.Account {
	w.t.Helper()
	a, err := w.Accounts.Create(context.Background(), w.Admin, vault.CreateArgs{Name: name, Resource: r, Username: "root", Kind: vault.Password, Password: secret.FromString(password)})
	w.check(err)
	return a
}

// Safe makes one, with a resource and an account of its own.
func (w *World) Safe(name string, p *safe.Policy) safe.Safe {
	w.t.Helper()
	r := w.Resource(name + " host")
	a := w.Account(name+" root", r.ID, "the password of "+name)
	s, err := w.Safes.Create(context.Background(), w.Admin, safe.CreateArgs{Name: name, Resource: r.ID, Account: a.ID, Policy: p})
	w.check(err)
	return s
}

// Member makes actor a member of s.
func (w *World) Member(s id.Safe, actor authz.Actor, role safe.Role) {
	w.t.Helper()
	_, err := w.Safes.AddMember(context.Background(), w.Admin, s, actor.User, role)
	w.check(err)
}

// Group makes a local one with members.
func (w *World) Group(name string, members ...authz.Actor) group.Group {
	w.t.Helper()
	g, err := w.Groups.Create(context.Background(), w.Admin, group.CreateArgs{Name: name})
	w.check(err)
	if len(members) > 0 {
		users := make([]id.User, len(members))
		for i, m := range members {
			users[i] = m.User
		}
		_, err = w.Groups.AddMembers(context.Background(), w.Admin, g.ID, users)
		w.check(err)
	}
	return g
}

// Bind binds a group to a safe.
func (w *World) Bind(s id.Safe, g id.Group, role safe.Role) {
	w.t.Helper()
	_, err := w.Safes.AssignGroup(context.Background(), w.Admin, s, g, role, time.Time{})
	w.check(err)
}

// Events are those that were recorded since the last call, oldest first.
func (w *World) Events() []event.Envelope {
	w.t.Helper()
	rows, err := w.DB.Raw().Query(`select id, payload from audit_event order by recorded_at, id`)
	w.check(err)
	defer rows.Close()
	var out []event.Envelope
	for rows.Next() {
		var eid string
		var payload []byte
		w.check(rows.Scan(&eid, &payload))
		if w.seen[eid] {
			continue
		}
		w.seen[eid] = true
		e, err := event.Decode(payload)
		w.check(err)
		out = append(out, e)
	}
	w.check(rows.Err())
	return out
}

// One is the only event since the last call, checked for what most tests ask of it.
func (w *World) One(c event.Constant, outcome event.Outcome, reason string, as event.ActorType) event.Envelope {
	w.t.Helper()
	all := w.Events()
	if len(all) != 1 {
		w.t.Fatalf("%d events, want one %s: %+v", len(all), c, all)
	}
	e := all[0]
	if e.Constant != c || e.Outcome != outcome || e.Reason != reason || e.Actor.Type != as {
		w.t.Fatalf("event %s %s %q by %s, want %s %s %q by %s", e.Constant, e.Outcome, e.Reason, e.Actor.Type, c, outcome, reason, as)
	}
	return e
}

// None checks that nothing was recorded since the last call.
func (w *World) None() {
	w.t.Helper()
	if all := w.Events(); len(all) > 0 {
		w.t.Fatalf("%d events, want none: %+v", len(all), all)
	}
}

// Clean fails the test when a secret stands in the clear in any row of any table, or in text.
func (w *World) Clean(secrets []string, texts ...string) {
	w.t.Helper()
	q := `select name from sqlite_master where type = 'table'`
	if w.DB.Engine() == db.Postgres {
		q = `select tablename from pg_tables where schemaname = current_schema()`
	}
	rows, err := w.DB.Raw().Query(q)
	w.check(err)
	var tables []string
	for rows.Next() {
		var name string
		w.check(rows.Scan(&name))
		tables = append(tables, name)
	}
	w.check(rows.Err())
	rows.Close()
	for _, name := range tables {
		for _, s := range secrets {
			if bytes.Contains(w.dump(name), []byte(s)) {
				w.t.Errorf("table %s holds the secret %q in the clear", name, s)
			}
		}
	}
	for _, text := range texts {
		for _, s := range secrets {
			if bytes.Contains([]byte(text), []byte(s)) {
				w.t.Errorf("the secret %q stands in %q", s, text)
			}
		}
	}
}

// dump is every value of a table, one after the other.
func (w *World) dump(table string) []byte {
	w.t.Helper()
	rows, err := w.DB.Raw().Query(`select * from "` + table + `"`)
	w.check(err)
	defer rows.Close()
	columns, err := rows.Columns()
	w.check(err)
	var out bytes.Buffer
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		w.check(rows.Scan(values...))
		for _, v := range values {
			switch v := (*v.(*any)).(type) {
			case []byte:
				out.Write(v)
			default:
				fmt.Fprint(&out, v)
			}
			out.WriteByte('\n')
		}
	}
	w.check(rows.Err())
	return out.Bytes()
}

// Crowd makes many operators of the organization.
func (w *World) Crowd(n int) []id.User {
	w.t.Helper()
	tx, err := w.DB.Raw().Begin()
	if err != nil {
		w.t.Fatal(err)
	}
	defer tx.Rollback()
	users := make([]id.User, n)
	for i := range users {
		u := id.New[id.User]()
		users[i] = u
		if _, err := tx.Exec(`insert into person (id, email, handle, name, state, created_at, changed_at) values ($1, $2, $3, $3, 'active', 1, 1)`,
			string(u), fmt.Sprintf("c%d@vaultpam.test", i), fmt.Sprintf("crowd-%05d", i)); err != nil {
			w.t.Fatal(err)
		}
		if _, err := tx.Exec(`insert into member (org_id, user_id, role, created_at, changed_at) values ($1, $2, 'operator', 1, 1)`, string(w.Org), string(u)); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		w.t.Fatal(err)
	}
	return users
}
