package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const mib = 1 << 20

// bulk moves a large file each way, by cat and by scp, through the recorded
// gateway and through OpenSSH's jump host. The time is that of the whole client
// program, sign-in included. The bytes are random: what a recorder can compress
// least. Those of cat are all in the recording; of scp, which speaks SFTP, the
// recording has the operations.
func bulk(ctx context.Context, b *bench) error {
	w, err := b.needWorld(ctx)
	if err != nil {
		return err
	}
	size := b.pick(256, 64) * mib
	dir, err := memoryFolder(w.dir, 3*int64(size))
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m := mover{w: w, ctx: ctx, size: size, dir: dir, random: filepath.Join(dir, "random"), text: filepath.Join(dir, "text"), back: filepath.Join(dir, "back")}
	if err := m.fill(); err != nil {
		return err
	}
	if err := m.same(); err != nil {
		return err
	}
	began := time.Now()
	runs := b.pick(5, 2)
	for _, l := range []struct {
		name, short string
		move        func(v way) *exec.Cmd
		after       func() error
	}{
		{"bulk download, ssh cat", "bulk-download-cat", m.download(m.random), nil},
		{"bulk upload, ssh cat", "bulk-upload-cat", m.upload(m.random), nil},
		{"bulk download, scp", "bulk-download-scp", m.scpDown, m.copied},
		{"bulk upload, scp", "bulk-upload-scp", m.scpUp, m.copied},
	} {
		if err := b.profiled(ctx, l.short, 5+2*runs, func() error {
			p, err := alternate(runs, m.run(l.move, gateway, l.after), m.run(l.move, jumped, l.after))
			if err != nil {
				return err
			}
			b.report.atLeast(0.9, fmt.Sprintf("%s, %d MiB through the recorded gateway to ssh -J", l.name, size/mib), "MiB/s", p.inverse(float64(size)/mib))
			return nil
		}); err != nil {
			return err
		}
	}
	if err := m.beside(b); err != nil {
		return err
	}
	return m.kept(b, began, 4*(runs+1)+besideGateway)
}

// What beside runs: two kinds of text through the gateway, each after one that does not count.
const (
	besideRuns    = 2
	besideGateway = 2 * (besideRuns + 1)
)

// beside is what the bars do not ask for: text, which costs the recorder more
// processor and less disk, the way without any hop, and the peer with the cipher
// that our gateway chooses.
func (m *mover) beside(b *bench) error {
	const runs = besideRuns
	rate := func(s []float64) float64 { return float64(m.size) / mib / median(s) }
	for _, l := range []struct {
		name string
		move func(v way) *exec.Cmd
	}{{"download of log text by ssh cat", m.download(m.text)}, {"upload of log text by ssh cat", m.upload(m.text)}} {
		p, err := alternate(runs, m.run(l.move, gateway, nil), m.run(l.move, jumped, nil))
		if err != nil {
			return err
		}
		b.report.note("%s: %s MiB/s, ssh -J %s, ratio %.2f", l.name, number(rate(p.ours)), number(rate(p.peer)), 1/p.ratio())
	}
	aes := func(v way) *exec.Cmd {
		cmd := m.download(m.random)(v)
		cmd.Args = append([]string{cmd.Args[0], "-c", "aes128-gcm@openssh.com"}, cmd.Args[1:]...)
		return cmd
	}
	p, err := alternate(runs, m.run(m.download(m.random), direct, nil), m.run(aes, jumped, nil))
	if err != nil {
		return err
	}
	b.report.note("download by ssh cat without any hop: %s MiB/s; ssh -J with AES-GCM inside: %s MiB/s", number(rate(p.ours)), number(rate(p.peer)))
	disk, err := m.disk()
	if err != nil {
		return err
	}
	b.report.note("the disk under the recordings takes %s MiB/s, of the same bytes, written and synced as one file; what cat moves has to go there", number(disk))
	return nil
}

// disk is how fast the payload gets to where the recordings are, in MiB a second.
func (m *mover) disk() (float64, error) {
	var took []float64
	for range 3 {
		t, err := timed(exec.CommandContext(m.ctx, "dd", "if="+m.random, "of="+filepath.Join(m.w.dir, "disk"), "bs=256k", "conv=fdatasync", "status=none"))
		if err != nil {
			return 0, err
		}
		took = append(took, t)
	}
	return float64(m.size) / mib / median(took), os.Remove(filepath.Join(m.w.dir, "disk"))
}

// kept makes sure that every session was recorded, and looks at what it took.
func (m *mover) kept(b *bench, began time.Time, want int) error {
	all, err := m.w.product.recorded(m.ctx, began, want)
	if err != nil {
		return err
	}
	var stored float64
	for _, s := range all {
		stored += float64(s.Recording.SizeBytes)
	}
	b.report.note("all %d bulk sessions have a verified recording, %.0f MiB together", len(all), stored/mib)
	return nil
}

// mover moves files between the client and the target, which are one machine.
type mover struct {
	ctx          context.Context
	w            *world
	size         int
	dir          string
	random, text string // what is moved
	back         string // where scp puts it
}

// memoryFolder is a folder for the payload that no disk slows down, where there is one.
func memoryFolder(or string, need int64) (string, error) {
	out, err := exec.Command("df", "--output=avail", "-B1", "/dev/shm").Output()
	if words := strings.Fields(string(out)); err == nil && len(words) == 2 {
		var free int64
		if _, err := fmt.Sscan(words[1], &free); err == nil && free > need {
			return os.MkdirTemp("/dev/shm", "vaultpam-bench-")
		}
	}
	return os.MkdirTemp(or, "payload-")
}

func (m *mover) fill() error {
	r, err := os.Create(m.random)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.CopyN(r, rand.NewChaCha8([32]byte{1}), int64(m.size)); err != nil {
		return err
	}
	var text bytes.Buffer
	text.Grow(m.size + 200)
	for i := 0; text.Len() < m.size; i++ {
		fmt.Fprintf(&text, "2026-03-01T12:%02d:%02d.%06dZ web-%d nginx[%d]: 10.0.%d.%d - GET /api/v1/items/%d HTTP/1.1 200 %d\n",
			i/60%60, i%60, i*7919%1000000, i%7, i%3000, i*31%256, i*17%256, i*104729%99991, i*7577%50000)
	}
	return os.WriteFile(m.text, text.Bytes()[:m.size], 0o600)
}

// same makes sure, once, that what arrives through the gateway is what was sent.
func (m *mover) same() error {
	want, err := digest(m.random)
	if err != nil {
		return err
	}
	down, up := sha256.New(), new(strings.Builder)
	cmd := m.download(m.random)(gateway)
	cmd.Stdout = down
	if _, err := timed(cmd); err != nil {
		return err
	}
	cmd = m.w.client(m.ctx, "ssh", gateway, gateway.host, "sha256sum")
	in, err := os.Open(m.random)
	if err != nil {
		return err
	}
	defer in.Close()
	cmd.Stdin, cmd.Stdout = in, up
	if _, err := timed(cmd); err != nil {
		return err
	}
	if got := hex.EncodeToString(down.Sum(nil)); got != want || !strings.HasPrefix(up.String(), want) {
		return fmt.Errorf("what arrived is not what was sent: %s and %s, not %s", got, up, want)
	}
	return nil
}

func digest(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

func (m *mover) run(move func(v way) *exec.Cmd, v way, after func() error) func() (float64, error) {
	return func() (float64, error) {
		cmd := move(v)
		took, err := timed(cmd)
		if f, ok := cmd.Stdin.(*os.File); ok {
			f.Close()
		}
		if err == nil && after != nil {
			err = after()
		}
		if err == nil && v == gateway {
			err = m.w.product.settle(m.ctx)
		}
		return took, err
	}
}

func (m *mover) download(file string) func(v way) *exec.Cmd {
	return func(v way) *exec.Cmd { return m.w.client(m.ctx, "ssh", v, v.host, "cat "+file) } // without Stdout: /dev/null
}

func (m *mover) upload(file string) func(v way) *exec.Cmd {
	return func(v way) *exec.Cmd {
		cmd := m.w.client(m.ctx, "ssh", v, v.host, "cat > /dev/null")
		if f, err := os.Open(file); err == nil { // else nothing is sent, and the rate is absurd
			cmd.Stdin = f
		}
		return cmd
	}
}

func (m *mover) scpDown(v way) *exec.Cmd {
	return m.w.client(m.ctx, "scp", v, "-q", v.host+":"+m.random, m.back)
}

func (m *mover) scpUp(v way) *exec.Cmd {
	return m.w.client(m.ctx, "scp", v, "-q", m.random, v.host+":"+m.back)
}

// copied makes sure that scp has moved it all.
func (m *mover) copied() error {
	i, err := os.Stat(m.back)
	if err != nil {
		return err
	}
	if i.Size() != int64(m.size) {
		return fmt.Errorf("scp moved %d of %d bytes", i.Size(), m.size)
	}
	return os.Remove(m.back)
}
