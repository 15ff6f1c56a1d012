package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Policy is the content security policy of every page.
//
// connect-src 'self' covers the WebSocket of the terminal, which is on the same
// origin (CSP level 3, section 6.7.2.8).
var Policy = strings.Join([]string{
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self'",
	"font-src 'self'",
	"connect-src 'self'",
	"form-action 'self'",
	"base-uri 'none'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	"trusted-types 'none'",
}, "; ")

// permissions switches off what the console never asks for. The clipboard is
// left on: commands and ids are copied.
const permissions = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), geolocation=(), " +
	"gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(self), usb=(), xr-spatial-tracking=()"

// Deps are what a Console is made of.
type Deps struct {
	Files fs.FS // the built console: index.html, assets/...; web.Dist()
}

// Console serves the files. It is safe for concurrent use.
type Console struct {
	files map[string]*file // by path without the leading slash
	index *file            // nil: the console was not built
}

// file is one file in the forms it can be sent in.
type file struct {
	kind  string // Content-Type
	etag  string
	cache string
	plain []byte
	br    []byte // nil when there is none
	gz    []byte
}

// New reads the files. Files without an index.html are no error: the console
// then says that it was not built.
func New(d Deps) (*Console, error) {
	if d.Files == nil {
		return nil, errors.New("console: Files is needed")
	}
	c := &Console{files: map[string]*file{}}
	packed := map[string][]byte{}
	err := fs.WalkDir(d.Files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		content, err := fs.ReadFile(d.Files, name)
		if err != nil {
			return err
		}
		if ext := path.Ext(name); ext == ".br" || ext == ".gz" {
			packed[name] = content
			return nil
		}
		sum := sha256.Sum256(content)
		c.files[name] = &file{kind: contentType(name), etag: hex.EncodeToString(sum[:12]), cache: cacheFor(name), plain: content}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the console's files: %w", err)
	}
	for name, f := range c.files {
		f.br, f.gz = packed[name+".br"], packed[name+".gz"]
	}
	c.index = c.files["index.html"]
	return c, nil
}

// Built tells whether there is a console to serve.
func (c *Console) Built() bool { return c.index != nil }

// ServeHTTP answers every address that is not the API's.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		plain(w, r, http.StatusMethodNotAllowed, "The console is only read: use GET or HEAD.")
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if f, ok := c.files[name]; ok && name != "index.html" {
		f.serve(w, r)
		return
	}
	switch {
	case strings.HasPrefix(name, "assets/") || strings.HasPrefix(name, "api/"):
		// A page of an older build may ask for files that are gone; index.html
		// in their place would be run as a script.
		plain(w, r, http.StatusNotFound, "There is no such file.")
	case c.index == nil:
		plain(w, r, http.StatusServiceUnavailable, "The console was not built into this server: run `make console`, then build the server again. The API and SSH work without it.")
	default:
		c.index.serve(w, r)
	}
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	body, encoding := f.pick(r.Header.Get("Accept-Encoding"))
	tag := `"` + f.etag + encoding + `"`
	h := w.Header()
	h.Set("Cache-Control", f.cache)
	h.Set("ETag", tag)
	if f.br != nil || f.gz != nil {
		h.Set("Vary", "Accept-Encoding")
	}
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		w.Write(body)
	}
}

// pick is the smallest form that the client takes.
func (f *file) pick(accepted string) (body []byte, encoding string) {
	if f.br != nil && accepts(accepted, "br") {
		return f.br, "br"
	}
	if f.gz != nil && accepts(accepted, "gzip") {
		return f.gz, "gzip"
	}
	return f.plain, ""
}

// accepts reads an Accept-Encoding header. Only a weight of zero refuses; the
// order of preference is ours. Source: RFC 9110, section 12.5.3.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		q, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "q=")
		if !ok {
			return true
		}
		v, err := strconv.ParseFloat(q, 64)
		return err == nil && v > 0
	}
	return false
}

func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if part = strings.TrimSpace(part); part == "*" || strings.TrimPrefix(part, "W/") == tag {
			return true
		}
	}
	return false
}

func secure(h http.Header) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", permissions)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// plain answers with one sentence.
func plain(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(sentence)+1))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintln(w, sentence)
	}
}

// cacheFor: names under assets/ change with their content; others do not.
func cacheFor(name string) string {
	switch {
	case strings.HasPrefix(name, "assets/"):
		return "public, max-age=31536000, immutable"
	case path.Ext(name) == ".html":
		return "no-cache"
	}
	return "public, max-age=3600"
}

// contentType does not ask the machine's own table, which differs from one to the next.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return "application/json"
	case ".png":
		return "image/png"
	case ".woff2":
		return "font/woff2"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}
