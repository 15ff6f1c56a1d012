package rotation_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/rotation"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// target is a real OpenSSH server, and an account there.
type target struct {
	addr *net.TCPAddr
	user string
	home string
}

// newKey is a private key as text, and its public half.
func newKey(t *testing.T) (string, ssh.PublicKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	block, err := ssh.MarshalPrivateKey(key, "")
	check(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	check(t, err)
	return string(pem.EncodeToMemory(block)), signer.PublicKey()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openSSH starts one that lets in the keys of home/.ssh/authorized_keys.
func openSSH(t *testing.T, keys string) target {
	t.Helper()
	bin := sshd(t)
	home := t.TempDir()
	check(t, os.Mkdir(filepath.Join(home, ".ssh"), 0o700))
	check(t, os.WriteFile(filepath.Join(home, ".ssh/authorized_keys"), []byte(keys), 0o600))
	conf := configure(t, home, "AuthorizedKeysFile "+home+"/.ssh/authorized_keys\nPasswordAuthentication no\nSetEnv HOME="+home+"\n")
	me, err := user.Current()
	check(t, err)
	return target{serve(t, bin, "-i", "-e", "-f", conf), me.Username, home}
}

// sshd is OpenSSH's server.
func sshd(t *testing.T) string {
	t.Helper()
	bin, err := exec.LookPath("sshd")
	if err != nil {
		missing(t, err.Error())
	}
	if os.Geteuid() == 0 {
		os.MkdirAll("/run/sshd", 0o755)
	}
	return bin
}

// missing is a tool or a right without which a test cannot be.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("REQUIRE_TOOLS") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// configure writes the configuration of a server, with a host key of its own.
func configure(t *testing.T, dir, lines string) (path string) {
	t.Helper()
	hostKey, _ := newKey(t)
	check(t, os.WriteFile(filepath.Join(dir, "host"), []byte(hostKey), 0o600))
	path = filepath.Join(dir, "sshd_config")
	check(t, os.WriteFile(path, []byte("HostKey "+dir+"/host\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nKbdInteractiveAuthentication no\nLogLevel ERROR\nPrintMotd no\n"+lines), 0o600))
	return path
}

// serve runs a command for each connection, as inetd does.
func serve(t *testing.T, name string, args ...string) *net.TCPAddr {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			f, err := c.(*net.TCPConn).File()
			c.Close()
			if err != nil {
				continue
			}
			cmd := exec.Command(name, args...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, io.Discard
			err = cmd.Start()
			f.Close()
			if err == nil {
				all.Go(func() { cmd.Wait() })
			}
		}
	})
	t.Cleanup(func() { ln.Close(); all.Wait() })
	return ln.Addr().(*net.TCPAddr)
}

func (g target) keys(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(g.home, ".ssh/authorized_keys"))
	check(t, err)
	return string(b)
}

// road is the way to targets, which a test can block: from the nth dial on.
type road struct {
	resource.Dialer
	mu      sync.Mutex
	dials   int
	blocked int // 0: never
}

func (r *road) Dial(ctx context.Context, host string, port int) (net.Conn, error) {
	r.mu.Lock()
	r.dials++
	no := r.blocked != 0 && r.dials >= r.blocked
	r.mu.Unlock()
	if no {
		return nil, fault.New(fault.Unavailable, "%s port %d cannot be reached: nothing listens there", host, port)
	}
	return r.Dialer.Dial(ctx, host, port)
}

func (r *road) block(from int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dials, r.blocked = 0, from
}

// mail keeps what administrators are told.
type mail struct{ told []notify.RotationFailed }

func (m *mail) Prepare(_ context.Context, _ id.Org, msg notify.Message) (notify.Prepared, error) {
	m.told = append(m.told, msg.Data.(notify.RotationFailed))
	return notify.Prepared{}, nil
}

func (*mail) Queue(context.Context, *db.Tx, notify.Prepared) error { return nil }

// keeper is the vault, which a test can keep from promoting.
type keeper struct {
	*vault.Service
	broken bool
}

func (k *keeper) Promote(ctx context.Context, tx *db.Tx, org id.Org, a id.Account, seen, pending int64, destroy bool) error {
	if k.broken {
		return errors.New("the store is gone")
	}
	return k.Service.Promote(ctx, tx, org, a, seen, pending, destroy)
}

type scene struct {
	*safetest.World
	*rotation.Service
	road   *road
	mail   *mail
	vault  *keeper
	inUse  bool
	untold id.Account // whose events the ledger does not take
	ctx    context.Context
	t      *testing.T
}

// picky is a ledger that does not take the events of one account.
type picky struct {
	rotation.Ledger
	not *id.Account
}

func (l picky) Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error) {
	if n, err := l.Ledger.Record(ctx, tx, ev); err != nil || *l.not == "" || !strings.Contains(fmt.Sprintf("%+v", ev), string(*l.not)) {
		return n, err
	}
	return "", errors.New("the disk is full")
}

func each(t *testing.T, f func(t *testing.T, s *scene)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := &scene{World: safetest.New(t, d), road: &road{Dialer: resource.Dialer{Loopback: true}}, mail: &mail{}, ctx: t.Context(), t: t}
		s.vault = &keeper{Service: s.Accounts}
		s.Service = s.server()
		f(t, s)
	})
}

func (s *scene) server() *rotation.Service {
	svc, err := rotation.New(rotation.Deps{DB: s.DB, Ledger: picky{s.Ledger, &s.untold}, Vault: s.vault, Resources: s.Resources, Dialer: s.road, Mail: s.mail, Now: func() time.Time { return s.Now },
		InUse: []rotation.InUse{func(context.Context, *db.Tx, id.Org, id.Account) (bool, error) { return s.inUse, nil }}})
	check(s.t, err)
	return svc
}

// account puts one of a target under management, with the target's host key confirmed.
func (s *scene) account(g target, a vault.CreateArgs) vault.Account {
	s.t.Helper()
	r, err := s.Resources.Create(s.ctx, s.Admin, resource.CreateArgs{Name: fmt.Sprint("web ", g.addr.Port), Protocol: resource.SSH, Host: g.addr.IP.String(), Port: g.addr.Port})
	check(s.t, err)
	seen, err := s.Resources.Scan(s.ctx, s.Admin, r.ID)
	check(s.t, err)
	_, err = s.Resources.ConfirmHostKey(s.ctx, s.Admin, r.ID, seen.Fingerprint)
	check(s.t, err)
	a.Name, a.Resource, a.Username = r.Name, r.ID, g.user
	acc, err := s.Accounts.Create(s.ctx, s.Admin, a)
	check(s.t, err)
	s.Events()
	return acc
}

func (s *scene) keyed(options string) (target, vault.Account, string) {
	s.t.Helper()
	text, public := newKey(s.t)
	line := options + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
	_, other := newKey(s.t)
	g := openSSH(s.t, "# hand made\n"+line+" old\n"+string(ssh.MarshalAuthorizedKey(other))+"no newline at the end")
	return g, s.account(g, vault.CreateArgs{Kind: vault.SSHKey, PrivateKey: secret.FromString(text)}), text
}

func (s *scene) step() {
	s.t.Helper()
	check(s.t, s.Step(s.ctx))
}

func (s *scene) last(a vault.Account) rotation.Rotation {
	s.t.Helper()
	l, err := s.List(s.ctx, s.Admin, a.ID, page.Request{})
	check(s.t, err)
	if len(l.Items) == 0 {
		s.t.Fatal("there is no rotation")
	}
	return l.Items[0]
}

// recorded are the events of rotations since the last call, each with its reason or trigger.
func (s *scene) recorded() (out []string) {
	for _, e := range s.Events() {
		switch e.Constant {
		case event.CREDENTIAL_ROTATION_STARTED:
			out = append(out, fmt.Sprint("started ", e.Metadata["trigger_kind"], " ", e.Actor.Type))
		case event.CREDENTIAL_ROTATION_COMPLETED:
			out = append(out, fmt.Sprint("completed ", e.Metadata["secret_version"]))
		case event.CREDENTIAL_ROTATION_FAILED:
			out = append(out, fmt.Sprint("failed ", e.Reason, " ", e.Metadata["target_state"]))
		}
	}
	return out
}

func (s *scene) saw(want ...string) {
	s.t.Helper()
	if got := s.recorded(); !slices.Equal(got, want) {
		s.t.Errorf("events %q, want %q", got, want)
	}
}

// lease is what a session that starts now signs in with.
func (s *scene) lease(a vault.Account) vault.Credential {
	s.t.Helper()
	c, err := s.Accounts.Lease(s.ctx, s.Operator, a.ID, id.New[id.Session](), "")
	check(s.t, err)
	s.Events()
	return c
}

func (s *scene) accepts(g target, auth ssh.AuthMethod) bool {
	c, err := ssh.Dial("tcp", g.addr.String(), &ssh.ClientConfig{User: g.user, Auth: []ssh.AuthMethod{auth}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err == nil {
		c.Close()
	}
	return err == nil
}

func (s *scene) acceptsKey(g target, text []byte) bool {
	k, err := ssh.ParsePrivateKey(text)
	check(s.t, err)
	return s.accepts(g, ssh.PublicKeys(k))
}

func (s *scene) versions(a vault.Account) string {
	rows, err := s.DB.Raw().Query(`select version, state, length(sealed) from credential_version where account_id = $1 order by version`, string(a.ID))
	check(s.t, err)
	defer rows.Close()
	var out []string
	for rows.Next() {
		var v, n int
		var state string
		check(s.t, rows.Scan(&v, &state, &n))
		if n == 0 {
			state += " empty"
		}
		out = append(out, fmt.Sprint(v, " ", state))
	}
	return strings.Join(out, ", ")
}

func TestKeyIsReplacedAtTheTarget(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		g, a, old := s.keyed(`no-agent-forwarding,environment="A=b \"c\" $d" `)
		check(t, os.Chmod(filepath.Join(g.home, ".ssh/authorized_keys"), 0o640))
		before := g.keys(t)
		r, err := s.Rotate(s.ctx, s.Admin, a.ID)
		check(t, err)
		if r.State != rotation.Running || r.Trigger != "manual" || r.RequestedBy != s.Admin.User || r.Attempt != 1 {
			t.Errorf("%+v", r)
		}
		if _, err := s.Rotate(s.ctx, s.Admin, a.ID); fault.CodeOf(err) != vault.RotationRunning {
			t.Errorf("a second one at once: %v", err)
		}
		s.step()
		if r = s.last(a); r.State != rotation.Completed || r.OldKey != "removed" || r.NewVersion != 2 || r.Target != "changed" || r.EndedAt.IsZero() {
			t.Fatalf("%+v", r)
		}
		s.saw("started manual TenantAdmin", "completed 2")
		if s.acceptsKey(g, []byte(old)) {
			t.Error("the old key is still accepted")
		}
		c := s.lease(a)
		if c.Version != 2 || !s.acceptsKey(g, c.PrivateKey.Reveal()) {
			t.Error("the new key is not accepted")
		}
		after := g.keys(t)
		if !strings.Contains(after, `no-agent-forwarding,environment="A=b \"c\" $d" ssh-ed25519 `) || strings.Count(after, "ssh-ed25519") != 2 || !strings.Contains(after, "# hand made\n") || !strings.Contains(after, "no newline at the end\n") {
			t.Errorf("authorized_keys was\n%s\nand is\n%s", before, after)
		}
		if st, err := os.Stat(filepath.Join(g.home, ".ssh/authorized_keys")); err != nil || st.Mode().Perm() != 0o640 {
			t.Errorf("its mode is %v, %v", st.Mode(), err)
		}
		if left, _ := filepath.Glob(filepath.Join(g.home, ".ssh/*vaultpam*")); len(left) > 0 {
			t.Errorf("%v were left behind", left)
		}
		if got := s.versions(a); got != "1 retired, 2 current" {
			t.Error(got)
		}
		now, err := s.Accounts.Get(s.ctx, s.Admin, a.ID)
		check(t, err)
		if k, _ := c.Signer(); now.Fingerprint != ssh.FingerprintSHA256(k.PublicKey()) || now.RotatedAt.IsZero() {
			t.Errorf("%+v", now)
		}
		s.Clean([]string{string(c.PrivateKey.Reveal()), "OPENSSH PRIVATE KEY"})
	})
}

// The target goes away between the change and its proof: both credentials stay, and the
// next attempt finds out by asking.
func TestBrokenRotationIsReconciled(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		g, a, old := s.keyed("")
		s.road.block(2)
		_, err := s.Rotate(s.ctx, s.Admin, a.ID)
		check(t, err)
		s.step()
		r := s.last(a)
		if r.State != rotation.Waiting || r.Target != "changed_unverified" || r.Reason != "target_unreachable" || r.NextAttempt.IsZero() {
			t.Fatalf("%+v", r)
		}
		s.saw("started manual TenantAdmin", "failed target_unreachable changed_unverified")
		if got := s.versions(a); got != "1 current, 2 pending" {
			t.Error(got)
		}
		if c := s.lease(a); c.Version != 1 || !s.acceptsKey(g, c.PrivateKey.Reveal()) {
			t.Error("sessions cannot go on with the present key")
		}
		if len(s.mail.told) != 2 || s.mail.told[0].State != "changed_unverified" {
			t.Errorf("administrators were told %+v", s.mail.told)
		}
		s.step() // not yet
		s.saw()
		s.road.block(0)
		s.Now = s.Now.Add(rotation.FirstDelay)
		s.step()
		if r = s.last(a); r.State != rotation.Completed || r.Attempt != 2 || r.OldKey != "removed" {
			t.Fatalf("%+v", r)
		}
		s.saw("started manual System", "completed 2")
		if s.acceptsKey(g, []byte(old)) || strings.Count(g.keys(t), "ssh-ed25519") != 2 {
			t.Errorf("authorized_keys is\n%s", g.keys(t))
		}
	})
}

// What the target did not get is done again with the same pending key.
func TestTargetWithoutTheNewKeyIsChangedAgain(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		g, a, _ := s.keyed("")
		before := g.keys(t)
		s.road.block(2)
		_, err := s.Rotate(s.ctx, s.Admin, a.ID)
		check(t, err)
		s.step()
		check(t, os.WriteFile(filepath.Join(g.home, ".ssh/authorized_keys"), []byte(before), 0o600))
		s.road.block(0)
		s.Now = s.Now.Add(rotation.FirstDelay)
		s.step()
		if r := s.last(a); r.State != rotation.Completed || r.NewVersion != 2 {
			t.Fatalf("%+v", r)
		}
		if c := s.lease(a); c.Version != 2 || !s.acceptsKey(g, c.PrivateKey.Reveal()) {
			t.Error("the new key is not accepted")
		}
	})
}

// A server is lost before the promotion, and one before it began: another takes over
// when the lease has ended, and never before.
func TestLostServerIsTakenOver(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		g, a, _ := s.keyed("")
		_, err := s.Rotate(s.ctx, s.Admin, a.ID)
		check(t, err)
		s.Forget()
		other := s.server()
		check(t, other.Step(s.ctx))
		s.saw("started manual TenantAdmin")
		if _, err := s.Accounts.Update(s.ctx, s.Admin, a.ID, vault.UpdateArgs{}); err != nil {
			t.Error(err)
		}
		s.Now = s.Now.Add(rotation.LeaseFor)
		s.vault.broken = true
		check(t, other.Step(s.ctx))
		s.saw("failed verification_failed unchanged", "started manual System", "failed verification_failed changed_unverified")
		s.vault.broken = false
		s.Now = s.Now.Add(time.Hour)
		s.step()
		s.saw("started manual System", "completed 2")
		if r := s.last(a); r.State != rotation.Completed || r.Attempt != 3 || r.OldKey != "removed" {
			t.Errorf("%+v", r)
		}
		if c := s.lease(a); !s.acceptsKey(g, c.PrivateKey.Reveal()) {
			t.Error("the new key is not accepted")
		}
	})
}

func TestEmergencyIsRotatedAfterItsEnd(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		g, a, old := s.keyed("")
		check(t, s.DB.InOrg(s.ctx, s.Org, func(ctx context.Context, tx *db.Tx) error { return s.Accounts.Due(ctx, tx, a.ID) }))
		s.inUse = true
		s.step()
		s.saw()
		s.inUse = false
		s.step()
		s.saw("started incident System", "completed 2")
		now, err := s.Accounts.Get(s.ctx, s.Admin, a.ID)
		check(t, err)
		if !now.RotationDue.IsZero() || now.DueBecause != "" || s.acceptsKey(g, []byte(old)) {
			t.Errorf("%+v", now)
		}
		if got := s.versions(a); got != "1 destroyed empty, 2 current" {
			t.Error(got)
		}
		s.step()
		s.saw()
	})
}

// A rotation by hand while an emergency goes on does not stand for the one after its end:
// the emergency uses the new credential too.
func TestEmergencyIsRotatedAfterItsEndAlsoWhenRotatedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		_, a, _ := s.keyed("")
		check(t, s.DB.InOrg(s.ctx, s.Org, func(ctx context.Context, tx *db.Tx) error { return s.Accounts.Due(ctx, tx, a.ID) }))
		s.inUse = true
		_, err := s.Rotate(s.ctx, s.Admin, a.ID)
		check(t, err)
		s.step()
		s.saw("started manual TenantAdmin", "completed 2")
		now, err := s.Accounts.Get(s.ctx, s.Admin, a.ID)
		check(t, err)
		if now.RotationDue.IsZero() || now.DueBecause != "incident" {
			t.Errorf("while it goes on: due %v because of %q", now.RotationDue, now.DueBecause)
		}
		s.step()
		s.saw()
		s.inUse = false
		s.step()
		s.saw("started incident System", "completed 3")
		if now, err = s.Accounts.Get(s.ctx, s.Admin, a.ID); err != nil || !now.RotationDue.IsZero() {
			t.Errorf("after its end: %+v, %v", now, err)
		}
	})
}

func TestPlannedRotationComesByItself(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		_, a, _ := s.keyed("")
		for _, n := range []int{-1, 366} {
			if _, err := s.Accounts.Update(s.ctx, s.Admin, a.ID, vault.UpdateArgs{RotateEvery: &n}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%d days: %v", n, err)
			}
		}
		days := 30
		now, err := s.Accounts.Update(s.ctx, s.Admin, a.ID, vault.UpdateArgs{RotateEvery: &days})
		check(t, err)
		if want := now.CreatedAt.AddDate(0, 0, 30); !now.NextRotation.Equal(want) {
			t.Errorf("next %v, want %v", now.NextRotation, want)
		}
		s.step()
		s.saw()
		s.Now = s.Now.AddDate(0, 0, 30)
		s.step()
		s.saw("started schedule System", "completed 2")
		if now, err = s.Accounts.Get(s.ctx, s.Admin, a.ID); err != nil || now.NextRotation.Sub(s.Now) < 29*24*time.Hour {
			t.Errorf("%+v, %v", now, err)
		}
	})
}

// One account whose rotation cannot begin keeps no other from its own.
func TestOneThatCannotBeginKeepsNoOther(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		_, a, _ := s.keyed("")
		_, b, _ := s.keyed("")
		days := 1
		for _, x := range []vault.Account{a, b} {
			_, err := s.Accounts.Update(s.ctx, s.Admin, x.ID, vault.UpdateArgs{RotateEvery: &days})
			check(t, err)
		}
		s.Now, s.untold = s.Now.AddDate(0, 0, 2), a.ID
		if err := s.Step(s.ctx); err == nil || !strings.Contains(err.Error(), "the disk is full") {
			t.Errorf("the failure is told as %v", err)
		}
		s.saw("started schedule System", "completed 2")
		if s.last(a).State != rotation.Waiting || s.last(b).State != rotation.Completed {
			t.Errorf("%+v, %+v", s.last(a), s.last(b))
		}
		s.untold = ""
		s.step()
		s.saw("started schedule System", "completed 2")
	})
}

// An emergency's rotation does not wait for the next attempt of a planned one, nor for
// the rest after one that was given up before.
func TestAnEmergencyHastensTheRotationThatWaits(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		_, a, _ := s.keyed("")
		days := 1
		_, err := s.Accounts.Update(s.ctx, s.Admin, a.ID, vault.UpdateArgs{RotateEvery: &days})
		check(t, err)
		emergency := func() {
			check(t, s.DB.InOrg(s.ctx, s.Org, func(ctx context.Context, tx *db.Tx) error { return s.Accounts.Due(ctx, tx, a.ID) }))
		}
		s.Now = s.Now.AddDate(0, 0, 2)
		s.vault.broken = true
		s.step()
		s.saw("started schedule System", "failed verification_failed changed_unverified")
		s.vault.broken, s.inUse = false, true
		emergency()
		s.step()
		s.saw() // it waits, for its next attempt and for the end of the emergency
		s.inUse = false
		s.step()
		s.saw("started incident System", "completed 2")
		if now, err := s.Accounts.Get(s.ctx, s.Admin, a.ID); err != nil || !now.RotationDue.IsZero() {
			t.Errorf("%+v, %v", now, err)
		}

		s.Now = s.Now.AddDate(0, 0, 2)
		s.vault.broken = true
		for range rotation.Attempts {
			s.step()
			s.Now = s.Now.Add(9 * time.Hour)
		}
		if r := s.last(a); r.State != rotation.Failed {
			t.Fatalf("%+v", r)
		}
		s.Events()
		s.vault.broken = false
		s.step()
		s.saw() // the clock leaves it alone for a day
		emergency()
		s.step()
		s.saw("started incident System", "completed 3")
	})
}

// A rotation that never works is given up; the mark stays, and by hand it begins anew.
func TestRotationIsGivenUp(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		_, a, _ := s.keyed("")
		check(t, s.DB.InOrg(s.ctx, s.Org, func(ctx context.Context, tx *db.Tx) error { return s.Accounts.DueAtCheckin(ctx, tx, a.ID) }))
		s.road.block(1)
		for range rotation.Attempts + 2 {
			s.step()
			s.Now = s.Now.Add(9 * time.Hour)
			if s.last(a).State == rotation.Failed {
				break
			}
		}
		r := s.last(a)
		if r.State != rotation.Failed || r.Attempt != rotation.Attempts || r.Trigger != "checkin" || len(s.mail.told) != 4 {
			t.Errorf("%+v, told %d", r, len(s.mail.told))
		}
		s.Events()
		s.step()
		s.saw()
		if now, _ := s.Accounts.Get(s.ctx, s.Admin, a.ID); now.DueBecause != "checkin" {
			t.Errorf("%+v", now)
		}
		s.road.block(0)
		s.Admin.MFAAt = s.Now
		_, err := s.Rotate(s.ctx, s.Admin, a.ID)
		check(t, err)
		s.step()
		s.saw("started manual TenantAdmin", "completed 2")
	})
}

func TestKeyElsewhereIsLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		g, a, _ := s.keyed("")
		text := g.keys(t)
		conf := filepath.Join(g.home, "sshd_config")
		b, err := os.ReadFile(conf)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(g.home, "elsewhere"), []byte(text), 0o600))
		check(t, os.WriteFile(conf, []byte(strings.Replace(string(b), ".ssh/authorized_keys", "elsewhere", 1)), 0o600))
		check(t, os.Remove(filepath.Join(g.home, ".ssh/authorized_keys")))
		_, err = s.Rotate(s.ctx, s.Admin, a.ID)
		check(t, err)
		s.step()
		if r := s.last(a); r.Reason != "target_policy_rejected" || r.Target != "unchanged" || !strings.Contains(r.Detail, "authorized_keys") {
			t.Errorf("%+v", r)
		}
		s.saw("started manual TenantAdmin", "failed target_policy_rejected unchanged")
	})
}

func TestWhoMayRotate(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		a := s.World.Account("root", s.World.Resource("db").ID, "x")
		s.Events()
		for _, by := range []authz.Actor{s.Operator, s.Auditor} {
			if _, err := s.Rotate(s.ctx, by, a.ID); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", by.Name, err)
			}
			s.One(event.CREDENTIAL_ROTATION_STARTED, event.Denied, "not_permitted", event.TenantAdmin)
		}
		stale := s.Admin
		stale.MFAAt = s.Now.Add(-time.Hour)
		if _, err := s.Rotate(s.ctx, stale, a.ID); fault.CodeOf(err) != authz.StepUpRequired {
			t.Errorf("with an old factor: %v", err)
		}
		s.One(event.CREDENTIAL_ROTATION_STARTED, event.Denied, "not_permitted", event.TenantAdmin)
		if _, err := s.Rotate(s.ctx, s.Stranger, a.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a stranger: %v", err)
		}
		if _, err := s.Rotate(s.ctx, s.Admin, a.ID); fault.CodeOf(err) != rotation.NotRotatable {
			t.Errorf("without a host key: %v", err)
		}
		if _, err := s.List(s.ctx, s.Stranger, a.ID, page.Request{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("the list of a stranger: %v", err)
		}
		s.None()
	})
}
