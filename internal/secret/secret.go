// Package secret holds values that must never be printed: passwords, tokens,
// private keys. A Secret has no verb, JSON form or log form but "[secret]"; the
// only way to its bytes is Reveal, which is easy to search for.
package secret

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
)

const masked = "[secret]"

// Secret is a value that does not print. The zero value is empty.
// Copies share the same bytes: Wipe clears them all.
type Secret struct{ b []byte }

// New takes ownership of b.
func New(b []byte) Secret { return Secret{b} }

// FromString copies s. The string itself stays in memory until collected.
func FromString(s string) Secret { return Secret{[]byte(s)} }

// Token is n random bytes in unpadded base64url.
func Token(n int) Secret {
	raw := make([]byte, n)
	rand.Read(raw) // never fails: crypto/rand aborts the process instead
	out := make([]byte, base64.RawURLEncoding.EncodedLen(n))
	base64.RawURLEncoding.Encode(out, raw)
	return Secret{out}
}

// Reveal gives the bytes themselves, not a copy.
func (s Secret) Reveal() []byte { return s.b }

// RevealString gives a copy as a string, which cannot be wiped.
func (s Secret) RevealString() string { return string(s.b) }

// Empty tells whether there is nothing in it.
func (s Secret) Empty() bool { return len(s.b) == 0 }

// Wipe overwrites the bytes. It is a courtesy to crash dumps, not a guarantee:
// the runtime may have made copies.
func (s Secret) Wipe() { clear(s.b) }

func (Secret) Format(f fmt.State, _ rune)      { io.WriteString(f, masked) }
func (Secret) String() string                  { return masked }
func (Secret) MarshalText() ([]byte, error)    { return []byte(masked), nil }
func (Secret) MarshalJSON() ([]byte, error)    { return []byte(`"` + masked + `"`), nil }
func (Secret) LogValue() slog.Value            { return slog.StringValue(masked) }
func (s *Secret) UnmarshalText(b []byte) error { s.b = append([]byte(nil), b...); return nil }
