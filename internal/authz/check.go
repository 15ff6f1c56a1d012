package authz

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

//go:embed policies.cedar
var policyText []byte

// PolicyText is the rules, as they are applied.
func PolicyText() string { return string(policyText) }

// SafeRole is a person's role on one safe, the strongest of those they have.
type SafeRole string

// The safe roles, weakest first; each may do what the ones before it may.
const (
	NoSafeRole   SafeRole = ""
	SafeUser     SafeRole = "user"
	SafeCheckout SafeRole = "checkout"
	SafeApprover SafeRole = "approver"
	SafeManager  SafeRole = "manager"
)

// Object is what an action is done to. Org is always set, except for objects of
// the platform: an object without it is nobody's, and every role in an
// organization is refused on it.
type Object struct {
	Type     ObjectType // may be left out: the action tells it
	ID       string     // empty for a list or for what is being created
	Org      id.Org
	SafeRole SafeRole // the actor's role on the safe that this is, or belongs to
	Owner    id.User  // whose it is: session, token, self
}

// Why says which rule refused.
type Why string

// The reasons of a refusal.
const (
	NotPermitted   Why = "not_permitted" // nothing permits it
	NotSignedIn    Why = "not_signed_in"
	OtherOrg       Why = "other_organization"
	ScopeMissing   Why = "scope_missing"
	PersonOnly     Why = "person_only"
	EnrolmentOnly  Why = "enrolment_only"
	AuditorRefused Why = "auditor"
	UnknownAction  Why = "unknown_action"
	PolicyError    Why = "policy_error" // a rule could not be evaluated
)

// Refusal is the cause of the fault that Check returns; errors.As finds it.
type Refusal struct {
	Action Action
	Why    Why
	Detail string // PolicyError and UnknownAction: for the log
}

func (r *Refusal) Error() string {
	if r.Detail != "" {
		return fmt.Sprintf("authz refuses %s: %s: %s", r.Action, r.Why, r.Detail)
	}
	return fmt.Sprintf("authz refuses %s: %s", r.Action, r.Why)
}

type policies struct {
	set map[Action]cedar.PolicyMap // those whose head can match the action; the others cannot decide it
	why map[cedar.PolicyID]Why     // of the rules that forbid
}

// The text is part of the program and cannot be wrong in one run and right in the next.
var loaded = sync.OnceValue(func() policies {
	list, err := cedar.NewPolicyListFromBytes("policies.cedar", policyText)
	if err != nil {
		panic(fmt.Sprintf("authz: policies.cedar: %v", err))
	}
	p := policies{set: map[Action]cedar.PolicyMap{}, why: map[cedar.PolicyID]Why{}}
	for _, r := range rules {
		p.set[r.action] = cedar.PolicyMap{}
	}
	for _, rule := range list {
		name := cedar.PolicyID(rule.Annotations()["id"])
		if _, twice := p.why[name]; name == "" || twice {
			panic(fmt.Sprintf("authz: policies.cedar: a rule without an @id of its own: %q", name))
		}
		p.why[name] = Why(rule.Annotations()["why"])
		for action, set := range p.set {
			if about(rule, action) {
				set[name] = rule
			}
		}
	}
	return p
})

// about tells whether the head of a rule can match an action.
func about(rule *cedar.Policy, action Action) bool {
	uid := cedar.NewEntityUID("Action", cedar.String(action))
	switch head := (*ast.Policy)(rule.AST()).Action.(type) {
	case ast.ScopeTypeEq:
		return head.Entity == uid
	case ast.ScopeTypeInSet:
		return slices.Contains(head.Entities, uid)
	}
	return true
}

// Check returns nil when actor may do action on obj. Otherwise the error is a
// fault of kind Denied (Unauthenticated when nobody is signed in) whose text can
// be shown, and whose cause is a *Refusal.
func Check(actor Actor, action Action, obj Object) error {
	r, known := byAction[action]
	switch {
	case !known:
		return refuse(actor, action, r, UnknownAction, "not in the table")
	case obj.Type != "" && obj.Type != r.object:
		return refuse(actor, action, r, PolicyError, fmt.Sprintf("done to %s, not to %s", r.object, obj.Type))
	case actor.Kind == Nobody:
		return refuse(actor, action, r, NotSignedIn, "")
	}
	p := loaded()
	decision, diag := decide(p.set[action], actor, r, obj)
	if len(diag.Errors) > 0 {
		return refuse(actor, action, r, PolicyError, diag.Errors[0].String())
	}
	if decision == cedar.Allow {
		return nil
	}
	why := NotPermitted
	for _, d := range diag.Reasons {
		if w := p.why[d.PolicyID]; w != "" && (why == NotPermitted || w < why) {
			why = w // several rules may forbid; always tell the same one
		}
	}
	return refuse(actor, action, r, why, "")
}

// May is Check for lists and for hints in answers, where nothing is refused.
func May(actor Actor, action Action, obj Object) bool { return Check(actor, action, obj) == nil }

func decide(set cedar.PolicyIterator, actor Actor, r rule, obj Object) (cedar.Decision, cedar.Diagnostic) {
	w := world{
		principal: cedar.Entity{
			UID: cedar.NewEntityUID(principalType(actor.Kind), principalID(actor)),
			Attributes: cedar.NewRecord(cedar.RecordMap{
				"user": cedar.String(actor.User), "org": cedar.String(actor.Org),
			}),
		},
		object: cedar.Entity{
			UID: cedar.NewEntityUID(cedar.EntityType(r.object), cedar.String(obj.ID)),
			Attributes: cedar.NewRecord(cedar.RecordMap{
				"org": cedar.String(obj.Org), "owner": cedar.String(obj.Owner), "safe_role": cedar.String(obj.SafeRole),
			}),
		},
	}
	var roles []cedar.EntityUID
	if obj.Org != "" && obj.Org == actor.Org && actor.Role.Valid() {
		roles = append(roles, cedar.NewEntityUID("Role", cedar.String(actor.Role)))
	}
	if actor.PlatformRole.Valid() {
		roles = append(roles, cedar.NewEntityUID("PlatformRole", cedar.String(actor.PlatformRole)))
	}
	w.principal.Parents = cedar.NewEntityUIDSet(roles...)
	scopes := make([]cedar.Value, len(actor.Scopes))
	for i, s := range actor.Scopes {
		scopes[i] = cedar.String(s)
	}
	return cedar.Authorize(set, &w, cedar.Request{
		Principal: w.principal.UID,
		Action:    cedar.NewEntityUID("Action", cedar.String(r.action)),
		Resource:  w.object.UID,
		Context:   cedar.NewRecord(cedar.RecordMap{"scopes": cedar.NewSet(scopes...), "scope": cedar.String(r.scope)}),
	})
}

// world is all that the rules see of one question.
type world struct{ principal, object cedar.Entity }

func (w *world) Get(uid cedar.EntityUID) (cedar.Entity, bool) {
	switch uid {
	case w.principal.UID:
		return w.principal, true
	case w.object.UID:
		return w.object, true
	}
	e, ok := roleTree[uid]
	return e, ok
}

var roleTree = func() cedar.EntityMap {
	m := cedar.EntityMap{}
	under := func(typ cedar.EntityType, role, parent string) {
		uid := cedar.NewEntityUID(typ, cedar.String(role))
		m[uid] = cedar.Entity{UID: uid, Parents: cedar.NewEntityUIDSet(cedar.NewEntityUID(typ, cedar.String(parent)))}
	}
	under("Role", string(Owner), string(Admin))
	under("Role", string(Admin), "member")
	under("Role", string(Operator), "member")
	under("Role", string(Auditor), "member")
	under("PlatformRole", string(PlatformAdmin), string(PlatformAuditor))
	return m
}()

func principalType(k Kind) cedar.EntityType {
	switch k {
	case Person:
		return "Person"
	case Token:
		return "Token"
	case System:
		return "System"
	case Connector:
		return "Connector"
	case Enrolling:
		return "Enrolling"
	}
	return "Nobody"
}

func principalID(a Actor) cedar.String {
	switch a.Kind {
	case Token:
		return cedar.String(a.Token)
	case System, Connector:
		return cedar.String(a.Name)
	}
	return cedar.String(a.User)
}

func refuse(actor Actor, action Action, r rule, why Why, detail string) error {
	cause := &Refusal{Action: action, Why: why, Detail: detail}
	if why == NotSignedIn {
		return fault.New(fault.Unauthenticated, "sign in first").WithCode("SIGN_IN_REQUIRED").Because(cause)
	}
	return fault.New(fault.Denied, "%s", sentence(actor, r, why)).WithCode(code(why)).Because(cause)
}

func code(why Why) string {
	switch why {
	case ScopeMissing:
		return "SCOPE_MISSING"
	case EnrolmentOnly:
		return "MFA_ENROLMENT_REQUIRED"
	}
	return fault.DefaultCode(fault.Denied)
}

// sentence says what was refused and what to do about it.
func sentence(actor Actor, r rule, why Why) string {
	switch why {
	case UnknownAction, PolicyError:
		return "this is not allowed, because the rule for it could not be applied: tell an administrator"
	case ScopeMissing:
		return fmt.Sprintf("this API token may not %s: it needs the scope %s, and has %s", r.phrase, r.scope, scopeList(actor.Scopes))
	case PersonOnly:
		return fmt.Sprintf("an API token may not %s: sign in as a person to do it", r.phrase)
	case EnrolmentOnly:
		return "set up a second factor first: until then this sign-in may do nothing else"
	case OtherOrg:
		return fmt.Sprintf("you may not %s: it belongs to another organization than the one you are active in", r.phrase)
	case AuditorRefused:
		return fmt.Sprintf("you may not %s: an auditor reads sessions, recordings and the audit log, and opens and changes nothing", r.phrase)
	}
	switch {
	case r.object == PlatformObject:
		return fmt.Sprintf("you may not %s: ask a platform administrator", r.phrase)
	case r.object == SafeObject || r.object == SessionObject:
		return fmt.Sprintf("you may not %s: ask a manager of the safe or an administrator of the organization", r.phrase)
	case actor.Role == None:
		return fmt.Sprintf("you may not %s", r.phrase)
	}
	return fmt.Sprintf("you may not %s as %s: ask an owner or an admin of the organization", r.phrase, actor.Role)
}

func scopeList(scopes []string) string {
	if len(scopes) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(slices.Values(scopes)), ", ")
}
