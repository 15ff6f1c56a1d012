package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Asker asks one question at a time. Each method returns the answer without its
// line end; ctx ends the wait.
type Asker interface {
	Line(ctx context.Context, prompt string) (string, error)
	Secret(ctx context.Context, prompt string) (secret.Secret, error)
}

// Is tells whether v, a standard stream, is a terminal.
func Is(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Nobody asks nobody: every question is refused. It serves scripts.
type Nobody struct{}

// Line refuses.
func (Nobody) Line(_ context.Context, prompt string) (string, error) { return "", nobody(prompt) }

// Secret refuses.
func (Nobody) Secret(_ context.Context, prompt string) (secret.Secret, error) {
	return secret.Secret{}, nobody(prompt)
}

func nobody(prompt string) error {
	return fault.New(fault.Invalid, "there is no terminal to ask for the %s: give it by a flag or a variable, as --help says", subject(prompt)).WithCode("NO_TERMINAL")
}

// subject is what a prompt asks for, inside of a sentence.
func subject(prompt string) string {
	s := strings.TrimRight(strings.TrimSpace(prompt), ":? ")
	if len(s) > 1 && (s[1] < 'A' || s[1] > 'Z') {
		s = strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// ErrInterrupted says that the person ended a question with Ctrl-C or Ctrl-D.
var ErrInterrupted = errors.New("interrupted")

// tty is a terminal that can be asked. During a question it is in raw mode: what
// is typed is echoed, or not, by us alone, from the first letter on.
type tty struct {
	in   *os.File
	out  io.Writer
	line *term.Terminal // keeps what was typed ahead
}

func newTTY(in *os.File, out io.Writer) *tty {
	return &tty{in, out, term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "")}
}

// Open finds the person's terminal: standard input when that is one, otherwise the
// controlling terminal. Without either it is Nobody. The prompts go to errw, or to
// the controlling terminal. close is never nil.
func Open(in io.Reader, errw io.Writer) (a Asker, close func() error) {
	none := func() error { return nil }
	if f, ok := in.(*os.File); ok && Is(f) {
		if !Is(errw) {
			errw = f // a question in a log file is not seen
		}
		return newTTY(f, errw), none
	}
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return Nobody{}, none
	}
	if !Is(f) {
		f.Close()
		return Nobody{}, none
	}
	return newTTY(f, f), f.Close
}

func (t *tty) Line(ctx context.Context, prompt string) (string, error) {
	line, err := t.ask(ctx, func() (string, error) {
		t.line.SetPrompt(prompt)
		return t.line.ReadLine()
	})
	return strings.TrimSpace(line), err
}

func (t *tty) Secret(ctx context.Context, prompt string) (secret.Secret, error) {
	line, err := t.ask(ctx, func() (string, error) { return t.line.ReadPassword(prompt) })
	return secret.FromString(line), err
}

// ask gives what read returns, or ctx's end, and leaves the terminal as it was. A
// read of a terminal cannot be taken back: after ctx ended it is left behind, and
// the program is about to end.
func (t *tty) ask(ctx context.Context, read func() (string, error)) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	fd := int(t.in.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("prepare the terminal: %w", err)
	}
	defer term.Restore(fd, before)
	if w, h, err := term.GetSize(fd); err == nil && w > 0 && h > 0 {
		t.line.SetSize(w, h)
	}
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		line, err := read()
		got <- answer{line, err}
	}()
	select {
	case a := <-got:
		if errors.Is(a.err, io.EOF) {
			io.WriteString(t.out, "\r\n") // below the question
			return "", ErrInterrupted
		}
		if a.err != nil {
			return "", fmt.Errorf("read from the terminal: %w", a.err)
		}
		return a.line, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
