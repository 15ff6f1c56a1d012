package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

func write(t *testing.T, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "vaultpam.yaml")
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLaterSourcesOverrideEarlierOnes(t *testing.T) {
	p := write(t, "https:\n  addr: 127.0.0.1:1\n  trusted_proxies: [10.0.0.0/8]\nssh:\n  addr: 127.0.0.1:2\ndrain: 5s\nrecording:\n  min_free: 2MiB\n")
	c, err := Load(p, []string{"VAULTPAM_SSH_ADDR=127.0.0.1:3", "VAULTPAM_TARGETS_ALLOW_LOOPBACK=true", "VAULTPAM_DATABASE_MAX_CONNS=7", "HOME=/x", "VAULTPAM_TOKEN=t"},
		map[string]string{"ssh.addr": "127.0.0.1:4"})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPS.Addr != "127.0.0.1:1" || c.SSH.Addr != "127.0.0.1:4" || !c.Targets.AllowLoopback || c.Database.MaxConns != 7 ||
		time.Duration(c.Drain) != 5*time.Second || c.Recording.MinFree != 2<<20 || c.HTTPS.TrustedProxies[0] != "10.0.0.0/8" {
		t.Fatalf("%+v", c)
	}
	if c.Audit.Origin != "127.0.0.1" || c.SSH.PublicAddr != "127.0.0.1:4" || !filepath.IsAbs(c.Keys.RootFile) {
		t.Fatalf("what follows was not filled: %+v", c)
	}
}

func TestWrongValuesAreAllReportedWithTheirKeys(t *testing.T) {
	rows := []struct {
		name, file string
		env        []string
		want       []string
	}{
		{"unknown key", "https:\n  adr: x\n", nil, []string{"adr"}},
		{"unknown top key", "httpz: 1\n", nil, []string{"httpz"}},
		{"bare duration", "drain: 30\n", nil, []string{"drain", "unit"}},
		{"bare size", "recording:\n  min_free: 100\n", nil, []string{"min_free", "unit"}},
		{"several", "https:\n  addr: nope\nlog:\n  level: loud\n  format: xml\n", nil, []string{"https.addr", "log.level", "log.format"}},
		{"public metrics", "metrics:\n  addr: 0.0.0.0:9\n", nil, []string{"metrics.addr", "loopback"}},
		{"half a certificate", "https:\n  cert_file: a\n", nil, []string{"https.cert_file"}},
		{"cheap passwords", "passwords:\n  memory: 1MiB\n  passes: 1\n", nil, []string{"passwords.memory", "19MiB", "passwords.passes"}},
		{"not YAML", "a: [", nil, []string{"not valid YAML"}},
		{"unknown variable", "", []string{"VAULTPAM_HTTP_ADDR=x"}, []string{"VAULTPAM_HTTP_ADDR"}},
		{"bad bool", "", []string{"VAULTPAM_TARGETS_ALLOW_LOOPBACK=maybe"}, []string{"allow_loopback", "maybe"}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			_, err := Load(write(t, r.file), r.env, nil)
			if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("want one line of fault.Invalid, got %v", err)
			}
			for _, w := range r.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not name %q", err, w)
				}
			}
		})
	}
	if _, err := Load("/nonexistent/vaultpam.yaml", nil, nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("a missing file: %v", err)
	}
}

func FuzzSizeTextRoundTrips(f *testing.F) {
	for _, s := range []string{"64MiB", "0B", "1TiB", "x", "9999999999999999999TiB", "-1B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var a, b Size
		if a.UnmarshalText([]byte(in)) != nil {
			return
		}
		if err := b.UnmarshalText([]byte(a.String())); err != nil || a != b {
			t.Fatalf("%q read as %d, written as %q, read as %d: %v", in, a, a, b, err)
		}
	})
}
