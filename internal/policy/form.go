package policy

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// Form is a policy as people fill it in. Text writes it as Cedar, and ReadForm
// reads back what Text wrote. What is left out asks for nothing.
type Form struct {
	Effect Effect `json:"effect" enum:"allow,deny,require_approval"`

	// Who, and which safes: any of each list.
	Roles     []string `json:"roles,omitempty" maxItems:"4" doc:"Roles in the organization: owner, admin, operator, auditor; member is all of them"`
	Groups    []string `json:"groups,omitempty" maxItems:"32" doc:"Ids of groups"`
	People    []string `json:"people,omitempty" maxItems:"32" doc:"Ids of people"`
	SafeRoles []string `json:"safe_roles,omitempty" maxItems:"4" doc:"Roles on the safe: user, checkout, approver, manager"`
	Safes     []string `json:"safes,omitempty" maxItems:"32" doc:"Ids of safes, of those that the policy is assigned to"`
	Types     []string `json:"types,omitempty" maxItems:"8" doc:"Types of the resource, such as ssh"`
	Labels    []string `json:"labels,omitempty" maxItems:"16" doc:"Labels that the resource must all have, such as env=prod"`

	// The moment. Unless turns these around: the policy matches when one of them does not hold.
	Unless    bool     `json:"unless,omitempty" doc:"The policy matches unless all of hours, networks, factor and ticket are as said; for a policy that denies"`
	Hours     []string `json:"hours,omitempty" maxItems:"8" doc:"Any of these, such as mon-fri 08:00-18:00 Europe/Vienna"`
	Networks  []string `json:"networks,omitempty" maxItems:"64" doc:"Any of these, such as 10.0.0.0/8"`
	MFAWithin int64    `json:"mfa_within_seconds,omitempty" minimum:"0" maximum:"86400" doc:"A second factor was proved within so many seconds"`
	Ticket    bool     `json:"ticket,omitempty" doc:"A ticket was named"`

	Message   string   `json:"message,omitempty" maxLength:"256" doc:"What the person is told"`
	Approvals int      `json:"approvals,omitempty" minimum:"0" maximum:"2" doc:"How many people must approve: 1 or 2"`
	Approvers []string `json:"approvers,omitempty" maxItems:"16" doc:"Who may approve: safe (its approvers and managers), group:<id>, person:<id>"`

	Options FormOptions `json:"options,omitzero" doc:"What a session may do that this policy lets in; it only narrows the safe's settings"`
}

// FormOptions are Options as the form has them.
type FormOptions struct {
	Recording          bool   `json:"recording,omitempty" doc:"Record, also where the safe does not"`
	RecordInput        bool   `json:"record_input,omitempty" doc:"Record what is typed too"`
	FileTransfer       string `json:"file_transfer,omitempty" enum:"block,audit"`
	BlockLocalForward  bool   `json:"block_local_forward,omitempty"`
	BlockRemoteForward bool   `json:"block_remote_forward,omitempty"`
	BlockAgentForward  bool   `json:"block_agent_forward,omitempty"`
	BlockX11Forward    bool   `json:"block_x11_forward,omitempty"`
	BlockJump          bool   `json:"block_jump,omitempty"`
	BlockClipboard     bool   `json:"block_clipboard,omitempty"`
	SessionTTLSeconds  int64  `json:"session_ttl_seconds,omitempty"`
	IdleTimeoutSeconds int64  `json:"idle_timeout_seconds,omitempty"`
}

func (o FormOptions) options() Options {
	return Options{Recording: o.Recording, RecordInput: o.RecordInput, FileTransfer: safe.FileTransfer(o.FileTransfer), LocalForward: o.BlockLocalForward,
		RemoteForward: o.BlockRemoteForward, AgentForward: o.BlockAgentForward, X11Forward: o.BlockX11Forward, Jump: o.BlockJump, Clipboard: o.BlockClipboard,
		SessionTTL: time.Duration(o.SessionTTLSeconds) * time.Second, IdleTimeout: time.Duration(o.IdleTimeoutSeconds) * time.Second}
}

func formOptions(o Options) FormOptions {
	return FormOptions{Recording: o.Recording, RecordInput: o.RecordInput, FileTransfer: string(o.FileTransfer), BlockLocalForward: o.LocalForward,
		BlockRemoteForward: o.RemoteForward, BlockAgentForward: o.AgentForward, BlockX11Forward: o.X11Forward, BlockJump: o.Jump, BlockClipboard: o.Clipboard,
		SessionTTLSeconds: int64(o.SessionTTL / time.Second), IdleTimeoutSeconds: int64(o.IdleTimeout / time.Second)}
}

// quote writes a text as Cedar has it.
func quote(s string) string { return string(cedar.String(s).MarshalCedar()) }

func networksText(list []netip.Prefix) string {
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = fmt.Sprintf("context.source.isInRange(ip(%q))", n.String())
	}
	return strings.Join(parts, " || ")
}

// Text writes the form as Cedar. All that is wrong with it is told at once, under
// the fields of the API.
func (f Form) Text() (string, error) {
	if err := f.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	note := func(key, v string) { fmt.Fprintf(&b, "@%s(%s)\n", key, quote(v)) }
	if f.Message != "" {
		note("message", f.Message)
	}
	if f.Effect == RequireApproval {
		note("require_approval", strconv.Itoa(max(1, f.Approvals)))
		if len(f.Approvers) > 0 {
			note("approvers", strings.Join(f.Approvers, ", "))
		}
	}
	for _, a := range f.Options.options().annotations() {
		b.WriteString(a + "\n")
	}
	head := "permit"
	if f.Effect == Deny {
		head = "forbid"
	}
	who := f.who()
	principal := "principal"
	if len(who) == 1 {
		principal += " in " + who[0]
	}
	target := "resource"
	if len(f.Safes) == 1 {
		target += " == Safe::" + quote(f.Safes[0])
	}
	fmt.Fprintf(&b, "%s (%s, action == Action::\"session.launch\", %s)", head, principal, target)
	when := func(word, cond string) { fmt.Fprintf(&b, "\n%s { %s }", word, cond) }
	if len(who) > 1 {
		when("when", "principal in "+strings.Join(who, " || principal in "))
	}
	if len(f.SafeRoles) > 0 {
		when("when", texts1(f.SafeRoles)+".contains(context.safe_role)")
	}
	if len(f.Safes) > 1 {
		var list []string
		for _, s := range f.Safes {
			list = append(list, "Safe::"+quote(s))
		}
		when("when", "resource in ["+strings.Join(list, ", ")+"]")
	}
	if len(f.Types) > 0 {
		when("when", texts1(f.Types)+".contains(resource.type)")
	}
	if len(f.Labels) > 0 {
		when("when", "resource.labels.containsAll("+texts1(f.Labels)+")")
	}
	moment := f.moment()
	if f.Unless && len(moment) > 0 {
		when("unless", strings.Join(moment, " && "))
	} else {
		for _, m := range moment {
			when("when", m)
		}
	}
	b.WriteString(";\n")
	text := b.String()
	if _, err := parseText(text); err != nil {
		return "", err
	}
	return text, nil
}

func (f Form) who() []string {
	var out []string
	for _, r := range f.Roles {
		out = append(out, "Role::"+quote(r))
	}
	for _, g := range f.Groups {
		out = append(out, "Group::"+quote(g))
	}
	for _, p := range f.People {
		out = append(out, "Person::"+quote(p))
	}
	return out
}

func (f Form) moment() []string {
	var out []string
	several := func(list []string) {
		if len(list) == 0 {
			return
		}
		cond := strings.Join(list, " || ")
		if len(list) > 1 && f.Unless {
			cond = "(" + cond + ")"
		}
		out = append(out, cond)
	}
	var hours, nets []string
	for _, h := range f.Hours {
		hours = append(hours, "context.hours.contains("+quote(h)+")")
	}
	for _, n := range f.Networks {
		nets = append(nets, "context.source.isInRange(ip("+quote(n)+"))")
	}
	several(hours)
	several(nets)
	if f.MFAWithin > 0 {
		out = append(out, fmt.Sprintf("context.mfa_age <= %d", f.MFAWithin))
	}
	if f.Ticket {
		out = append(out, `context.ticket != ""`)
	}
	return out
}

func texts1(list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, quote(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// check finds what is wrong with a form.
func (f Form) check() error {
	wrong := fault.New(fault.Invalid, "the policy is not valid: see the fields that are named").WithCode(PolicyInvalid)
	bad := func(path, format string, args ...any) { wrong.WithField("form."+path, format, args...) }
	each := func(path string, list []string, most int, ok func(string) bool, must string) {
		if len(list) > most {
			bad(path, "must have at most %d entries", most)
			return
		}
		for i, v := range list {
			if !ok(v) {
				bad(fmt.Sprintf("%s[%d]", path, i), "%s", must)
			} else if slices.Contains(list[:i], v) {
				bad(fmt.Sprintf("%s[%d]", path, i), "must not be named twice")
			}
		}
	}
	if !slices.Contains([]Effect{Allow, Deny, RequireApproval}, f.Effect) {
		bad("effect", "must be allow, deny or require_approval")
	}
	each("roles", f.Roles, 5, func(s string) bool { return authz.Role(s).Valid() || s == "member" }, "must be owner, admin, operator, auditor or member")
	each("groups", f.Groups, 32, isID[id.Group], "must be the id of a group")
	each("people", f.People, 32, isID[id.User], "must be the id of a person")
	each("safes", f.Safes, 32, isID[id.Safe], "must be the id of a safe")
	each("safe_roles", f.SafeRoles, 4, func(s string) bool { return slices.Contains(authz.SafeRoles(), authz.SafeRole(s)) }, "must be user, checkout, approver or manager")
	each("types", f.Types, 8, func(s string) bool { return slices.Contains(resourceTypes, s) }, "must be a type of resource: "+strings.Join(resourceTypes, ", "))
	each("labels", f.Labels, 16, func(s string) bool { return s != "" && len(s) <= 128 && printable(s) }, "must be a label such as env=prod")
	each("hours", f.Hours, 8, func(s string) bool { h, err := ParseHours(s); return err == nil && HoursText(h) == s },
		`must be days, times and a time zone, such as "mon-fri 08:00-18:00 Europe/Vienna"`)
	each("networks", f.Networks, safe.MaxNetworks, func(s string) bool { n, err := safe.ParseNetwork(s); return err == nil && n.String() == s }, "must be a network such as 10.0.0.0/8 or 192.0.2.7/32")
	each("approvers", f.Approvers, MaxApprovers, func(s string) bool { _, err := ParseApprover(s); return err == nil }, "must be safe, group:<id> or person:<id>")
	if f.MFAWithin < 0 || f.MFAWithin > int64(safe.MaxFresh/time.Second) {
		bad("mfa_within_seconds", "must be from 0 (not asked) to %d", safe.MaxFresh/time.Second)
	}
	if len(f.Message) > MaxMessage || !printable(f.Message) {
		bad("message", "must be one line of at most %d bytes", MaxMessage)
	}
	if f.Effect != RequireApproval && (f.Approvals != 0 || len(f.Approvers) > 0) {
		bad("approvals", "belong to a policy that requires approval")
	}
	if f.Approvals < 0 || f.Approvals > MaxApprovals {
		bad("approvals", "must be 1 or 2")
	}
	if f.Effect == Deny && f.Options != (FormOptions{}) {
		bad("options", "belong to a policy that lets in")
	}
	if f.Unless && len(f.moment()) == 0 {
		bad("unless", "needs hours, networks, a factor or a ticket to turn around")
	}
	o := f.Options
	for path, n := range map[string]int64{"options.session_ttl_seconds": o.SessionTTLSeconds, "options.idle_timeout_seconds": o.IdleTimeoutSeconds} {
		if n != 0 && (n < int64(safe.MinLimit/time.Second) || n > int64(safe.MaxLimit/time.Second)) {
			bad(path, "must be from %d to %d", safe.MinLimit/time.Second, safe.MaxLimit/time.Second)
		}
	}
	if m := o.FileTransfer; m != "" && m != "block" && m != "audit" {
		bad("options.file_transfer", "must be block or audit")
	}
	if len(wrong.Fields) > 0 {
		slices.SortFunc(wrong.Fields, func(a, b fault.Field) int { return strings.Compare(a.Path, b.Path) })
		return wrong
	}
	return nil
}

// resourceTypes are those that resources have.
var resourceTypes = []string{"ssh"}

func isID[T id.Kind](s string) bool { _, err := id.Parse[T](s); return err == nil }

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	})
}

// ReadForm reads a text as a form; ok is false when the form cannot say what the
// text says. What it reads says exactly the same: Text writes an equal policy.
func ReadForm(text string) (Form, bool) {
	list, err := parseText(text)
	if err != nil || len(list) != 1 {
		return Form{}, false
	}
	st := list[0]
	f := Form{Effect: st.effect, Message: st.message, Options: formOptions(st.options)}
	if st.effect == RequireApproval {
		f.Approvals = st.approvals
	}
	tree := (*ast.Policy)(st.policy.AST())
	for _, a := range tree.Annotations {
		if a.Key == "approvers" {
			for _, x := range st.approvers {
				f.Approvers = append(f.Approvers, x.String())
			}
		}
	}
	if in, ok := tree.Principal.(ast.ScopeTypeIn); ok {
		f.takeWho(in.Entity)
	}
	if eq, ok := tree.Resource.(ast.ScopeTypeEq); ok {
		f.Safes = append(f.Safes, string(eq.Entity.ID))
	}
	for _, c := range tree.Conditions {
		if c.Condition == ast.ConditionUnless {
			f.Unless = true
		}
		f.takeCondition(c.Body)
	}
	again, err := f.Text()
	if err != nil {
		return Form{}, false
	}
	back, err := parseText(again)
	if err != nil || !bytes.Equal(canonical(back[0]), canonical(st)) {
		return Form{}, false
	}
	return f, true
}

func canonical(st *statement) []byte { return st.policy.MarshalCedar() }

func (f *Form) takeWho(uid cedar.EntityUID) {
	switch uid.Type {
	case "Role":
		f.Roles = append(f.Roles, string(uid.ID))
	case "Group":
		f.Groups = append(f.Groups, string(uid.ID))
	case "Person":
		f.People = append(f.People, string(uid.ID))
	}
}

// takeCondition collects what a condition says; whether it says nothing else is
// found out by writing the form again.
func (f *Form) takeCondition(n ast.IsNode) {
	switch n := n.(type) {
	case ast.NodeTypeAnd:
		f.takeCondition(n.Left)
		f.takeCondition(n.Right)
	case ast.NodeTypeOr:
		f.takeCondition(n.Left)
		f.takeCondition(n.Right)
	case ast.NodeTypeIn:
		for _, uid := range uids(n.Right) {
			if uid.Type == "Safe" {
				f.Safes = append(f.Safes, string(uid.ID))
			} else {
				f.takeWho(uid)
			}
		}
	case ast.NodeTypeContains:
		if a, ok := n.Left.(ast.NodeTypeAccess); ok && a.Value == "hours" {
			f.Hours = append(f.Hours, literals(n.Right)...)
			return
		}
		if a, ok := n.Right.(ast.NodeTypeAccess); ok && a.Value == "safe_role" {
			f.SafeRoles = append(f.SafeRoles, literals(n.Left)...)
		} else if ok && a.Value == "type" {
			f.Types = append(f.Types, literals(n.Left)...)
		}
	case ast.NodeTypeContainsAll:
		f.Labels = append(f.Labels, literals(n.Right)...)
	case ast.NodeTypeExtensionCall:
		if n.Name == "isInRange" && len(n.Args) == 2 {
			if ip, ok := n.Args[1].(ast.NodeTypeExtensionCall); ok && len(ip.Args) == 1 {
				f.Networks = append(f.Networks, literals(ip.Args[0])...)
			} else if v, ok := n.Args[1].(ast.NodeValue); ok {
				if p, ok := v.Value.(cedar.IPAddr); ok {
					f.Networks = append(f.Networks, p.Prefix().String())
				}
			}
		}
	case ast.NodeTypeLessThanOrEqual:
		if v, ok := n.Right.(ast.NodeValue); ok {
			if i, ok := v.Value.(cedar.Long); ok {
				f.MFAWithin = int64(i)
			}
		}
	case ast.NodeTypeNotEquals:
		f.Ticket = true
	}
}

func uids(n ast.IsNode) []cedar.EntityUID {
	var out []cedar.EntityUID
	ast.Inspect(ast.NewNode(n), func(n ast.IsNode) bool {
		if v, ok := n.(ast.NodeValue); ok {
			if uid, ok := v.Value.(cedar.EntityUID); ok {
				out = append(out, uid)
			}
		}
		return true
	})
	return out
}

func literals(n ast.IsNode) []string {
	var out []string
	ast.Inspect(ast.NewNode(n), func(n ast.IsNode) bool {
		if v, ok := n.(ast.NodeValue); ok {
			if s, ok := v.Value.(cedar.String); ok {
				out = append(out, string(s))
			}
		}
		return true
	})
	return out
}
