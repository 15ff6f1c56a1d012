package terminal

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/vaultpam/vaultpam/internal/fault"
)

func TestQuestionsAreAskedAtTheTerminal(t *testing.T) {
	person, screen := pair(t)
	ask, done := Open(screen, screen)
	defer done()
	io.WriteString(person, "jane@example.org \nhunter2\nnext\n")
	if got, err := ask.Line(t.Context(), "E-mail: "); err != nil || got != "jane@example.org" {
		t.Fatalf("%q %v", got, err)
	}
	pw, err := ask.Secret(t.Context(), "Password: ")
	if err != nil || pw.RevealString() != "hunter2" {
		t.Fatalf("%v", err)
	}
	if got, err := ask.Line(t.Context(), "Code: "); err != nil || got != "next" {
		t.Fatalf("%q %v", got, err)
	}
}

func TestSignalEndsAQuestion(t *testing.T) {
	_, screen := pair(t)
	ask, done := Open(screen, io.Discard)
	defer done()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ask.Secret(ctx, "Password: "); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := ask.Line(ctx, "Code: "); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestEndlessAnswerIsRefused(t *testing.T) {
	if _, err := readLine(strings.NewReader(strings.Repeat("x", maxLine+1))); !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	if _, err := readLine(strings.NewReader("")); !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
}

// pair is a terminal: what the person types into, and what the program opens.
func pair(t *testing.T) (person, screen *os.File) {
	t.Helper()
	person, screen, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close(); screen.Close() })
	return person, screen
}
