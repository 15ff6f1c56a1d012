package label

import "time"

// Stamp is a time as exported files show it: in UTC, RFC 3339; empty for none.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
