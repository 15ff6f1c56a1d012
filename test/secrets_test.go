package test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// secrets are all values that must appear nowhere but where they are meant to:
// what the tests put into secret fields, and what the product gave them once.
var secrets = canaries{kinds: map[string]string{}, heads: map[[canaryHead]byte][]string{}}

// canaryHead is how many bytes of a secret are compared before all of it is.
const canaryHead = 12

type canaries struct {
	sync.RWMutex
	kinds map[string]string // secret to what it is
	heads map[[canaryHead]byte][]string
}

// newSecret makes a secret that can be recognized wherever it turns up.
func newSecret(kind string) string {
	v := "Canary-" + kind + "-" + random(12)
	secrets.add(kind, v)
	return v
}

// random is text of 2n hex digits that nobody else has.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// add remembers a secret, and each line of one with several: a part of a private
// key is as secret as the whole.
func (c *canaries) add(kind string, values ...string) {
	c.Lock()
	defer c.Unlock()
	for _, v := range values {
		for line := range strings.Lines(v) {
			line = strings.TrimSpace(line)
			if len(line) < canaryHead || strings.HasPrefix(line, "-----") || strings.HasPrefix(line, pemPreamble) || c.kinds[line] != "" {
				continue
			}
			c.kinds[line] = kind
			for _, form := range []string{line, base64.StdEncoding.EncodeToString([]byte(line))} {
				head := [canaryHead]byte([]byte(form))
				c.heads[head] = append(c.heads[head], form)
				if form != line {
					c.kinds[form] = kind + " in base64"
				}
			}
		}
	}
}

// pemPreamble begins every OpenSSH private key without a passphrase: no secret.
var pemPreamble = base64.StdEncoding.EncodeToString([]byte("openssh-key-v1\x00"))[:16]

// in names the kinds of the secrets that are found in data.
func (c *canaries) in(data []byte) (kinds []string) {
	c.RLock()
	defer c.RUnlock()
	for i := 0; i+canaryHead <= len(data); i++ {
		for _, v := range c.heads[[canaryHead]byte(data[i:])] {
			if bytes.HasPrefix(data[i:], []byte(v)) && !slices.Contains(kinds, c.kinds[v]) {
				kinds = append(kinds, c.kinds[v])
			}
		}
	}
	return kinds
}

// leaked is an error when a secret is found in data.
func leaked(where string, data []byte) error {
	if kinds := secrets.in(data); len(kinds) > 0 {
		return fmt.Errorf("%s shows secrets: %s", where, strings.Join(kinds, ", "))
	}
	return nil
}

// noSecrets fails the test when a secret is found in data.
func noSecrets(t testing.TB, where string, data []byte) {
	t.Helper()
	if err := leaked(where, data); err != nil {
		t.Error(err)
	}
}

func TestSecretsAreRecognized(t *testing.T) {
	v := newSecret("example")
	for where, text := range map[string]string{
		"plain": "x" + v, "inside": "a " + v + " b", "in base64": base64.StdEncoding.EncodeToString([]byte(v)),
	} {
		if leaked(where, []byte(text)) == nil {
			t.Errorf("%s: not found", where)
		}
	}
	if err := leaked("nothing", []byte(v[:len(v)-1]+"?")); err != nil {
		t.Error(err)
	}
}
