package identity_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func TestOneFormOfAnAddress(t *testing.T) {
	for in, want := range map[string]string{
		"a@example.com":                         "a@example.com",
		"  A.B+tag@EXAMPLE.Com\t":               "a.b+tag@example.com",
		"Jörg@Bücher.example":                   "jörg@xn--bcher-kva.example",
		"jo\u0308rg@BU\u0308CHER.example":       "jörg@xn--bcher-kva.example", // combining marks
		"ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ":                       "ann@example.com",            // full width
		"root@localhost":                        "root@localhost",
		"o'neil@example.com":                    "o'neil@example.com",
		"a@b@example.com":                       "",
		"\"a b\"@example.com":                   "",
		"a b@example.com":                       "",
		"a@":                                    "",
		"@example.com":                          "",
		"a":                                     "",
		"":                                      "",
		"a..b@example.com":                      "",
		".a@example.com":                        "",
		"a@exa mple.com":                        "",
		"a@[127.0.0.1]":                         "",
		"a@-x.example":                          "",
		"a@ex_ample.com":                        "",
		"a\u202e@example.com":                   "",
		"a\x00@example.com":                     "",
		"\xff@example.com":                      "",
		"a\n@example.com":                       "",
		strings.Repeat("a", 65) + "@x.io":       "",
		"a@" + strings.Repeat("a.", 130) + "io": "",
	} {
		got, err := identity.ParseEmail(in)
		if got != want || (want == "") != fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %q (%v), want %q", in, got, err, want)
		}
	}
}

func TestHandles(t *testing.T) {
	for in, want := range map[string]string{
		"bob": "bob", " Bob ": "bob", "a1": "a1", "a-b-": "a-b-", "a" + strings.Repeat("b", 31): "a" + strings.Repeat("b", 31),
		"": "", "a": "", "1a": "", "-a": "", "a_b": "", "a.b": "", "a b": "", "a+b": "", "a/b": "", "bob@x": "", "böb": "", "b\x00b": "", "b\nb": "",
		"a" + strings.Repeat("b", 32): "", "ＢＯＢ": "",
	} {
		got, err := identity.ParseHandle(in)
		if got != want || (want == "") != fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %q (%v), want %q", in, got, err, want)
		}
	}
}

func TestPasswordsRefused(t *testing.T) {
	about := []string{"bob.builder@example.com", "bobby", "Bob Builder"}
	for in, ok := range map[string]bool{
		"correct horse battery": true, "zwölf Zeichen": true, "unrelated-bobby-and-more-words": true, strings.Repeat("abcdefgh", 32): true,
		"": false, "elevenchars": false, strings.Repeat("a", 20): false, "abababababab": false, "password1234": false, "Password1234!": false,
		"1234567890123": false, "bob.builder1": false, "xxbobbyxxyyz": false, strings.Repeat("abcdefgh", 33): false, "\xff\xfe\xfdabcdefghij": false,
	} {
		if err := identity.CheckPassword(secret.FromString(in), about...); (err == nil) != ok {
			t.Errorf("%q: %v", in, err)
		} else if err != nil && strings.Contains(err.Error(), in) && in != "" {
			t.Errorf("the refusal of %q repeats it", in)
		}
	}
}

func pub(t testing.TB, key any) string {
	t.Helper()
	k, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k)))
}

// keyOf is a line of a key type that the library does not make.
func keyOf(name string, fields ...[]byte) string {
	wire := ssh.Marshal(struct{ Name string }{name})
	for _, f := range fields {
		wire = append(wire, ssh.Marshal(struct{ B []byte }{f})...)
	}
	return name + " " + base64.StdEncoding.EncodeToString(wire)
}

func TestKeysAcceptedAndRefused(t *testing.T) {
	edPub, _, _ := ed25519.GenerateKey(rand.Reader)
	ec, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsa2048, _ := rsa.GenerateKey(rand.Reader, 2048)
	t.Setenv("GODEBUG", "rsa1024min=0")
	rsa1024, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	ed := pub(t, edPub)
	for name, c := range map[string]struct {
		line, says string
	}{
		"ed25519":         {ed, ""},
		"ed25519, spaces": {"  " + ed + " bob@laptop  \n", ""},
		"ecdsa":           {pub(t, &ec.PublicKey), ""},
		"rsa 2048":        {pub(t, &rsa2048.PublicKey), ""},
		"rsa 1024":        {pub(t, &rsa1024.PublicKey), "2048"},
		"dsa":             {keyOf("ssh-dss", []byte{0, 0xff}, []byte{3}, []byte{2}, []byte{5}), ""},
		"security key":    {keyOf("sk-ssh-ed25519@openssh.com", edPub, []byte("ssh:")), "not accepted"},
		"options":         {"command=\"true\" " + ed, "options"},
		"two keys":        {ed + "\n" + ed, "one"},
		"private key":     {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "private"},
		"nothing":         {"", "one line"},
		"garbage":         {"ssh-ed25519 AAAA", "cannot be read"},
		"name only":       {"ssh-ed25519", "cannot be read"},
		"type mismatch":   {"ssh-rsa " + strings.Fields(ed)[1], ""},
		"too long":        {ed + " " + strings.Repeat("x", 20<<10), "one line"},
	} {
		k, err := identity.ParseAuthorizedKey(c.line)
		good := strings.HasPrefix(name, "ed25519") || name == "ecdsa" || name == "rsa 2048"
		switch {
		case good && (err != nil || !strings.HasPrefix(k.Fingerprint, "SHA256:")):
			t.Errorf("%s: %v", name, err)
		case !good && name != "type mismatch" && (!fault.Is(err, fault.Invalid) || !strings.Contains(fault.MessageOf(err), c.says)):
			t.Errorf("%s: %v", name, err)
		}
	}
	if k, _ := identity.ParseAuthorizedKey(ed + " a\x1b[2Jb"); k.Comment != "" {
		t.Errorf("a comment that steers a terminal is kept: %q", k.Comment)
	}
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"a@example.com", "Jörg@Bücher.example", "ａ＠ｂ．ｃ", "İ@x.io", "a@xn--", "ǅ@x.io", "a@b@c", "\xff@x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := identity.ParseEmail(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		again, err := identity.ParseEmail(e)
		if err != nil || again != e {
			t.Fatalf("%q becomes %q, and that %q (%v)", s, e, again, err)
		}
		if len(e) > 254 || strings.Count(e, "@") != 1 || strings.ContainsAny(e, " \t\r\n\x00\"<>,;:\\") {
			t.Fatalf("%q becomes %q", s, e)
		}
	})
}

func FuzzLogin(f *testing.F) {
	for _, s := range []string{"bob", " BOB", "a@example.com", "bob+safe", "-", "\x00", strings.Repeat("a", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := identity.ParseLogin(s)
		if err != nil {
			return
		}
		if (l.Email == "") == (l.Handle == "") {
			t.Fatalf("%q is %+v", s, l)
		}
		again, err := identity.ParseLogin(l.Email + l.Handle)
		if err != nil || again != l {
			t.Fatalf("%q is %+v, and that %+v (%v)", s, l, again, err)
		}
	})
}

func FuzzAuthorizedKey(f *testing.F) {
	edPub, _, _ := ed25519.GenerateKey(rand.Reader)
	line := pub(f, edPub)
	for _, s := range []string{line, line + " comment", "command=\"x\" " + line, "ssh-rsa AAAA", keyOf("ssh-dss", []byte{1}, []byte{1}, []byte{1}, []byte{1}), ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := identity.ParseAuthorizedKey(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		again, err := identity.ParseAuthorizedKey(k.Algorithm + " " + base64.StdEncoding.EncodeToString(k.Wire))
		if err != nil || again.Fingerprint != k.Fingerprint || string(again.Wire) != string(k.Wire) {
			t.Fatalf("%q parses to a key that does not parse back: %v", s, err)
		}
	})
}

func FuzzCertificate(f *testing.F) {
	_, ca, _ := ed25519.GenerateKey(rand.Reader)
	signer, _ := ssh.NewSignerFromSigner(ca)
	edPub, _, _ := ed25519.GenerateKey(rand.Reader)
	key, _ := ssh.NewPublicKey(edPub)
	cert := &ssh.Certificate{Key: key, CertType: ssh.UserCert, ValidPrincipals: []string{"bob"}, ValidBefore: 1 << 40,
		Permissions: ssh.Permissions{CriticalOptions: map[string]string{"source-address": "10.0.0.0/8"}, Extensions: map[string]string{identity.LaunchGrantExtension: "g"}}}
	if err := cert.SignCert(rand.Reader, signer); err != nil {
		f.Fatal(err)
	}
	f.Add(cert.Marshal())
	f.Add(key.Marshal())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, wire []byte) {
		c, err := identity.ParseCertificate(wire)
		if err == nil && string(c.Marshal()) != string(wire) {
			t.Fatal(fmt.Sprintf("a certificate of %d bytes does not encode to itself", len(wire)))
		}
	})
}
