package policy

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Decide answers a question under a set of policies. It is pure: the same question
// and set have the same answer, and nothing else is asked.
func (s *Set) Decide(q *Question) Decision {
	d := Decision{Use: q.Use.word(), Outcome: Denied, Set: s.Version, Settings: q.Safe.Settings}
	role := q.role()
	if err := s.right(q, role); err != nil {
		if beyond, ok := s.beyond(q); ok {
			return beyond
		}
		d.Why, d.err = NotPermitted, err
		d.Reasons = []Reason{q.roleReason(Deny, NotPermitted, faultText(err))}
		return d
	}
	if !q.Safe.AccountEnabled {
		d.Why = AccountDisabled
		d.Reasons = []Reason{{ID: "account", Kind: kindAccount, Name: "account of the safe", Effect: Deny, Why: AccountDisabled}}
		return d
	}
	w := s.world(q)
	diag := w.ask()
	s.conclude(q, w, diag, &d)
	if d.Outcome == Allowed && d.Use == ForCheckout && !q.Who.Token && time.Duration(q.Moment.MFAAge)*time.Second > authz.SecretReveal.Freshness() {
		d.Outcome, d.Why = Denied, MFARequired
		d.Reasons = []Reason{{ID: builtinPrefix + "fresh-factor", Kind: kindBuiltin, Name: "fresh second factor", Effect: Deny, Why: MFARequired, Message: "a credential is shown to who has just proved a second factor"}}
	}
	return d
}

// beyond answers who has the safe in a role that does not bring what they want of it:
// an approved request would. Where none would help now, it says what stands against it.
func (s *Set) beyond(q *Question) (Decision, bool) {
	if _, least := q.Use.action(); q.Safe.Role == authz.NoSafeRole || s.right(q, least) != nil {
		return Decision{}, false
	}
	asks := *q
	asks.Moment.MFAAge = 0                                                  // which is proved when the time has come
	asks.Moment.Grants = []Grant{{Until: q.Moment.At.Add(time.Nanosecond)}} // that nobody approved
	d := s.Decide(&asks)
	switch d.Outcome {
	case Allowed: // by the request, however it came
		d.Outcome, d.Why, d.By, d.ByName, d.Reasons, d.Settings = ApprovalNeeded, NoApproval, "", "", nil, q.Safe.Settings
		d.Approval = &Approval{Count: 1, Approvers: []Approver{{Kind: SafeApprovers}}}
	case Denied:
		return d, true
	}
	d.Reasons = append([]Reason{q.roleReason(RequireApproval, NoApproval, "your role on this safe opens sessions only")}, d.Reasons...)
	return d, true
}

// roleReason names the rights of roles as what determined a decision.
func (q *Question) roleReason(e Effect, why Why, message string) Reason {
	action, _ := q.Use.action()
	return Reason{ID: "role:" + string(action), Kind: kindRole, Name: "rights of roles", Effect: e, Why: why, Message: message}
}

// Shut tells whether somebody is kept out at every hour, from every network, with any
// second factor and any ticket: whether they have lost the safe, and do not only stand
// before it at the wrong moment. A policy that cannot be evaluated, and an account that
// is disabled, shut nobody out for good.
func (s *Set) Shut(q *Question) bool {
	if s.right(q, q.role()) != nil {
		return true
	}
	w := s.world(q)
	w.rules = slices.DeleteFunc(w.rules, func(r *rule) bool {
		return r.effect == Deny && (r.condition || r.reason.Why == BrokenPolicy)
	})
	diag := w.ask()
	hits := w.matched(diag)
	switch {
	case len(diag.Errors) > 0:
		return false
	case len(hits) > 0:
		return hits[0].effect == Deny
	}
	return !slices.ContainsFunc(w.rules, func(r *rule) bool { return r.effect != Deny && r.condition })
}

// right asks for the rights of roles. What a token may do, its scopes say.
func (s *Set) right(q *Question, role authz.SafeRole) error {
	a := authz.Actor{Kind: authz.Person, User: q.Who.ID, Org: q.Org, Role: q.Who.Role, Scopes: q.Who.Scopes}
	if q.Who.Token {
		a.Kind = authz.Token
	}
	action, _ := q.Use.action()
	return authz.Check(a, action, authz.Object{ID: string(q.Safe.ID), Org: q.Org, SafeRole: role})
}

// world is what Cedar sees of one question.
type world struct {
	rules    []*rule
	person   cedar.Entity
	safe     cedar.Entity
	groups   map[cedar.EntityUID]bool
	request  cedar.Request
	context  cedar.RecordMap
	governed bool
}

var launch = cedar.NewEntityUID("Action", "session.launch")

func (s *Set) world(q *Question) *world {
	w := &world{groups: make(map[cedar.EntityUID]bool, len(q.Who.Groups)+3)}
	person := cedar.NewEntityUID("Person", cedar.String(q.Who.ID))
	target := cedar.NewEntityUID("Safe", cedar.String(q.Safe.ID))
	parents := make([]cedar.EntityUID, 0, len(q.Who.Groups)+1)
	if q.Who.Role.Valid() {
		parents = append(parents, cedar.NewEntityUID("Role", cedar.String(q.Who.Role)))
		for r := parents[0]; ; {
			w.groups[r] = true
			next, ok := roleParent[r]
			if !ok {
				break
			}
			r = next
		}
	}
	for _, g := range q.Who.Groups {
		uid := cedar.NewEntityUID("Group", cedar.String(g))
		parents, w.groups[uid] = append(parents, uid), true
	}
	w.groups[person] = true
	w.person = cedar.Entity{UID: person, Parents: cedar.NewEntityUIDSet(parents...), Attributes: cedar.NewRecord(cedar.RecordMap{
		"handle": cedar.String(q.Who.Handle), "email": cedar.String(q.Who.Email)})}
	labels := make([]cedar.Value, len(q.Safe.Labels))
	for i, l := range q.Safe.Labels {
		labels[i] = cedar.String(l)
	}
	w.safe = cedar.Entity{UID: target, Attributes: cedar.NewRecord(cedar.RecordMap{
		"name": cedar.String(q.Safe.Name), "type": cedar.String(q.Safe.Type), "resource_name": cedar.String(q.Safe.ResourceName),
		"host": cedar.String(q.Safe.Host), "labels": cedar.NewSet(labels...)})}
	w.governed = s.governed || s.governs[q.Safe.ID]
	w.pick(builtin(), target)
	w.pick(settingRules(q.Safe.Settings), target)
	w.pick(s.everywhere, target)
	w.pick(s.bySafe[q.Safe.ID], target)

	source := q.Moment.Source.Unmap().WithZone("")
	if !source.IsValid() {
		source = netip.IPv6Unspecified()
	}
	_, granted := q.Moment.active(0)
	w.context = cedar.RecordMap{
		"now": cedar.NewDatetime(q.Moment.At), "hours": w.hours(q), "source": cedar.IPAddr(netip.PrefixFrom(source, source.BitLen())),
		"mfa_age": cedar.Long(q.Moment.MFAAge), "safe_role": cedar.String(q.Safe.Role), "token": cedar.Boolean(q.Who.Token),
		"ticket": cedar.String(q.Moment.ticket()), "granted": cedar.Boolean(granted), "governed": cedar.Boolean(w.governed),
		"use": cedar.String(q.Use.word()),
	}
	w.request = cedar.Request{Principal: person, Action: launch, Resource: target, Context: cedar.NewRecord(w.context)}
	return w
}

// pick takes the rules whose head can match at all.
func (w *world) pick(rules []*rule, target cedar.EntityUID) {
	for _, r := range rules {
		switch {
		case r.principal.set && r.principal.eq && r.principal.uid != w.person.UID,
			r.principal.set && !r.principal.eq && !w.groups[r.principal.uid],
			r.resource.set && r.resource.uid != target: // a safe is in nothing but itself
			continue
		}
		w.rules = append(w.rules, r)
	}
}

// hours are the windows that hold now, of those that the rules name.
func (w *world) hours(q *Question) cedar.Set {
	var seen []string
	var hold []cedar.Value
	for _, r := range w.rules {
		for _, win := range r.windows {
			if slices.Contains(seen, win.text) {
				continue
			}
			seen = append(seen, win.text)
			if win.hours.Contain(q.Moment.At) {
				hold = append(hold, cedar.String(win.text))
			}
		}
	}
	return cedar.NewSet(hold...)
}

// Get is the entities of the world.
func (w *world) Get(uid cedar.EntityUID) (cedar.Entity, bool) {
	switch uid {
	case w.person.UID:
		return w.person, true
	case w.safe.UID:
		return w.safe, true
	}
	e, ok := roleTree[uid]
	return e, ok
}

var roleParent = map[cedar.EntityUID]cedar.EntityUID{}

var roleTree = func() cedar.EntityMap {
	m := cedar.EntityMap{}
	for child, parent := range map[authz.Role]string{authz.Owner: "admin", authz.Admin: "member", authz.Operator: "member", authz.Auditor: "member"} {
		uid, up := cedar.NewEntityUID("Role", cedar.String(child)), cedar.NewEntityUID("Role", cedar.String(parent))
		m[uid] = cedar.Entity{UID: uid, Parents: cedar.NewEntityUIDSet(up)}
		roleParent[uid] = up
	}
	return m
}()

// All makes the picked rules a set of Cedar policies.
func (w *world) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, r := range w.rules {
			if !yield(r.key, r.statement.policy) {
				return
			}
		}
	}
}

func (w *world) ask() cedar.Diagnostic {
	_, diag := cedar.Authorize(w, w, w.request)
	return diag
}

// matched are the rules that Cedar named, by priority. Cedar names forbids alone
// where one matches.
func (w *world) matched(diag cedar.Diagnostic) []*rule {
	var out []*rule
	i := 0
	for _, reason := range diag.Reasons { // both are in the order of All
		for i < len(w.rules) && w.rules[i].key != reason.PolicyID {
			i++
		}
		if i < len(w.rules) {
			out = append(out, w.rules[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *rule) int { return a.order - b.order })
	return out
}

// conclude is the one rule of precedence: deny, then require-approval, then allow;
// and no without any.
func (s *Set) conclude(q *Question, w *world, diag cedar.Diagnostic, d *Decision) {
	if len(diag.Errors) > 0 {
		d.Why = BrokenPolicy
		for _, e := range diag.Errors {
			r := w.rule(e.PolicyID)
			reason := r.reason
			reason.Effect, reason.Why, reason.Message = Deny, BrokenPolicy, "it could not be evaluated: "+oneLine(e.Message)
			d.Reasons = append(d.Reasons, reason)
			d.By, d.ByName = r.policy, r.reason.Name
		}
		return
	}
	hits := w.matched(diag)
	switch {
	case len(hits) == 0:
		s.nothing(q, w, d)
	case hits[0].effect == Deny:
		s.denied(q, w, hits, d)
	default:
		s.permitted(q, hits, d)
	}
}

func (w *world) rule(key cedar.PolicyID) *rule {
	for _, r := range w.rules {
		if r.key == key {
			return r
		}
	}
	return &rule{statement: brokenStatement(), reason: Reason{ID: string(key), Kind: kindBuiltin}}
}

func (s *Set) permitted(q *Question, hits []*rule, d *Decision) {
	var asks, allows []*rule
	for _, r := range hits {
		if r.effect == RequireApproval {
			asks = append(asks, r)
		} else {
			allows = append(allows, r)
		}
	}
	if len(asks) > 0 {
		by := asks[0]
		for _, r := range asks[1:] { // two people before one; otherwise the first
			if r.approvals > by.approvals {
				by = r
			}
		}
		d.Approval = &Approval{Count: by.approvals, Approvers: by.approvers, Policy: by.policy}
		g, ok := q.Moment.active(by.approvals)
		d.reasons(append([]*rule{by}, without(asks, by)...))
		d.take(by)
		if !ok {
			d.Why = NoApproval
			d.Outcome = ApprovalNeeded
			return
		}
		d.Outcome = Allowed
		d.rest(g)
		return
	}
	by := allows[0] // the first of the organization's, if there is one
	d.Outcome = Allowed
	d.reasons(allows)
	d.take(by)
	if by.name == "approved-request" && by.policy == "" || q.role() != q.Safe.Role {
		if g, ok := q.Moment.active(0); ok {
			d.rest(g)
		}
	}
}

// rest lets the permission rest on a grant.
func (d *Decision) rest(g Grant) {
	d.Grant, d.Request, d.Delegation = g.ID, g.Request, g.Delegation
	if g.Emergency {
		d.Settings = Options{Recording: true, RecordInput: true}.narrow(d.Settings)
	}
}

// take makes one rule the one that lets in, with its options and nobody else's.
func (d *Decision) take(r *rule) {
	d.By, d.ByName = r.policy, r.reason.Name
	if r.policy == "" {
		d.ByName = ""
	}
	d.Settings = r.options.narrow(d.Settings)
}

func (d *Decision) reasons(rules []*rule) {
	for _, r := range rules {
		d.Reasons = append(d.Reasons, r.reason)
	}
}

func without(rules []*rule, r *rule) []*rule {
	return slices.DeleteFunc(slices.Clone(rules), func(x *rule) bool { return x == r })
}

// weight orders the classes of a refusal as people are told of them.
var weight = map[Why]int{BrokenPolicy: 0, NotPermitted: 1, OutsideHours: 2, WrongSource: 3, PolicyDenies: 4, NothingPermits: 5, MFARequired: 6}

// denied finds for each forbid that matched what would have to be different.
func (s *Set) denied(q *Question, w *world, hits []*rule, d *Decision) {
	for _, r := range hits {
		reason := r.reason
		switch {
		case reason.Why != NotRefused:
		case r.policy == "" && r.name == "members-only":
			reason.Why = NotPermitted
		default:
			reason.Why = w.whyForbidden(r)
		}
		d.Reasons = append(d.Reasons, reason)
	}
	slices.SortStableFunc(d.Reasons, func(a, b Reason) int { return weight[a.Why] - weight[b.Why] })
	first := d.Reasons[0]
	d.Why = first.Why
	if first.Kind == kindOrg {
		d.By, d.ByName = id.Policy(first.ID), first.Name
	}
}

func (w *world) whyForbidden(r *rule) Why {
	switch {
	case r.usesMFA && !w.would(r, w.withMFA()):
		return MFARequired
	case len(r.windows) > 0 && (!w.would(r, w.withHours(r, true)) || !w.would(r, w.withHours(r, false))):
		return OutsideHours
	case r.usesIP:
		return WrongSource
	}
	return PolicyDenies
}

// nothing permits: the policies that govern the safe would have to.
func (s *Set) nothing(q *Question, w *world, d *Decision) {
	d.Why = NothingPermits
	for _, r := range w.rules {
		if r.policy == "" || r.effect == Deny {
			continue
		}
		reason := r.reason
		reason.Effect, reason.Why = Deny, NothingPermits
		switch {
		case r.usesMFA && w.would(r, w.withMFA()):
			reason.Why = MFARequired
		case len(r.windows) > 0 && w.would(r, w.withHours(r, true)):
			reason.Why = OutsideHours
		case r.usesIP:
			reason.Why = WrongSource
		}
		d.Reasons = append(d.Reasons, reason)
	}
	if len(d.Reasons) == 0 {
		d.Reasons = []Reason{{ID: builtinPrefix + "no-match", Kind: kindBuiltin, Name: "nothing permits", Effect: Deny, Why: NothingPermits}}
		return
	}
	// What the person can do about it comes first: a factor, another hour, another network.
	order := []Why{MFARequired, OutsideHours, WrongSource, NothingPermits}
	slices.SortStableFunc(d.Reasons, func(a, b Reason) int { return slices.Index(order, a.Why) - slices.Index(order, b.Why) })
	d.Why, d.By, d.ByName = d.Reasons[0].Why, id.Policy(d.Reasons[0].ID), d.Reasons[0].Name
}

// would tells whether r alone matches in another context.
func (w *world) would(r *rule, context cedar.Record) bool {
	req := w.request
	req.Context = context
	one := &world{rules: []*rule{r}, person: w.person, safe: w.safe}
	_, diag := cedar.Authorize(one, one, req)
	return len(diag.Errors) > 0 || len(diag.Reasons) > 0
}

func (w *world) with(key cedar.String, v cedar.Value) cedar.Record {
	m := make(cedar.RecordMap, len(w.context))
	for k, old := range w.context {
		m[k] = old
	}
	m[key] = v
	return cedar.NewRecord(m)
}

func (w *world) withMFA() cedar.Record { return w.with("mfa_age", cedar.Long(0)) }

func (w *world) withHours(r *rule, all bool) cedar.Record {
	var hold []cedar.Value
	if all {
		for _, win := range r.windows {
			hold = append(hold, cedar.String(win.text))
		}
	}
	return w.with("hours", cedar.NewSet(hold...))
}

// Sentence tells the person why they are refused and what to do. It is empty when they are not.
func (d *Decision) Sentence() string {
	text := sentences[d.Why]
	if other, ok := ofCheckouts[d.Why]; ok && d.Use == ForCheckout {
		text = other
	}
	if d.Why == NotPermitted {
		text = faultText(d.err)
	}
	by := ""
	for _, r := range d.Reasons {
		if r.Kind == kindOrg && r.Why == d.Why && r.Message != "" {
			return text + " (" + r.Message + ")"
		}
		if by == "" && r.Kind == kindOrg {
			by = r.Name
		}
	}
	if d.Why == NoApproval && len(d.Reasons) > 0 && d.Reasons[0].Message != "" {
		return text + " (" + d.Reasons[0].Message + ")"
	}
	if by != "" && text != "" && d.Outcome != Allowed {
		text += fmt.Sprintf(" (policy %q)", by)
	}
	return text
}

var sentences = map[Why]string{
	AccountDisabled: "the account of this safe is disabled: ask an administrator",
	OutsideHours:    "this safe cannot be used at this hour: try again within its valid hours, or ask a manager of the safe",
	WrongSource:     "this safe cannot be used from your network: connect from an allowed one, or ask a manager of the safe",
	MFARequired:     "this safe asks for a fresh second factor: verify again, then launch",
	NoApproval:      "this safe asks for approval first: request access to it, and launch once it is approved",
	PolicyDenies:    "a policy of your organization denies this: ask an administrator",
	NothingPermits:  "no policy of your organization allows this now: ask an administrator",
	BrokenPolicy:    "a policy of your organization could not be applied, so nobody is let in: tell an administrator",
}

// ofCheckouts are the sentences that are others for a checkout.
var ofCheckouts = map[Why]string{
	MFARequired: "a credential is shown only with a fresh second factor: prove it again, then check out",
	NoApproval:  "this safe asks for approval first: request access for a checkout, and check out once it is approved",
}

func faultText(err error) string {
	if err == nil {
		return ""
	}
	return strings.TrimSpace(said(err))
}
