package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretNeverPrints(t *testing.T) {
	s := FromString("canary")
	wrapped := struct{ P Secret }{s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+"\n", s, wrapped)
	}
	j, err := json.Marshal(wrapped)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", s, "wrapped", wrapped)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "wrapped", wrapped)
	if strings.Contains(out.String(), "canary") || strings.Contains(out.String(), "63616e617279") {
		t.Fatalf("a secret was printed:\n%s", out.String())
	}
}

func TestWipeClearsEveryCopy(t *testing.T) {
	s := FromString("canary")
	c := s
	s.Wipe()
	if bytes.Contains(c.Reveal(), []byte("c")) {
		t.Fatal("the copy still holds the value")
	}
}

func TestTokensDiffer(t *testing.T) {
	if a, b := Token(32), Token(32); a.RevealString() == b.RevealString() || len(a.Reveal()) != 43 {
		t.Fatal("tokens of 32 bytes must be 43 characters and differ")
	}
}
