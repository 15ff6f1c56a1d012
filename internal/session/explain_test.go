package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// answers are the codes that a launch may be answered for a decision.
var answers = map[policy.Why][]string{
	policy.NotRefused: {""}, policy.NotPermitted: {"NOT_PERMITTED", "NOT_FOUND"}, policy.AccountDisabled: {CodeAccountDisabled}, policy.OutsideHours: {CodeOutsideValidHours},
	policy.WrongSource: {CodeSourceNotAllowed}, policy.MFARequired: {CodeMFARequired}, policy.NoApproval: {CodeApprovalRequired}, policy.PolicyDenies: {CodePolicyDenied},
	policy.NothingPermits: {CodePolicyDenied}, policy.BrokenPolicy: {CodePolicyDenied},
}

// FuzzExplainIsLaunch makes a random organization of policies, settings, roles and
// moments from each seed, and holds what explain says equal to what launch does.
func FuzzExplainIsLaunch(f *testing.F) {
	for seed := range uint64(12) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { explainIsLaunch(t, dbtest.SQLite(t), seed, 30) })
}

func TestExplainIsLaunchOnPostgres(t *testing.T) { explainIsLaunch(t, dbtest.Postgres(t), 99, 60) }

func explainIsLaunch(t *testing.T, d *db.DB, seed uint64, rounds int) {
	w, ctx := newWorld(t, d), context.Background()
	r := rand.New(rand.NewPCG(seed, 1))
	networks := []netip.Addr{netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::7")}
	conditions := []string{
		`when { context.hours.contains("mon-fri 08:00-18:00 Europe/Vienna") }`, `unless { context.hours.contains("sat,sun 10:00-16:00 UTC") }`,
		`when { context.source.isInRange(ip("10.0.0.0/8")) }`, `unless { context.source.isInRange(ip("192.0.2.0/24")) || context.source.isInRange(ip("2001:db8::/32")) }`,
		`when { context.mfa_age <= 600 }`, `unless { context.mfa_age <= 60 }`, `when { context.ticket != "" }`, `when { principal in Role::"admin" }`,
		`when { context.safe_role == "manager" }`, `when { resource.type == "ssh" }`, `when { context.mfa_age * 9223372036854775807 > 0 }`, ``,
	}
	var safes []safe.Safe
	for i := range 4 {
		p := safe.Default()
		if r.IntN(2) == 0 {
			p.ValidHours = &safe.ValidHours{Days: []time.Weekday{time.Monday, time.Tuesday, time.Saturday}, From: 6 * 60, To: 2 * 60, TimeZone: "America/New_York"}
		}
		if r.IntN(3) == 0 {
			p.SourceNetworks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}
		if p.StepUp = r.IntN(3) == 0; p.StepUp {
			p.StepUpFreshness = 10 * time.Minute
		}
		s := w.Safe(fmt.Sprintf("safe-%d", i), &p)
		for _, a := range []authz.Actor{w.Operator, w.Admin} {
			if r.IntN(4) > 0 {
				w.Member(s.ID, a, authz.SafeRoles()[r.IntN(4)])
			}
		}
		safes = append(safes, s)
	}
	effects := []string{"permit", "permit", "forbid", `@require_approval("1") permit`}
	for i := range r.IntN(6) {
		name, text := fmt.Sprintf("p%d", i), effects[r.IntN(4)]+" (principal, action, resource) "+conditions[r.IntN(len(conditions))]+";"
		draft := policy.Draft{Name: &name, Text: &text}
		if everywhere := r.IntN(3) == 0; everywhere {
			draft.Everywhere = &everywhere
		}
		p, err := w.policies.Create(ctx, w.Admin, draft)
		w.must(err)
		for _, s := range safes {
			if !p.Everywhere && r.IntN(2) == 0 {
				_, err := w.policies.AssignSafe(ctx, w.Admin, p.ID, s.ID, true)
				w.must(err)
			}
		}
	}
	said := map[string]int{}
	for range rounds {
		w.later(time.Duration(r.IntN(40*3600)) * time.Second)
		actor := []authz.Actor{w.Operator, w.Operator, w.Admin, w.Auditor}[r.IntN(4)]
		s := safes[r.IntN(len(safes))]
		actor.Source.IP = networks[r.IntN(3)]
		when := policy.When{At: w.now(), From: actor.Source.IP}
		switch r.IntN(3) {
		case 0:
			actor.MFAAt, when.Factor = w.now(), true
		case 1:
			when.FactorS = int64(1 + r.IntN(1200))
			actor.MFAAt = w.now().Add(-time.Duration(when.FactorS) * time.Second)
		default:
			actor.MFAAt = time.Time{}
		}
		if r.IntN(3) == 0 {
			when.Ticket = "OPS-1"
		}
		e, err := w.policies.Explain(ctx, w.Admin, actor.User, s.ID, when)
		w.must(err)
		l, err := w.Launch(ctx, actor, LaunchArgs{Safe: s.ID, Protocol: SSH, Client: ClientOpenSSH, Ticket: when.Ticket})
		code := ""
		if err != nil {
			code = fault.CodeOf(err)
		}
		said[code]++
		ok := false
		for _, want := range answers[e.Decision.Why] {
			ok = ok || want == code
		}
		if !ok || (e.Decision.Outcome == policy.Allowed) != (err == nil) {
			t.Fatalf("explain says %s %q by %+v, launch %q: %v", e.Decision.Outcome, e.Decision.Why, e.Decision.Reasons, code, err)
		}
		if err == nil {
			ticket := w.redeem(w.Service, actor, l)
			if !ticket.Policy.Equal(e.Decision.Settings) {
				t.Fatalf("explain says %+v, the session may %+v", e.Decision.Settings, ticket.Policy)
			}
			w.must(w.Failed(ctx, ticket, UpstreamUnreachable))
		}
	}
	t.Logf("%v", said)
}

// An approved request lets in, also somebody who is no member, until it ends; then
// the session ends with it.
func TestApprovedRequestLetsInUntilItEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), context.Background()
		grants := &someGrants{}
		policies, err := policy.New(policy.Deps{DB: d, Ledger: w.ledger, Safes: w.Safes, Grants: grants, Now: w.now})
		w.must(err)
		gateway := w.server("gateway", func(d *Deps) { d.Policies = policies })
		s := w.openSafe("web-prod")
		name, text, on := "approval", `@require_approval("1") permit (principal, action, resource);`, true
		_, err = policies.Create(ctx, w.Admin, policy.Draft{Name: &name, Text: &text, Everywhere: &on})
		w.must(err)
		guest := w.Person(w.Org, "guest", authz.Operator)
		args := LaunchArgs{Safe: s.ID, Protocol: SSH, Client: ClientOpenSSH}
		if _, err := gateway.Launch(ctx, w.Operator, args); fault.CodeOf(err) != CodeApprovalRequired {
			t.Fatalf("without a request: %v", err)
		}
		if _, err := gateway.Launch(ctx, guest, args); !fault.Is(err, fault.NotFound) {
			t.Fatalf("no member, without a request: %v", err)
		}
		for _, actor := range []authz.Actor{w.Operator, guest} {
			grants.list = []policy.SafeGrant{{Safe: s.ID, Grant: policy.Grant{ID: "agr_1", Until: w.now().Add(time.Hour), ApprovedBy: []id.User{w.Admin.User}}}}
			launched, err := gateway.Launch(ctx, actor, args)
			w.must(err)
			ticket, err := gateway.Redeem(ctx, redeemArgs(actor, launched.Token.RevealString()))
			w.must(err)
			l, err := gateway.Start(ctx, ticket)
			w.must(err)
			gateway.enforce(ctx)
			if cause := l.Cause(); cause.By != "" {
				t.Fatalf("%s, within the hour: %+v", actor.Name, cause)
			}
			l.Touch()
			w.later(time.Hour)
			l.Touch()
			gateway.enforce(ctx)
			if cause := w.ended(l); cause.Reason != ReasonAccessRevoked {
				t.Errorf("%s, after it: %+v", actor.Name, cause)
			}
			w.close(l, ClosedByControl)
		}
	})
}

type someGrants struct{ list []policy.SafeGrant }

func (g *someGrants) GrantsOf(context.Context, *db.Tx, id.Org, id.User, id.Safe) ([]policy.SafeGrant, error) {
	return g.list, nil
}

func (g *someGrants) OpenedFor(context.Context, *db.Tx, id.Safe) ([]id.User, error) { return nil, nil }
