package ssh

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// Login is what an SSH user name says: <person>, <person>+<safe> or
// <person>+<org>/<safe>, where the person is a handle or an e-mail address.
type Login struct {
	Person string
	Org    string // slug; empty: wherever the safe is
	Safe   string // empty: ask with the picker
}

// Bounds of the parts, in bytes. An e-mail address has at most 254.
const (
	maxPerson = 254
	maxSlug   = 64
	maxSafe   = 128
)

// ParseLogin reads a user name. An e-mail address may itself hold a plus sign
// before its at sign, so the safe begins at the first plus after the last at.
func ParseLogin(name string) (Login, error) {
	if len(name) > maxPerson+maxSlug+maxSafe+2 || !plainName(name) {
		return Login{}, fault.New(fault.Invalid, "the user name is too long or holds characters that do not belong there")
	}
	person, where, named := name, "", false
	from := strings.LastIndexByte(name, '@') + 1
	if i := strings.IndexByte(name[from:], '+'); i >= 0 {
		person, where, named = name[:from+i], name[from+i+1:], true
	}
	l := Login{Person: person, Safe: where}
	org, safe, withOrg := strings.Cut(where, "/")
	if withOrg {
		l.Org, l.Safe = org, safe
	}
	switch {
	case person == "" || len(person) > maxPerson:
		return Login{}, fault.New(fault.Invalid, "the user name must begin with your handle or e-mail address, as in handle+safe")
	case named && (l.Safe == "" || len(l.Safe) > maxSafe || strings.ContainsRune(l.Safe, '/')):
		return Login{}, fault.New(fault.Invalid, "the user name must end with the name of a safe, as in handle+safe")
	case withOrg && (l.Org == "" || len(l.Org) > maxSlug):
		return Login{}, fault.New(fault.Invalid, "the organization in the user name is empty or too long; write handle+org/safe")
	}
	return l, nil
}

// String is the user name that parses to l.
func (l Login) String() string {
	switch {
	case l.Safe == "":
		return l.Person
	case l.Org == "":
		return l.Person + "+" + l.Safe
	}
	return l.Person + "+" + l.Org + "/" + l.Safe
}

// plainName holds for text that is valid UTF-8 and steers no terminal.
func plainName(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return false
		}
	}
	return true
}

// printable keeps a name that others chose from steering the terminal that shows it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return -1
		}
		return r
	}, s)
}
