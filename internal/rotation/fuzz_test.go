package rotation_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/rotation"
	"github.com/vaultpam/vaultpam/internal/secret"
)

const fuzzKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUxsHqFMGxWnbmcBh0ZYQ0i8YAzVmpRe9YcVOxXnbrB"

// Every line that is found stands in the file as it is, and its successor lets in the new
// key alone, under the same options.
func FuzzAuthorizedKeys(f *testing.F) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(fuzzKey))
	if err != nil {
		f.Fatal(err)
	}
	public := newPublic(f)
	for _, s := range []string{"", fuzzKey, "# one\n" + fuzzKey + " a b\r\n" + fuzzKey, `command="echo \"hi\" # x",no-pty ` + fuzzKey, "from=\"a b\"\t" + fuzzKey + "\x00", ",,no-pty, " + fuzzKey, "environment=\"A=\n\" " + fuzzKey} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, line := range rotation.LinesOf(file, key) {
			if strings.ContainsAny(line, "\n\x00") || !bytes.Contains(append([]byte("\n"), append(file, '\n')...), []byte("\n"+line+"\n")) {
				t.Fatalf("%q is no line of %q", line, file)
			}
			next, err := rotation.Successor(line, public)
			if err != nil {
				continue
			}
			got, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(next))
			if err != nil || len(rest) > 0 || !bytes.Equal(got.Marshal(), public.Marshal()) || comment != "vaultpam" || strings.ContainsAny(next, "\r\n\x00") {
				t.Fatalf("the successor of %q is %q: %v", line, next, err)
			}
			if _, _, was, _, _ := ssh.ParseAuthorizedKey([]byte(line)); strings.Join(was, ",") != strings.Join(options, ",") {
				t.Fatalf("%q had the options %q, its successor has %q", line, was, options)
			}
		}
	})
}

// What stands between the marks comes back whole, whatever a login shell prints around it.
func FuzzMarks(f *testing.F) {
	f.Add([]byte("Welcome\n"), []byte("ssh-ed25519 AAAA\n"), []byte("bye"))
	f.Add([]byte("begin m"), []byte("begin m\nend"), []byte("end m\n"))
	f.Fuzz(func(t *testing.T, before, file, after []byte) {
		const mark = "vaultpam0f"
		begin, end := []byte("begin "+mark+"\n"), []byte("end "+mark+"\n")
		out := bytes.Join([][]byte{before, begin, file, end, after}, nil)
		got, err := rotation.CutMarks(out, mark)
		if bytes.Contains(before, begin) || bytes.Contains(file, end) {
			return // nobody can know the mark
		}
		if err != nil || !bytes.Equal(got, file) {
			t.Fatalf("%q: %q, %v", out, got, err)
		}
		if _, err := rotation.CutMarks(after, mark); err == nil && !bytes.Contains(after, begin) {
			t.Fatalf("%q passes for an answer", after)
		}
	})
}

// pieces is what a target says, a piece for each read.
type pieces struct{ left [][]byte }

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.left[0])
	if p.left[0] = p.left[0][n:]; len(p.left[0]) == 0 {
		p.left = p.left[1:]
	}
	return n, nil
}

// Whatever the target says, it is told nothing but the two passwords, each on a line: the
// present one at most once, the new one at most twice. What is told to people is in our
// own words.
func FuzzPasswd(f *testing.F) {
	const old, next = "the present one", "the new one"
	for _, s := range []string{
		"Changing password for keeper.\nCurrent password: |\nNew password: |\nRetype new password: |\npasswd: password updated successfully\n",
		"Changing password for user keeper.\nCurrent Pass|word: |\nNew password: |\nBAD PASSWORD: the password is too weak\nNew password: |",
		"Old password: |\nNew password: |\nRetype password: |\npasswd: done",
		"Password:|New Password:|Verify:|", "New password:|Retype new password:|Retype new password:|", "Verification code:|", "?", "password?|password?|password?|",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, talk []byte) {
		var in bytes.Buffer
		said, err := rotation.Converse(&in, &pieces{bytes.Split(talk, []byte("|"))}, secret.FromString(old), secret.FromString(next))
		lines := strings.SplitAfter(in.String(), "\n")
		n := map[string]int{}
		for _, l := range lines[:len(lines)-1] {
			n[l]++
		}
		if lines[len(lines)-1] != "" || n[old+"\n"] > 1 || n[next+"\n"] > 2 || n[old+"\n"]+n[next+"\n"] != len(lines)-1 {
			t.Fatalf("%q was told %q", talk, in.String())
		}
		if err == nil && !bytes.HasSuffix(bytes.ReplaceAll(talk, []byte("|"), nil), []byte(said)) {
			t.Fatalf("%q has said %q", talk, said)
		}
		if errors.Is(err, io.EOF) {
			t.Fatal("the end of what a target says is no error")
		}
		why := rotation.Why(said)
		if strings.Contains(why, old) || strings.Contains(why, next) || why != rotation.Why(strings.ToUpper(said)) && !strings.ContainsFunc(said, func(r rune) bool { return r > 127 }) {
			t.Fatalf("%q is told as %q", said, why)
		}
	})
}

func newPublic(f *testing.F) ssh.PublicKey {
	f.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"))
	if err != nil {
		f.Fatal(err)
	}
	return key
}

// New passwords have every kind of character, and no two are alike.
func TestNewPasswords(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		p := rotation.NewPass()
		s := p.RevealString()
		if len(s) != 32 || seen[s] || !strings.ContainsAny(s, "abcdefghijkmnpqrstuvwxyz") || !strings.ContainsAny(s, "ABCDEFGHJKLMNPQRSTUVWXYZ") || !strings.ContainsAny(s, "23456789") || !strings.ContainsAny(s, "-_.+=") || strings.ContainsAny(s, " :'\"\\$`\n") {
			t.Fatal("a new password is not as it should be")
		}
		seen[s] = true
	}
}
