package envelope

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode"
)

// The bounds of everything that an event carries.
const (
	MaxPayload = 32 << 10 // bytes of a payload
	maxRunes   = 256      // of a string
	maxItems   = 64       // of a list
	maxWhole   = 1<<53 - 1
)

// clean bounds a text and takes out what could forge or hide a line in a log:
// control characters, line and paragraph separators, and marks that reorder text.
// Bytes that are no UTF-8 become U+FFFD.
func clean(s string) string {
	if plain(s) {
		return s
	}
	kept := make([]rune, 0, maxRunes+1)
	for _, r := range s { // a bad byte arrives as U+FFFD
		if !unicode.IsControl(r) && !unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			kept = append(kept, r)
		}
		if len(kept) > maxRunes {
			kept[maxRunes-1] = '…'
			return string(kept[:maxRunes])
		}
	}
	return string(kept)
}

// plain is the common case: short printable ASCII.
func plain(s string) bool {
	if len(s) > maxRunes {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// whole keeps an integer within what a JSON number holds exactly.
func whole(n int64) int64 { return max(-maxWhole, min(maxWhole, n)) }

const instantLayout = "2006-01-02T15:04:05.000000Z"

// Time is i as a time in UTC; the zero time for "none".
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(i)).UTC()
}

// String is RFC 3339 in UTC with six digits of the second.
func (i Instant) String() string { return i.Time().Format(instantLayout) }

// MarshalJSON writes RFC 3339 in UTC with six digits of the second.
func (i Instant) MarshalJSON() ([]byte, error) { return json.Marshal(i.String()) }

// UnmarshalJSON reads exactly what MarshalJSON writes.
func (i *Instant) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	t, err := time.Parse(instantLayout, s)
	if err != nil || t.Format(instantLayout) != s {
		return fmt.Errorf("%.40q is not a UTC time with six digits of the second", s)
	}
	*i = Moment(t)
	return nil
}
