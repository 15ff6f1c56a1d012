// Package catalogdoc writes the public pages of the audit event catalog from the Go
// types: the reference page for people and the JSON Schema for machines. Both are
// committed; scripts/docs/generate_audit_event_catalog.sh writes them anew and, with
// --check, says whether they are stale.
package catalogdoc

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/vaultpam/vaultpam/internal/audit/event"
)

// The files, from the root of the repository.
const (
	PagePath   = "docs/reference/audit-event-catalog.md"
	SchemaPath = "docs/reference/audit-events.schema.json"
)

const intro = `# Audit event catalog

<!-- Written by scripts/docs/generate_audit_event_catalog.sh from internal/audit/event. Do not edit. -->

VaultPAM tells what happens in it by %d audit events. Each has a **constant**, which rules and
searches use, a **wire string**, which stands in the field ` + "`event`" + `, and a category. None of the
three ever changes. All events share one envelope; its fields, and the metadata, outcomes and reasons
of each event, are in [audit-events.schema.json](audit-events.schema.json).
` + "`vaultpam audit catalog --json`" + ` prints everything, also when each event is emitted and when it is not,
and how it maps to OCSF %s and ECS %s.

A refused or failed attempt is the same event as the act itself, with ` + "`outcome`" + ` ` + "`denied`" + ` or
` + "`failure`" + ` and a ` + "`reason`" + `, unless an event of its own (` + "`*_BLOCKED`, `*_DENIED`, `*_REJECTED`" + `) is
listed for it. A rule that counts an act must therefore match ` + "`outcome: success`" + `.

`

var severityMeaning = map[event.Severity]string{
	event.Debug:    "routine signs of life; not delivered to a SIEM sink unless it asks for them",
	event.Info:     "ordinary acts",
	event.Warn:     "refused attempts, and acts that change what others may do",
	event.Error:    "something that should have worked did not",
	event.Critical: "must be looked at now; delivered to every sink, whatever its filter says",
}

var actorMeaning = map[event.ActorType]string{
	event.User:           "anybody who uses the product for themselves; also a person who is not signed in (empty id, `authenticated` false)",
	event.TenantAdmin:    "an owner or admin at the organization's configuration",
	event.System:         "the product of its own: a clock, a start, a consequence",
	event.ServiceAccount: "an API token; `id` is its owner, `token_id` the token",
	event.PlatformAdmin:  "an operator of the whole installation",
	event.OrgAdmin:       "an owner or admin deciding in an approval or governance queue, or a Safe's manager at that Safe",
	event.Connector:      "a connector of its own",
}

var targetMeaning = map[event.TargetType]string{
	event.TargetAccount:          "a privileged account under management",
	event.TargetConnection:       "a connection definition (a resource)",
	event.TargetSession:          "a privileged session",
	event.TargetAgent:            "a connector",
	event.TargetPolicy:           "the policy of a Safe, or a retention policy",
	event.TargetSecret:           "a credential: of an account, a set of backup codes, a phone digest key",
	event.TargetTenant:           "the organization, or the platform (`platform`); also where the concerned object has no target type, as users and groups, which are in the metadata",
	event.TargetAPIToken:         "an API token",
	event.TargetInvitation:       "an invitation",
	event.TargetAuditLog:         "a ledger",
	event.TargetGovernanceAction: "an action or case that waits for a decision",
	event.TargetSafe:             "a Safe",
}

// Page is the reference page, in Markdown.
func Page() []byte {
	all := publicEvents()
	var b bytes.Buffer
	fmt.Fprintf(&b, intro, len(all), event.OCSFVersion, event.ECSVersion)
	b.WriteString("## Events\n")
	for _, group := range byCategory(all) {
		if group[0].Category == event.ProxySharedSSH {
			continue
		}
		fmt.Fprintf(&b, "\n### %s (%d events)\n\n", group[0].Category, len(group))
		t := table{&b}
		t.row("Constant", "Wire string", "Category")
		t.rule(3)
		for _, d := range group {
			t.row(code(d.Constant), code(d.Wire), string(d.Category))
		}
	}
	sshSection(&b, all)
	vocabulary(&b)
	return b.Bytes()
}

func sshSection(b *bytes.Buffer, all []event.Definition) {
	b.WriteString("\n## Proxy-shared SSH events\n\n" +
		"The SSH gateway defines these beside its own code, and the catalog re-exports them as `PROXY_SSH_*`.\n" +
		"They carry the `session_id` of the `SESSION_*` events of the same session; count sessions by those.\n\n")
	t := table{b}
	t.row("Constant", "Wire string", "Category", "Description")
	t.rule(4)
	for _, d := range all {
		if d.Category == event.ProxySharedSSH {
			t.row(code(d.Constant), code(d.Wire), string(d.Category), d.Trigger)
		}
	}
}

func vocabulary(b *bytes.Buffer) {
	t := table{b}
	b.WriteString("\n## Severity levels\n\nThe numbers are those of the formats in which events are delivered.\n\n")
	t.row("Severity", "Meaning", "OCSF severity_id", "syslog", "CEF", "OTLP")
	t.rule(6)
	for _, s := range event.Severities() {
		n := s.Levels()
		t.row(code(s), severityMeaning[s], fmt.Sprint(n.OCSF), fmt.Sprint(n.Syslog), fmt.Sprint(n.CEF), fmt.Sprint(n.OTLP))
	}
	b.WriteString("\n## Actor types\n\nOn whose behalf the act is done: by what is done, not by the highest role of who does it.\n\n")
	t.row("Actor type", "Meaning")
	t.rule(2)
	for _, a := range event.ActorTypes() {
		t.row(code(a), actorMeaning[a])
	}
	b.WriteString("\n## Target types\n\nThe target type of each event is fixed.\n\n")
	t.row("Target type", "Meaning")
	t.rule(2)
	for _, x := range event.TargetTypes() {
		t.row(code(x), targetMeaning[x])
	}
}

// publicEvents are the definitions of the public tier, in catalog order.
func publicEvents() []event.Definition {
	var out []event.Definition
	for _, d := range event.Catalog() {
		if d.Tier == event.Public {
			out = append(out, d)
		}
	}
	return out
}

// byCategory cuts a list in catalog order where the category changes.
func byCategory(all []event.Definition) [][]event.Definition {
	var out [][]event.Definition
	for i, d := range all {
		if i == 0 || all[i-1].Category != d.Category {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], d)
	}
	return out
}

type table struct{ b *bytes.Buffer }

func (t table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	fmt.Fprintf(t.b, "| %s |\n", strings.Join(cells, " | "))
}

func (t table) rule(columns int) { t.b.WriteString(strings.Repeat("| --- ", columns) + "|\n") }

func code[T ~string](s T) string { return "`" + string(s) + "`" }
