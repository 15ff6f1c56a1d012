package envelope

import (
	"reflect"
	"slices"
	"sync"

	"github.com/vaultpam/vaultpam/internal/id"
)

// Definition is all that the catalog says of one event type.
type Definition struct {
	Constant             Constant    `json:"constant"`
	Wire                 string      `json:"wire"`
	Category             Category    `json:"category"`
	Tier                 Tier        `json:"tier"`
	Severity             Severity    `json:"severity"`                          // with outcome success, or its only outcome
	SeverityIfNotSuccess Severity    `json:"severity_if_not_success,omitempty"` // of an event that can succeed and did not
	ActorTypes           []ActorType `json:"actor_types"`
	TargetType           TargetType  `json:"target_type"`
	Log                  LogKind     `json:"log"`
	Outcomes             []Outcome   `json:"outcomes"`
	Reasons              []string    `json:"reasons,omitempty"`
	Metadata             []Field     `json:"metadata"`
	OCSF                 OCSF        `json:"ocsf"`
	ECS                  ECS         `json:"ecs"`
	Trigger              string      `json:"trigger"` // when it is emitted, and when it is not
}

// Field is one metadata field of an event type.
type Field struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // id string int bool version ip sha256 time email enum[a|b] list[T] event_id phone_digest changes
	Optional bool   `json:"optional,omitempty"`
}

// OCSF is an event type's place in OCSF 1.8.0.
type OCSF struct {
	ClassUID     int    `json:"class_uid"`
	ClassName    string `json:"class_name"`
	ActivityID   int    `json:"activity_id"`
	ActivityName string `json:"activity_name"`
	TypeUID      int    `json:"type_uid"`
}

// ECS is an event type's place in the Elastic Common Schema 9.4.
type ECS struct {
	Category []string `json:"category"`
	Type     []string `json:"type"`
	Outcome  []string `json:"outcome"` // the values that event.outcome can take
}

// SeverityOf is the severity of an event of this type with outcome o.
func (d Definition) SeverityOf(o Outcome) Severity {
	if o == Success || !slices.Contains(d.Outcomes, Success) {
		return d.Severity
	}
	s := d.SeverityIfNotSuccess
	if s == "" {
		s = Warn
	}
	if s.Rank() < d.Severity.Rank() {
		return d.Severity
	}
	return s
}

// Spec ties a Definition to the Go type of its events.
type Spec struct {
	def  Definition
	typ  reflect.Type
	meta func() []metaField // read once from typ
}

// Define makes the Spec of event type T. Metadata is left empty in d: it is read from T's fields.
func Define[T Event](d Definition) *Spec {
	s := &Spec{def: d, typ: reflect.TypeFor[T]()}
	if s.def.Tier == "" {
		s.def.Tier = Public
	}
	s.def.ECS.Outcome = ecsOutcomes(d.Outcomes)
	s.meta = sync.OnceValue(func() []metaField { return metaFields(s.typ) })
	return s
}

// ecsOutcomes are the values of ECS's event.outcome, which knows no refusal.
func ecsOutcomes(from []Outcome) []string {
	var out []string
	if slices.Contains(from, Success) {
		out = append(out, "success")
	}
	if slices.ContainsFunc(from, func(o Outcome) bool { return o != Success }) {
		out = append(out, "failure")
	}
	return out
}

// Definition gives the whole definition, metadata included.
func (s *Spec) Definition() Definition {
	d := s.def
	d.ActorTypes = slices.Clone(d.ActorTypes)
	d.Outcomes = slices.Clone(d.Outcomes)
	d.Reasons = slices.Clone(d.Reasons)
	d.Metadata = make([]Field, 0, len(s.meta()))
	for _, f := range s.meta() {
		d.Metadata = append(d.Metadata, f.Field)
	}
	return d
}

// Constant is the public name of the events.
func (s *Spec) Constant() Constant { return s.def.Constant }

// Type is the Go type of the events.
func (s *Spec) Type() reflect.Type { return s.typ }

// Succeeded begins an event with outcome success.
func (s *Spec) Succeeded(act Act, target Targeted) Base {
	return Base{spec: s, act: act, to: target.target(), outcome: Success}
}

// Denied begins an event whose only outcome is denied.
func (s *Spec) Denied(act Act, target Targeted, reason string) Base {
	return Base{spec: s, act: act, to: target.target(), outcome: Denied, reason: reason}
}

// Failed begins an event whose only outcome is failure.
func (s *Spec) Failed(act Act, target Targeted, reason string) Base {
	return Base{spec: s, act: act, to: target.target(), outcome: Failure, reason: reason}
}

// InOCSF places an event type in OCSF: a class, and an activity in it (99 is Other, named by us).
func InOCSF(class, activity int, name string) OCSF {
	return OCSF{class, ocsfClasses[class], activity, name, class*100 + activity}
}

// The classes of OCSF 1.8.0 that the catalog uses.
var ocsfClasses = map[int]string{
	1008: "Event Log Activity",
	2004: "Detection Finding",
	3001: "Account Change",
	3002: "Authentication",
	3003: "Authorize Session",
	3004: "Entity Management",
	3005: "User Access Management",
	3006: "Group Management",
	4001: "Network Activity",
	4002: "HTTP Activity",
	4007: "SSH Activity",
	6001: "Web Resources Activity",
	6002: "Application Lifecycle",
	6003: "API Activity",
	6006: "File Hosting Activity",
	6008: "Application Error",
}

// Event is one audit event. Only types that embed Base are events.
type Event interface {
	Definition() Definition
	Constant() Constant
	Wire() string
	Category() Category
	Severity() Severity
	Tier() Tier
	Log() LogKind
	Act() Act
	Org() id.Org
	Outcome() Outcome
	Reason() string
	Target() Target
	base() Base
}

// Base is the part of an event that all types share.
type Base struct {
	spec    *Spec
	act     Act
	to      Target
	outcome Outcome
	reason  string
}

// Deny turns b into a refused attempt.
func Deny(b Base, reason string) Base { b.outcome, b.reason = Denied, reason; return b }

// Fail turns b into an attempt that did not work.
func Fail(b Base, reason string) Base { b.outcome, b.reason = Failure, reason; return b }

// Explain gives a reason to b and leaves its outcome.
func Explain(b Base, reason string) Base { b.reason = reason; return b }

// Definition is all that the catalog says of the event's type.
func (b Base) Definition() Definition {
	if b.spec == nil {
		return Definition{}
	}
	return b.spec.Definition()
}

// Constant is the public name in capitals; empty for an event that no constructor built.
func (b Base) Constant() Constant { return b.short().Constant }

// Wire is the name that stands in the envelope's field event.
func (b Base) Wire() string { return b.short().Wire }

// Category is the catalog's heading.
func (b Base) Category() Category { return b.short().Category }

// Severity follows from the type and the outcome.
func (b Base) Severity() Severity { return b.short().SeverityOf(b.outcome) }

// Tier says whether the event is of the public catalog.
func (b Base) Tier() Tier { return b.short().Tier }

// Log is the kind of ledger that the event belongs to.
func (b Base) Log() LogKind { return b.short().Log }

// Act is who did it.
func (b Base) Act() Act { return b.act }

// Org is the organization of the act; empty is the platform.
func (b Base) Org() id.Org { return b.act.org }

// Outcome is how it ended.
func (b Base) Outcome() Outcome { return b.outcome }

// Reason is a word of the event's closed set; empty on a success that needs none.
func (b Base) Reason() string { return b.reason }

// Target is the object that the event is about.
func (b Base) Target() Target { return b.to }

func (b Base) base() Base { return b }

// short is the definition without its metadata, which costs nothing.
func (b Base) short() Definition {
	if b.spec == nil {
		return Definition{}
	}
	return b.spec.def
}
