// Package label checks the names and notes that people give to things. They end
// in lists, terminals, events and command lines, so nothing is allowed in them
// that could steer a terminal, hide or forge a line, or look like another name
// than it is. Each check returns what is wrong, ready to be shown behind the
// field's name, or nothing.
package label

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The bounds.
const (
	MaxName = 100  // runes of a name
	MaxNote = 2000 // runes of a description
)

// Name checks a display name: 1 to MaxName printable characters on one line.
func Name(s string) string {
	switch n := utf8.RuneCountInString(s); {
	case !utf8.ValidString(s):
		return "must be valid UTF-8"
	case n == 0:
		return "must not be empty"
	case n > MaxName:
		return fmt.Sprintf("must have at most %d characters, and has %d", MaxName, n)
	case strings.TrimSpace(s) != s:
		return "must not begin or end with a space"
	case Odd(s, nil):
		return "must not contain control characters or invisible ones"
	}
	return ""
}

// Note checks a description: at most MaxNote characters, lines and tabs allowed.
func Note(s string) string {
	switch n := utf8.RuneCountInString(s); {
	case !utf8.ValidString(s):
		return "must be valid UTF-8"
	case n > MaxNote:
		return fmt.Sprintf("must have at most %d characters, and has %d", MaxNote, n)
	case Odd(s, func(r rune) bool { return r == '\n' || r == '\t' }):
		return "must not contain control characters or invisible ones"
	}
	return ""
}

// Slug checks a name that is typed in command lines and host names: a DNS label.
func Slug(s string) string {
	wrong := len(s) == 0 || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' ||
		strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
	if wrong {
		return "must be 1 to 63 lower-case letters, digits and hyphens, without a hyphen at its ends"
	}
	return ""
}

// Login checks a user name at a target: 1 to MaxName printable characters without
// spaces or the characters that ssh and its kind give a meaning to.
func Login(s string) string {
	if wrong := Name(s); wrong != "" {
		return wrong
	}
	if strings.ContainsAny(s, " \t:/") || s[0] == '-' {
		return "must not contain spaces, colons or slashes, or begin with a hyphen"
	}
	return ""
}
