package ssh

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// fileRig is a rig with a file to send, 1 MiB of noise, and a folder at the target.
func fileRig(t *testing.T, change ...func(*fakeSafe)) (r *rig, remote string, data []byte) {
	r = newRig(t)
	r.addSafe("web", newSSHD(t), change...)
	data = make([]byte, 1<<20+3)
	rand.Read(data)
	r.write("up.bin", data)
	return r, t.TempDir(), data
}

// same fails unless the file has the content.
func same(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != string(want) {
		t.Errorf("%s: %d bytes, %v; want %d bytes", path, len(got), err, len(want))
	}
}

// ops gives the recorded file operations as lines.
func ops(l *fakeLive) string {
	var b strings.Builder
	for _, o := range payloads[format.FileOp](l) {
		fmt.Fprintf(&b, "%s %s %s %s", o.Via, o.Op, o.Path, o.Result)
		if o.To != "" {
			fmt.Fprintf(&b, " to %s", o.To)
		}
		if o.Direction != "" {
			fmt.Fprintf(&b, " %s %d", o.Direction, o.Size)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// covered fails unless every byte of the session is in the record, or declared missing from it.
func covered(t *testing.T, l *fakeLive) {
	t.Helper()
	have := int64(len(l.stream(format.Input)) + len(l.stream(format.Output)) + len(l.stream(format.Stderr)))
	for _, g := range payloads[format.Missing](l) {
		have += g.Bytes
	}
	if wire := l.closed.BytesToTarget + l.closed.BytesFromTarget; have != wire {
		t.Errorf("%d bytes went over the wire, %d are recorded or declared missing", wire, have)
	}
}

func has(t *testing.T, got string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(got, l+"\n") {
			t.Errorf("%q is not among the recorded operations:\n%s", l, got)
		}
	}
}

func TestSFTPOperationsAreRecordedWithNamesAndSizes(t *testing.T) {
	r, remote, data := fileRig(t)
	batch := strings.Join([]string{"put up.bin " + remote + "/a.bin", "get " + remote + "/a.bin down.bin", "mkdir " + remote + "/d",
		"rename " + remote + "/a.bin " + remote + "/d/b.bin", "chmod 640 " + remote + "/d/b.bin", "ln -s b.bin " + remote + "/d/link",
		"ln " + remote + "/d/b.bin " + remote + "/d/hard", "ls " + remote + "/d", "rm " + remote + "/d/link", "rm " + remote + "/d/hard", "-get " + remote + "/none x",
		"rm " + remote + "/d/b.bin", "rmdir " + remote + "/d", ""}, "\n")
	out, errs, status := r.run([]byte(batch), "sftp", "-F", r.config, "-b", "-", "alice+web@gw")
	if status != 0 {
		t.Fatalf("status %d: %s %s", status, out, errs)
	}
	same(t, r.path("down.bin"), data)
	l := r.session(0)
	n := len(data)
	has(t, ops(l),
		"sftp open "+remote+"/a.bin ok",
		fmt.Sprintf("sftp write %s/a.bin ok to_target %d", remote, n),
		fmt.Sprintf("sftp read %s/a.bin ok from_target %d", remote, n),
		"sftp mkdir "+remote+"/d ok", "sftp rename "+remote+"/a.bin ok to "+remote+"/d/b.bin", "sftp setstat "+remote+"/d/b.bin ok",
		"sftp symlink "+remote+"/d/link ok to b.bin", "sftp link "+remote+"/d/hard ok to "+remote+"/d/b.bin", "sftp list "+remote+"/d/ ok",
		"sftp remove "+remote+"/d/link ok", "sftp rmdir "+remote+"/d ok")
	covered(t, l)
	if in := l.stream(format.Input) + l.stream(format.Output); len(in) != 0 {
		t.Errorf("%d bytes of file contents are in the record", len(in))
	}
	if l.opened[0].FirstChannel != "sftp" {
		t.Errorf("opened %+v", l.opened[0])
	}
}

func TestSCPInBothProtocols(t *testing.T) {
	for _, mode := range []string{"-s", "-O"} {
		t.Run(mode, func(t *testing.T) {
			r, remote, data := fileRig(t)
			via := map[string]string{"-s": "sftp", "-O": "scp"}[mode]
			if _, errs, status := r.run(nil, "scp", mode, "-q", "-p", "-F", r.config, "up.bin", "alice+web@gw:"+remote+"/a.bin"); status != 0 {
				t.Fatal(status, errs)
			}
			same(t, filepath.Join(remote, "a.bin"), data)
			l := r.session(0)
			name := map[string]string{"-s": remote + "/a.bin", "-O": "up.bin"}[mode]
			has(t, ops(l), fmt.Sprintf("%s write %s ok to_target %d", via, name, len(data)))
			covered(t, l)
			if _, errs, status := r.run(nil, "scp", mode, "-q", "-F", r.config, "alice+web@gw:"+remote+"/a.bin", "down.bin"); status != 0 {
				t.Fatal(status, errs)
			}
			same(t, r.path("down.bin"), data)
			l = r.session(1)
			name = map[string]string{"-s": remote + "/a.bin", "-O": "a.bin"}[mode]
			has(t, ops(l), fmt.Sprintf("%s read %s ok from_target %d", via, name, len(data)))
			covered(t, l)
			if got := len(l.stream(format.Output)) + len(l.stream(format.Input)); got > 200 {
				t.Errorf("%d bytes recorded of a file's transfer", got)
			}
		})
	}
}

func TestSCPOfFoldersAndEmptyFiles(t *testing.T) {
	r, remote, data := fileRig(t)
	os.MkdirAll(r.path("tree/sub"), 0o755)
	r.write("tree/empty", nil)
	r.write("tree/sub/x", data[:100])
	if _, errs, status := r.run(nil, "scp", "-O", "-q", "-r", "-F", r.config, "tree", "alice+web@gw:"+remote); status != 0 {
		t.Fatal(status, errs)
	}
	same(t, filepath.Join(remote, "tree/sub/x"), data[:100])
	l := r.session(0)
	has(t, ops(l), "scp mkdir tree ok", "scp write tree/empty ok to_target 0", "scp mkdir tree/sub ok", "scp write tree/sub/x ok to_target 100")
	covered(t, l)
}

func TestSCPOfANameWithControlCharacters(t *testing.T) {
	r, remote, data := fileRig(t)
	name := "a\x1b[31m\x07b"
	r.write(name, data[:10])
	for i, mode := range []string{"-s", "-O"} {
		if _, errs, status := r.run(nil, "scp", mode, "-q", "-F", r.config, "./"+name, "alice+web@gw:"+remote+"/"); status != 0 {
			t.Fatal(mode, status, errs)
		}
		same(t, filepath.Join(remote, name), data[:10])
		found := false
		for _, o := range payloads[format.FileOp](r.session(i)) {
			found = found || o.Op == "write" && strings.HasSuffix(string(o.Path), name) && o.Size == 10
		}
		if !found {
			t.Errorf("%s: recorded %s", mode, ops(r.session(i)))
		}
	}
}

// TestScpInNameOnlyIsRecordedRaw: a command line that looks like scp hides nothing.
func TestScpInNameOnlyIsRecordedRaw(t *testing.T) {
	r := newRig(t)
	r.addSafe("web", newSSHD(t))
	secret := strings.Repeat("C0644 is what this line begins with, but it is no scp\n", 100)
	r.write("secret", []byte(secret))
	out, _, _ := r.ssh("alice+web", "scp -f /nonexistent 2>/dev/null; cat "+r.path("secret"))
	l := r.session(0)
	if !strings.HasSuffix(out, secret) || l.stream(format.Output) != out {
		t.Fatalf("%d bytes shown, %d recorded", len(out), len(l.stream(format.Output)))
	}
	out, _, _ = r.run([]byte(secret), "ssh", "-F", r.config, "alice+web@gw", "sftp-server() { cat; }; sftp-server")
	if l := r.session(1); out != secret || l.stream(format.Output) != out || l.stream(format.Input) != secret {
		t.Fatalf("%d bytes shown, %d recorded", len(out), len(l.stream(format.Output)))
	}
	out, _, _ = r.run([]byte(secret), "ssh", "-F", r.config, "alice+web@gw", "sftp-server 2>/dev/null || cat")
	if l := r.session(2); out != secret || l.stream(format.Output) != out || l.stream(format.Input) != secret {
		t.Fatalf("%d bytes shown, %d and %d recorded", len(out), len(l.stream(format.Output)), len(l.stream(format.Input)))
	}
}

func TestRsyncGitAndAnsible(t *testing.T) {
	r, remote, data := fileRig(t)
	sh := "ssh -F " + r.config
	if _, errs, status := r.run(nil, "rsync", "-a", "-e", sh, "up.bin", "alice+web@gw:"+remote+"/r.bin"); status != 0 {
		t.Fatal("rsync:", status, errs)
	}
	same(t, filepath.Join(remote, "r.bin"), data)

	repo := filepath.Join(remote, "repo")
	for _, args := range [][]string{{"init", "-q", repo}, {"-C", repo, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "first"}} {
		if _, errs, status := r.run(nil, "git", args...); status != 0 {
			t.Fatal("git:", errs)
		}
	}
	if _, errs, status := r.run(nil, "git", "-c", "core.sshCommand="+sh, "clone", "-q", "alice+web@gw:"+repo, "cloned"); status != 0 {
		t.Fatal("git clone:", status, errs)
	}
	if out, errs, status := r.run(nil, "git", "-C", "cloned", "log", "--format=%s"); out != "first\n" {
		t.Fatal("git log:", status, out, errs)
	}

	inventory := r.write("inventory", []byte("gw ansible_user=alice+web ansible_ssh_common_args='-F "+r.config+"' ansible_python_interpreter=/usr/bin/python3 ansible_remote_tmp="+remote+"/.ansible\n"))
	for _, args := range [][]string{{"-m", "raw", "-a", "echo raw works"}, {"-m", "ping"}, {"-m", "copy", "-a", "src=" + r.path("up.bin") + " dest=" + remote + "/copied"}} {
		out, errs, status := r.run(nil, "ansible", append([]string{"all", "-i", inventory}, args...)...)
		if status != 0 {
			t.Fatalf("ansible %v: %d\n%s\n%s", args, status, out, errs)
		}
	}
	same(t, filepath.Join(remote, "copied"), data)
}

func TestBlockedFileTransfersAreRefusedWithASentence(t *testing.T) {
	r, remote, _ := fileRig(t, func(s *fakeSafe) { s.policy.BlockFiles = true })
	n := 0
	for _, c := range [][]string{
		{"sftp", "-F", r.config, "-b", "/dev/null", "alice+web@gw"},
		{"scp", "-F", r.config, "up.bin", "alice+web@gw:" + remote + "/a"},
		{"scp", "-O", "-F", r.config, "up.bin", "alice+web@gw:" + remote + "/a"},
		{"scp", "-O", "-F", r.config, "alice+web@gw:/etc/hostname", "x"},
		{"rsync", "-e", "ssh -F " + r.config, "up.bin", "alice+web@gw:" + remote + "/a"},
	} {
		_, errs, status := r.run(nil, c[0], c[1:]...)
		if status == 0 || !strings.Contains(errs, "VaultPAM: safe web does not allow file transfers. Ask a manager of the safe") {
			t.Errorf("%v: %d, %q", c, status, errs)
		}
		l := r.session(n)
		n++
		if len(l.enforced) != 1 || l.enforced[0].Control != "file_transfer" || len(payloads[format.Enforced](l)) != 1 {
			t.Errorf("%v: enforced %+v", c, l.enforced)
		}
	}
	if entries, _ := os.ReadDir(remote); len(entries) != 0 {
		t.Error("a file arrived at the target")
	}
	if out, _, _ := r.ssh("alice+web", "echo shells still work"); out != "shells still work\n" {
		t.Errorf("got %q", out)
	}
}
