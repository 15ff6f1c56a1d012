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

// maxLine bounds what a person types at a prompt.
const maxLine = 4096

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

// tty is a terminal that can be asked.
type tty struct {
	in  *os.File
	out io.Writer
}

// Open finds the person's terminal: standard input when that is one, otherwise the
// controlling terminal. Without either it is Nobody. The prompts go to errw, or to
// the controlling terminal. close is never nil.
func Open(in io.Reader, errw io.Writer) (a Asker, close func() error) {
	none := func() error { return nil }
	if f, ok := in.(*os.File); ok && Is(f) {
		return &tty{in: f, out: errw}, none
	}
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return Nobody{}, none
	}
	if !Is(f) {
		f.Close()
		return Nobody{}, none
	}
	return &tty{in: f, out: f}, f.Close
}

func (t *tty) Line(ctx context.Context, prompt string) (string, error) {
	fmt.Fprint(t.out, prompt)
	return wait(ctx, func() (string, error) { return readLine(t.in) })
}

// readLine takes no byte beyond the line's end: the next question reads on there.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < maxLine; {
		n, err := r.Read(b)
		if n == 1 {
			if b[0] == '\n' {
				return strings.TrimSpace(string(line)), nil
			}
			line = append(line, b[0])
		}
		switch {
		case err != nil && len(line) > 0:
			return strings.TrimSpace(string(line)), nil
		case err != nil:
			return "", ended(err)
		}
	}
	return "", fault.New(fault.Invalid, "the answer is longer than %d bytes", maxLine)
}

func (t *tty) Secret(ctx context.Context, prompt string) (secret.Secret, error) {
	fd := int(t.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("read the terminal's state: %w", err)
	}
	fmt.Fprint(t.out, prompt)
	s, err := wait(ctx, func() (secret.Secret, error) {
		b, err := term.ReadPassword(fd)
		if err != nil {
			return secret.Secret{}, ended(err)
		}
		return secret.New(b), nil
	})
	if ctx.Err() != nil {
		err = errors.Join(err, term.Restore(fd, before)) // the read still has the echo off
	}
	fmt.Fprintln(t.out)
	return s, err
}

// wait gives what read returns, or ctx's end. A read of a terminal cannot be
// taken back: after ctx ended it is left behind, and the program is about to end.
func wait[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type answer struct {
		v   T
		err error
	}
	got := make(chan answer, 1)
	go func() {
		v, err := read()
		got <- answer{v, err}
	}()
	select {
	case a := <-got:
		return a.v, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "the input ended before an answer was given")
	}
	return fmt.Errorf("read from the terminal: %w", err)
}
