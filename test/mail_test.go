package test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/notify/notifytest"
)

// Mail, as it arrives: as files where no mail server is set, and at a real SMTP
// server over TLS where one is.

// mailFolder is where messages of a server without a mail server fall.
func (s *Server) mailFolder() string { return filepath.Join(s.Dir, "mail") }

// letter waits for a message of a kind to an address, the nth of them counted from 1.
func (s *Server) letter(t testing.TB, to string, kind notify.Kind, nth int) notifytest.Letter {
	t.Helper()
	return letterIn(t, s.mailFolder(), to, kind, nth)
}

func letterIn(t testing.TB, dir, to string, kind notify.Kind, nth int) (out notifytest.Letter) {
	t.Helper()
	eventually(t, "a message "+string(kind)+" to "+to, func() bool {
		all, err := notifytest.ReadFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, l := range all {
			if l.To == to && l.Kind == kind {
				if n++; n == nth {
					out = l
				}
			}
		}
		return n >= nth
	})
	if _, token := out.Link(); token != "" {
		secrets.add("token of an e-mail", token)
	}
	return out
}

// mailServer is a real SMTP server (aiosmtpd) with TLS and sign-in. It keeps what
// it takes as files.
type mailServer struct {
	dir, ca, addr, tlsAddr string
	user, password         string
}

// newMailServer runs one that speaks STARTTLS and TLS.
func newMailServer(t testing.TB, dir string) *mailServer {
	t.Helper()
	need(t, "aiosmtpd")
	m := &mailServer{dir: filepath.Join(dir, "inbox"), ca: filepath.Join(dir, "mail-ca.pem"), addr: freePort(t), tlsAddr: freePort(t), user: "vaultpam", password: newSecret("mail-password")}
	key := filepath.Join(dir, "mail-key.pem")
	selfSigned(t, m.ca, key)
	passwords := filepath.Join(dir, "mail-passwords")
	if err := os.WriteFile(passwords, []byte(m.user+" "+m.password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-W", "ignore", "testdata/smtpd.py", m.addr, m.tlsAddr, m.ca, key, passwords, m.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := startOnThread(cmd); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() { cmd.Process.Kill(); cmd.Wait() })
	t.Cleanup(stop)
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the mail server did not start: %q %v", line, err)
	}
	return m
}

// selfSigned writes a certificate for 127.0.0.1 that is its own authority.
func selfSigned(t testing.TB, cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test mail server"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	for path, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// env is what a server needs to send through m.
func (m *mailServer) env(t testing.TB, security string) []string {
	t.Helper()
	addr := m.addr
	if security == "tls" {
		addr = m.tlsAddr
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(m.dir), "password-"+random(3))
	if err := os.WriteFile(file, []byte(m.password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"VAULTPAM_MAIL_HOST=" + host, "VAULTPAM_MAIL_PORT=" + port, "VAULTPAM_MAIL_SECURITY=" + security, "VAULTPAM_MAIL_FROM=VaultPAM <vault@example.com>",
		"VAULTPAM_MAIL_USERNAME=" + m.user, "VAULTPAM_MAIL_PASSWORD_FILE=" + file, "VAULTPAM_MAIL_CA_FILE=" + m.ca}
}

// mailed is a message in the product's own list.
type mailed struct {
	ID, Kind, Recipient, State string
	Attempts                   int
	LastError                  string `json:"last_error"`
	Tries                      []struct{ Outcome, Via, Error string }
}

// mailTo waits until the one message to an address has come to a state.
func (w *World) mailTo(to, state string) (out mailed) {
	w.t.Helper()
	eventually(w.t, "the message to "+to+" to be "+state, func() bool {
		for _, m := range list[mailed](w.t, w.Owner.Client, "/org/mail") {
			if m.Recipient == to && m.State == state {
				out = get[mailed](w.t, w.Owner.Client, "GET", "/org/mail/"+m.ID, nil)
			}
		}
		return out.ID != ""
	})
	return out
}

// loses makes somebody open a recovery case; its proof is the message that is sent.
func (p *Person) loses(t testing.TB) string {
	t.Helper()
	in := p.login(t)
	return get[struct{ ID string }](t, p.nobody(t), "POST", "/auth/recovery", obj{"challenge_id": in.MFA.ChallengeID, "lost_methods": []string{"totp"}}).ID
}

func TestMailGoesToARealServerOverTLS(t *testing.T) {
	t.Parallel()
	for _, security := range []string{"starttls", "tls"} {
		t.Run(security, func(t *testing.T) {
			t.Parallel()
			m := newMailServer(t, t.TempDir())
			s := own(t, SQLite, m.env(t, security)...)
			w := newWorld(t, s)
			p := w.person("operator")
			p.loses(t)
			got := letterIn(t, m.dir, p.Email, notify.RecoveryProofKind, 1)
			link, token := got.Link()
			if got.From != "vault@example.com" || !strings.HasPrefix(link.String(), s.URL+"/recover/verify#") || token == "" || !strings.Contains(got.HTML, `href="`+link.String()+`"`) {
				t.Errorf("%+v", got)
			}
			sent := w.mailTo(p.Email, "sent")
			if !strings.HasPrefix(got.ID, sent.ID+"@") || sent.Attempts != 1 || len(sent.Tries) != 1 || sent.Tries[0].Outcome != "sent" {
				t.Errorf("the list says %+v of %s", sent, got.ID)
			}
			if _, err := os.Stat(s.mailFolder()); err == nil {
				t.Error("a message became a file, too")
			}
		})
	}
}

func TestWhatAMailServerRefusesIsSeen(t *testing.T) {
	t.Parallel()
	m := newMailServer(t, t.TempDir())
	s := own(t, SQLite, m.env(t, "starttls")...)
	w := newWorld(t, s)

	// Refused for good: not tried again. The server refuses whoever has this name.
	p := s.newPerson("refused")
	w.Owner.must(t, "POST", "/org/members", obj{"email": p.Email, "handle": p.Handle, "name": "R", "password": p.Password, "role": "operator"})
	p.enrol(t)
	p.loses(t)
	if got := w.mailTo(p.Email, "failed"); got.Attempts != 1 || got.Tries[0].Outcome != "refused" || !strings.Contains(got.LastError, "550") {
		t.Errorf("%+v", got)
	}

	// Put off: tried again until it goes.
	p = s.newPerson("busy")
	w.Owner.must(t, "POST", "/org/members", obj{"email": p.Email, "handle": p.Handle, "name": "B", "password": p.Password, "role": "operator"})
	p.enrol(t)
	p.loses(t)
	if got := w.mailTo(p.Email, "sent"); got.Attempts != 2 || got.Tries[0].Outcome != "retry" || !strings.Contains(got.Tries[0].Error, "451") || got.Tries[1].Outcome != "sent" {
		t.Errorf("%+v", got)
	}
	letterIn(t, m.dir, p.Email, notify.RecoveryProofKind, 1)
}

func TestAServerThatCannotBeTrustedGetsNoMail(t *testing.T) {
	t.Parallel()
	m := newMailServer(t, t.TempDir())
	env := m.env(t, "starttls")
	other := filepath.Join(t.TempDir(), "other.pem")
	selfSigned(t, other, other+".key")
	s := own(t, SQLite, append(env, "VAULTPAM_MAIL_CA_FILE="+other)...)
	w := newWorld(t, s)
	p := w.person("operator")
	p.loses(t)
	var got mailed
	eventually(t, "a try that failed", func() bool {
		for _, m := range list[mailed](t, w.Owner.Client, "/org/mail") {
			got = get[mailed](t, w.Owner.Client, "GET", "/org/mail/"+m.ID, nil)
		}
		return len(got.Tries) > 0
	})
	if got.State != "queued" && got.State != "sending" || !strings.Contains(got.Tries[0].Error, "certificate") {
		t.Errorf("%+v", got)
	}
	if all, err := notifytest.ReadFolder(m.dir); err != nil || len(all) != 0 {
		t.Errorf("%d messages arrived (%v)", len(all), err)
	}
}

func TestMailIsForThoseWhoMaySeeIt(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w, other := newWorld(t, s), newWorld(t, s)
		p := w.person("operator")
		p.loses(t)
		sent := w.mailTo(p.Email, "sent")
		p.refused(t, 403, "NOT_PERMITTED", "GET", "/org/mail", nil)
		p.refused(t, 403, "NOT_PERMITTED", "GET", "/org/mail/"+sent.ID, nil)
		w.Owner.refused(t, 403, "NOT_PERMITTED", "GET", "/platform/mail", nil)
		other.Owner.refused(t, 404, "NOT_FOUND", "GET", "/org/mail/"+sent.ID, nil)
		s.Root.refused(t, 404, "NOT_FOUND", "GET", "/platform/mail/"+sent.ID, nil)
		w.Owner.refused(t, 404, "NOT_FOUND", "GET", "/org/mail/dlv_nonsense", nil)
		for _, m := range list[mailed](t, s.Root.Client, "/platform/mail") {
			if m.ID == sent.ID {
				t.Error("the platform sees an organization's message")
			}
		}
		if got := list[mailed](t, w.person("auditor").Client, "/org/mail"); len(got) != 1 {
			t.Errorf("an auditor sees %d messages", len(got))
		}
	})
}

func TestWrongMailSettingsAreToldAtStart(t *testing.T) {
	t.Parallel()
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	good := []string{"VAULTPAM_MAIL_HOST=mail.example.com", "VAULTPAM_MAIL_FROM=v@example.com"}
	for _, r := range []struct {
		want string
		env  []string
	}{
		{"mail.from", []string{"VAULTPAM_MAIL_HOST=mail.example.com"}},
		{"mail.security", append(good, "VAULTPAM_MAIL_SECURITY=none")},
		{"mail.username", append(good, "VAULTPAM_MAIL_USERNAME=x")},
		{"mail.password_file", append(good, "VAULTPAM_MAIL_USERNAME=x", "VAULTPAM_MAIL_PASSWORD_FILE=/nonexistent")},
		{"others may read", append(good, "VAULTPAM_MAIL_USERNAME=x", "VAULTPAM_MAIL_PASSWORD_FILE="+open)},
		{"mail.ca_file", append(good, "VAULTPAM_MAIL_CA_FILE=/nonexistent")},
		{"mail.host", []string{"VAULTPAM_MAIL_CA_FILE=" + open}},
	} {
		s := newServer(t, SQLite, t.TempDir(), r.env...)
		if said := s.fails(t, nil, "server"); !strings.Contains(said, r.want) {
			t.Errorf("%v: %s", r.env, said)
		}
	}
}
