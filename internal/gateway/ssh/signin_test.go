package ssh

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

func ecdsaKey(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pub.Marshal()
}

func TestWrongKeyIsRefusedAndIsOneEvent(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	wrong := r.keyFile("wrong")
	var texts []string
	for _, login := range []string{"alice+web", "nobody+web"} {
		_, errs, status := r.run(nil, "ssh", "-F", "/dev/null", "-p", r.port, "-i", r.path("wrong"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
			"-o", "UserKnownHostsFile="+r.path("known_hosts"), "-l", login, r.host, "true")
		if status != 255 {
			t.Errorf("%q: %d, %q", login, status, errs)
		}
		texts = append(texts, strings.ReplaceAll(errs, strings.SplitN(errs, "@", 2)[0], ""))
	}
	if texts[0] != texts[1] || !strings.Contains(texts[0], "Permission denied (publickey,keyboard-interactive)") {
		t.Errorf("an unknown person is told %q, a known one %q", texts[1], texts[0])
	}
	key, _ := ssh.ParsePrivateKey(readFile(t, r.path("wrong")))
	if err := r.signIn("alice+web\x01\xff", ssh.PublicKeys(key)); err == nil {
		t.Error("a user name that is not text signed in")
	}
	r.await("the rejections", func() bool { return len(r.rejected) == 3 })
	for i, login := range []string{"alice+web", "nobody+web", "alice+web"} {
		if e := r.rejected[i]; e.Login != login || e.Fingerprint != ssh.FingerprintSHA256(wrong) || !e.Client.Source.IP.IsLoopback() || !strings.HasPrefix(e.Client.Version, "SSH-2.0-") {
			t.Errorf("rejection %+v", e)
		}
	}
}

// TestOfferedIsNotProved: a client that only asks whether a key would do, and then
// signs with another, is who signed.
func TestOfferedIsNotProved(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	mallory := r.keyFile("mallory")
	alice, _ := ssh.ParsePrivateKey(readFile(t, r.path("alice")))
	key, _ := ssh.ParsePrivateKey(readFile(t, r.path("mallory")))
	// a signer that shows alice's key and signs with mallory's
	_, err := ssh.Dial("tcp", r.addr, &ssh.ClientConfig{User: "alice+web", HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		Auth: []ssh.AuthMethod{ssh.PublicKeys(liar{key, alice.PublicKey()})}})
	if err == nil {
		t.Fatal("somebody signed in with a key that is not theirs")
	}
	// mallory's own key is registered with mallory: asking about alice's first must not make her alice
	r.addPerson("mallory", mallory)
	if _, err := ssh.Dial("tcp", r.addr, &ssh.ClientConfig{User: "alice+web", HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		Auth: []ssh.AuthMethod{ssh.PublicKeys(failing{alice}, key)}}); err == nil {
		t.Fatal("mallory signed in as alice")
	}
}

type liar struct {
	ssh.Signer
	shown ssh.PublicKey
}

func (l liar) PublicKey() ssh.PublicKey { return l.shown }

type failing struct{ ssh.Signer }

func (failing) Sign(io.Reader, []byte) (*ssh.Signature, error) { return nil, errors.New("no") }

// typist answers keyboard-interactive questions and keeps them.
type typist struct {
	answers []string
	asked   []string
}

func (k *typist) method() ssh.AuthMethod {
	return ssh.KeyboardInteractive(func(_, _ string, questions []string, echos []bool) ([]string, error) {
		k.asked = append(k.asked, questions...)
		if len(questions) == 0 {
			return nil, nil
		}
		n := min(len(questions), len(k.answers))
		a := append(append([]string(nil), k.answers[:n]...), make([]string, len(questions)-n)...)
		k.answers = k.answers[n:]
		return a, nil
	})
}

func (r *rig) signIn(login string, methods ...ssh.AuthMethod) error {
	c, err := ssh.Dial("tcp", r.addr, &ssh.ClientConfig{User: login, Auth: methods, HostKeyCallback: ssh.FixedHostKey(r.key.PublicKey())})
	if err == nil {
		defer c.Close()
		s, err := c.NewSession()
		if err != nil {
			return err
		}
		return s.Run("true")
	}
	return err
}

func TestPasswordAndCodeAreBothNeeded(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	for _, answers := range [][]string{{"correct horse", "000000"}, {"wrong", "123456"}, {"correct horse", ""}, {"", "123456"}, {"", ""}, {"123456", "123456"}} {
		k := &typist{answers: answers}
		if err := r.signIn("alice+web", k.method()); err == nil {
			t.Errorf("signed in with %q", answers)
		}
		if len(k.asked) < 2 || k.asked[0] != "VaultPAM password: " || k.asked[1] != "One-time code: " {
			t.Errorf("asked %q", k.asked)
		}
	}
	unknown := &typist{answers: []string{"x", "y"}}
	if err := r.signIn("nobody+web", unknown.method()); err == nil || len(unknown.asked) != 2 {
		t.Errorf("an unknown person is asked %q: %v", unknown.asked, err)
	}
	if err := r.signIn("alice+web", ssh.Password("correct horse")); err == nil {
		t.Error("a password alone signed in")
	}
	if err := r.signIn("alice+web", (&typist{answers: []string{"correct horse", "123456"}}).method()); err != nil {
		t.Errorf("both: %v", err)
	}
	if err := r.signIn("alice+web", (&typist{answers: []string{"correct horse", "123456"}}).method()); err == nil {
		t.Error("a code was taken twice")
	}
	if len(r.rejected) != 0 {
		t.Errorf("no key was presented, and yet: %+v", r.rejected)
	}
}

func TestStepUpIsAskedAfterTheKey(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t), func(s *fakeSafe) { s.StepUp = true })
	key, _ := ssh.ParsePrivateKey(readFile(t, r.path("alice")))
	if err := r.signIn("alice+web", ssh.PublicKeys(key)); err == nil {
		t.Error("the key alone opened a safe that wants more")
	}
	if err := r.signIn("alice+web", ssh.PublicKeys(key), (&typist{answers: []string{"000000"}}).method()); err == nil {
		t.Error("a wrong code opened it")
	}
	if len(r.rejected) != 0 {
		t.Errorf("the key was right, and yet: %+v", r.rejected)
	}
	k := &typist{answers: []string{"123456"}}
	if err := r.signIn("alice+web", ssh.PublicKeys(key), k.method()); err != nil || len(k.asked) != 1 {
		t.Errorf("%v, asked %q", err, k.asked)
	}
	r.people["alice"].spent = map[string]bool{}
	if err := r.signIn("alice+web", (&typist{answers: []string{"correct horse", "123456"}}).method()); err != nil {
		t.Errorf("password and code: %v", err)
	}
	// The code without the key is nothing.
	r.people["alice"].spent = map[string]bool{}
	if err := r.signIn("alice+web", (&typist{answers: []string{"123456"}}).method()); err == nil {
		t.Error("a code alone signed in")
	}
}

// certify makes a certificate file for alice's key; change may spoil it.
func (r *rig) certify(name string, change func(*ssh.Certificate)) {
	r.t.Helper()
	pub := r.keyFile(name)
	cert := &ssh.Certificate{Key: pub, CertType: ssh.UserCert, KeyId: name, ValidPrincipals: []string{string(r.people["alice"].User)},
		ValidAfter: uint64(time.Now().Add(-time.Minute).Unix()), ValidBefore: uint64(time.Now().Add(time.Minute).Unix()),
		Permissions: ssh.Permissions{CriticalOptions: map[string]string{}, Extensions: map[string]string{"permit-pty": "", "permit-port-forwarding": ""}}}
	signer := r.ca
	if change != nil {
		change(cert)
		if cert.Nonce != nil {
			signer = newSigner(r.t)
		}
	}
	if err := cert.SignCert(rand.Reader, signer); err != nil {
		r.t.Fatal(err)
	}
	r.write(name+"-cert.pub", ssh.MarshalAuthorizedKey(cert))
}

func (r *rig) withCert(name, login string, args ...string) (string, string, int) {
	r.t.Helper()
	return r.run(nil, "ssh", append([]string{"-F", "/dev/null", "-p", r.port, "-i", r.path(name), "-o", "CertificateFile=" + r.path(name+"-cert.pub"), "-o", "IdentitiesOnly=yes",
		"-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", "UserKnownHostsFile=" + r.path("known_hosts"), "-l", login, r.host}, args...)...)
}

func TestCertificatesOfOurCASignIn(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	r.certify("good", nil)
	if out, errs, status := r.withCert("good", "alice+web", "echo hi"); out != "hi\n" {
		t.Fatal(out, errs, status)
	}
	for name, spoil := range map[string]func(*ssh.Certificate){
		"expired":       func(c *ssh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Second).Unix()) },
		"future":        func(c *ssh.Certificate) { c.ValidAfter = uint64(time.Now().Add(time.Hour).Unix()) },
		"foreign":       func(c *ssh.Certificate) { c.Nonce = []byte{1} },
		"host":          func(c *ssh.Certificate) { c.CertType = ssh.HostCert },
		"other":         func(c *ssh.Certificate) { c.ValidPrincipals = []string{"usr_other"} },
		"nobody":        func(c *ssh.Certificate) { c.ValidPrincipals = nil },
		"forced":        func(c *ssh.Certificate) { c.CriticalOptions["force-command"] = "true" },
		"unknown":       func(c *ssh.Certificate) { c.CriticalOptions["no-such-option"] = "" },
		"elsewhere":     func(c *ssh.Certificate) { c.CriticalOptions["source-address"] = "192.0.2.0/24" },
		"unreadable-ip": func(c *ssh.Certificate) { c.CriticalOptions["source-address"] = "what" },
	} {
		r.certify(name, spoil)
		if out, errs, status := r.withCert(name, "alice+web", "echo hi"); status != 255 || out != "" {
			t.Errorf("%s: %q %q %d", name, out, errs, status)
		}
	}
	r.certify("here", func(c *ssh.Certificate) { c.CriticalOptions["source-address"] = "127.0.0.0/8" })
	if out, errs, _ := r.withCert("here", "alice+web", "echo hi"); out != "hi\n" {
		t.Error("source-address that fits:", errs)
	}
	r.certify("notty", func(c *ssh.Certificate) { delete(c.Extensions, "permit-pty") })
	if out, _, _ := r.withCert("notty", "alice+web", "-tt", "tty"); strings.Contains(out, "/dev/") {
		t.Errorf("a terminal was given against the certificate: %q", out)
	}
}

func TestGrantInACertificateOpensItsSafeOnce(t *testing.T) {
	r := newRig(t)
	s := newSSHD(t)
	web := r.addSafe("web", s)
	r.addSafe("db", s)
	for _, g := range []string{"grant-1", "grant-2"} {
		r.grants[g] = web
	}
	carry := func(name, grant string) {
		r.certify(name, func(c *ssh.Certificate) { c.Extensions[GrantExtension] = grant })
	}
	carry("one", "grant-1")
	if out, errs, _ := r.withCert("one", "alice+web", "echo hi"); out != "hi\n" {
		t.Fatal(errs)
	}
	if out, errs, status := r.withCert("one", "alice+web", "echo hi"); status != 255 || out != "" || !strings.Contains(errs, "was used before") {
		t.Errorf("replay: %d %q %q", status, out, errs)
	}
	carry("two", "grant-2")
	if out, errs, status := r.withCert("two", "alice+db", "echo hi"); status != 255 || out != "" || !strings.Contains(errs, "was made for safe web") {
		t.Errorf("another safe: %d %q %q", status, out, errs)
	}
	carry("three", "grant-unknown")
	if out, errs, status := r.withCert("three", "alice+web", "echo hi"); status != 255 || out != "" || !strings.Contains(errs, "is not valid") {
		t.Errorf("unknown: %d %q %q", status, out, errs)
	}
}

func TestPickerListsChoosesAndGoesOn(t *testing.T) {
	r := newRig(t)
	s := newSSHD(t, plainShell)
	r.addSafe("db", s, func(f *fakeSafe) { f.StepUp = true })
	r.addSafe("web", s)
	r.addSafe("hidden", s, func(f *fakeSafe) { f.members = nil })

	_, errs, status := r.ssh("alice", "true")
	want := "VaultPAM: the user name names no safe. Yours are:\n  ssh -p " + r.port + " alice+db@127.0.0.1\n  ssh -p " + r.port + " alice+web@127.0.0.1\n"
	if status != 2 || errs != want || strings.Contains(errs, "hidden") {
		t.Errorf("without a terminal: %d %q", status, errs)
	}

	c := r.console(100, 30, "-t", "alice@gw")
	c.expect("Safes that you may use:\r\n   1  db   db server\r\n   2  web  web server\r\nSafe (number or name, q to quit): ")
	c.send("nonse\x1b[A\x7f\x7fense\r")
	c.expect("nonse\b \b\b \bense\r\nNo safe of yours is called nonense.\r\n")
	c.expect("quit): ")
	c.send("2\r")
	c.expect("$ ")
	c.send("stty size; exit 4\r")
	c.expect("30 100")
	if got := c.exit(); got != 4 {
		t.Errorf("status %d", got)
	}
	l := r.session(0)
	if l.ticket.Safe != "web" || strings.Contains(l.stream(format.Output), "Safes that") || strings.Contains(l.stream(format.Input), "nonse") {
		t.Errorf("the picker is part of the record of %s", l.ticket.Safe)
	}

	c = r.console(100, 30, "alice@gw")
	c.expect("quit): ")
	c.send("d\r")
	c.expect("Safe db wants a fresh second factor.\r\nOne-time code: ")
	c.send("111111\r")
	c.expect("\r\nThat code does not hold.\r\n")
	c.expect("One-time code: ")
	c.send("123456\r")
	c.expect("$ ")
	c.send("exit\r")
	c.exit()

	for _, quit := range []string{"q\r", "\x03", "\x04"} {
		c = r.console(80, 24, "alice@gw")
		c.expect("quit): ")
		c.send(quit)
		c.expect("no safe was chosen")
		if got := c.exit(); got != 2 {
			t.Errorf("%q: status %d", quit, got)
		}
	}
}

func TestPickerWithManySafesNarrows(t *testing.T) {
	mine := make([]Choice, 100)
	for i := range mine {
		mine[i] = Choice{Name: "safe-" + itoa(i), Org: "org_a", OrgSlug: "acme"}
	}
	if got := matching(mine, "fe-9"); len(got) != 11 {
		t.Errorf("%d safes match", len(got))
	}
	if got := named(mine, "acme/safe-9"); len(got) != 1 || got[0].Name != "safe-9" {
		t.Errorf("named %v", got)
	}
	if got := string(dropLast([]byte("aé"))); got != "a" {
		t.Errorf("dropLast %q", got)
	}
}

func TestPersonWithoutSafesIsToldSo(t *testing.T) {
	r := newRig(t)
	if _, errs, status := r.ssh("alice", "true"); status != 255 || !strings.Contains(errs, "no safe that you may use yet") {
		t.Errorf("%d %q", status, errs)
	}
}
