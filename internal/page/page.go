// Package page cuts long lists into pages. A cursor carries the sort key of the
// last item seen, so a page is right whatever was added or removed meanwhile, and
// costs the same at any depth. Callers treat it as opaque.
package page

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// The sizes of a page.
const (
	Default = 50
	Max     = 200
)

// Request asks for one page.
type Request struct {
	Limit  int    // 0: Default
	Cursor string // empty: from the beginning
}

// List is one page, and the cursor of the next; empty after the last.
type List[T any] struct {
	Items []T
	Next  string
}

// Resolve checks the request and gives the number of items to read, one more
// than the page holds, and the key after which it begins.
func (r Request) Resolve() (read int32, after string, err error) {
	n := r.Limit
	if n == 0 {
		n = Default
	}
	if n < 1 || n > Max {
		return 0, "", fault.New(fault.Invalid, "limit must be from 1 to %d, not %d", Max, r.Limit).WithField("limit", "must be from 1 to %d", Max)
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(r.Cursor)
	if err != nil || len(r.Cursor) > 1024 || !utf8.Valid(key) || bytes.IndexByte(key, 0) >= 0 { // what no key is made of, and PostgreSQL no text
		return 0, "", fault.New(fault.Invalid, "the cursor is not one that a list gave; begin without it").WithField("cursor", "must be a next_cursor of this list")
	}
	return int32(n) + 1, string(key), nil
}

// ResolvePair is Resolve for a list in the order of two keys, as Pair writes them.
func (r Request) ResolvePair() (read int32, first, second string, err error) {
	read, after, err := r.Resolve()
	if err != nil {
		return 0, "", "", err
	}
	first, second, _ = strings.Cut(after, " ")
	return read, first, second, nil
}

// Pair is the key of an item in a list in the order of two keys; the first has no space.
func Pair(first, second string) string { return first + " " + second }

// Cut makes a page of the items that were read.
func Cut[T any](items []T, read int32, key func(T) string) List[T] {
	if len(items) < int(read) {
		return List[T]{Items: items}
	}
	items = items[:read-1]
	return List[T]{Items: items, Next: base64.RawURLEncoding.EncodeToString([]byte(key(items[len(items)-1])))}
}
