package catalogdoc

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/event/eventtest"
)

// validator checks JSON values against the part of JSON Schema 2020-12 that our
// schema uses. A keyword that it does not know is an error, never passed over.
type validator struct{ root map[string]any }

func (v validator) check(schema map[string]any, value any, path string) error {
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		if err := v.keyword(keyword, schema, value, path); err != nil {
			return err
		}
	}
	return nil
}

func (v validator) keyword(keyword string, schema map[string]any, value any, path string) error {
	arg := schema[keyword]
	bad := func() error { return fmt.Errorf("%s: %v breaks %s %v", path, value, keyword, arg) }
	switch keyword {
	case "$schema", "$id", "$defs", "title", "description", "examples", "format", "x-vaultpam-type", "x-vaultpam-log", "then":
	case "type":
		if !hasType(value, arg.(string)) {
			return bad()
		}
	case "const":
		if !reflect.DeepEqual(arg, value) {
			return bad()
		}
	case "enum":
		if !slices.ContainsFunc(arg.([]any), func(x any) bool { return reflect.DeepEqual(x, value) }) {
			return bad()
		}
	case "pattern":
		if s, ok := value.(string); ok && !regexp.MustCompile(arg.(string)).MatchString(s) {
			return bad()
		}
	case "minLength", "maxLength":
		n := number(arg)
		if s, ok := value.(string); ok && (keyword == "minLength" && utf8.RuneCountInString(s) < n || keyword == "maxLength" && utf8.RuneCountInString(s) > n) {
			return bad()
		}
	case "maxItems":
		if l, ok := value.([]any); ok && len(l) > number(arg) {
			return bad()
		}
	case "minimum":
		if n, ok := value.(json.Number); ok && number(n) < number(arg) {
			return bad()
		}
	case "required":
		for _, name := range arg.([]any) {
			if m, ok := value.(map[string]any); ok && !has(m, name.(string)) {
				return fmt.Errorf("%s: %s is missing", path, name)
			}
		}
	default:
		return v.applicator(keyword, schema, value, path)
	}
	return nil
}

// applicator follows the keywords that apply other schemas.
func (v validator) applicator(keyword string, schema map[string]any, value any, path string) error {
	switch arg := schema[keyword]; keyword {
	case "properties":
		for name, s := range arg.(map[string]any) {
			if m, ok := value.(map[string]any); ok && has(m, name) {
				if err := v.check(s.(map[string]any), m[name], path+"/"+name); err != nil {
					return err
				}
			}
		}
	case "items":
		list, _ := value.([]any)
		for i, item := range list {
			if err := v.check(arg.(map[string]any), item, fmt.Sprintf("%s/%d", path, i)); err != nil {
				return err
			}
		}
	case "allOf":
		for _, s := range arg.([]any) {
			if err := v.check(s.(map[string]any), value, path); err != nil {
				return err
			}
		}
	case "anyOf":
		var err error
		for _, s := range arg.([]any) {
			if err = v.check(s.(map[string]any), value, path); err == nil {
				return nil
			}
		}
		return err
	case "if":
		if v.check(arg.(map[string]any), value, path) == nil {
			return v.check(schema["then"].(map[string]any), value, path)
		}
	case "$ref":
		name, _ := strings.CutPrefix(arg.(string), "#/$defs/")
		target, ok := v.root["$defs"].(map[string]any)[name].(map[string]any)
		if !ok {
			return fmt.Errorf("schema refers to %v, which is not there", arg)
		}
		return v.check(target, value, path)
	default:
		return fmt.Errorf("schema uses %s, which this test does not know", keyword)
	}
	return nil
}

func hasType(v any, want string) bool {
	switch x := v.(type) {
	case nil:
		return want == "null"
	case string:
		return want == "string"
	case bool:
		return want == "boolean"
	case json.Number:
		return want == "integer" && !strings.ContainsAny(x.String(), ".eE")
	case []any:
		return want == "array"
	case map[string]any:
		return want == "object"
	}
	return false
}

func number(v any) int {
	var n int
	fmt.Sscan(v.(json.Number).String(), &n)
	return n
}

func has(m map[string]any, name string) bool { _, ok := m[name]; return ok }

func newValidator(t *testing.T) validator {
	t.Helper()
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	return validator{readSchema(t, b)}
}

func TestPayloadsKeepToTheSchema(t *testing.T) {
	v := newValidator(t)
	for _, ev := range append(eventtest.All(), eventtest.Unsuccessful()...) {
		p, err := eventtest.Payload(ev)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.check(v.root, readSchema(t, p), ""); err != nil {
			t.Errorf("%s: %v", ev.Constant(), err)
		}
	}
}

// TestRefusedActWithoutAnObjectKeepsToTheSchema takes the emptiest events that may be built.
func TestRefusedActWithoutAnObjectKeepsToTheSchema(t *testing.T) {
	v := newValidator(t)
	act := eventtest.All()[0].Act()
	for _, ev := range []event.Event{
		event.NewAgentPairingInitiated(act, event.AgentTarget("", ""), "", "", false, time.Time{}).
			Denied(event.AgentPairingInitiatedConnectorLimit),
		event.NewOrgGovernanceActionRequested(act, event.GovernanceTarget("", ""), "", "", event.SHA256{}).
			Denied(event.OrgGovernanceActionRequestedNotPermitted),
	} {
		p, err := eventtest.Payload(ev)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.check(v.root, readSchema(t, p), ""); err != nil {
			t.Errorf("%s: %v", ev.Constant(), err)
		}
	}
}

// TestSchemaRefusesWrongPayloads changes one value of a right payload at a time.
func TestSchemaRefusesWrongPayloads(t *testing.T) {
	v := newValidator(t)
	good := func() map[string]any {
		for _, ev := range eventtest.Unsuccessful() {
			if ev.Constant() == event.SESSION_RECORDING_FINALIZED {
				p, err := eventtest.Payload(ev)
				if err != nil {
					t.Fatal(err)
				}
				return readSchema(t, p)
			}
		}
		t.Fatal("no sample")
		return nil
	}
	meta := func(m map[string]any) map[string]any { return m["metadata"].(map[string]any) }
	for name, change := range map[string]func(map[string]any){
		"missing field":     func(m map[string]any) { delete(m, "outcome") },
		"other wire string": func(m map[string]any) { m["event"] = "Session Recording Finalised" },
		"other category":    func(m map[string]any) { m["category"] = "Internal" },
		"foreign severity":  func(m map[string]any) { m["severity"] = "CRITICAL" },
		"foreign actor":     func(m map[string]any) { m["actor"].(map[string]any)["type"] = "User" },
		"foreign target":    func(m map[string]any) { m["target"].(map[string]any)["type"] = "Safe" },
		"foreign outcome":   func(m map[string]any) { m["outcome"] = "denied" },
		"foreign reason":    func(m map[string]any) { m["reason"] = "disk_full" },
		"no reason":         func(m map[string]any) { m["reason"] = "" },
		"other version":     func(m map[string]any) { m["schema_version"] = json.Number("2") },
		"local time":        func(m map[string]any) { m["time"] = "2026-03-14T10:26:53.589793+01:00" },
		"no required field": func(m map[string]any) { delete(meta(m), "recording_id") },
		"text for number":   func(m map[string]any) { meta(m)["size_bytes"] = "12" },
		"fraction":          func(m map[string]any) { meta(m)["size_bytes"] = json.Number("1.5") },
		"short digest":      func(m map[string]any) { meta(m)["root_hash"] = "abc" },
		"long text":         func(m map[string]any) { meta(m)["recording_id"] = strings.Repeat("x", 257) },
		"negative number":   func(m map[string]any) { m["seq"] = json.Number("-1") },
	} {
		m := good()
		if err := v.check(v.root, m, ""); err != nil {
			t.Fatalf("unchanged: %v", err)
		}
		change(m)
		if err := v.check(v.root, m, ""); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
