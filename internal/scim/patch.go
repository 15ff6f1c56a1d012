package scim

import (
	"encoding/json"
	"strings"
	"unicode"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// The names of SCIM's schemas and messages.
const (
	UserSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	GroupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
	PatchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// The scimType of an error (RFC 7644, section 3.12), as a fault's code.
const (
	InvalidFilter = "invalidFilter"
	InvalidPath   = "invalidPath"
	InvalidValue  = "invalidValue"
	InvalidSyntax = "invalidSyntax"
	Uniqueness    = "uniqueness"
	Mutability    = "mutability"
	TooMany       = "tooMany"
)

func invalid(code, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).WithCode(code)
}

const (
	maxOperations = 1000
	maxText       = 512   // of one attribute that is kept
	maxMembers    = 10000 // of one group in one request
)

// Filter is a comparison of one attribute with a text; the zero value takes everything.
type Filter struct{ Attribute, Value string }

// ParseFilter reads the filters that directories send: one attribute, eq, a text.
// The attribute is in lower case then.
func ParseFilter(s string) (Filter, error) {
	if s = strings.TrimSpace(s); s == "" {
		return Filter{}, nil
	}
	wrong := invalid(InvalidFilter, "the filter must be of the form: attribute eq \"value\"")
	if len(s) > 1024 {
		return Filter{}, wrong
	}
	attribute, rest := s, ""
	if at := strings.IndexByte(s, ' '); at > 0 && !strings.Contains(s[:at], "[") {
		attribute, rest = s[:at], s[at+1:]
	} else if end := strings.Index(s, "].value "); end > 0 { // emails[type eq "work"].value eq "x"
		attribute, rest = s[:strings.IndexByte(s, '[')]+".value", s[end+len("].value "):]
	}
	op, value, ok := strings.Cut(strings.TrimSpace(rest), " ")
	if !ok || !strings.EqualFold(op, "eq") {
		return Filter{}, wrong
	}
	var text string
	if json.Unmarshal([]byte(strings.TrimSpace(value)), &text) != nil {
		return Filter{}, wrong
	}
	if text == "" {
		return Filter{}, invalid(InvalidFilter, "the filter compares with an empty text")
	}
	return Filter{Attribute: plainPath(attribute), Value: text}, nil
}

// plainPath is an attribute's path in lower case, without a schema before it.
func plainPath(p string) string {
	p = strings.ToLower(strings.TrimSpace(p))
	for _, schema := range []string{UserSchema, GroupSchema} {
		p = strings.TrimPrefix(p, strings.ToLower(schema)+":")
	}
	return p
}

// Operation is one step of a patch: what happens to which attribute. A patch
// without a path has become one for each attribute.
type Operation struct {
	Op     string // add, replace, remove
	Path   string // in lower case: active, name.givenname, members, ...
	Member string // members[value eq "..."]: that member
	Value  json.RawMessage
}

// ParsePatch reads the body of a PATCH.
func ParsePatch(body []byte) ([]Operation, error) {
	var in struct {
		Schemas    []string `json:"schemas"`
		Operations []struct {
			Op    string          `json:"op"`
			Path  string          `json:"path"`
			Value json.RawMessage `json:"value"`
		} `json:"Operations"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, invalid(InvalidSyntax, "the body is not a patch")
	}
	if len(in.Operations) == 0 || len(in.Operations) > maxOperations {
		return nil, invalid(InvalidSyntax, "a patch has 1 to %d operations", maxOperations)
	}
	var out []Operation
	for _, o := range in.Operations {
		op := strings.ToLower(o.Op)
		if op != "add" && op != "replace" && op != "remove" {
			return nil, invalid(InvalidSyntax, "%.20q is not an operation: use add, replace or remove", o.Op)
		}
		if len(o.Path) > 1024 {
			return nil, invalid(InvalidPath, "the path is too long")
		}
		if o.Path != "" {
			path, member, err := splitPath(o.Path)
			if err != nil {
				return nil, err
			}
			out = append(out, Operation{Op: op, Path: path, Member: member, Value: o.Value})
			continue
		}
		var all map[string]json.RawMessage
		if op == "remove" || json.Unmarshal(o.Value, &all) != nil {
			return nil, invalid(InvalidPath, "an operation without a path needs an object as its value")
		}
		for k, v := range all {
			if len(out) > maxOperations {
				return nil, invalid(InvalidSyntax, "a patch has at most %d operations", maxOperations)
			}
			out = append(out, Operation{Op: op, Path: plainPath(k), Value: v})
		}
	}
	return out, nil
}

// splitPath takes the filter out of a path: members[value eq "x"], and
// emails[type eq "work"].value, which is emails.value here.
func splitPath(p string) (path, member string, err error) {
	before, rest, ok := strings.Cut(p, "[")
	if !ok {
		return plainPath(p), "", nil
	}
	inner, after, ok := cutLast(rest, "]")
	if !ok {
		return "", "", invalid(InvalidPath, "the path has a [ without its ]")
	}
	f, err := ParseFilter(inner)
	if err != nil || f.Attribute == "" {
		return "", "", invalid(InvalidPath, "the path's filter must be of the form: attribute eq \"value\"")
	}
	path = plainPath(before) + strings.ToLower(strings.TrimSpace(after))
	if path == "members" && f.Attribute == "value" {
		member = f.Value
	}
	return path, member, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

// boolean reads a truth value, which some clients send as text.
func boolean(v json.RawMessage) (bool, error) {
	var b bool
	if json.Unmarshal(v, &b) == nil {
		return b, nil
	}
	var s string
	if json.Unmarshal(v, &s) == nil {
		switch strings.ToLower(s) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	return false, invalid(InvalidValue, "active must be true or false")
}

// text reads an attribute that is a text; null is an empty one.
func text(name string, v json.RawMessage) (string, error) {
	var s *string
	if err := json.Unmarshal(v, &s); err != nil {
		return "", invalid(InvalidValue, "%s must be a text", name)
	}
	if s == nil {
		return "", nil
	}
	t := strings.TrimSpace(*s)
	if len(t) > maxText || strings.ContainsFunc(t, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", invalid(InvalidValue, "%s must be one line of at most %d bytes", name, maxText)
	}
	return t, nil
}
