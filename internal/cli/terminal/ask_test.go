package terminal

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

func TestQuestionsAreAskedAtTheTerminal(t *testing.T) {
	person, screen := pair(t)
	ask, done := Open(screen, screen)
	defer done()
	seen := read(person)
	answer := func(prompt, typed string) {
		t.Helper()
		if got := until(t, seen, prompt); strings.Contains(got, "hunter2") {
			t.Errorf("the secret was shown: %q", got)
		}
		io.WriteString(person, typed)
	}
	go answer("E-mail: ", "jnae\x7f\x7f\x7fane@example.org \r")
	if got, err := ask.Line(t.Context(), "E-mail: "); err != nil || got != "jane@example.org" {
		t.Fatalf("%q %v", got, err)
	}
	go answer("Password: ", "hunter2\r123456\r") // typed ahead
	pw, err := ask.Secret(t.Context(), "Password: ")
	if err != nil || pw.RevealString() != "hunter2" {
		t.Fatalf("%q %v", pw.RevealString(), err)
	}
	if got, err := ask.Line(t.Context(), "Code: "); err != nil || got != "123456" {
		t.Fatalf("%q %v", got, err)
	}
	if got := until(t, seen, "123456"); strings.Contains(got, "hunter2") {
		t.Errorf("the secret was shown: %q", got)
	}
	go answer("Sure? ", "\x03")
	if _, err := ask.Line(t.Context(), "Sure? "); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
}

func TestSignalEndsAQuestion(t *testing.T) {
	person, screen := pair(t)
	ask, done := Open(screen, screen)
	defer done()
	seen := read(person)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		until(t, seen, "Password: ")
		cancel()
	}()
	if _, err := ask.Secret(ctx, "Password: "); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := ask.Line(ctx, "Code: "); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// pair is a terminal: where the person is, and what the program opens.
func pair(t *testing.T) (person, screen *os.File) {
	t.Helper()
	person, screen, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close(); screen.Close() })
	return person, screen
}

// read passes on what the person sees.
func read(person io.Reader) <-chan string {
	seen := make(chan string, 100)
	go func() {
		defer close(seen)
		for b := make([]byte, 4096); ; {
			n, err := person.Read(b)
			if err != nil {
				return
			}
			seen <- string(b[:n])
		}
	}()
	return seen
}

// until collects what the person sees until text is in it.
func until(t *testing.T, seen <-chan string, text string) string {
	t.Helper()
	var all string
	for !strings.Contains(all, text) {
		select {
		case s, ok := <-seen:
			if !ok {
				t.Errorf("the terminal closed; %q was not in %q", text, all)
				return all
			}
			all += s
		case <-time.After(10 * time.Second):
			t.Errorf("%q was not in %q", text, all)
			return all
		}
	}
	return all
}
