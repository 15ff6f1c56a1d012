package scim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/label"
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
	NoTarget      = "noTarget"

	// Stale is the code of a fault that no scimType stands for: the resource is not in the
	// version that the client saw.
	Stale = "PRECONDITION_FAILED"
)

func invalid(code, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).WithCode(code)
}

const (
	maxOperations = 1000
	maxText       = 512   // of one attribute that is kept
	maxMembers    = 10000 // of one group in one request
)

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
		if o.Path != "" {
			path, member, err := splitPath(o.Path)
			if err != nil {
				return nil, err
			}
			out = append(out, Operation{Op: op, Path: path, Member: member, Value: o.Value})
			continue
		}
		if op == "remove" {
			return nil, invalid(NoTarget, "what is removed is named by a path")
		}
		var all map[string]json.RawMessage
		if json.Unmarshal(o.Value, &all) != nil || all == nil {
			return nil, invalid(InvalidSyntax, "an operation without a path needs an object as its value")
		}
		if len(out)+len(all) > maxOperations {
			return nil, invalid(InvalidSyntax, "a patch has at most %d operations", maxOperations)
		}
		for _, k := range slices.Sorted(maps.Keys(all)) {
			path, member, err := splitPath(k)
			if err != nil {
				return nil, err
			}
			out = append(out, Operation{Op: op, Path: path, Member: member, Value: all[k]})
		}
	}
	return out, nil
}

// splitPath takes the filter out of a path: members[value eq "x"], and
// emails[type eq "work"].value, which is emails.value here. A filter that chooses what
// nobody keeps stays in the path, which is passed over then.
func splitPath(p string) (path, member string, err error) {
	if len(p) > maxFilter {
		return "", "", invalid(InvalidPath, "the path is too long")
	}
	before, rest, ok := strings.Cut(p, "[")
	if !ok {
		return plainPath(p), "", nil
	}
	at := strings.LastIndexByte(rest, ']')
	if at < 0 {
		return "", "", invalid(InvalidPath, "the path has a [ without its ]")
	}
	f, err := ParseFilter(rest[:at])
	if err != nil || len(f) != 1 {
		return "", "", invalid(InvalidPath, "the path's filter must be of the form: attribute eq \"value\"")
	}
	path, after := plainPath(before), strings.ToLower(strings.TrimSpace(rest[at+1:]))
	switch {
	case path == "members" && f[0].Attribute == "value" && after == "":
		return path, f[0].Value, nil
	case path == "emails" && f[0].ourEmail():
		return path + after, "", nil
	}
	return path + "[" + f[0].Attribute + "]" + after, "", nil
}

// unwrapped is the value inside of [{"value": x}], as Entra ID once wrapped single values.
func unwrapped(v json.RawMessage) json.RawMessage {
	var list []struct {
		Value json.RawMessage `json:"value"`
	}
	if len(v) > 0 && v[0] == '[' && json.Unmarshal(v, &list) == nil && len(list) == 1 && len(list[0].Value) > 0 {
		return list[0].Value
	}
	return v
}

// boolean reads a truth value, which some clients send as text.
func boolean(v json.RawMessage) (bool, error) {
	v = unwrapped(v)
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
	v = unwrapped(v)
	var s *string
	if err := json.Unmarshal(v, &s); err != nil {
		return "", invalid(InvalidValue, "%s must be a text", name)
	}
	if s == nil {
		return "", nil
	}
	t := strings.TrimSpace(*s)
	if len(t) > maxText || label.Odd(t, nil) {
		return "", invalid(InvalidValue, "%s must be one line of at most %d bytes", name, maxText)
	}
	return t, nil
}
