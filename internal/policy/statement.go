package policy

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe"
)

//go:embed schema.cedarschema
var schemaText string

// SchemaText is what a policy may look at, in Cedar's schema language.
func SchemaText() string { return schemaText }

var validator = sync.OnceValue(func() *validate.Validator {
	var s schema.Schema
	if err := s.UnmarshalCedar([]byte(schemaText)); err != nil {
		panic(fmt.Sprintf("policy: schema: %v", err))
	}
	r, err := s.Resolve()
	if err != nil {
		panic(fmt.Sprintf("policy: schema: %v", err))
	}
	return validate.New(r, validate.WithStrict())
})

// The bounds of a policy's text.
const (
	MaxText       = 32 << 10
	MaxStatements = 16
	MaxMessage    = 256
	MaxApprovals  = 2
	MaxApprovers  = 16
	maxDepth      = 64 // of brackets: the parser and the validator recurse
)

// Effect is what a policy does when it matches.
type Effect string

// The effects, weakest first.
const (
	Allow           Effect = "allow"
	RequireApproval Effect = "require_approval"
	Deny            Effect = "deny"
)

// statement is one compiled Cedar policy, with what its annotations say.
type statement struct {
	policy    *cedar.Policy
	name      string // its @id, or its number in the text
	effect    Effect
	message   string
	approvals int
	approvers []Approver
	options   Options
	windows   []window // of hours, that its conditions name
	usesMFA   bool
	usesNow   bool
	usesIP    bool
	usesGroup bool
	condition bool // some condition looks at the moment: when, from where, how well proved, with what ticket

	principal, resource scope
}

type window struct {
	text  string
	hours safe.ValidHours
}

// scope is what the head of a policy says about principal or resource, so that
// policies about others need not be evaluated. The zero scope is anything.
type scope struct {
	uid cedar.EntityUID
	eq  bool // uid itself, not what is in it
	set bool
}

// ApproverKind tells what an Approver names.
type ApproverKind string

// The kinds of approvers.
const (
	SafeApprovers  ApproverKind = "safe"   // whoever is approver or manager of the safe
	GroupApprovers ApproverKind = "group"  // the members of a group
	UserApprover   ApproverKind = "person" // one person
)

// Approver is who may decide about a request. It is written safe, group:<id> or person:<id>.
type Approver struct {
	Kind ApproverKind
	ID   string // empty for SafeApprovers
}

func (a Approver) String() string {
	if a.Kind == SafeApprovers {
		return string(a.Kind)
	}
	return string(a.Kind) + ":" + a.ID
}

// ParseApprover reads what String writes.
func ParseApprover(s string) (Approver, error) {
	kind, rest, _ := strings.Cut(s, ":")
	a := Approver{Kind: ApproverKind(kind), ID: rest}
	var err error
	switch a.Kind {
	case SafeApprovers:
		if rest == "" {
			return a, nil
		}
		err = fault.New(fault.Invalid, "more than safe")
	case GroupApprovers:
		_, err = id.Parse[id.Group](rest)
	case UserApprover:
		_, err = id.Parse[id.User](rest)
	default:
		err = fault.New(fault.Invalid, "unknown")
	}
	if err != nil || a.String() != s {
		return Approver{}, fault.New(fault.Invalid, "%.80q is not an approver: write safe, group:<id> or person:<id>", s)
	}
	return a, nil
}

// parseText reads and checks the text of a policy. Everything that is wrong comes
// as one fault.Invalid on the field text, with the line where the parser knows it.
func parseText(text string) ([]*statement, error) {
	wrong := func(format string, args ...any) error {
		what := fmt.Sprintf(format, args...)
		return fault.New(fault.Invalid, "the policy is not valid: %s", what).WithCode(PolicyInvalid).WithField("text", "%s", what)
	}
	switch {
	case strings.TrimSpace(text) == "":
		return nil, wrong("it is empty: write a permit or a forbid")
	case len(text) > MaxText:
		return nil, wrong("it is longer than %d bytes", MaxText)
	case tooDeep(text):
		return nil, wrong("its brackets are nested deeper than %d", maxDepth)
	}
	list, err := cedar.NewPolicyListFromBytes("policy", []byte(text))
	if err != nil {
		return nil, wrong("%s", oneLine(err.Error()))
	}
	if len(list) == 0 || len(list) > MaxStatements {
		return nil, wrong("it must hold 1 to %d statements, and holds %d", MaxStatements, len(list))
	}
	var out []*statement
	names := map[string]bool{}
	for i, p := range list {
		st, err := check(p, strconv.Itoa(i+1))
		if err != nil {
			return nil, wrong("statement %d (line %d): %s", i+1, p.Position().Line, oneLine(err.Error()))
		}
		if names[st.name] {
			return nil, wrong("statement %d (line %d): another one has the @id %q too", i+1, p.Position().Line, st.name)
		}
		names[st.name] = true
		out = append(out, st)
	}
	return out, nil
}

// PolicyInvalid is the code of a text or form that is not a policy.
const PolicyInvalid = "POLICY_INVALID"

// tooDeep counts brackets without regard to strings: it may only err towards refusing.
func tooDeep(text string) bool {
	depth, most := 0, 0
	ops := 0
	for _, c := range text {
		switch c {
		case '(', '[', '{':
			depth++
			most = max(most, depth)
		case ')', ']', '}':
			depth--
		case '!', '-':
			ops++
		}
	}
	return most > maxDepth || ops > 4096
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}

// check compiles one statement: Cedar's validator against the schema first, then
// what the schema cannot say.
func check(p *cedar.Policy, number string) (*statement, error) {
	tree := (*ast.Policy)(p.AST())
	if err := validator().Policy(number, tree); err != nil {
		return nil, err
	}
	st := &statement{policy: p, name: number, effect: Allow}
	if p.Effect() == cedar.Forbid {
		st.effect = Deny
	}
	if err := st.annotate(tree.Annotations); err != nil {
		return nil, err
	}
	st.principal, st.resource = scopeOf(tree.Principal), scopeOf(tree.Resource)
	st.usesGroup = st.principal.uid.Type == "Group"
	for _, c := range tree.Conditions {
		if err := st.look(c.Body); err != nil {
			return nil, err
		}
	}
	return st, nil
}

func scopeOf(n ast.IsScopeNode) scope {
	switch n := n.(type) {
	case ast.ScopeTypeEq:
		return scope{uid: n.Entity, eq: true, set: true}
	case ast.ScopeTypeIn:
		return scope{uid: n.Entity, set: true}
	case ast.ScopeTypeIsIn:
		return scope{uid: n.Entity, set: true}
	}
	return scope{}
}

// look notes what a condition uses, and refuses hours that are asked in another
// way than contains("..."): their windows must be known before the question is.
func (st *statement) look(body ast.IsNode) error {
	var wrong error
	seen, covered := 0, 0
	ast.Inspect(ast.NewNode(body), func(n ast.IsNode) bool {
		switch n := n.(type) {
		case ast.NodeTypeAccess:
			v, ok := n.Arg.(ast.NodeTypeVariable)
			if !ok || v.Name != "context" {
				break
			}
			switch n.Value {
			case "hours", "mfa_age", "now", "source", "ticket":
				st.condition = true
			}
			switch n.Value {
			case "hours":
				seen++
			case "mfa_age":
				st.usesMFA = true
			case "now":
				st.usesNow = true
			case "source":
				st.usesIP = true
			}
		case ast.NodeValue:
			if uid, ok := n.Value.(cedar.EntityUID); ok && uid.Type == "Group" {
				st.usesGroup = true
			}
		case ast.NodeTypeContains:
			a, ok := n.Left.(ast.NodeTypeAccess)
			if !ok || a.Value != "hours" {
				break
			}
			covered++
			lit, ok := n.Right.(ast.NodeValue)
			text, isText := lit.Value.(cedar.String)
			if !ok || !isText {
				wrong = fmt.Errorf(`hours are asked with a text, as in context.hours.contains("mon-fri 08:00-18:00 Europe/Vienna")`)
				return false
			}
			h, err := ParseHours(string(text))
			if err != nil {
				wrong = fmt.Errorf("%q are not hours: %s", string(text), said(err))
				return false
			}
			if !slices.ContainsFunc(st.windows, func(w window) bool { return w.text == string(text) }) {
				st.windows = append(st.windows, window{string(text), h})
			}
		}
		return true
	})
	if wrong == nil && (seen != covered || usesWholeContext(body)) {
		wrong = fmt.Errorf(`hours are asked only as context.hours.contains("mon-fri 08:00-18:00 Europe/Vienna")`)
	}
	return wrong
}

// usesWholeContext tells whether the context is used as a value, in which hours could hide.
func usesWholeContext(body ast.IsNode) bool {
	vars, accesses := 0, 0
	ast.Inspect(ast.NewNode(body), func(n ast.IsNode) bool {
		switch n := n.(type) {
		case ast.NodeTypeVariable:
			if n.Name == "context" {
				vars++
			}
		case ast.NodeTypeAccess:
			if v, ok := n.Arg.(ast.NodeTypeVariable); ok && v.Name == "context" {
				accesses++
			}
		case ast.NodeTypeHas:
			if v, ok := n.Arg.(ast.NodeTypeVariable); ok && v.Name == "context" {
				accesses++
			}
		}
		return true
	})
	return vars != accesses
}

func said(err error) string {
	f := fault.As(err)
	if f == nil {
		return err.Error()
	}
	if len(f.Fields) > 0 {
		return f.Fields[0].Path + " " + f.Fields[0].Message
	}
	return f.Message
}

// annotate reads the annotations. One that means nothing is refused: it was meant
// to mean something.
func (st *statement) annotate(list []ast.AnnotationType) error {
	permit := st.effect == Allow
	for _, a := range list {
		key, v := string(a.Key), string(a.Value)
		var err error
		switch key {
		case "id":
			if v == "" || len(v) > 64 || strings.ContainsFunc(v, func(r rune) bool { return r < '!' || r > '~' || r == '"' }) {
				err = fmt.Errorf("must be 1 to 64 letters, digits and signs")
			}
			st.name = v
		case "message":
			if v == "" || len(v) > MaxMessage || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				err = fmt.Errorf("must be a line of at most %d bytes", MaxMessage)
			}
			st.message = v
		case "require_approval":
			n, e := strconv.Atoi(v)
			if e != nil || n < 1 || n > MaxApprovals || !permit && st.effect != RequireApproval || v != strconv.Itoa(n) {
				err = fmt.Errorf(`must be "1" or "2" (two different people), on a permit`)
			}
			st.approvals, st.effect = n, RequireApproval
		case "approvers":
			st.approvers, err = parseApprovers(v)
		default:
			var known bool
			known, err = st.options.set(key, v)
			if !known {
				err = fmt.Errorf("is not known here; there are id, message, require_approval, approvers, %s", strings.Join(optionNames, ", "))
			} else if err == nil && st.policy.Effect() == cedar.Forbid {
				err = fmt.Errorf("belongs on a permit: what is forbidden has no options")
			}
		}
		if err != nil {
			return fmt.Errorf("@%s %w", key, err)
		}
	}
	if st.effect == RequireApproval && len(st.approvers) == 0 {
		st.approvers = []Approver{{Kind: SafeApprovers}}
	}
	if st.policy.Effect() == cedar.Forbid {
		st.effect = Deny
		if st.approvals > 0 {
			return fmt.Errorf("@require_approval belongs on a permit")
		}
	}
	if len(st.approvers) > 0 && st.effect != RequireApproval {
		return fmt.Errorf("@approvers belongs to @require_approval")
	}
	return nil
}

func parseApprovers(v string) ([]Approver, error) {
	parts := strings.Split(v, ",")
	if len(parts) > MaxApprovers {
		return nil, fmt.Errorf("must name at most %d", MaxApprovers)
	}
	var out []Approver
	for _, part := range parts {
		a, err := ParseApprover(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("must be a list such as safe, group:<id>, person:<id>: %s", fault.MessageOf(err))
		}
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out, nil
}

// ParseHours reads a window of the week as policies write it:
// "mon-fri 08:00-18:00 Europe/Vienna".
func ParseHours(s string) (safe.ValidHours, error) {
	wrong := fault.New(fault.Invalid, `write days, times and a time zone, such as "mon-fri 08:00-18:00 Europe/Vienna"`)
	parts := strings.Split(s, " ")
	if len(parts) != 3 || len(s) > 128 {
		return safe.ValidHours{}, wrong
	}
	from, to, ok := strings.Cut(parts[1], "-")
	days := parseDays(parts[0])
	if !ok || days == nil {
		return safe.ValidHours{}, wrong
	}
	return safe.ParseValidHours(days, from, to, parts[2])
}

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// parseDays reads "mon-fri,sun"; nil when it cannot.
func parseDays(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		a, b, several := strings.Cut(part, "-")
		if !several {
			b = a
		}
		i, j := slices.Index(weekdays, a), slices.Index(weekdays, b)
		if i < 0 || j < 0 || len(out) > 7 {
			return nil
		}
		for ; ; i = (i + 1) % len(weekdays) {
			out = append(out, weekdays[i])
			if i == j {
				break
			}
		}
	}
	return out
}

// HoursText writes hours as ParseHours reads them.
func HoursText(h safe.ValidHours) string {
	var days []string
	for i := 0; i < len(weekdays); i++ {
		j := i
		for j < len(weekdays) && slices.Contains(h.Days, weekdayOf(j)) {
			j++
		}
		switch {
		case j == i:
		case j-i < 3:
			days = append(days, weekdays[i:j]...)
		default:
			days = append(days, weekdays[i]+"-"+weekdays[j-1])
		}
		if j > i {
			i = j - 1
		}
	}
	return fmt.Sprintf("%s %s-%s %s", strings.Join(days, ","), h.From, h.To, h.TimeZone)
}

func weekdayOf(monday int) time.Weekday { return time.Weekday((monday + 1) % 7) }
