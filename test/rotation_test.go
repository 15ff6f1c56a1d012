package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// ownKeys is a host that keeps its keys where sshd does by itself, in ~/.ssh/authorized_keys.
func ownKeys(t testing.TB) *sshd {
	t.Helper()
	d := newSSHD(t)
	conf, err := os.ReadFile(d.config)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(d.config)
	for _, err := range []error{
		os.Mkdir(filepath.Join(dir, ".ssh"), 0o700),
		os.Rename(filepath.Join(dir, "authorized_keys"), filepath.Join(dir, ".ssh/authorized_keys")),
		os.WriteFile(d.config, []byte(strings.ReplaceAll(string(conf), filepath.Join(dir, "authorized_keys"), filepath.Join(dir, ".ssh/authorized_keys"))), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// letsIn asks the host itself, past the gateway, whether a key opens it.
func (d *sshd) letsIn(t testing.TB, key string) bool {
	t.Helper()
	k, err := ssh.ParsePrivateKey([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ssh.Dial("tcp", d.ln.Addr().String(), &ssh.ClientConfig{User: d.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(k)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err == nil {
		c.Close()
	}
	return err == nil
}

// An emergency opens a safe; after its end the key is another one at the target, the old
// one is refused there, and the next session signs in with the new one.
func TestEmergencysKeyIsRotatedAfterwards(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		h := ownKeys(t)
		v := w.safe(h, obj{"approvals": 1}, oscar)
		admin := s.prompt(t, w.Owner.Client)
		admin("", "safes", "policy", v.Name, "--break-glass", oscar.ID)
		r := get[accessRequest](t, oscar.Client, "POST", "/access/emergency", obj{"safe_id": v.ID, "reason": "the bank stands still"})
		oscar.succeeds(t, v, "true")
		if !h.letsIn(t, h.key) {
			t.Error("the host refuses its first key while the emergency goes on")
		}
		w.Owner.must(t, "POST", "/access/grants/"+r.Grant.ID+"/revoke", nil)

		began := w.saw(Want{Constant: "CREDENTIAL_ROTATION_STARTED", TargetID: v.Account, Actor: "System", Target: "Account", Meta: obj{"trigger_kind": "incident", "credential_kind": "ssh_key", "attempt": 1, "rotation_id": present}})
		w.saw(Want{Constant: "CREDENTIAL_ROTATION_COMPLETED", TargetID: v.Account, Actor: "System", Target: "Account",
			Meta: obj{"rotation_id": began.Metadata["rotation_id"], "secret_version": 2, "attempt": 1, "duration_ms": present, "old_version_destroyed": false}})
		w.saw(Want{Constant: "SECRET_ACCESSED", Actor: "System", Where: obj{"account_id": v.Account, "secret_access_mode": "rotation", "secret_version": 2}})
		eventually(t, "the old key to be gone from the target", func() bool {
			l := list[struct {
				State  string `json:"state"`
				OldKey string `json:"old_key"`
			}](t, w.Owner.Client, "/accounts/"+v.Account+"/rotations")
			return len(l) == 1 && l[0].State == "completed" && l[0].OldKey == "removed"
		})
		if h.letsIn(t, h.key) {
			t.Error("the key that the emergency used still opens the host")
		}
		admin("", "safes", "policy", v.Name, "--approvals", "0")
		oscar.succeeds(t, v, "true")

		admin.says(t, "is rotated: version 3", "accounts", "rotate", v.Name, "--wait")
		w.saw(Want{Constant: "CREDENTIAL_ROTATION_STARTED", TargetID: v.Account, ActorID: w.Owner.ID, Actor: "TenantAdmin", Where: obj{"trigger_kind": "manual"}})
		oscar.succeeds(t, v, "true")

		// What somebody has seen is rotated once they have given it back, and not before.
		carla := w.add("operator")
		w.join(v, carla, "checkout")
		out := carla.checksOut(t, v, nil)
		carla.must(t, "POST", "/checkouts/"+out.Checkout.ID+"/check-in", nil)
		w.saw(Want{Constant: "CREDENTIAL_ROTATION_COMPLETED", TargetID: v.Account, Where: obj{"secret_version": 4}})
		w.saw(Want{Constant: "CREDENTIAL_ROTATION_STARTED", TargetID: v.Account, Actor: "System", Where: obj{"trigger_kind": "checkin"}})
		oscar.succeeds(t, v, "true")

		// A target that keeps its keys elsewhere stays as it is, and says so.
		other := w.safe(host(t), nil, oscar)
		w.Owner.must(t, "POST", "/accounts/"+other.Account+"/rotate", nil)
		w.saw(Want{Constant: "CREDENTIAL_ROTATION_FAILED", Outcome: "failure", Reason: "target_policy_rejected", TargetID: other.Account, Actor: "System", Target: "Account",
			Meta: obj{"rotation_id": present, "attempt": 1, "target_state": "unchanged", "next_attempt_at": present}})
		admin.says(t, "manual waiting", "accounts", "rotations", other.Name)
		oscar.succeeds(t, other, "true")
	})
}
