package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/notify"
)

// answers are what a journey may ask for on its way.
type answers map[string]func(about string) any

// play runs the browser through the steps of web/test/<name>.e2e.mjs with a job,
// and answers its questions.
func play(t *testing.T, name string, job obj, known answers) {
	t.Helper()
	need(t, "node")
	web, err := filepath.Abs("../web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(web, "node_modules", "playwright-core")); err != nil {
		without(t, "the console's packages are needed: make console")
	}
	job["shots"], job["timeout_ms"] = t.TempDir(), (2 * patience).Milliseconds()
	if job["spki"] == nil {
		b, err := theBrowser()
		if err != nil {
			t.Fatal(err)
		}
		job["browser"] = b
	}
	in, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "test/"+name+".e2e.mjs")
	cmd.Dir, cmd.WaitDelay = web, 10*time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stdin.Write(append(in, '\n'))
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		question, is := strings.CutPrefix(lines.Text(), "ask ")
		if !is {
			t.Log(lines.Text())
			continue
		}
		var q struct{ Name, About string }
		if err := json.Unmarshal([]byte(question), &q); err != nil || known[q.Name] == nil {
			t.Fatalf("the journey asks %s (%v)", question, err)
		}
		a, err := json.Marshal(known[q.Name](q.About))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stdin.Write(append(a, '\n')); err != nil {
			t.Fatal(err)
		}
	}
	io.Copy(io.Discard, stdout)
	if err := cmd.Wait(); err != nil {
		if keep := os.Getenv("VAULTPAM_TEST_SHOTS"); keep != "" {
			os.CopyFS(keep, os.DirFS(job["shots"].(string)))
		}
		t.Fatalf("the journey failed: %v\n%s", err, said.String())
	}
}

// theBrowser is the address of the browser that journeys share; it ends with the tests.
var theBrowser = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("node", "test/browser-server.mjs")
	cmd.Dir, cmd.Stderr = filepath.Join("..", "web"), os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	forever{}.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		return "", fmt.Errorf("the browser did not start: %v", lines.Err())
	}
	return lines.Text(), nil
})

// asks answers for one-time codes of people by their handle, and for the links of
// their messages by "kind address", the first of its kind.
func (s *Server) asks(t *testing.T, people ...*Person) answers {
	return answers{
		"code": func(handle string) any {
			for _, p := range people {
				if p.Handle == handle {
					return p.code(t)
				}
			}
			t.Fatalf("nobody here has the handle %q", handle)
			return nil
		},
		"link": func(about string) any {
			kind, to, _ := strings.Cut(about, " ")
			link, token := s.letter(t, to, notify.Kind(kind), 1).Link()
			if token != "" {
				secrets.add("token of a link", token)
			}
			return strings.Replace(link.String(), s.URL, "", 1)
		},
	}
}

// who is what a journey types for somebody.
func (p *Person) who() obj {
	return obj{"email": p.Email, "handle": p.Handle, "password": p.Password}
}
