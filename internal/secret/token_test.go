package secret

import (
	"bytes"
	"testing"
)

func TestTokensAreKnownByTheirKind(t *testing.T) {
	link, flow := TokenKind{"vpin_", "invitation/v1"}, TokenKind{"vpif_", "invitation/v1"}
	token := link.New()
	text := token.RevealString()
	if text == link.New().RevealString() {
		t.Fatal("two tokens are alike")
	}
	for _, shown := range []string{text, " " + text + "\n"} {
		if hash, ok := link.Parse(FromString(shown)); !ok || !bytes.Equal(hash, link.Hash(text)) {
			t.Errorf("%q is not known", shown)
		}
	}
	for _, shown := range []string{"", "vpin_", text[:len(text)-1], text + "A", text[:20] + "\n" + text[20:], text[5:], "vpin_" + text} {
		if _, ok := link.Parse(FromString(shown)); ok {
			t.Errorf("%q is taken for a token", shown)
		}
	}
	if _, ok := flow.Parse(token); ok {
		t.Error("one kind is taken for another")
	}
	if other := (TokenKind{"vpin_", "platform/v1"}); bytes.Equal(other.Hash(text), link.Hash(text)) {
		t.Error("two uses have the same hash")
	}
}

func FuzzTokenKind(f *testing.F) {
	k := TokenKind{"vpin_", "invitation/v1"}
	f.Add("vpin_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("vpin_")
	f.Fuzz(func(t *testing.T, s string) {
		if hash, ok := k.Parse(FromString(s)); ok != (hash != nil) {
			t.Errorf("%q: %x, %v", s, hash, ok)
		}
	})
}
