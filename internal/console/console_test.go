package console

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/vaultpam/vaultpam/web"
)

const page = `<!doctype html><title>VaultPAM</title>`

func built(t *testing.T) *Console {
	t.Helper()
	c, err := New(Deps{Files: fstest.MapFS{
		".keep":                 {},
		"index.html":            {Data: []byte(page)},
		"index.html.br":         {Data: []byte("br of index")},
		"favicon.svg":           {Data: []byte("<svg/>")},
		"assets/app-1a2b.js":    {Data: []byte("plain script")},
		"assets/app-1a2b.js.br": {Data: []byte("br of script")},
		"assets/app-1a2b.js.gz": {Data: []byte("gz of script")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func get(c *Console, method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryAddressOfTheConsoleIsTheIndex(t *testing.T) {
	c := built(t)
	for _, target := range []string{"/", "/index.html", "/sign-in", "/o/acme/safes/safe_01", "/o/acme/audit?severity=WARN", "/..%2f..%2fetc/passwd"} {
		r := get(c, "GET", target)
		if r.StatusCode != 200 || body(t, r) != page {
			t.Errorf("%s: status %d, not the index", target, r.StatusCode)
		}
		if got := r.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: Cache-Control %q: a new build would not be seen", target, got)
		}
	}
}

func TestHashedFilesAreCachedForEver(t *testing.T) {
	r := get(built(t), "GET", "/assets/app-1a2b.js")
	if got := r.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
		t.Errorf("Cache-Control = %q", got)
	}
	if got := r.Header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
		t.Errorf("Content-Type = %q", got)
	}
}

func TestMissingFilesAreNotTheIndex(t *testing.T) {
	for _, target := range []string{"/assets/gone-9f9f.js", "/api/v1/nothing", "/assets/app-1a2b.js.br"} {
		if r := get(built(t), "GET", target); r.StatusCode != 404 {
			t.Errorf("%s: status %d, want 404", target, r.StatusCode)
		}
	}
}

func TestEncodingIsWhatTheClientTakes(t *testing.T) {
	c := built(t)
	for _, test := range []struct{ accept, want, encoding string }{
		{"", "plain script", ""},
		{"gzip", "gz of script", "gzip"},
		{"gzip, deflate, br", "br of script", "br"},
		{"br;q=0, gzip;q=0.5", "gz of script", "gzip"},
		{"br; q=0.0", "plain script", ""},
		{"BR", "br of script", "br"},
		{"identity", "plain script", ""},
		{"br;q=x", "plain script", ""},
	} {
		r := get(c, "GET", "/assets/app-1a2b.js", "Accept-Encoding", test.accept)
		if got := body(t, r); got != test.want || r.Header.Get("Content-Encoding") != test.encoding {
			t.Errorf("Accept-Encoding %q: got %q as %q", test.accept, got, r.Header.Get("Content-Encoding"))
		}
		if r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: no Vary", test.accept)
		}
	}
}

func TestKnownContentIsNotSentAgain(t *testing.T) {
	c := built(t)
	tag := get(c, "GET", "/").Header.Get("ETag")
	r := get(c, "GET", "/o/acme", "If-None-Match", `"other", W/`+tag)
	if r.StatusCode != 304 || body(t, r) != "" {
		t.Errorf("status %d, want 304 without a body", r.StatusCode)
	}
	packed := get(c, "GET", "/", "Accept-Encoding", "br").Header.Get("ETag")
	if packed == tag {
		t.Error("two encodings share one ETag")
	}
}

func TestHeadHasNoBody(t *testing.T) {
	r := get(built(t), "HEAD", "/")
	if r.StatusCode != 200 || body(t, r) != "" || r.Header.Get("Content-Length") == "0" {
		t.Errorf("status %d, length %s", r.StatusCode, r.Header.Get("Content-Length"))
	}
}

func TestOnlyReading(t *testing.T) {
	r := get(built(t), "POST", "/")
	if r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("status %d, Allow %q", r.StatusCode, r.Header.Get("Allow"))
	}
}

func TestPolicyHasNoWayAround(t *testing.T) {
	c := built(t)
	for _, target := range []string{"/", "/assets/app-1a2b.js", "/assets/none.js"} {
		h := get(c, "GET", target).Header
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy lacks %s", target, want)
			}
		}
		for _, never := range []string{"unsafe", "*", "data:", "http:", "https:", "blob:", "style-src-attr"} {
			if strings.Contains(policy, never) {
				t.Errorf("%s: the policy allows %s", target, never)
			}
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", target, name, got, want)
			}
		}
		if !strings.Contains(h.Get("Permissions-Policy"), "camera=()") {
			t.Errorf("%s: Permissions-Policy = %q", target, h.Get("Permissions-Policy"))
		}
	}
}

func TestUnbuiltConsoleSaysSo(t *testing.T) {
	c, err := New(Deps{Files: fstest.MapFS{".keep": {}}})
	if err != nil {
		t.Fatal(err)
	}
	r := get(c, "GET", "/o/acme/safes")
	if text := body(t, r); r.StatusCode != 503 || !strings.Contains(text, "make console") {
		t.Errorf("status %d, %q", r.StatusCode, text)
	}
	if c.Built() {
		t.Error("Built with no index.html")
	}
	if _, err := New(Deps{}); err == nil {
		t.Error("New without Files gave no error")
	}
}

// TestBuiltPageObeysThePolicy reads the console that was really built: its page
// has no inline script, style or handler, and names nothing of another origin.
func TestBuiltPageObeysThePolicy(t *testing.T) {
	c, err := New(Deps{Files: web.Dist()})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Built() {
		t.Skip("the console was not built: run `make console`")
	}
	text := string(c.index.plain)
	for what, pattern := range map[string]string{
		"an inline script":          `<script(?:[^>]*)>[^<]+</script>`,
		"an inline style":           `<style|\sstyle=`,
		"an inline handler":         `\son[a-z]+=`,
		"something of other origin": `(?:src|href)="(?:https?:)?//`,
	} {
		if found := regexp.MustCompile(pattern).FindString(text); found != "" {
			t.Errorf("index.html has %s: %.80s", what, found)
		}
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="/([^"]+)"`).FindAllStringSubmatch(text, -1) {
		if c.files[m[1]] == nil {
			t.Errorf("index.html names %s, which is not there", m[1])
		}
	}
}
