package declare

import "slices"

// kind is what a value in a file is.
type kind int

const (
	text     kind = iota
	word          // one of words
	number        // whole, not negative
	flag          // true or false
	span          // a duration such as 4h; the API has whole seconds
	moment        // a day (UTC) or RFC 3339
	object        // with keys
	list          // of values of one shape
	resource      // the following are names of things
	account
	person
	group
	safe
	template
	approver // safe, group:<name> or person:<e-mail or handle>
	network
	cedar // text of a policy, where ${group:<name>}, ${person:...} and ${safe:...} stand for ids
)

// shape says how a value is written. The parser, the JSON schema for editors and
// what is exported all follow it.
type shape struct {
	kind  kind
	words []string
	keys  []key
	of    *shape // of a list
	doc   string
}

// key is a key of an object.
type key struct {
	name string
	shape
	must bool
	api  string // its name in the API; empty: the same
}

func (k key) field() string {
	if k.api != "" {
		return k.api
	}
	return k.name
}

func (s shape) key(name string) (key, bool) {
	i := slices.IndexFunc(s.keys, func(k key) bool { return k.name == name })
	if i < 0 {
		return key{}, false
	}
	return s.keys[i], true
}

// Version is the apiVersion of the files that are read and written here.
const Version = "vaultpam/v1"

func a(k kind, doc string) shape              { return shape{kind: k, doc: doc} }
func some(of shape, doc string) shape         { return shape{kind: list, of: &of, doc: doc} }
func oneOf(doc string, words ...string) shape { return shape{kind: word, words: words, doc: doc} }
func keyed(doc string, keys ...key) shape     { return shape{kind: object, keys: keys, doc: doc} }
func is(name string, s shape) key             { return key{name: name, shape: s} }
func must(name string, s shape) key           { return key{name: name, shape: s, must: true} }
func seconds(name, doc string) key {
	return key{name: name, shape: a(span, doc), api: name + "_seconds"}
}
func called(name string) key {
	return must(name, a(text, "By this it is known; another name is another object."))
}
func held(k key) shape { return keyed("", k, safeRole, until) }

var (
	safeRole = is("role", oneOf("What they may do there; user when not said.", "user", "checkout", "approver", "manager"))
	until    = is("until", a(moment, "The clock ends it then: a day (UTC) or a moment (RFC 3339). Absent: never. One that has passed counts as not there."))
)

// top is a file.
var top = keyed("What an organization's access is. What is not mentioned is left alone; a list that is stated is stated whole.",
	must("apiVersion", oneOf("The version of this form.", Version)),
	is("owns", some(oneOf("", "groups", "safes", "policies"), "Of which the lists here are complete: with --prune, whatever else the organization has of them is deleted.")),
	is("resources", some(keyed("", called("name"), is("labels", some(a(text, ""), "All of them, such as env=prod; policies look at them."))), "Labels of machines, which exist already.")),
	is("groups", some(keyed("", called("name"), is("description", a(text, "What it is for.")),
		is("members", some(a(person, ""), "All of them, by e-mail address or handle. Not for a group that a directory keeps."))), "Groups that are kept here. One that a directory keeps is only referred to by its name.")),
	is("safes", some(safeShape, "Safes, with who reaches them.")),
	is("policies", some(policyShape, "Policies, and on which safes they are.")),
)

var safeShape = keyed("", called("name"), is("description", a(text, "What it is for.")),
	is("resource", a(resource, "The machine that it leads to; needed for a new safe.")),
	is("account", a(account, "The account that it logs in as; needed for a new safe. Its credential is set elsewhere: vaultpam accounts set-secret.")),
	is("settings", settings),
	is("members", some(held(must("person", a(person, "E-mail address or handle."))), "All direct members.")),
	is("groups", some(held(must("group", a(group, "Name of the group."))), "All groups that are bound to it.")),
)

// settings are a safe's own; see docs/policies.md.
var settings = keyed("The safe's own settings; those that are not mentioned stay, or have their default in a new safe.",
	is("recording", a(flag, "Record sessions. Turning it off may wait for a second person.")),
	is("record_input", a(flag, "Record what is typed too.")),
	seconds("session_ttl", "How long a session may last."),
	seconds("idle_timeout", "How long a session may be silent."),
	is("valid_hours", keyed("When it may be used; null: always.",
		must("days", some(oneOf("", "mon", "tue", "wed", "thu", "fri", "sat", "sun"), "")), must("from", a(text, "As 08:00.")),
		must("to", a(text, "As 18:00; not after from: past midnight.")), must("time_zone", a(text, "IANA name, as Europe/Paris.")))),
	is("source_networks", some(a(network, ""), "From where it may be used; empty: from anywhere.")),
	is("local_forward", a(flag, "Allow ssh -L and -D.")),
	is("remote_forward", a(flag, "Allow ssh -R.")),
	is("agent_forward", a(flag, "Allow ssh -A.")),
	is("x11_forward", a(flag, "Allow ssh -X.")),
	is("jump", oneOf("ssh -J towards the safe's own target.", "block", "allow")),
	is("file_transfer", oneOf("scp, sftp and their like.", "block", "audit", "allow")),
	is("clipboard", oneOf("Whether terminals reach the clipboard of who uses them.", "block", "allow")),
	is("step_up", a(flag, "Ask for a second factor at launch.")),
	seconds("step_up_freshness", "How old the last proof of it may be."),
	is("max_sessions", a(number, "Sessions at once; 0: no limit.")),
	seconds("checkout_timeout", "For how long its credential may be checked out at most."),
	is("approvals", a(number, "How many other people approve before a session: 0, 1 or 2.")),
	is("request_by", oneOf("Who may ask for access.", "members", "organization")),
	seconds("request_max", "For how long access may be asked."),
	seconds("request_wait", "After which an undecided request lapses."),
	is("approval_once", a(flag, "An approval opens one session, and reconnects within the cool-down.")),
	seconds("cool_down", "How long after such a session a reconnect needs no new approval."),
	is("auto_approve_groups", some(a(group, ""), "Groups whose members are approved at once.")),
	is("auto_approve_ticket", a(flag, "Approve a request at once when the ticket system says that its ticket is open.")),
	is("delegation", oneOf("Whether members may lend their access to others, and these on.", "block", "allow", "onward")),
	is("break_glass", some(a(person, ""), "Who may open it in an emergency without approval.")),
)

var policyShape = keyed("", called("name"), is("description", a(text, "What it is for.")),
	is("enabled", a(flag, "Whether it counts; true in a new one.")),
	is("priority", a(number, "Of several policies that let in, the lowest decides what the session may do; 100 in a new one.")),
	is("everywhere", a(flag, "On every safe, also on those that are made later.")),
	is("safes", some(a(safe, ""), "All safes that it is on.")),
	is("form", policyForm),
	is("text", a(cedar, "The policy in Cedar; ${group:<name>}, ${person:<e-mail>} and ${safe:<name>} stand for ids.")),
	is("template", a(template, "One of vaultpam policies templates.")),
)

// policyForm is a policy as people fill it in. Stated whole: what is left out asks nothing.
var policyForm = keyed("The policy as a form. It is stated whole: what is left out asks for nothing.",
	must("effect", oneOf("", "allow", "deny", "require_approval")),
	is("roles", some(oneOf("", "owner", "admin", "operator", "auditor", "member"), "Roles in the organization.")),
	is("groups", some(a(group, ""), "Names of groups.")),
	is("people", some(a(person, ""), "E-mail addresses or handles.")),
	is("safe_roles", some(oneOf("", "user", "checkout", "approver", "manager"), "Roles on the safe.")),
	is("safes", some(a(safe, ""), "Of the safes that the policy is on, only these.")),
	is("types", some(a(text, ""), "Types of the resource, such as ssh.")),
	is("labels", some(a(text, ""), "Labels that the resource must all have, such as env=prod.")),
	is("unless", a(flag, "It matches unless all of hours, networks, factor and ticket are as said.")),
	is("hours", some(a(text, ""), "Any of these, such as mon-fri 08:00-18:00 Europe/Vienna.")),
	is("networks", some(a(network, ""), "Any of these, such as 10.0.0.0/8.")),
	seconds("mfa_within", "A second factor was proved within this time."),
	is("ticket", a(flag, "A ticket was named.")),
	is("message", a(text, "What the person is told.")),
	is("approvals", a(number, "How many people must approve: 1 or 2.")),
	is("approvers", some(a(approver, ""), "Who may approve: safe, group:<name>, person:<e-mail or handle>.")),
	is("options", keyed("What a session may do that it lets in; it only narrows the safe's settings.",
		is("recording", a(flag, "Record, also where the safe does not.")),
		is("record_input", a(flag, "Record what is typed too.")),
		is("file_transfer", oneOf("", "block", "audit")),
		is("block_local_forward", a(flag, "")), is("block_remote_forward", a(flag, "")), is("block_agent_forward", a(flag, "")),
		is("block_x11_forward", a(flag, "")), is("block_jump", a(flag, "")), is("block_clipboard", a(flag, "")),
		seconds("session_ttl", "How long such a session may last."), seconds("idle_timeout", "How long it may be silent."))),
)
