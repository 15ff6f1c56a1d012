package envelope

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
)

// FuzzCanonical holds our writer equal to the reference implementation of RFC 8785,
// for any text in any place and any name of a metadata field.
func FuzzCanonical(f *testing.F) {
	f.Add("plain", "name", "z", int64(0))
	f.Add("\x00\b\t\n\f\r\x1f\"\\/\x7f\u0080\u2028</script>&", "\ufb33", "\U0001f600", int64(-1))
	f.Add("\ufffd€\U00010000", "a", "a\x00", int64(1<<53-1))
	f.Add("", "\u20ac", "\r", int64(-(1<<53 - 1)))
	f.Fuzz(func(t *testing.T, text, one, two string, n int64) {
		for _, s := range []string{text, one, two} {
			if !utf8.ValidString(s) {
				t.Skip("events hold valid UTF-8 only")
			}
		}
		e := Envelope{
			Event: text, Actor: Actor{Name: text}, Source: Source{UserAgent: text}, SchemaVersion: 1,
			Metadata: map[string]any{
				one: text, two: whole(n), "list": []any{text, true, nil},
				"map": map[string]any{two: one, one + two: []any{}},
			},
		}
		got, err := e.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		want, err := jsoncanonicalizer.Transform(raw)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("canonical form is\n%s\nwant\n%s", got, want)
		}
	})
}

func TestCanonicalRefusesWhatItCannotWriteExactly(t *testing.T) {
	for _, v := range []any{
		json.Number("1.5"), json.Number("9007199254740992"), json.Number("1e3"), json.Number(strings.Repeat("9", 99)),
		1.5, []byte("x"), struct{}{},
	} {
		if b, err := (Envelope{Metadata: map[string]any{"x": []any{v}}}).Canonical(); err == nil {
			t.Errorf("%v is written as %s", v, b)
		}
	}
}

func TestInstantReadsOnlyItsOwnForm(t *testing.T) {
	for _, s := range []string{
		`"2026-03-14T09:26:53Z"`, `"2026-03-14T09:26:53.589793+00:00"`, `"2026-03-14T09:26:53.5897931Z"`,
		`"2026-02-30T09:26:53.589793Z"`, `"2026-03-14t09:26:53.589793z"`, `1`, `null`, `""`,
	} {
		var i Instant
		if err := i.UnmarshalJSON([]byte(s)); err == nil {
			t.Errorf("%s is read as %s", s, i)
		}
	}
	var i Instant
	if err := i.UnmarshalJSON([]byte(`"2026-03-14T09:26:53.589793Z"`)); err != nil || i.String() != "2026-03-14T09:26:53.589793Z" {
		t.Errorf("read as %s, %v", i, err)
	}
}
