package session

import (
	"strings"
	"testing"
)

func TestTokenIsLongRandomAndRecognizable(t *testing.T) {
	a, ha := mintToken()
	b, hb := mintToken()
	if a.RevealString() == b.RevealString() || ha == hb {
		t.Fatal("two grants are equal")
	}
	if len(a.RevealString()) != tokenLen || !strings.HasPrefix(a.RevealString(), "vplg_") {
		t.Fatalf("the token has the wrong form: %d characters", len(a.RevealString()))
	}
	if h, ok := parseToken(a.RevealString()); !ok || h != ha {
		t.Fatal("a token that was just minted does not parse to its hash")
	}
	if strings.Contains(a.RevealString(), ha) {
		t.Fatal("the hash is in the token")
	}
}

// FuzzParseToken holds the law that a token has exactly one spelling.
func FuzzParseToken(f *testing.F) {
	tok, _ := mintToken()
	good := tok.RevealString()
	for _, s := range []string{"", "vplg_", good, good + "=", strings.ToUpper(good), good[:len(good)-1], good + "\n",
		good[:20] + "\n" + good[21:], "vplg_" + strings.Repeat("A", 43), "vplg_" + strings.Repeat("_", 43), "vplg_" + strings.Repeat("é", 43)} {
		f.Add(s)
	}
	seen := map[string]string{}
	f.Fuzz(func(t *testing.T, s string) {
		h, ok := parseToken(s)
		if !ok {
			if h != "" {
				t.Fatal("a refused token has a hash")
			}
			return
		}
		raw, err := tokenText.DecodeString(strings.TrimPrefix(s, tokenPrefix))
		if err != nil || tokenPrefix+tokenText.EncodeToString(raw) != s {
			t.Fatalf("%q parses and does not encode to itself", s)
		}
		if other, dup := seen[h]; dup && other != s {
			t.Fatalf("%q and %q have one hash", s, other)
		}
		seen[h] = s
	})
}
