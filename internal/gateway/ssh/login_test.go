package ssh

import (
	"strings"
	"testing"
)

func TestLoginForms(t *testing.T) {
	for name, want := range map[string]Login{
		"alice":                          {Person: "alice"},
		"alice+web-prod":                 {Person: "alice", Safe: "web-prod"},
		"alice+acme/web-prod":            {Person: "alice", Org: "acme", Safe: "web-prod"},
		"alice@example.com":              {Person: "alice@example.com"},
		"alice@example.com+web":          {Person: "alice@example.com", Safe: "web"},
		"alice+tag@example.com":          {Person: "alice+tag@example.com"},
		"alice+tag@example.com+web":      {Person: "alice+tag@example.com", Safe: "web"},
		"alice+tag@example.com+acme/web": {Person: "alice+tag@example.com", Org: "acme", Safe: "web"},
		"alice+web+1":                    {Person: "alice", Safe: "web+1"},
		"żółw+wiśnia":                    {Person: "żółw", Safe: "wiśnia"},
	} {
		got, err := ParseLogin(name)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v", name, got, err)
		}
		if got.String() != name {
			t.Errorf("%q is written as %q", name, got.String())
		}
	}
	for _, name := range []string{"", "+", "+web", "alice+", "alice+/", "alice+/web", "alice+acme/", "alice+a/b/c",
		"alice\n+web", "alice+\x1b[2J", "alice+w\u202eeb", "\xff\xfe", strings.Repeat("a", 255), "a+" + strings.Repeat("s", 129),
		"a+" + strings.Repeat("o", 65) + "/s"} {
		if got, err := ParseLogin(name); err == nil {
			t.Errorf("%q was taken as %+v", name, got)
		}
	}
}

// FuzzParseLogin holds the law that a name has one reading: what parses writes the same name again.
func FuzzParseLogin(f *testing.F) {
	for _, s := range []string{"alice", "alice+web", "alice+acme/web", "a+b@c.d+e/f", "++", "a+/", "\xff", "a+\u200b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLogin(s)
		if err != nil {
			if l != (Login{}) {
				t.Fatalf("%q is refused and gives %+v", s, l)
			}
			return
		}
		if l.String() != s || l.Person == "" || (l.Org != "" && l.Safe == "") || printable(s) != s {
			t.Fatalf("%q parses to %+v, which is written %q", s, l, l.String())
		}
	})
}
