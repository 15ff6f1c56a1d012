package label

import (
	"strings"
	"testing"
)

func TestChecks(t *testing.T) {
	long := strings.Repeat("ä", 101)
	for _, c := range []struct {
		check func(string) string
		name  string
		ok    []string
		bad   []string
	}{
		{Name, "Name", []string{"a", "Web 1", "Büro", "数据库", strings.Repeat("ä", 100),
			"می\u200cخواهم", "ශ්\u200dරී", "क्\u200dष", "👩\u200d👩\u200d👧\u200d👦", "👩🏽\u200d💻", "🏳️\u200d🌈", "e\u0301", "שלום", "ชื่อ"},
			[]string{"", " a", "a ", "a\nb", "a\x1b[2J", "a\u202eb", "a\u200bb", "a\xff", "a\u00a0b", long,
				"Al\u200dice", "Al\u200cice", "\u200dAlice", "ab\u200d", "👩\u200d", "a\u2066b", "\ufeffa", "\u3164", "a\u034fb", "\u2800", "a\u00adb", "a\ue000b"}},
		{Note, "Note", []string{"", "two\nlines\tand a tab", long}, []string{"\x1b[2J", "a\rb", "\xff", "\u2028", strings.Repeat("a", 2001)}},
		{Slug, "Slug", []string{"a", "web-prod", "1", strings.Repeat("a", 63)}, []string{"", "-a", "a-", "Web", "a.b", "a_b", "a+b", "ä", "a\n", strings.Repeat("a", 64)}},
		{Login, "Login", []string{"root", "svc_1", `CORP\admin`, "admin@corp", "Jörg"}, []string{"", "a b", "a:b", "a/b", "-oProxyCommand=x", "a\n"}},
	} {
		for _, s := range c.ok {
			if wrong := c.check(s); wrong != "" {
				t.Errorf("%s(%q) = %q, want it to pass", c.name, s, wrong)
			}
		}
		for _, s := range c.bad {
			if c.check(s) == "" {
				t.Errorf("%s(%q) passes", c.name, s)
			}
		}
	}
}
