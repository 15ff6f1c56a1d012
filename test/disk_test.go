package test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of so many MiB.
func smallDisk(t testing.TB, size int) (dir string, grow func(size int)) {
	t.Helper()
	if os.Geteuid() != 0 {
		without(t, "only root can mount a small file system")
	}
	dir, err := os.MkdirTemp(work, "disk-")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", size)); err != nil {
		without(t, "mount a small file system: "+err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, func(size int) {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%dm", size)); err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that fills in the middle of a session ends the session, with its events,
// and no session starts until there is room again.
func TestFullDiskEndsSessions(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			dir, grow := smallDisk(t, 12)
			s := own(t, store, "VAULTPAM_RECORDING_DIR="+dir+"/recordings", "VAULTPAM_RECORDING_MIN_FREE=4MiB")
			w := newWorld(t, s)
			oscar := w.person("operator")
			v := w.safe(host(t), nil, oscar)
			r := oscar.run(t, v, "cat /dev/urandom")
			sentence(t, r.Stderr, "VaultPAM", "Session ended", "recorded")
			x := w.ended(v)
			w.saw(Want{Constant: "SESSION_TERMINATED_BY_SYSTEM", Outcome: "failure", Reason: "recording_failed", Session: x.ID, Actor: "System", Target: "Session"})
			w.saw(Want{Constant: "PROXY_SSH_RECORDING_WRITTEN", Outcome: "failure", Reason: "disk_full", Session: x.ID, Actor: "System"})
			w.saw(Want{Constant: "SESSION_RECORDING_FINALIZED", Outcome: "failure", Reason: "truncated", Session: x.ID, Meta: obj{"recording_id": x.Recording.ID}})
			w.saw(Want{Constant: "SYSTEM_ERROR_LOGGED", Outcome: "failure", Reason: "storage_failed", Actor: "System", Target: "Tenant",
				Where: obj{"fault_code": "recording_disk_full"}, Meta: obj{"component": present, "occurrences": 1, "first_seen": present}})

			oscar.isRefused(t, v, "cannot be recorded")
			w.saw(Want{Constant: "SESSION_START_REQUESTED", Outcome: "denied", Reason: "recording_unavailable", ActorID: oscar.ID, Actor: "User", Meta: obj{"safe_id": v.ID}})
			c := s.stranger(t)
			c.base = s.URL
			if a := c.do(t, "GET", "/readyz", nil); a.Status != 503 || !strings.Contains(string(a.Body), "recordings") {
				t.Errorf("the server says that it is well: %d %s", a.Status, a.Body)
			}
			free := w.safe(host(t), obj{"recording": false, "record_input": false}, oscar)
			oscar.succeeds(t, free, "true") // what needs no recording goes on
			x = w.ended(free)
			w.hasNone(Want{Constant: "SESSION_RECORDING_STARTED", Session: x.ID})
			grow(64)
			eventually(t, "room on the disk to be noticed", func() bool { return oscar.run(t, v, "true").Code == 0 })
			w.ended(v)
		})
	}
}
