package cli

import (
	"testing"
	"time"
)

// What is an end is never taken for none, and is read the same when it is written out.
func FuzzEnd(f *testing.F) {
	for _, s := range []string{"", "8h", "30d", "+3d", "d", "-1d", "36500d", "2026-12-31", "2026-12-31T18:00", "2026-12-31 18:00", "2026-12-31T18:00:00Z", "2026-12-31T18:00:00+02:00", "0001-01-01T00:00:00Z", "0000-01-01", "9999-12-31", "1h30m", "0s", "-1h", "99999999h", "\xffd", "٣d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before := time.Now()
		at, err := parseEnd(text)
		if err != nil {
			return
		}
		if at.IsZero() != (text == "") {
			t.Fatalf("%q is the end %s", text, at)
		}
		if text == "" {
			return
		}
		_, isDate := time.Parse(time.DateOnly, text[:min(len(text), len(time.DateOnly))])
		if isDate != nil && !at.After(before) {
			t.Fatalf("%q from now is %s, which is past", text, at)
		}
		if year := at.UTC().Year(); year < 0 || year > 9999 {
			return // RFC 3339 cannot write it
		}
		again, err := parseEnd(at.Format(time.RFC3339Nano))
		if err != nil || !again.Equal(at) {
			t.Fatalf("%q is %s, and that is %s, %v", text, at, again, err)
		}
	})
}
