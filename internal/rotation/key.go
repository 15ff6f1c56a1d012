package rotation

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/secret"
)

const maxKeysFile = 1 << 20 // bytes of an authorized_keys

// newKey makes an Ed25519 key in OpenSSH form.
func newKey() (secret.Secret, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return secret.Secret{}, fmt.Errorf("make a key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return secret.Secret{}, fmt.Errorf("encode a key: %w", err)
	}
	return secret.New(pem.EncodeToMemory(block)), nil
}

// linesOf finds the lines of an authorized_keys that let key in, without their line
// ends, and how each stands in the file.
func linesOf(file []byte, key ssh.PublicKey) (lines []string) {
	want := key.Marshal()
	for line := range bytes.SplitSeq(file, []byte("\n")) {
		got, _, _, rest, err := ssh.ParseAuthorizedKey(line)
		if err == nil && len(rest) == 0 && bytes.Equal(got.Marshal(), want) && !bytes.ContainsRune(line, 0) {
			lines = append(lines, string(line))
		}
	}
	return lines
}

// successor is the line of the new key: with the options of the old line, so that what
// the old key was not allowed the new one is not either. Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT.
func successor(old string, public ssh.PublicKey) (string, error) {
	_, _, options, _, err := ssh.ParseAuthorizedKey([]byte(old))
	if err != nil {
		return "", fmt.Errorf("read the old line: %w", err)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))) + " vaultpam"
	if len(options) > 0 {
		line = strings.Join(options, ",") + " " + line
	}
	again, _, kept, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(rest) > 0 || !bytes.Equal(again.Marshal(), public.Marshal()) || strings.Join(kept, ",") != strings.Join(options, ",") || strings.ContainsAny(line, "\r\n\x00") {
		return "", errors.New("the options of the old line cannot be kept")
	}
	return line, nil
}

// Statuses of the scripts below, beside those of the shell.
const (
	noFile    = 61 // there is no ~/.ssh/authorized_keys
	notMine   = 62 // the account may not read or replace it
	notStored = 63 // it could not be written
)

// findFile is the part of every script that finds the file: the account's own, through
// a link when it is one.
const findFile = `umask 077
LC_ALL=C; export LC_ALL
[ -n "${HOME-}" ] || exit 61
f=$HOME/.ssh/authorized_keys
if [ -L "$f" ]; then f=$(readlink -f "$f") || exit 61; fi
[ -f "$f" ] || exit 61
[ -r "$f" ] || exit 62
`

// replaceFile opens a new file beside it with the same owner and mode, and puts it in its
// place in one step; $t is written in between.
const (
	beginReplace = `t=$f.vaultpam.$$
trap 'rm -f "$t"' EXIT
trap 'exit 63' HUP INT TERM
cp -p "$f" "$t" 2>/dev/null || exit 62
`
	endReplace = `mv -f "$t" "$f" 2>/dev/null || exit 62
trap - EXIT
`
)

// readScript prints the file between two marks, because a login shell may print before it.
func readScript(mark string) string {
	return findFile + "echo 'begin " + mark + "'\ncat \"$f\" || exit 62\necho 'end " + mark + "'\n"
}

// cutMarks takes what stands between the marks of readScript.
func cutMarks(out []byte, mark string) ([]byte, error) {
	_, rest, found := bytes.Cut(out, []byte("begin "+mark+"\n"))
	file, _, ended := bytes.Cut(rest, []byte("end "+mark+"\n"))
	if !found || !ended {
		return nil, errors.New("the target's shell did not answer as expected")
	}
	return file, nil
}

// appendScript adds a line, unless it is there.
func appendScript(line, mark string) string {
	return findFile + heredoc("new", line, mark) + `while IFS= read -r l || [ -n "$l" ]; do [ "x$l" != "x$new" ] || exit 0; done < "$f"
` + beginReplace + `{ cat "$f" && { [ -z "$(tail -c 1 "$f")" ] || echo; } && printf '%s\n' "$new"; } > "$t" || exit 63
` + endReplace
}

// removeScript takes every line that equals one of lines out.
func removeScript(lines []string, mark string) string {
	var b strings.Builder
	b.WriteString(findFile)
	for _, line := range lines {
		b.WriteString(heredoc("old", line, mark))
		b.WriteString("(" + beginReplace + `while IFS= read -r l || [ -n "$l" ]; do [ "x$l" = "x$old" ] || printf '%s\n' "$l" || exit 63; done < "$f" > "$t" || exit 63
` + endReplace + ") || exit $?\n")
	}
	return b.String()
}

// heredoc sets a variable to a line as it is. The mark is random: no line is it.
func heredoc(name, line, mark string) string {
	return "IFS= read -r " + name + " <<'" + mark + "'\n" + line + "\n" + mark + "\n"
}

func newMark() string {
	b := make([]byte, 16)
	rand.Read(b)
	return "vaultpam" + hex.EncodeToString(b)
}

// script runs one at the target. It goes by standard input, so that the login shell
// of the account, whichever it is, sees no word of it.
func script(ctx context.Context, c *ssh.Client, text string) ([]byte, error) {
	s, err := c.NewSession()
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	out := &bounded{max: maxKeysFile + 4096}
	s.Stdin, s.Stdout = strings.NewReader(text), out
	err = s.Run("/bin/sh -s")
	if err == nil && out.full {
		err = fmt.Errorf("the target's answer is longer than %d bytes", out.max)
	}
	return out.Bytes(), err
}

// bounded keeps the first max bytes.
type bounded struct {
	bytes.Buffer
	max  int
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.max {
		b.full = true
		return 0, io.ErrShortBuffer
	}
	return b.Buffer.Write(p)
}

// addKey makes the target accept the new key beside the old one.
func addKey(ctx context.Context, c *ssh.Client, old, public ssh.PublicKey) error {
	mark := newMark()
	file, err := readKeys(ctx, c)
	if err != nil {
		return err
	}
	lines := linesOf(file, old)
	if len(lines) == 0 {
		return &refusal{"the account's key is not in its ~/.ssh/authorized_keys: the target keeps its keys elsewhere, or has a certificate authority", nil}
	}
	line, err := successor(lines[0], public)
	if err != nil {
		return &refusal{"the line of the account's key in ~/.ssh/authorized_keys has options that cannot be carried over", err}
	}
	_, err = script(ctx, c, appendScript(line, mark))
	return sayStatus(err)
}

// removeKey takes every line of the old key off the target.
func removeKey(ctx context.Context, c *ssh.Client, old ssh.PublicKey) error {
	file, err := readKeys(ctx, c)
	if err != nil {
		return err
	}
	lines := linesOf(file, old)
	if len(lines) == 0 {
		return nil
	}
	_, err = script(ctx, c, removeScript(lines, newMark()))
	return sayStatus(err)
}

func readKeys(ctx context.Context, c *ssh.Client) ([]byte, error) {
	mark := newMark()
	out, err := script(ctx, c, readScript(mark))
	if err != nil {
		return nil, sayStatus(err)
	}
	file, err := cutMarks(out, mark)
	if err != nil {
		return nil, &refusal{"the target does not run /bin/sh as expected: the account may be limited to other commands", err}
	}
	return file, nil
}

// refusal is a target that does not let its credential be changed; it is as it was.
type refusal struct {
	detail string
	cause  error
}

func (r *refusal) Error() string {
	if r.cause == nil {
		return r.detail
	}
	return r.detail + ": " + r.cause.Error()
}

// sayStatus turns the end of a script into a refusal in words.
func sayStatus(err error) error {
	var exit *ssh.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	switch exit.ExitStatus() {
	case noFile:
		return &refusal{"the account has no ~/.ssh/authorized_keys: the target keeps its keys elsewhere", nil}
	case notMine:
		return &refusal{"the account may not read or replace its ~/.ssh/authorized_keys", nil}
	case notStored:
		return &refusal{"~/.ssh/authorized_keys could not be written: is the target's disk full?", nil}
	}
	return &refusal{fmt.Sprintf("the target's shell ended with status %d: the account may be limited to other commands", exit.ExitStatus()), nil}
}
