package app

import (
	"crypto/x509"
	"os"
	"testing"
	"time"
)

func TestOwnCertificateIsKeptUntilItMustBeRenewed(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	first, ca, err := ownCertificate(dir, []string{"127.0.0.1", "localhost"}, now)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, host := range []string{"127.0.0.1", "localhost"} {
		if _, err := first.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	same, _, err := ownCertificate(dir, []string{"127.0.0.1"}, now.Add(24*time.Hour))
	if err != nil || !same.Leaf.Equal(first.Leaf) {
		t.Errorf("a good certificate was replaced (%v)", err)
	}
	for name, again := range map[string]func() (bool, error){
		"another host": func() (bool, error) {
			c, _, err := ownCertificate(dir, []string{"vault.example"}, now)
			return c.Leaf != nil && !c.Leaf.Equal(first.Leaf), err
		},
		"near its end": func() (bool, error) {
			c, _, err := ownCertificate(dir, []string{"127.0.0.1"}, now.Add(80*24*time.Hour))
			return c.Leaf != nil && !c.Leaf.Equal(first.Leaf), err
		},
	} {
		if renewed, err := again(); err != nil || !renewed {
			t.Errorf("%s: not renewed (%v)", name, err)
		}
	}
	if st, err := os.Stat(dir + "/ca.key"); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the authority's key: %v %v", st.Mode(), err)
	}
}
