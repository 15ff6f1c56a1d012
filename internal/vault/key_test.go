package vault

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func parse(text, passphrase string) (parsedKey, error) {
	return parseKey(secret.FromString(text), secret.FromString(passphrase))
}

// Every form that OpenSSH's own tool writes is read, and means the same key.
func TestKeysOfSSHKeygen(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		if os.Getenv("REQUIRE_TOOLS") != "" {
			t.Fatal("ssh-keygen is not installed")
		}
		t.Skip("ssh-keygen is not installed")
	}
	for _, kind := range [][]string{
		{"-t", "ed25519"}, {"-t", "ecdsa", "-b", "256"}, {"-t", "ecdsa", "-b", "384"}, {"-t", "ecdsa", "-b", "521"}, {"-t", "rsa", "-b", "2048"},
		{"-t", "rsa", "-b", "2048", "-m", "PEM"}, {"-t", "rsa", "-b", "2048", "-m", "PKCS8"}, {"-t", "ecdsa", "-m", "PEM"}, {"-t", "ecdsa", "-m", "PKCS8"},
	} {
		for _, passphrase := range []string{"", "open sesame"} {
			protected := kind[1] == "ed25519" || kind[len(kind)-1] == "PEM" // both ways of protecting; an encrypted PKCS #8 is refused, see below
			if passphrase != "" && !protected {
				continue
			}
			t.Run(fmt.Sprint(kind, " ", passphrase), func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "key")
				args := append([]string{"-q", "-N", passphrase, "-C", "a comment", "-f", file}, kind...)
				if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
					t.Fatalf("ssh-keygen: %v: %s", err, out)
				}
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				pub, err := os.ReadFile(file + ".pub")
				if err != nil {
					t.Fatal(err)
				}
				want, _, _, _, err := ssh.ParseAuthorizedKey(pub)
				if err != nil {
					t.Fatal(err)
				}
				pastes := map[string]string{"as it is": string(text)}
				if passphrase == "" { // opening a protected key is slow on purpose: once is enough
					pastes["with Windows lines"] = strings.ReplaceAll(string(text), "\n", "\r\n")
					pastes["with blank lines"] = "\n\n" + string(text) + "\n\n"
					pastes["without last line"] = strings.TrimRight(string(text), "\n")
				}
				for name, pasted := range pastes {
					k, err := parse(pasted, passphrase)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					if !bytes.Equal(k.public.Marshal(), want.Marshal()) {
						t.Errorf("%s: another key", name)
					}
					if s, err := (Credential{PrivateKey: k.private}).Signer(); err != nil || !bytes.Equal(s.PublicKey().Marshal(), want.Marshal()) {
						t.Errorf("%s: what is stored is not the key: %v", name, err)
					}
				}
				if passphrase == "" {
					_, err = parse(string(text), "not needed")
				} else {
					_, err = parse(string(text), "wrong")
				}
				saysField(t, err, "passphrase")
				if _, err = parse(string(text), ""); passphrase != "" {
					saysField(t, err, "passphrase")
				}
			})
		}
	}
}

func saysField(t *testing.T, err error, path string) {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Path != path {
		t.Errorf("%v, want an Invalid on %s", err, path)
	}
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestGarbageIsRefusedWithWhatToDo(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	other, _, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	good, err := ssh.MarshalPrivateKey(ed, "")
	check(t, err)
	goodText := string(pem.EncodeToMemory(good))
	pub, err := ssh.NewPublicKey(ed.Public())
	check(t, err)

	mixed := append(bytes.Clone(ed[:32]), other...) // halves of two keys
	torn, err := ssh.MarshalPrivateKey(ed25519.PrivateKey(mixed), "")
	check(t, err)

	small, err := rsa.GenerateKey(rand.Reader, 1024)
	check(t, err)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	check(t, err)
	p224DER, err := x509.MarshalECPrivateKey(p224)
	check(t, err)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	check(t, err)
	xDER, err := x509.MarshalPKCS8PrivateKey(x25519)
	check(t, err)

	for name, c := range map[string]struct{ text, want string }{
		"nothing":           {" \n", "is empty"},
		"a word":            {"hunter2", "not in a form that SSH uses"},
		"a public key":      {string(ssh.MarshalAuthorizedKey(pub)), "give the private half"},
		"a PEM public key":  {pemOf("PUBLIC KEY", []byte("x")), "give the private half"},
		"a certificate":     {pemOf("CERTIFICATE", []byte("x")), "give the private half"},
		"a PuTTY key":       {"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "puttygen"},
		"encrypted PKCS #8": {pemOf("ENCRYPTED PRIVATE KEY", []byte("x")), "ssh-keygen -p"},
		"a DSA key":         {pemOf("DSA PRIVATE KEY", []byte("x")), "ssh-keygen -t ed25519"},
		"another PEM":       {pemOf("PGP MESSAGE", []byte("x")), "is of a kind that is not known"},
		"a cut key":         {pemOf("OPENSSH PRIVATE KEY", good.Bytes[:60]), "damaged or cut off"},
		"two keys":          {goodText + goodText, "followed by something else"},
		"a huge file":       {goodText + strings.Repeat("\n", maxKeyFile), "16 KiB"},
		"torn halves":       {string(pem.EncodeToMemory(torn)), "damaged"},
		"a small RSA key":   {pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small)), "of a size that is not accepted"},
		"a small EC key":    {pemOf("EC PRIVATE KEY", p224DER), "give an Ed25519, ECDSA or RSA key"},
		"a key for DH":      {pemOf("PRIVATE KEY", xDER), "give an Ed25519, ECDSA or RSA key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(c.text, "")
			saysField(t, err, "private_key")
			if !strings.Contains(fault.MessageOf(err), c.want) {
				t.Errorf("message %q does not say %q", fault.MessageOf(err), c.want)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A key whose passphrase takes months to try must not take months to refuse.
func TestCostlyKeyIsRefusedAtOnce(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(ed, "", []byte("p"))
	check(t, err)
	// The number of rounds is the last number before the count of keys: 16, as four bytes after a salt of 16.
	i := bytes.Index(block.Bytes, []byte("\x00\x00\x00\x10\x00\x00\x00\x01"))
	if i < 0 {
		t.Fatal("the number of rounds was not found")
	}
	copy(block.Bytes[i:], []byte{0x7f, 0xff, 0xff, 0xff})
	began := time.Now()
	_, err = parse(string(pem.EncodeToMemory(block)), "p")
	saysField(t, err, "private_key")
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
}

// What parses is stored in a form that is the same key and parses to itself; what
// does not is refused with a sentence that does not quote it.
func FuzzParseKey(f *testing.F) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	for _, k := range []any{ed, ec} {
		b, err := ssh.MarshalPrivateKey(k, "c")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pem.EncodeToMemory(b), "")
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(pemOf("PRIVATE KEY", der)), "")
	}
	f.Add([]byte("ssh-ed25519 AAAA"), "x")
	f.Fuzz(func(t *testing.T, text []byte, passphrase string) {
		k, err := parse(string(text), passphrase)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%v is not an Invalid", err)
			}
			return
		}
		again, err := parseKey(k.private, secret.Secret{})
		if err != nil || !bytes.Equal(again.public.Marshal(), k.public.Marshal()) {
			t.Fatalf("the stored form is not the key: %v", err)
		}
	})
}

func TestPasswords(t *testing.T) {
	for _, s := range []string{"p", "with spaces ", "päss", strings.Repeat("x", 1024)} {
		if err := checkPassword(secret.FromString(s)); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "a\n", "\r", "a\x00b", strings.Repeat("x", 1025)} {
		saysField(t, checkPassword(secret.FromString(s)), "password")
	}
}
