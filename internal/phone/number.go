package phone

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// maxTyped is the length in bytes of the longest text that is read as a number.
const maxTyped = 64

// Number is a telephone number that messages can be sent to. It prints masked.
type Number struct {
	e164    string // +49...
	country string // ISO 3166-1 alpha-2
}

// E164 is the number itself. Whoever calls it keeps it out of logs and events.
func (n Number) E164() string { return n.e164 }

// Country is where the number belongs, such as DE.
func (n Number) Country() string { return n.country }

// Masked is what may be shown to others than the number's holder: the last digits.
func (n Number) Masked() string {
	if len(n.e164) < 8 {
		return ""
	}
	return "+" + strings.Repeat("*", len(n.e164)-4) + n.e164[len(n.e164)-3:]
}

// Format prints the number masked under every verb.
func (n Number) Format(f fmt.State, _ rune) { io.WriteString(f, n.Masked()) }

// ParseNumber reads a mobile number in international form, in any of the ways that
// people write one. The error is fault.Invalid and does not repeat the number.
func ParseNumber(typed string) (Number, error) {
	wrong := func(why string) (Number, error) {
		return Number{}, fault.New(fault.Invalid, "this is not a telephone number that a code can be sent to: %s", why).
			WithCode("PHONE_INVALID").WithField("number", "%s", why)
	}
	const form = "write it with + and the country's code, such as +49 151 23456789"
	if len(typed) > maxTyped {
		return wrong("it is too long")
	}
	text, ok := plainDigits(typed)
	if !ok {
		return wrong(form)
	}
	p, err := phonenumbers.Parse(text, "ZZ")
	if err != nil || p.GetExtension() != "" || !phonenumbers.IsValidNumber(p) {
		return wrong("no such number can exist; " + form)
	}
	switch phonenumbers.GetNumberType(p) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
	default:
		return wrong("it must be a mobile number")
	}
	return Number{e164: phonenumbers.Format(p, phonenumbers.E164), country: phonenumbers.GetRegionCodeForNumber(p)}, nil
}

// plainDigits is + and the digits of what was typed. Spaces and the marks that
// people put between digits are dropped; anything else is refused.
func plainDigits(typed string) (string, bool) {
	var b strings.Builder
	for _, r := range norm.NFKC.String(typed) {
		switch {
		case r == '+' && b.Len() == 0, r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), unicode.Is(unicode.Cf, r), strings.ContainsRune("().\u2212/", r):
		default:
			return "", false
		}
	}
	s := b.String()
	return s, strings.HasPrefix(s, "+") && len(s) >= 8 && len(s) <= 16
}

// served tells whether the installation sends to the number's country. An empty
// list serves all.
func served(countries []string, n Number) error {
	if len(countries) == 0 || slices.Contains(countries, n.country) {
		return nil
	}
	return fault.New(fault.Invalid, "this installation sends no codes to numbers of this country: use another number, or ask whoever runs it").
		WithCode("PHONE_COUNTRY").WithField("number", "is of a country that is not served")
}
