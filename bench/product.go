package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// product is the real binary in a process of its own, in development mode because
// that may reach targets on loopback.
type product struct {
	cmd     *exec.Cmd
	gone    chan struct{} // closed when the process has ended
	dev     devFile
	metrics string // address of its private listener
	safe    string // id of the safe that leads to the target
	token   string // of the owner
	http    *http.Client
	log     string
}

// devFile is what is used of dev.json.
type devFile struct {
	API          string `json:"api"`
	CAFile       string `json:"ca_file"`
	Organization struct {
		ID string `json:"id"`
	} `json:"organization"`
	SSHAddr    string    `json:"ssh_addr"`
	KnownHosts string    `json:"known_hosts_file"`
	Users      []devUser `json:"users"`
	Safes      []struct {
		ID string `json:"id"`
	} `json:"safes"`
}

type devUser struct {
	Email             string `json:"email"`
	Handle            string `json:"handle"`
	Role              string `json:"role"`
	Password          string `json:"password"`
	TOTPSecret        string `json:"totp_secret"`
	APIToken          string `json:"api_token"`
	SSHPrivateKeyFile string `json:"ssh_private_key_file"`
}

func (d devFile) user(role string) (devUser, error) {
	for _, u := range d.Users {
		if u.Role == role {
			return u, nil
		}
	}
	return devUser{}, fmt.Errorf("dev.json names no %s", role)
}

// needBinary is the product's binary, built at the first call.
func (b *bench) needBinary(ctx context.Context) (string, error) {
	if b.bin != "" {
		return b.bin, nil
	}
	bin := filepath.Join(b.dir, "vaultpam")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", bin, "./cmd/vaultpam")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the product: %w\n%s", err, out)
	}
	b.bin = bin
	return bin, nil
}

// startProduct starts bin with what dir holds from an earlier start, if any.
func startProduct(ctx context.Context, bin, dir string, env ...string) (_ *product, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	before, _ := os.Stat(filepath.Join(data, "dev.json")) // of an earlier start
	p := &product{gone: make(chan struct{}), log: filepath.Join(dir, "output")}
	var addrs [3]string
	for i := range addrs {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		addrs[i] = fmt.Sprintf("127.0.0.1:%d", port)
	}
	p.metrics = addrs[2]
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd = exec.Command(bin, "dev")
	p.cmd.Env = append(append(os.Environ(), env...), "VAULTPAM_DATA="+data, "VAULTPAM_HTTPS_ADDR="+addrs[0], "VAULTPAM_SSH_ADDR="+addrs[1], "VAULTPAM_METRICS_ADDR="+addrs[2])
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.cmd.Wait()
		close(p.gone)
	}()
	if err := p.ready(ctx, filepath.Join(data, "dev.json"), before); err != nil {
		p.stop()
		said, _ := os.ReadFile(p.log)
		return nil, fmt.Errorf("the product did not start: %w\n%s", err, said)
	}
	return p, nil
}

// ready waits for dev.json, which is written when sessions can start; before is
// the one that must not be taken for it.
func (p *product) ready(ctx context.Context, file string, before os.FileInfo) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		now, err := os.Stat(file)
		if err == nil && (before == nil || !os.SameFile(before, now) || now.ModTime().After(before.ModTime())) {
			b, err := os.ReadFile(file)
			if err == nil && json.Unmarshal(b, &p.dev) == nil {
				break
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not appear: %w", file, ctx.Err())
		case <-p.gone:
			return fmt.Errorf("it ended: %s", p.cmd.ProcessState)
		case <-time.After(20 * time.Millisecond):
		}
	}
	ca, err := os.ReadFile(p.dev.CAFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	p.http = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	owner, err := p.dev.user("owner")
	p.token = owner.APIToken
	return err
}

func (p *product) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
	case <-time.After(45 * time.Second):
		p.cmd.Process.Kill()
		<-p.gone
	}
}

// call asks the API as the owner.
func (p *product) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.dev.API+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := p.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("%s %s: %w: %s", method, path, errTooFast, said)
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, said)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(said, out)
}

var errTooFast = errors.New("too many requests")

// patiently is call for what is made ready before anything is measured: it waits
// for the server's limit on one person's requests.
func (p *product) patiently(ctx context.Context, method, path string, in, out any) error {
	for {
		err := p.call(ctx, method, path, in, out)
		if !errors.Is(err, errTooFast) {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// memberID finds the id of a demo person.
func (p *product) memberID(ctx context.Context, role string) (string, error) {
	u, err := p.dev.user(role)
	if err != nil {
		return "", err
	}
	var page struct {
		Items []struct {
			UserID string `json:"user_id"`
			Email  string `json:"email"`
		} `json:"items"`
	}
	if err := p.call(ctx, "GET", "/org/members?limit=200", nil, &page); err != nil {
		return "", err
	}
	for _, m := range page.Items {
		if m.Email == u.Email {
			return m.UserID, nil
		}
	}
	return "", fmt.Errorf("%s is no member of the organization", u.Email)
}

// session is what is used of the API's sessions.
type session struct {
	ID        string `json:"id"`
	State     string `json:"state"`
	Recording *struct {
		State     string `json:"state"`
		SizeBytes int64  `json:"size_bytes"`
		Frames    int64  `json:"frames"`
	} `json:"recording"`
}

// complete tells whether it has ended and its recording was verified.
func (s session) complete() bool {
	return s.State == "ended" && s.Recording != nil && s.Recording.State == "completed"
}

// sessions are those of the safe that were asked for since from.
func (p *product) sessions(ctx context.Context, from time.Time) ([]session, error) {
	var all []session
	cursor := ""
	for {
		q := url.Values{"safe": {p.safe}, "from": {from.UTC().Format(time.RFC3339Nano)}, "limit": {"200"}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		var page struct {
			Items      []session `json:"items"`
			NextCursor string    `json:"next_cursor"`
		}
		if err := p.call(ctx, "GET", "/sessions?"+q.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.NextCursor; cursor == "" {
			return all, nil
		}
	}
}

// recorded waits until every session since from has ended and its recording was
// verified, and returns them.
func (p *product) recorded(ctx context.Context, from time.Time, want int) ([]session, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		all, err := p.sessions(ctx, from)
		if err != nil {
			return nil, err
		}
		done := 0
		for _, s := range all {
			if s.complete() {
				done++
			}
		}
		if done == want && len(all) == want {
			return all, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("of %d sessions the API knows %d, of which %d are ended and have a completed recording", want, len(all), done)
		case <-time.After(time.Second):
		}
	}
}

// rss is the memory that the process has in use, in bytes.
func (p *product) rss() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(l, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(v)[0])
			return float64(kb) * 1024, err
		}
	}
	return 0, fmt.Errorf("the process has no VmRSS")
}

// settle waits until the server is done with its last session: one that has ended
// for its client is still being closed, and its recording read again, and whoever
// is measured next must not pay for that.
func (p *product) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		var page struct {
			Items []session `json:"items"`
		}
		if err := p.call(ctx, "GET", "/sessions?limit=1&safe="+p.safe, nil, &page); err != nil {
			return err
		}
		if len(page.Items) == 1 && page.Items[0].complete() {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("the last session's recording was not completed within a minute")
		case <-time.After(60 * time.Millisecond): // the API answers twenty requests a second
		}
	}
}

// collect makes the process collect its garbage.
func (p *product) collect(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+p.metrics+"/debug/pprof/heap?gc=1", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// profiled runs f and meanwhile, when wanted, takes a CPU profile of the server of
// its first seconds.
func (b *bench) profiled(ctx context.Context, name string, seconds int, f func() error) error {
	if b.profile == "" {
		return f()
	}
	done := make(chan error, 1)
	go func() {
		done <- func() error {
			if err := os.MkdirAll(b.profile, 0o755); err != nil {
				return err
			}
			out, err := os.Create(filepath.Join(b.profile, name+".pprof"))
			if err != nil {
				return err
			}
			defer out.Close()
			res, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", b.world.product.metrics, seconds))
			if err != nil {
				return err
			}
			defer res.Body.Close()
			_, err = io.Copy(out, res.Body)
			return err
		}()
	}()
	if err := f(); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// profiledHere is profiled for what runs in the benchmark's own process.
func (b *bench) profiledHere(name string, f func() error) error {
	if b.profile == "" {
		return f()
	}
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(b.profile, name+".pprof"))
	if err != nil {
		return err
	}
	defer out.Close()
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}
