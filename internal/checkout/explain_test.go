package checkout_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/checkout"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// answers are the codes that a checkout may be answered for a decision.
var answers = map[policy.Why][]string{
	policy.NotRefused: {""}, policy.NotPermitted: {"NOT_PERMITTED", "NOT_FOUND"}, policy.AccountDisabled: {checkout.CodeAccountDisabled},
	policy.OutsideHours: {checkout.CodeOutsideHours}, policy.WrongSource: {checkout.CodeSourceNotAllowed}, policy.MFARequired: {authz.StepUpRequired},
	policy.NoApproval: {checkout.CodeApprovalRequired}, policy.PolicyDenies: {checkout.CodePolicyDenied}, policy.NothingPermits: {checkout.CodePolicyDenied}, policy.BrokenPolicy: {checkout.CodePolicyDenied},
}

// FuzzExplainIsCheckout makes random policies, settings, grants and moments from each
// seed, and holds what explain says of a checkout equal to what a checkout is answered.
func FuzzExplainIsCheckout(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		explainIsCheckout(t, newScene(t, dbtest.SQLite(t), settings(seed)), seed, 30)
	})
}

func TestExplainIsCheckoutOnPostgres(t *testing.T) {
	explainIsCheckout(t, newScene(t, dbtest.Postgres(t), settings(99)), 99, 40)
}

func settings(seed uint64) func(*safe.Policy) {
	r := rand.New(rand.NewPCG(seed, 2))
	return func(p *safe.Policy) {
		p.Approval.Count = r.IntN(3) / 2
		if r.IntN(3) == 0 {
			p.ValidHours = &safe.ValidHours{Days: []time.Weekday{time.Monday, time.Tuesday, time.Saturday}, From: 6 * 60, To: 2 * 60, TimeZone: "America/New_York"}
		}
		if r.IntN(4) == 0 {
			p.SourceNetworks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}
		if p.StepUp = r.IntN(3) == 0; p.StepUp {
			p.StepUpFreshness = 2 * time.Minute
		}
	}
}

func explainIsCheckout(t *testing.T, s *scene, seed uint64, rounds int) {
	ctx, r := t.Context(), rand.New(rand.NewPCG(seed, 1))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	effects := []string{"permit", "permit", "forbid", `@require_approval("1") permit`}
	conditions := []string{
		`when { context.use == "checkout" }`, `when { context.use == "session" }`, `unless { context.use == "checkout" && context.ticket == "" }`,
		`when { context.hours.contains("mon-fri 08:00-18:00 Europe/Vienna") }`, `when { context.source.isInRange(ip("10.0.0.0/8")) }`, `when { context.mfa_age <= 60 }`,
		`unless { context.mfa_age <= 200 }`, `when { context.safe_role == "manager" }`, `when { context.mfa_age * 9223372036854775807 > 0 }`, ``,
	}
	for i := range r.IntN(4) {
		name, text, on := fmt.Sprintf("p%d", i), effects[r.IntN(4)]+" (principal, action, resource) "+conditions[r.IntN(len(conditions))]+";", true
		_, err := s.policies.Create(ctx, s.Admin, policy.Draft{Name: &name, Text: &text, Everywhere: &on})
		must(err)
	}
	networks := []netip.Addr{netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("192.0.2.10")}
	said := map[string]int{}
	for range rounds {
		s.Now = s.Now.Add(time.Duration(r.IntN(20*3600)) * time.Second)
		s.granted = nil
		for range r.IntN(3) {
			uses := [][]policy.Use{nil, {policy.ForSession}, {policy.ForCheckout}, {policy.ForSession, policy.ForCheckout}}[r.IntN(4)]
			s.granted = append(s.granted, policy.Grant{ID: id.New[id.AccessGrant](), Request: id.New[id.AccessReq](), Until: s.Now.Add(time.Duration(r.IntN(3)) * time.Hour), Uses: uses, ApprovedBy: []id.User{s.Admin.User}[:r.IntN(2)]})
		}
		actor := []authz.Actor{s.Operator, s.Operator, s.anna, s.bruno, s.Auditor}[r.IntN(5)]
		actor.Source.IP = networks[r.IntN(2)]
		when := policy.When{At: s.Now, From: actor.Source.IP, Use: policy.ForCheckout}
		switch r.IntN(4) {
		case 0:
			actor.MFAAt = time.Time{}
		case 1:
			when.FactorS = []int64{299, 300, 301}[r.IntN(3)]
			actor.MFAAt = s.Now.Add(-time.Duration(when.FactorS) * time.Second)
		default:
			actor.MFAAt, when.Factor = s.Now, true
		}
		if r.IntN(3) == 0 {
			when.Ticket = "OPS-1"
		}
		e, err := s.policies.Explain(ctx, s.Admin, actor.User, s.vault.ID, when)
		must(err)
		got, err := s.Open(ctx, actor, checkout.Args{Safe: s.vault.ID, Reason: "the disk is full", Ticket: when.Ticket})
		code := ""
		if err != nil {
			code = fault.CodeOf(err)
		}
		said[code]++
		if !slices.Contains(answers[e.Decision.Why], code) || (e.Decision.Outcome == policy.Allowed) != (err == nil) || e.Decision.Use != policy.ForCheckout {
			t.Fatalf("explain says %s %q by %+v, the checkout %q: %v", e.Decision.Outcome, e.Decision.Why, e.Decision.Reasons, code, err)
		}
		if err == nil {
			if got.Request != e.Decision.Request {
				t.Fatalf("explain rests on %q, the checkout on %q", e.Decision.Request, got.Request)
			}
			_, err := s.CheckIn(ctx, actor, got.ID, "")
			must(err)
		}
		s.Events()
	}
	t.Logf("%v", said)
}
