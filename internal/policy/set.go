package policy

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cedar-policy/cedar-go"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe"
)

//go:embed builtin.cedar
var builtinText string

// BuiltinText is the product's own rules of opening a safe.
func BuiltinText() string { return builtinText }

// Source is one policy of an organization, as the store keeps it.
type Source struct {
	ID         id.Policy
	Name       string
	Text       string
	Version    int64
	Priority   int64 // whose options count when several let in: the lowest first, then the older policy
	Enabled    bool
	Everywhere bool // on every safe
	Safes      []id.Safe
}

// rule is a statement as it is evaluated: whose it is, and where.
type rule struct {
	*statement
	key    cedar.PolicyID // unique in its set
	reason Reason
	policy id.Policy
	order  int // of its policy: whose options count when several let in
}

// Set is the policies of one organization, compiled. It never changes.
type Set struct {
	Version    int64
	everywhere []*rule
	bySafe     map[id.Safe][]*rule
	governed   bool // by a policy that allows, on every safe
	governs    map[id.Safe]bool
	timed      bool // some statement looks at the moment itself
	grouped    bool // some statement asks for a group
}

const lastOrder = 1 << 30 // the product's own rules come after an organization's

var builtin = sync.OnceValue(func() []*rule {
	list, err := parseText(builtinText)
	if err != nil {
		panic(fmt.Sprintf("policy: builtin.cedar: %v", err))
	}
	out := make([]*rule, len(list))
	for i, st := range list {
		key := builtinPrefix + st.name
		out[i] = &rule{statement: st, key: cedar.PolicyID(key), reason: Reason{ID: key, Kind: kindBuiltin, Name: st.name, Statement: st.name, Effect: st.effect}, order: lastOrder}
	}
	return out
})

// Compile makes the set of an organization's policies. A stored text that is not
// valid does not vanish: whatever it is assigned to is refused, with its name.
func Compile(version int64, list []Source) *Set {
	s := &Set{Version: version, bySafe: map[id.Safe][]*rule{}, governs: map[id.Safe]bool{}}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Source) int {
		if a.Priority != b.Priority {
			return int(max(-1, min(1, a.Priority-b.Priority)))
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	for i, src := range list {
		if src.Enabled {
			s.add(src, i)
		}
	}
	return s
}

func (s *Set) add(src Source, order int) {
	reason := Reason{ID: string(src.ID), Kind: kindOrg, Name: src.Name, Version: src.Version}
	stmts, err := compiled(src.Text)
	if err != nil {
		reason.Effect, reason.Why, reason.Message = Deny, BrokenPolicy, "its text is not valid: "+said(err)
		stmts = []*statement{brokenStatement()}
	}
	var rules []*rule
	allows := false
	for _, st := range stmts {
		r := reason
		r.Statement = st.name
		if err == nil {
			r.Effect, r.Message = st.effect, st.message
		}
		rules = append(rules, &rule{statement: st, key: cedar.PolicyID(string(src.ID) + "#" + st.name), reason: r, policy: src.ID, order: order})
		allows = allows || st.effect == Allow
		s.timed, s.grouped = s.timed || st.usesNow, s.grouped || st.usesGroup
	}
	if src.Everywhere {
		s.everywhere = append(s.everywhere, rules...)
		s.governed = s.governed || allows
		return
	}
	for _, sid := range src.Safes {
		s.bySafe[sid] = append(s.bySafe[sid], rules...)
		s.governs[sid] = s.governs[sid] || allows
	}
}

var brokenStatement = sync.OnceValue(func() *statement {
	list, err := parseText(`forbid (principal, action, resource);`)
	if err != nil {
		panic(err)
	}
	return list[0]
})

// texts keeps compiled texts: policies of other versions of a set mostly stay as they are.
var texts = newCache[string, []*statement](4096)

func compiled(text string) ([]*statement, error) {
	if st, ok := texts.get(text); ok {
		return st, nil
	}
	st, err := parseText(text)
	if err == nil {
		texts.put(text, st)
	}
	return st, err
}

// Timed tells whether a decision may change from one second to the next, and not
// only where a minute begins.
func (s *Set) Timed() bool { return s.timed }

// Unstable tells whether a decision hangs on rows that change without the number of
// the policies or of the safe: groups, and approved requests.
func (s *Set) Unstable(q *Question, d *Decision) bool {
	return s.grouped || d.Approval != nil || len(q.Moment.Grants) > 0
}

// cache is a small map that forgets everything when it is full.
type cache[K comparable, V any] struct {
	mu   sync.RWMutex
	m    map[K]V
	most int
}

func newCache[K comparable, V any](most int) *cache[K, V] {
	return &cache[K, V]{m: map[K]V{}, most: most}
}

func (c *cache[K, V]) get(k K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.m[k]
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= c.most {
		clear(c.m)
	}
	c.m[k] = v
}

// settingsText writes the conditions of a safe's settings as Cedar: what is
// forbidden, in the order in which people are told. Empty when there are none.
func settingsText(p safe.Policy) string {
	var b strings.Builder
	forbid := func(name, unless string) {
		fmt.Fprintf(&b, "@id(%q)\nforbid (principal, action == Action::\"session.launch\", resource)\nunless { %s };\n", name, unless)
	}
	if p.ValidHours != nil {
		forbid("valid-hours", fmt.Sprintf("context.hours.contains(%s)", quote(HoursText(*p.ValidHours))))
	}
	if len(p.SourceNetworks) > 0 {
		forbid("source-networks", networksText(p.SourceNetworks))
	}
	if p.StepUp {
		forbid("step-up", fmt.Sprintf("context.mfa_age <= %d", int64(p.StepUpFreshness.Seconds())))
	}
	if n := p.Approval.Count; n > 0 {
		fmt.Fprintf(&b, "@id(\"approval\") @require_approval(\"%d\")\npermit (principal, action == Action::\"session.launch\", resource);\n", n)
	}
	return b.String()
}

// SettingsText is what the engine makes of a safe's settings.
func SettingsText(p safe.Policy) string { return settingsText(p) }

// settings keeps the compiled settings of safes.
var settings = newCache[string, []*rule](8192)

func settingRules(p safe.Policy) []*rule {
	if p.ValidHours == nil && len(p.SourceNetworks) == 0 && !p.StepUp && p.Approval.Count == 0 {
		return nil
	}
	text := settingsText(p)
	if r, ok := settings.get(text); ok {
		return r
	}
	list, err := parseText(text)
	reason := Reason{Kind: kindSafe, Name: safeSettingName, Effect: Deny}
	if err != nil { // settings that the domain took for valid: fail closed, and say it
		list = []*statement{brokenStatement()}
		reason.Why, reason.Message = BrokenPolicy, "the safe's settings are not valid: "+said(err)
	}
	rules := make([]*rule, len(list))
	for i, st := range list {
		r := reason
		r.Statement = st.name
		if err == nil {
			r.Effect = st.effect
		}
		rules[i] = &rule{statement: st, key: cedar.PolicyID("safe#" + st.name), reason: r}
	}
	settings.put(text, rules)
	return rules
}
