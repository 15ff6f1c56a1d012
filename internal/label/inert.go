package label

import "strings"

// Inert keeps a spreadsheet from taking a text for a formula: it gets an apostrophe before
// it, as OWASP advises.
func Inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n\u00a0\uff1d\uff0b\uff0d\uff20", []rune(s)[0]) {
		return "'" + s
	}
	return s
}
