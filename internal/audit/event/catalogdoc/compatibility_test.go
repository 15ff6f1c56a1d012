package catalogdoc

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestSchemaOnlyAddsToTheLastRelease compares with the schema that the last release
// carried. A release copies docs/reference/audit-events.schema.json over that file;
// nothing else may change it.
func TestSchemaOnlyAddsToTheLastRelease(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "last-release.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range breaks(readSchema(t, b), newValidator(t).root, "") {
		t.Error(broken)
	}
}

// breaks lists what a reader of schema old would stumble over in schema now. Readers
// accept fields, enum values, reasons and events that they do not know, so those may
// be added; nothing may be renamed, retyped, removed or made required.
func breaks(old, now any, path string) []string {
	switch o := old.(type) {
	case map[string]any:
		n, ok := now.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is no longer an object", path)}
		}
		return breaksObject(o, n, path)
	case []any:
		n, ok := now.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is no longer a list", path)}
		}
		return breaksList(o, n, path)
	}
	if !reflect.DeepEqual(old, now) {
		return []string{fmt.Sprintf("%s was %v and is %v", path, old, now)}
	}
	return nil
}

func breaksObject(old, now map[string]any, path string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if slices.Contains([]string{"title", "description", "examples"}, name) {
			if _, text := old[name].(map[string]any); !text {
				continue // words for people may change
			}
		}
		value, ok := now[name]
		if !ok {
			out = append(out, fmt.Sprintf("%s/%s is gone", path, name))
			continue
		}
		out = append(out, breaks(old[name], value, path+"/"+name)...)
	}
	for name := range now {
		// A keyword that did not stand there narrows what may be written or changes its type.
		if _, ok := old[name]; !ok && slices.Contains([]string{"type", "const", "enum", "pattern", "maxLength", "minLength", "maxItems", "$ref", "anyOf", "if"}, name) && !strings.HasSuffix(path, "properties") {
			out = append(out, fmt.Sprintf("%s: %s is new", path, name))
		}
	}
	return out
}

// breaksList compares lists by where they stand: enums may grow, what is required may not.
func breaksList(old, now []any, path string) []string {
	var out []string
	for _, item := range old {
		if !slices.ContainsFunc(now, func(x any) bool { return reflect.DeepEqual(x, item) }) {
			out = append(out, fmt.Sprintf("%s: %v is gone", path, brief(item)))
		}
	}
	if strings.HasSuffix(path, "/required") && len(now) > len(old) {
		out = append(out, fmt.Sprintf("%s was %v and is %v", path, old, now))
	}
	return out
}

func brief(v any) string { return fmt.Sprintf("%.100v", v) }

// TestBreaksAreSeen shows that the test above can fail, and what it lets pass.
func TestBreaksAreSeen(t *testing.T) {
	defs := func(s map[string]any, constant string) map[string]any {
		return s["$defs"].(map[string]any)[constant].(map[string]any)["properties"].(map[string]any)
	}
	meta := func(s map[string]any, constant string) map[string]any {
		return defs(s, constant)["metadata"].(map[string]any)
	}
	props := func(s map[string]any, constant string) map[string]any {
		return meta(s, constant)["properties"].(map[string]any)
	}
	enum := func(m any) map[string]any { return m.(map[string]any) }
	for name, c := range map[string]struct {
		change func(s map[string]any)
		breaks bool
	}{
		"nothing": {func(map[string]any) {}, false},
		"optional field added": {func(s map[string]any) {
			props(s, "SAFE_MEMBER_ADDED")["comment"] = map[string]any{"$ref": "#/$defs/text"}
		}, false},
		"reason added": {func(s map[string]any) {
			r := enum(defs(s, "API_TOKEN_REVOKED")["reason"])
			r["enum"] = append(r["enum"].([]any), "unused")
		}, false},
		"enum value added": {func(s map[string]any) {
			p := enum(props(s, "SESSION_ESTABLISHED")["protocol"])
			p["enum"] = append(p["enum"].([]any), "mongodb")
		}, false},
		"event added": {func(s map[string]any) {
			s["$defs"].(map[string]any)["NEW_EVENT"] = map[string]any{"title": "new"}
			s["allOf"] = append(s["allOf"].([]any), map[string]any{"if": "x"})
		}, false},
		"words changed": {func(s map[string]any) {
			s["$defs"].(map[string]any)["API_TOKEN_REVOKED"].(map[string]any)["description"] = "better words"
		}, false},
		"field named description added": {func(s map[string]any) {
			props(s, "SAFE_MEMBER_ADDED")["description"] = map[string]any{"$ref": "#/$defs/text"}
		}, false},

		"event removed":    {func(s map[string]any) { delete(s["$defs"].(map[string]any), "API_TOKEN_REVOKED") }, true},
		"wire changed":     {func(s map[string]any) { enum(defs(s, "API_TOKEN_REVOKED")["event"])["const"] = "x" }, true},
		"category changed": {func(s map[string]any) { enum(defs(s, "API_TOKEN_REVOKED")["category"])["const"] = "x" }, true},
		"field removed":    {func(s map[string]any) { delete(props(s, "API_TOKEN_REVOKED"), "age_seconds") }, true},
		"field retyped": {func(s map[string]any) {
			props(s, "API_TOKEN_REVOKED")["age_seconds"] = map[string]any{"type": "string"}
		}, true},
		"field made required": {func(s map[string]any) {
			m := meta(s, "API_TOKEN_REVOKED")
			m["required"] = append(m["required"].([]any), "last_used_at")
		}, true},
		"field made optional": {func(s map[string]any) {
			m := meta(s, "API_TOKEN_REVOKED")
			m["required"] = m["required"].([]any)[:1]
		}, true},
		"required field added": {func(s map[string]any) {
			props(s, "API_TOKEN_REVOKED")["why"] = map[string]any{"type": "string"}
			m := meta(s, "API_TOKEN_REVOKED")
			m["required"] = append(m["required"].([]any), "why")
		}, true},
		"reason removed": {func(s map[string]any) {
			r := enum(defs(s, "API_TOKEN_REVOKED")["reason"])
			r["enum"] = r["enum"].([]any)[:3]
		}, true},
		"envelope field removed": {func(s map[string]any) { delete(s["properties"].(map[string]any), "request_id") }, true},
		"text shortened":         {func(s map[string]any) { enum(s["$defs"].(map[string]any)["text"])["maxLength"] = "99" }, true},
		"id becomes a digest": {func(s map[string]any) {
			enum(props(s, "API_TOKEN_REVOKED")["owner_id"])["$ref"] = "#/$defs/sha256"
		}, true},
		"ledger changed": {func(s map[string]any) {
			s["$defs"].(map[string]any)["API_TOKEN_REVOKED"].(map[string]any)["x-vaultpam-log"] = "org"
		}, true},
	} {
		old, now := newValidator(t).root, newValidator(t).root
		c.change(now)
		if got := breaks(old, now, ""); (len(got) > 0) != c.breaks {
			t.Errorf("%s: found %q", name, got)
		}
	}
}
