package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/label"
)

// Bounds, in bytes of the canonical form.
const (
	maxEmail     = 254 // RFC 5321
	maxLocalPart = 64
	maxHandle    = 32
	maxName      = 128
)

// The domain of an address as the DNS knows it. Mapping folds case and width;
// strict names refuse underscores and the like.
var mailDomain = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// ParseEmail brings an address to its one canonical form: surrounding space cut
// off, Unicode composed (NFKC), lower case, the domain in its ASCII form. What
// differs only in these is the same person, for sign-in, limits and events
// alike. Quoted local parts, comments and address literals are refused.
func ParseEmail(s string) (string, error) {
	wrong := fault.New(fault.Invalid, "%.64q is not an e-mail address of the form name@example.com", s).
		WithField("email", "must be an e-mail address of the form name@example.com")
	if len(s) > 4*maxEmail || !utf8.ValidString(s) {
		return "", wrong
	}
	s = fold(strings.TrimSpace(s))
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > maxLocalPart {
		return "", wrong
	}
	local := s[:at]
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return "", wrong
	}
	for _, r := range local {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r) {
			return "", wrong
		}
	}
	domain, err := mailDomain.ToASCII(s[at+1:])
	if err != nil || domain == "" {
		return "", wrong
	}
	email := local + "@" + strings.ToLower(domain)
	if len(email) > maxEmail || fold(email) != email {
		return "", wrong // some letters have no stable lower case; they would be two people
	}
	return email, nil
}

func fold(s string) string { return norm.NFKC.String(strings.ToLower(norm.NFKC.String(s))) }

// ParseHandle checks a handle: the short name of a person in the whole
// installation, [a-z][a-z0-9-]{1,31}. Upper case and surrounding space are
// forgiven, nothing else is.
func ParseHandle(s string) (string, error) {
	h := strings.ToLower(strings.TrimSpace(s))
	ok := len(s) <= 4*maxHandle && len(h) >= 2 && len(h) <= maxHandle && h[0] >= 'a' && h[0] <= 'z'
	for i := 0; ok && i < len(h); i++ {
		c := h[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	}
	if !ok {
		return "", fault.New(fault.Invalid, "%.64q is not a handle: use 2 to 32 of a-z, 0-9 and -, beginning with a letter", s).
			WithField("handle", "must be 2 to 32 of a-z, 0-9 and -, beginning with a letter")
	}
	return h, nil
}

// Login is what a person types to say who they are: exactly one field is set.
type Login struct{ Email, Handle string }

// ParseLogin reads a handle or an e-mail address.
func ParseLogin(s string) (Login, error) {
	if h, err := ParseHandle(s); err == nil {
		return Login{Handle: h}, nil
	}
	if e, err := ParseEmail(s); err == nil {
		return Login{Email: e}, nil
	}
	return Login{}, fault.New(fault.Invalid, "%.64q is neither a handle nor an e-mail address", s)
}

// ParseName checks a person's display name: any text on one line.
func ParseName(s string) (string, error) { return parseLabel("name", s, maxName) }

// known are the categories of all characters that have one.
var known = []*unicode.RangeTable{unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C}

// parseLabel checks a short free text that lists and events will show.
func parseLabel(field, s string, limit int) (string, error) {
	ok := len(s) <= 4*limit && utf8.ValidString(s)
	n := ""
	if ok {
		n = norm.NFC.String(strings.TrimSpace(s))
		ok = n != "" && utf8.RuneCountInString(n) <= limit
	}
	// A space of another script is one; a letter that this program does not know yet is one, too.
	spaceOrNew := func(r rune) bool { return unicode.Is(unicode.Zs, r) || !unicode.In(r, known...) }
	if !ok || label.Odd(n, spaceOrNew) {
		return "", fault.New(fault.Invalid, "the %s must be 1 to %d characters on one line, without control characters", field, limit).
			WithField(field, "must be 1 to %d characters on one line, without control characters", limit)
	}
	return n, nil
}
