package scim

import (
	"encoding/json"
	"strings"
)

// maxFilter is the length in bytes of the longest filter, and of the longest path.
const maxFilter = 1024

// Comparison is one attribute that has to be equal to a text. A truth value is true or
// false.
type Comparison struct{ Attribute, Value string }

// ourEmail tells whether a comparison chooses the address that is kept: the one at work, or
// the primary one.
func (c Comparison) ourEmail() bool {
	return c.Attribute == "type" && strings.EqualFold(c.Value, "work") || c.Attribute == "primary" && strings.EqualFold(c.Value, "true")
}

// Filter is comparisons that all have to hold; none takes everything.
type Filter []Comparison

// put fills the parameters of a query, by attribute. possible is false when the filter
// cannot hold for anything.
func (f Filter) put(to map[string]*string, known string) (possible bool, err error) {
	possible = true
	for _, c := range f {
		at, ok := to[c.Attribute]
		if !ok {
			return false, invalid(InvalidFilter, "%s", known)
		}
		possible = possible && (*at == "" || *at == c.Value)
		*at = c.Value
	}
	return possible, nil
}

// ParseFilter reads the filters that directories send: comparisons by eq, joined by and
// (RFC 7644, section 3.4.2.2, and no other operators). Attributes are in lower case then;
// emails[type eq "work"].value is emails.value.
func ParseFilter(s string) (Filter, error) {
	if s = strings.TrimSpace(s); s == "" {
		return nil, nil
	}
	if len(s) > maxFilter {
		return nil, invalid(InvalidFilter, "the filter is too long")
	}
	var out Filter
	for rest := s; ; {
		c, after, err := comparison(rest)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
		if after == "" {
			return out, nil
		}
		word, more := cutWord(after)
		if !strings.EqualFold(word, "and") || more == "" {
			return nil, invalid(InvalidFilter, "comparisons are joined by and, and by nothing else")
		}
		rest = more
	}
}

// comparison reads one comparison and gives what follows it.
func comparison(s string) (c Comparison, rest string, err error) {
	wrong := invalid(InvalidFilter, "the filter must be of the form: attribute eq \"value\"")
	name := s
	if at := strings.IndexAny(s, " ["); at >= 0 {
		name = s[:at]
		rest = s[at:]
	}
	c.Attribute = plainPath(name)
	if strings.HasPrefix(rest, "[") { // emails[type eq "work"].value
		inner, after, err := comparison(rest[1:])
		if err != nil || !strings.HasPrefix(after, "]") || c.Attribute == "emails" && !inner.ourEmail() {
			return c, "", wrong
		}
		rest = after[1:]
		if strings.HasPrefix(rest, ".") {
			sub, more := cutWord(rest)
			c.Attribute, rest = c.Attribute+strings.ToLower(sub), more
		}
	}
	if !attributeName(c.Attribute) {
		return c, "", wrong
	}
	op, rest := cutWord(rest)
	if !strings.EqualFold(op, "eq") {
		return c, "", invalid(InvalidFilter, "%.20q is not a comparison that is known here: use eq", op)
	}
	if c.Value, rest, err = value(rest); err != nil {
		return c, "", err
	}
	if c.Value == "" {
		return c, "", invalid(InvalidFilter, "the filter compares with an empty text")
	}
	return c, rest, nil
}

// attributeName tells whether a path names an attribute, by RFC 7644, section 3.10.
func attributeName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_$.:") == ""
}

// value reads a text in quotes, or true or false, and gives what follows it.
func value(s string) (v, rest string, err error) {
	wrong := invalid(InvalidFilter, "the filter must compare with a text in quotes, with true or with false")
	if !strings.HasPrefix(s, `"`) {
		word, rest := s, ""
		if at := strings.IndexAny(s, " ]"); at >= 0 {
			word, rest = s[:at], strings.TrimSpace(s[at:])
		}
		if word = strings.ToLower(word); word != "true" && word != "false" {
			return "", "", wrong
		}
		return word, rest, nil
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			if json.Unmarshal([]byte(s[:i+1]), &v) != nil {
				return "", "", wrong
			}
			return v, strings.TrimSpace(s[i+1:]), nil
		}
	}
	return "", "", wrong
}

func cutWord(s string) (word, rest string) {
	word, rest, _ = strings.Cut(strings.TrimSpace(s), " ")
	return word, strings.TrimSpace(rest)
}
