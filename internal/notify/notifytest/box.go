// Package notifytest delivers messages into a folder and reads them there, for the
// tests of those who send them.
package notifytest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/notify"
)

// PublicURL is the installation of a Box.
const PublicURL = "https://vault.test"

// Box is a service whose messages fall into a folder.
type Box struct {
	*notify.Service
	dir string
}

// New makes a box on d.
func New(t testing.TB, d *db.DB, sealer notify.Sealer, now func() time.Time) *Box {
	t.Helper()
	b := &Box{dir: filepath.Join(t.TempDir(), "mail")}
	var err error
	b.Service, err = notify.New(notify.Deps{Log: slog.New(slog.DiscardHandler), DB: d, Seal: sealer, PublicURL: PublicURL, Folder: b.dir, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Take delivers what is due and gives what arrived since the last call, oldest first.
func (b *Box) Take(t testing.TB) []Letter {
	t.Helper()
	if err := b.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := ReadFolder(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(b.dir); err != nil {
		t.Fatal(err)
	}
	return out
}

// One is Take where exactly one message of the kind is expected among the new ones.
func (b *Box) One(t testing.TB, kind notify.Kind) Letter {
	t.Helper()
	var found []Letter
	for _, l := range b.Take(t) {
		if l.Kind == kind {
			found = append(found, l)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d messages of the kind %s, want one", len(found), kind)
	}
	return found[0]
}

// Letter is a message as a mail program sees it.
type Letter struct {
	ID, From, To string // To is the bare address
	Kind         notify.Kind
	Subject      string
	Text, HTML   string
}

// Link is the first link of the text, and the token in its fragment.
func (l Letter) Link() (link *url.URL, token string) {
	for line := range strings.Lines(l.Text) {
		if u, err := url.Parse(strings.TrimSpace(line)); err == nil && u.Scheme == "https" {
			return u, u.Fragment
		}
	}
	return &url.URL{}, ""
}

// ReadFolder reads all .eml files of a folder, oldest first.
func ReadFolder(dir string) ([]Letter, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var out []Letter
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		l, err := Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// Parse reads a message as it went over the wire.
func Parse(raw []byte) (Letter, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Letter{}, err
	}
	dec := &mime.WordDecoder{}
	l := Letter{ID: strings.Trim(m.Header.Get("Message-Id"), "<>"), Kind: notify.Kind(m.Header.Get("X-VaultPAM-Kind"))}
	if l.Subject, err = dec.DecodeHeader(m.Header.Get("Subject")); err != nil {
		return l, err
	}
	to, err := mail.ParseAddress(m.Header.Get("To"))
	if err != nil {
		return l, err
	}
	from, err := mail.ParseAddress(m.Header.Get("From"))
	if err != nil {
		return l, err
	}
	l.To, l.From = to.Address, from.Address
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return l, fmt.Errorf("the message is %q, not multipart/alternative (%v)", kind, err)
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return l, nil
		}
		if err != nil {
			return l, err
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			return l, err
		}
		switch kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type")); kind {
		case "text/plain":
			l.Text = strings.ReplaceAll(string(body), "\r\n", "\n")
		case "text/html":
			l.HTML = string(body)
		}
	}
}
