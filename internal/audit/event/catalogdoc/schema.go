package catalogdoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vaultpam/vaultpam/internal/audit/event"
)

const schemaDescription = "The envelope of VaultPAM's audit events, schema version 1. Within a schema version fields, " +
	"enum values and reasons may be added, so readers must accept those that they do not know; nothing is renamed, " +
	"retyped, removed or made required. What is said of each event is under $defs by its constant."

// Schema is the JSON Schema (2020-12) of the envelope, with the rules of each public event.
func Schema() ([]byte, error) {
	var b bytes.Buffer
	if err := layOut(&b, schema(), ""); err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ", "...)
		}
		v, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, quote(m.name)...), ": "...), v...)
	}
	return append(b, '}'), nil
}

func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string cannot fail
	return bytes.TrimRight(b.Bytes(), "\n")
}

// layOut writes v on one line when it is short, and member by member when it is not.
func layOut(b *bytes.Buffer, v any, indent string) error {
	const width = 120
	raw, err := oneLine(v)
	if err != nil {
		return err
	}
	if len(indent)+len(raw) <= width {
		b.Write(raw)
		return nil
	}
	switch v := v.(type) {
	case object:
		return block(b, "{}", indent, len(v), func(i int, inner string) error {
			b.Write(quote(v[i].name))
			b.WriteString(": ")
			return layOut(b, v[i].value, inner)
		})
	case []any:
		return block(b, "[]", indent, len(v), func(i int, inner string) error { return layOut(b, v[i], inner) })
	default:
		b.Write(raw)
		return nil
	}
}

func block(b *bytes.Buffer, brackets, indent string, n int, item func(i int, inner string) error) error {
	inner := indent + "  "
	b.WriteByte(brackets[0])
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n" + inner)
		if err := item(i, inner); err != nil {
			return err
		}
	}
	b.WriteString("\n" + indent)
	b.WriteByte(brackets[1])
	return nil
}

// oneLine is v as JSON with a space after each comma and colon of an object.
func oneLine(v any) ([]byte, error) {
	if o, ok := v.(object); ok {
		return o.MarshalJSON()
	}
	return json.Marshal(v)
}

func schema() object {
	all := publicEvents()
	cases := []any{object{
		{"if", object{{"properties", object{{"outcome", object{{"enum", []event.Outcome{event.Failure, event.Denied}}}}}}}},
		{"then", object{{"properties", object{{"reason", object{{"minLength", 1}}}}}}},
	}}
	defs := object{}
	for _, d := range all {
		cases = append(cases, object{
			{"if", object{{"properties", object{{"constant", object{{"const", d.Constant}}}}}, {"required", []string{"constant"}}}},
			{"then", object{{"$ref", "#/$defs/" + string(d.Constant)}}},
		})
		defs = append(defs, member{string(d.Constant), eventSchema(d)})
	}
	properties := envelopeProperties(all)
	var required []string
	for _, p := range properties {
		if p.name != "seq" {
			required = append(required, p.name)
		}
	}
	return object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", "urn:vaultpam:audit-events:1"},
		{"title", "VaultPAM audit event"},
		{"description", schemaDescription},
		{"type", "object"},
		{"required", required},
		{"properties", properties},
		{"allOf", cases},
		{"$defs", append(sharedDefs(), defs...)},
	}
}

// envelopeProperties are the fields that all events have.
func envelopeProperties(all []event.Definition) object {
	str := func(about string) object { return object{{"type", "string"}, {"description", about}} }
	var categories []event.Category
	for _, g := range byCategory(all) {
		categories = append(categories, g[0].Category)
	}
	return object{
		{"schema_version", object{{"const", event.SchemaVersion}}},
		{"id", str("minted where the act happens; the key for removing duplicates")},
		{"log_id", str("the ledger")},
		{"org_id", str("the organization; empty on the platform's ledger")},
		{"seq", object{
			{"type", "integer"}, {"minimum", 0},
			{"description", "dense number in the ledger, from 0; set by the sequencer, so not part of the stored payload"},
		}},
		{"time", object{{"$ref", "#/$defs/time"}, {"description", "of the act"}}},
		{"recorded_at", object{{"$ref", "#/$defs/time"}, {"description", "of insertion"}}},
		{"constant", object{{"type", "string"}, {"pattern", "^[A-Z][A-Z0-9_]*$"}}},
		{"event", str("the wire string")},
		{"category", object{{"type", "string"}, {"examples", categories}}},
		{"severity", object{{"enum", event.Severities()}}},
		{"actor", actorSchema()},
		{"target", object{
			{"type", "object"}, {"required", []string{"type", "id", "name"}},
			{"properties", object{
				{"type", object{{"enum", event.TargetTypes()}}},
				{"id", str("empty when the object is not known")}, {"name", str("at the time of the act")},
			}},
		}},
		{"source", object{
			{"type", "object"}, {"required", []string{"ip"}},
			{"properties", object{
				{"ip", str("after trusted-proxy resolution; empty only for System")},
				{"user_agent", str("as sent, bounded")}, {"connector_id", str("the connector that the act came through")},
			}},
		}},
		{"session_id", str("privileged session or web session; empty outside of both")},
		{"request_id", str("one inbound request or job run; equal on all events of one act")},
		{"outcome", object{{"enum", []event.Outcome{event.Success, event.Failure, event.Denied}}}},
		{"reason", str("of the event's closed set; empty only on success")},
		{"metadata", object{{"type", "object"}}},
	}
}

func actorSchema() object {
	return object{
		{"type", "object"}, {"required", []string{"type", "id", "name", "authenticated"}},
		{"properties", object{
			{"type", object{{"enum", event.ActorTypes()}}},
			{"id", object{{"type", "string"}, {"description", "empty for System and for a person who is not signed in"}}},
			{"name", object{{"type", "string"}}},
			{"authenticated", object{{"type", "boolean"}}},
			{"token_id", object{{"type", "string"}}},
			{"delegation_id", object{{"type", "string"}}},
		}},
	}
}

// sharedDefs are the types of metadata that JSON does not tell apart.
func sharedDefs() object {
	text := object{{"type", "string"}, {"maxLength", 256}}
	return object{
		{"time", object{
			{"type", "string"}, {"format", "date-time"},
			{"pattern", `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$`},
		}},
		{"text", text},
		{"sha256", object{{"type", "string"}, {"pattern", "^[0-9a-f]{64}$"}}},
		{"phone_digest", object{
			{"type", "object"}, {"required", []string{"key_id", "digest"}},
			{"properties", object{{"key_id", text}, {"digest", object{{"$ref", "#/$defs/sha256"}}}}},
			{"description", "HMAC-SHA-256 of the E.164 number under the ledger's key; the number itself is never recorded"},
		}},
		{"changes", object{
			{"type", "array"}, {"maxItems", 64},
			{"items", object{
				{"type", "object"}, {"required", []string{"field", "old", "new"}},
				{"properties", object{{"field", text}, {"old", text}, {"new", text}}},
			}},
			{"description", "of a secret field only set, replaced or cleared is told, in new"},
		}},
	}
}

// eventSchema is what holds for one event on top of the envelope.
func eventSchema(d event.Definition) object {
	props := object{
		{"event", object{{"const", d.Wire}}},
		{"category", object{{"const", d.Category}}},
		{"severity", object{{"enum", severities(d)}}},
		{"actor", object{{"properties", object{{"type", object{{"enum", d.ActorTypes}}}}}}},
		{"target", object{{"properties", object{{"type", object{{"const", d.TargetType}}}}}}},
		{"outcome", object{{"enum", d.Outcomes}}},
		{"reason", object{{"enum", reasons(d)}}},
		{"metadata", metadataSchema(d)},
	}
	return object{{"title", d.Wire}, {"description", d.Trigger}, {"x-vaultpam-log", d.Log}, {"properties", props}}
}

// severities are those that the event can have, by its outcomes.
func severities(d event.Definition) []event.Severity {
	var out []event.Severity
	for _, o := range d.Outcomes {
		if s := d.SeverityOf(o); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// reasons are those of the closed set, and none where the event can succeed.
func reasons(d event.Definition) []string {
	if slices.Contains(d.Outcomes, event.Success) {
		return append([]string{""}, d.Reasons...)
	}
	return d.Reasons
}

func metadataSchema(d event.Definition) object {
	required, props := []string{}, object{}
	for _, f := range d.Metadata {
		if !f.Optional {
			required = append(required, f.Name)
		}
		props = append(props, member{f.Name, fieldSchema(f, d)})
	}
	return object{{"type", "object"}, {"required", required}, {"properties", props}}
}

// fieldSchema is the schema of one metadata field. Where the event may be something
// other than a success, a required digest may be empty and a required time null:
// there may be no object yet.
func fieldSchema(f event.Field, d event.Definition) object {
	if !f.Optional && slices.ContainsFunc(d.Outcomes, func(o event.Outcome) bool { return o != event.Success }) {
		switch f.Type {
		case "sha256":
			return object{{"anyOf", []any{typeSchema(f.Type), object{{"const", ""}}}}}
		case "time":
			return object{{"anyOf", []any{typeSchema(f.Type), object{{"type", "null"}}}}}
		}
	}
	return typeSchema(f.Type)
}

func typeSchema(typ string) object {
	if inner, ok := strings.CutPrefix(typ, "list["); ok {
		return object{{"type", "array"}, {"maxItems", 64}, {"items", typeSchema(strings.TrimSuffix(inner, "]"))}}
	}
	if values, ok := strings.CutPrefix(typ, "enum["); ok {
		return object{{"enum", strings.Split(strings.TrimSuffix(values, "]"), "|")}}
	}
	switch typ {
	case "bool":
		return object{{"type", "boolean"}}
	case "int":
		return object{{"type", "integer"}}
	case "time", "sha256", "phone_digest", "changes":
		return object{{"$ref", "#/$defs/" + typ}}
	case "id", "event_id", "version", "email":
		return object{{"$ref", "#/$defs/text"}, {"x-vaultpam-type", typ}}
	default:
		return object{{"$ref", "#/$defs/text"}}
	}
}
