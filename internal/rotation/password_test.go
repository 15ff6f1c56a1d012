package rotation_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/rotation"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault"
)

const firstPassword = "as-it-came-1-Day"

// host is a real OpenSSH server that sees an /etc of its own: its accounts root and
// keeper have passwords, which the system's own passwd and chpasswd change there.
type host struct {
	etc  string
	addr target
}

func passwords(t *testing.T) host {
	t.Helper()
	bin := sshd(t)
	if os.Geteuid() != 0 {
		missing(t, "only root can give a server an /etc of its own")
	}
	dir := t.TempDir()
	h := host{etc: filepath.Join(dir, "etc")}
	pam := "auth required pam_unix.so\naccount required pam_unix.so\npassword required pam_unix.so obscure sha512 rounds=1000\n"
	for name, text := range map[string]string{
		"passwd": "root:x:0:0::/:/bin/sh\nsshd:x:100:65534::/run/sshd:/bin/false\nkeeper:x:4242:4242::/:/bin/sh\n", "group": "root:x:0:\nnogroup:x:65534:\nkeeper:x:4242:\n", "gshadow": "",
		"shadow": "root:*:19000:0:99999:7:::\nkeeper:*:19000:0:99999:7:::\n", "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n", "login.defs": "",
		"pam.d/passwd": pam, "pam.d/chpasswd": pam, "pam.d/other": "auth required pam_deny.so\n",
	} {
		path := filepath.Join(h.etc, name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, []byte(text), 0o644))
	}
	check(t, os.Chmod(filepath.Join(h.etc, "shadow"), 0o600))
	conf := configure(t, dir, "AuthorizedKeysFile none\nPasswordAuthentication yes\n")
	within := `mount --bind "$0" /etc && exec "$@"`
	set := exec.Command("unshare", "-m", "sh", "-c", within, h.etc, "chpasswd")
	set.Stdin = strings.NewReader("root:" + firstPassword + "\nkeeper:" + firstPassword + "\n")
	if out, err := set.CombinedOutput(); err != nil {
		missing(t, "a server with an /etc of its own: "+err.Error()+": "+string(out))
	}
	h.addr = target{addr: serve(t, "unshare", "-m", "sh", "-c", within, h.etc, bin, "-i", "-e", "-f", conf)}
	return h
}

func (h host) account(s *scene, name string) (target, vault.Account) {
	s.t.Helper()
	g := h.addr
	g.user = name
	return g, s.account(g, vault.CreateArgs{Kind: vault.Password, Password: secret.FromString(firstPassword)})
}

// edit replaces a word in the target's /etc.
func (h host) edit(t *testing.T, name, old, next string) {
	t.Helper()
	path := filepath.Join(h.etc, name)
	b, err := os.ReadFile(path)
	check(t, err)
	if !strings.Contains(string(b), old) {
		t.Fatalf("%s has no %q:\n%s", name, old, b)
	}
	check(t, os.WriteFile(path, []byte(strings.Replace(string(b), old, next, 1)), 0o600))
}

// A person's account changes its own password on a terminal; root's goes by chpasswd.
func TestPasswordIsReplacedAtTheTarget(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		for _, name := range []string{"keeper", "root"} {
			g, a := passwords(t).account(s, name)
			if !s.accepts(g, ssh.Password(firstPassword)) {
				t.Fatal("the target does not take its first password")
			}
			_, err := s.Rotate(s.ctx, s.Admin, a.ID)
			check(t, err)
			s.step()
			r := s.last(a)
			if r.State != rotation.Completed || r.OldKey != "" || r.NewVersion != 2 || r.Target != "changed" || r.EndedAt.IsZero() {
				t.Fatalf("%s: %+v", name, r)
			}
			c := s.lease(a)
			if c.Version != 2 || !s.accepts(g, ssh.Password(c.Password.RevealString())) {
				t.Errorf("%s: the new password is not accepted", name)
			}
			if s.accepts(g, ssh.Password(firstPassword)) {
				t.Errorf("%s: the old password is still accepted", name)
			}
			s.Clean([]string{c.Password.RevealString(), firstPassword})
		}
	})
}

// The target goes away after the change: the next attempt finds out by asking.
func TestBrokenPasswordRotationIsReconciled(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		g, a := passwords(t).account(s, "keeper")
		s.road.block(2)
		_, err := s.Rotate(s.ctx, s.Admin, a.ID)
		check(t, err)
		s.step()
		s.saw("started manual TenantAdmin", "failed target_unreachable changed_unverified")
		if s.accepts(g, ssh.Password(firstPassword)) {
			t.Error("the target was not changed")
		}
		s.road.block(0)
		s.Now = s.Now.Add(rotation.FirstDelay)
		s.step()
		s.saw("started manual System", "completed 2")
		if c := s.lease(a); !s.accepts(g, ssh.Password(c.Password.RevealString())) {
			t.Error("the new password is not accepted")
		}
	})
}

// What the target's own rules refuse leaves it as it was; the next attempt makes another password.
func TestTargetRefusesANewPassword(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		h := passwords(t)
		g, a := h.account(s, "keeper")
		b, err := os.ReadFile(filepath.Join(h.etc, "shadow"))
		check(t, err)
		line := string(b[strings.Index(string(b), "keeper:"):])
		h.edit(t, "shadow", line, strings.Replace(line, ":0:99999", ":7:99999", 1)) // a week between changes
		_, err = s.Rotate(s.ctx, s.Admin, a.ID)
		check(t, err)
		s.step()
		if r := s.last(a); r.Reason != "target_policy_rejected" || r.Target != "unchanged" || r.Detail != "the target does not let the password be changed again so soon" {
			t.Errorf("%+v", r)
		}
		s.saw("started manual TenantAdmin", "failed target_policy_rejected unchanged")
		if !s.accepts(g, ssh.Password(firstPassword)) {
			t.Error("the target is not as it was")
		}
		h.edit(t, "shadow", ":7:99999", ":0:99999")
		s.Now = s.Now.Add(rotation.FirstDelay + time.Second)
		s.step()
		s.saw("started manual System", "completed 3")
		if c := s.lease(a); c.Version != 3 || !s.accepts(g, ssh.Password(c.Password.RevealString())) {
			t.Error("the new password is not accepted")
		}
		if got := s.versions(a); got != "1 retired, 2 destroyed empty, 3 current" {
			t.Error(got)
		}
	})
}

// A password that somebody has changed at the target is told, and nothing is done there.
func TestPasswordThatIsNotTheTargetsAnyMore(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		h := passwords(t)
		_, a := h.account(s, "keeper")
		h.edit(t, "shadow", "keeper:", "keeper:!")
		_, err := s.Rotate(s.ctx, s.Admin, a.ID)
		check(t, err)
		s.step()
		if r := s.last(a); r.Reason != "auth_failed" || r.Target != "unchanged" || r.NewVersion != 0 {
			t.Errorf("%+v", r)
		}
		s.saw("started manual TenantAdmin", "failed auth_failed unchanged")
	})
}
