package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// gateway certifies keys as the server does.
type gateway struct {
	t  *testing.T
	ca ssh.Signer
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &gateway{t, signer}
}

func (g *gateway) hostKey() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(g.ca.PublicKey())))
}

func (g *gateway) certify(public string) string {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
	if err != nil {
		g.t.Error(err)
		return ""
	}
	cert := &ssh.Certificate{Key: key, CertType: ssh.UserCert, ValidPrincipals: []string{"jane"}, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, g.ca); err != nil {
		g.t.Error(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(cert)))
}

func (g *gateway) launched(in map[string]any) map[string]any {
	return map[string]any{"session_id": sesID, "grant_id": "lgr_1", "expires_at": "2026-03-01T12:01:00Z", "ssh": map[string]any{
		"certificate": g.certify(in["public_key"].(string)), "gateway_addr": "127.0.0.1:2222", "host_keys": []any{"[127.0.0.1]:2222 " + g.hostKey(), g.hostKey()}, "login": "jane"}}
}

// fakeSSH is an ssh that writes down how it was called and what its files hold.
func fakeSSH(t *testing.T) (report string) {
	t.Helper()
	dir := t.TempDir()
	report = filepath.Join(dir, "report")
	script := `#!/bin/sh
{
printf 'arg:%s\n' "$@"
env
while [ $# -gt 0 ]; do
	case "$1" in
	-i) stat -c 'mode:%a' "$2" "$(dirname "$2")"; echo "dir:$(dirname "$2")"; ssh-keygen -y -f "$2" | sed 's/^/public:/' ;;
	CertificateFile=*) sed 's/^/cert:/' "${1#*=}" ;;
	UserKnownHostsFile=*) sed 's/^/known:/' "${1#*=}" ;;
	esac
	shift
done
} >"` + report + `"
cat
echo to-stderr >&2
exit 7
`
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return report
}

func TestSSHIsGivenAKeyForOneSession(t *testing.T) {
	report := fakeSSH(t)
	w, g := newWorld(t).login(), newGateway(t)
	w.env = append(w.env, "VAULTPAM_PASSWORD=hunter2", "LANG=C.UTF-8", "VAULTPAM_TOKEN=")
	w.on("POST /sessions/launch", func(_ *http.Request, in map[string]any) (int, any) { return 201, g.launched(in) })
	w.stdin = "piped in"
	r := w.run("ssh", "-o", "ServerAliveInterval=30", "--ssh-option=-v", "web-prod", "--", "ls", "-la", "--color")
	if r.status != 7 || r.out != "piped in" || r.err != "to-stderr\n" {
		t.Fatalf("%+v", r)
	}
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	contains(t, text, "arg:-p\narg:2222\narg:-l\narg:jane\n", "arg:IdentitiesOnly=yes\n", "arg:StrictHostKeyChecking=yes\n", "arg:HostKeyAlias=vaultpam-gateway\n", "arg:ControlPath=none\n",
		"arg:-o\narg:ServerAliveInterval=30\narg:-v\narg:--\narg:127.0.0.1\narg:ls\narg:-la\narg:--color\n",
		"mode:600", "mode:700", "cert:ssh-ed25519-cert-v01@openssh.com ", "known:vaultpam-gateway "+g.hostKey()+"\nknown:vaultpam-gateway ", "LANG=C.UTF-8")
	if strings.Contains(text, "hunter2") || strings.Contains(text, sessionToken) {
		t.Error("a secret reached ssh")
	}
	_, dir, _ := strings.Cut(text, "dir:")
	dir, _, _ = strings.Cut(dir, "\n")
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the key is still in %s", dir)
	}
	_, public, _ := strings.Cut(text, "public:")
	public, _, _ = strings.Cut(public, "\n")
	if call := w.calls()[0]; !strings.Contains(call, `"safe":"web-prod"`) || !strings.Contains(call, strings.Join(strings.Fields(public)[:2], " ")) {
		t.Errorf("another key was certified: %s", call)
	}
}

func TestSSHProvesASecondFactorWhereTheSafeAsks(t *testing.T) {
	fakeSSH(t)
	w, g := newWorld(t).login(), newGateway(t)
	proved := false
	w.on("POST /sessions/launch", func(_ *http.Request, in map[string]any) (int, any) {
		if !proved {
			return problemJSON(403, "MFA_REQUIRED", "this safe asks for a second factor at each launch")
		}
		return 201, g.launched(in)
	})
	w.gives("GET /safes", 200, listOf(safeJSON("web-prod")))
	w.on("POST /auth/step-up", func(_ *http.Request, in map[string]any) (int, any) {
		if in["safe_id"] != safeID {
			t.Errorf("%v", in)
		}
		return 200, map[string]any{"challenge_id": "chl_2", "methods": []any{"totp"}, "expires_at": "2026-03-01T12:05:00Z"}
	})
	w.on("POST /auth/step-up/answer", func(_ *http.Request, in map[string]any) (int, any) {
		if in["challenge_id"] != "chl_2" || in["code"] != "123456" {
			return problemJSON(401, "BAD_CODE", "the code is not right")
		}
		proved = true
		return 204, nil
	})
	w.person.answers["code"] = "000000"
	w.bad(3, []string{"the code is not right"}, "ssh", "web-prod", "true")
	w.person.answers["code"] = "123456"
	if r := w.run("ssh", "web-prod", "true"); r.status != 7 {
		t.Errorf("%+v", r)
	}
	proved = false
	w.person.answers = nil
	if r := w.run("ssh", "--code", "123456", "web-prod", "true"); r.status != 7 {
		t.Errorf("%+v", r)
	}
	// An API token can prove nothing; the server says so, and nobody is asked.
	proved = false
	w.env = append(w.env, "VAULTPAM_TOKEN="+apiToken)
	w.bad(4, []string{"second factor"}, "ssh", "web-prod", "true")
}

func TestSSHRefusesWhatTheServerShouldNotSay(t *testing.T) {
	report := fakeSSH(t)
	w, g := newWorld(t).login(), newGateway(t)
	other, err := newKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(ssh map[string]any){
		"certificate of another key": func(ssh map[string]any) { ssh["certificate"] = g.certify(other.public) },
		"no certificate":             func(ssh map[string]any) { ssh["certificate"] = other.public },
		"option as host":             func(ssh map[string]any) { ssh["gateway_addr"] = "-oProxyCommand=x:22" },
		"option as login":            func(ssh map[string]any) { ssh["login"] = "-oProxyCommand=x" },
		"no port":                    func(ssh map[string]any) { ssh["gateway_addr"] = "gateway" },
		"no host key":                func(ssh map[string]any) { ssh["host_keys"] = []any{} },
	} {
		t.Run(name, func(t *testing.T) {
			w.on("POST /sessions/launch", func(_ *http.Request, in map[string]any) (int, any) {
				l := g.launched(in)
				change(l["ssh"].(map[string]any))
				return 201, l
			})
			w.bad(1, []string{"server"}, "ssh", "web-prod")
			if _, err := os.Stat(report); err == nil {
				t.Error("ssh was called")
			}
		})
	}
	w.refuses("POST /sessions/launch", 404, "NOT_FOUND", "there is no safe \"nope\" that you may open")
	w.bad(5, []string{"nope"}, "ssh", "nope")
}

func TestSignalsReachSSHAndLeaveNoKey(t *testing.T) {
	for name, send := range map[string]func(cancel func()){
		"from the program":  func(cancel func()) { cancel() },
		"a closed terminal": func(func()) { syscall.Kill(os.Getpid(), syscall.SIGHUP) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, tmp := t.TempDir(), t.TempDir()
			ready := filepath.Join(dir, "ready")
			script := "#!/bin/sh\ntrap 'exit 9' TERM\n: >" + ready + "\nwhile :; do sleep 0.05; done\n"
			if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			t.Setenv("TMPDIR", tmp)
			w, g := newWorld(t).login(), newGateway(t)
			w.on("POST /sessions/launch", func(_ *http.Request, in map[string]any) (int, any) { return 201, g.launched(in) })
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			go func() {
				for ctx.Err() == nil {
					if _, err := os.Stat(ready); err == nil {
						send(cancel)
						return
					}
				}
			}()
			if r := w.runIn(ctx, "ssh", "web-prod"); r.status != 9 {
				t.Errorf("%+v", r)
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}
