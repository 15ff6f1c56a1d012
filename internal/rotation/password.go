package rotation

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// What a new password is made of: nothing that looks like something else, and no sign
// that a shell, a URL or chpasswd(8) reads as more than itself.
const (
	passwordLength = 32
	lowers         = "abcdefghijkmnpqrstuvwxyz"
	uppers         = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	digits         = "23456789"
	signs          = "-_.+="
)

// newPassword makes 32 characters with at least one of each kind, beginning with a letter.
func newPassword() secret.Secret {
	for {
		b := make([]byte, passwordLength)
		for i := range b {
			b[i] = pick(lowers + uppers + digits + signs)
		}
		b[0] = pick(lowers + uppers)
		if bytes.ContainsAny(b, lowers) && bytes.ContainsAny(b, uppers) && bytes.ContainsAny(b, digits) && bytes.ContainsAny(b, signs) {
			return secret.New(b)
		}
		clear(b)
	}
}

func pick(from string) byte {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(from))))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return from[n.Int64()]
}

// changePassword changes the password of the account that the connection is signed in as.
func changePassword(ctx context.Context, c *ssh.Client, username string, old, next secret.Secret) error {
	s, err := c.NewSession()
	if err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if username == "root" {
		// root is not asked for its password, and by standard input no list of processes shows it.
		s.Stdin = strings.NewReader("root:" + next.RevealString() + "\n")
		return passwdStatus(s.Run("env LC_ALL=C chpasswd"), "")
	}
	if err := s.RequestPty("dumb", 24, 200, ssh.TerminalModes{ssh.ECHO: 0}); err != nil {
		return &refusal{"the target gives no terminal, which changing a password needs", err}
	}
	in, err := s.StdinPipe()
	if err != nil {
		return err
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.Start("env LC_ALL=C passwd"); err != nil {
		return &refusal{"the target does not run passwd for this account", err}
	}
	said, talkErr := converse(in, out, old, next)
	if talkErr != nil {
		s.Close()
		var no *refusal
		if errors.As(talkErr, &no) {
			return no
		}
		return talkErr
	}
	return passwdStatus(s.Wait(), said)
}

// passwdStatus is what the end of passwd or chpasswd means.
func passwdStatus(err error, said string) error {
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return &refusal{why(said), nil}
	}
	return err
}

// Prompt is a question of passwd.
type prompt int

const (
	noPrompt prompt = iota
	askOld
	askNew
	askAgain
	askOther // something that a password does not answer
)

// promptOf recognizes the last, unfinished line of what passwd says. It stays with the
// C locale's words of Linux-PAM, shadow, the BSDs and BusyBox.
func promptOf(tail string) prompt {
	line := strings.ToLower(strings.TrimSpace(tail[strings.LastIndexAny(tail, "\r\n")+1:]))
	if !strings.HasSuffix(line, ":") && !strings.HasSuffix(line, "?") {
		return noPrompt
	}
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(line, w) {
				return true
			}
		}
		return false
	}
	switch {
	case !has("password"):
		return askOther
	case has("retype", "re-enter", "reenter", "again", "confirm", "verify", "repeat"):
		return askAgain
	case has("current", "old", "existing"):
		return askOld
	case has("new"):
		return askNew
	case line == "password:":
		return askOld
	}
	return askOther
}

const (
	maxTalk    = 16 << 10 // bytes that passwd may say
	maxAnswers = 4
)

// converse answers the questions of passwd until it ends, and gives what it said since
// the first new password. A *refusal means that nothing was changed.
func converse(in io.Writer, out io.Reader, old, next secret.Secret) (string, error) {
	var said bytes.Buffer
	buf := make([]byte, 1024)
	from, answers := 0, 0
	gaveOld, gaveNew, again := false, false, false
	after := 0 // where the answer to the new password begins
	for {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if said.Len() > maxTalk {
			return "", &refusal{"passwd at the target says more than expected", nil}
		}
		if n > 0 {
			p := promptOf(said.String()[from:])
			var answer secret.Secret
			switch p {
			case askOld:
				if gaveOld {
					return "", &refusal{"passwd at the target does not take the account's present password", nil}
				}
				gaveOld, answer = true, old
			case askNew:
				if gaveNew {
					return "", &refusal{why(said.String()[after:]), nil}
				}
				gaveNew, answer = true, next
			case askAgain:
				if !gaveNew || again {
					return "", &refusal{"passwd at the target asks in an order that is not known", nil}
				}
				again, answer = true, next
			case askOther:
				return "", &refusal{"passwd at the target asks for something else than a password", nil}
			}
			if p != noPrompt {
				if answers++; answers > maxAnswers {
					return "", &refusal{"passwd at the target asks too often", nil}
				}
				if p == askNew {
					after = said.Len()
				}
				from = said.Len()
				line := append(append([]byte(nil), answer.Reveal()...), '\n')
				_, werr := in.Write(line)
				clear(line)
				if werr != nil && err == nil {
					err = werr
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return said.String()[min(after, said.Len()):], nil
		}
		if err != nil {
			return "", fmt.Errorf("talk to passwd: %w", err)
		}
	}
}

// why says in words of our own what passwd complained about: a target's words could
// carry anything, the password too.
func why(said string) string {
	s := strings.ToLower(said)
	for _, x := range []struct{ seen, say string }{
		{"wait longer", "the target does not let the password be changed again so soon"},
		{"too soon", "the target does not let the password be changed again so soon"},
		{"already been used", "the target has seen this password before"},
		{"already used", "the target has seen this password before"},
		{"too long", "the target takes no password of 32 characters"},
		{"too short", "the target asks for a longer password than 32 characters"},
		{"dictionary", "the target's rules for passwords refuse the new one"},
		{"too similar", "the target's rules for passwords refuse the new one"},
		{"bad password", "the target's rules for passwords refuse the new one"},
		{"too simple", "the target's rules for passwords refuse the new one"},
		{"weak", "the target's rules for passwords refuse the new one"},
		{"authentication token manipulation", "the target could not store the new password, or did not take the present one"},
		{"permission denied", "the target does not let this account change its password"},
		{"not permitted", "the target does not let this account change its password"},
	} {
		if strings.Contains(s, x.seen) {
			return x.say
		}
	}
	return "the target did not take the new password"
}
