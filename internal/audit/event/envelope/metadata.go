package envelope

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

// Types of metadata that Go's own types do not tell apart.
type (
	Version    string        // a version of our own software
	Email      string        // an address: a personal datum
	PhoneKeyID string        // a key that makes phone digests, such as pd-3
	SHA256     [32]byte      // a digest; the zero value is "none"
	Seconds    time.Duration // written in whole seconds
	Millis     time.Duration // written in whole milliseconds
)

// Instant is a time in microseconds since 1970, UTC; zero is "none".
type Instant int64

// Moment converts t; the zero time becomes "none".
func Moment(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	return Instant(t.UnixMicro())
}

// ObjectID is an id of any kind, for fields that can point to several.
type ObjectID struct{ text string }

// AnyID forgets the kind of v.
func AnyID[T id.Kind](v T) ObjectID { return ObjectID{string(v)} }

// PhoneDigest stands for a telephone number, which itself is never recorded.
type PhoneDigest struct{ key, digest string }

// NewPhoneDigest is the HMAC-SHA-256 of a number under a ledger's key. A plain hash
// will not do: all numbers can be tried.
func NewPhoneDigest(key PhoneKeyID, mac [32]byte) PhoneDigest {
	return PhoneDigest{string(key), hex.EncodeToString(mac[:])}
}

// Change is one changed setting.
type Change struct{ field, from, to string }

// Told gives a change as the event tells it: of a secret, to says set, replaced or cleared.
func (c Change) Told() (field, from, to string) { return c.field, c.from, c.to }

// Changed tells a setting's old and new value. For a field whose name says that it
// is secret only the fact of the change is kept.
func Changed[T ~string | ~bool | ~int | ~int64 | ~float64](field string, from, to T) Change {
	c := Change{field, fmt.Sprint(from), fmt.Sprint(to)}
	if soundsSecret(field) {
		switch {
		case c.from == "":
			return SecretSet(field)
		case c.to == "":
			return SecretCleared(field)
		default:
			return SecretReplaced(field)
		}
	}
	return c
}

// SecretSet tells that a secret field got its first value.
func SecretSet(field string) Change { return Change{field, "", "set"} }

// SecretReplaced tells that a secret field got another value.
func SecretReplaced(field string) Change { return Change{field, "", "replaced"} }

// SecretCleared tells that a secret field lost its value.
func SecretCleared(field string) Change { return Change{field, "", "cleared"} }

// soundsSecret is the last net, for a caller who took Changed for a secret field.
func soundsSecret(field string) bool {
	f := strings.ToLower(field)
	for _, word := range []string{"password", "passphrase", "private_key", "secret", "token", "otp", "cookie", "credential"} {
		if f == word || strings.HasSuffix(f, "_"+word) || strings.HasSuffix(f, "."+word) {
			return true
		}
	}
	return false
}

// Optional is a metadata field that may be left out.
type Optional[T any] struct {
	set   bool
	value T
}

// Some is a present optional field.
func Some[T any](v T) Optional[T] { return Optional[T]{true, v} }

func (Optional[T]) isOptional() {}

// Closed is an enum: a struct around one string of a closed list.
type Closed interface{ Values() []string }

// metaField is a metadata field and where it is in the event's struct.
type metaField struct {
	Field
	index int
	typ   reflect.Type // without Optional
	read  reader
}

// reader takes a field's value out of its struct. absent is true when a required
// value is missing; that is allowed only in events that are not a success.
type reader func(v reflect.Value) (value any, absent bool)

func metaFields(t reflect.Type) []metaField {
	var out []metaField
	for i := range t.NumField() {
		f := t.Field(i)
		name, ok := f.Tag.Lookup("meta")
		if !ok {
			continue
		}
		m := metaField{Field: Field{Name: name}, index: i, typ: f.Type}
		if f.Type.Implements(reflect.TypeFor[interface{ isOptional() }]()) {
			value, _ := f.Type.FieldByName("value")
			m.Optional, m.typ = true, value.Type
		}
		m.Type, m.read = fieldType(m.typ)
		if m.read == nil {
			panic(fmt.Sprintf("audit event %s: metadata %s has type %s, which no event may carry", t, name, f.Type))
		}
		out = append(out, m)
	}
	return out
}

// fieldType maps a Go type to its catalog type and reader. A type that is not
// listed here cannot be metadata, so neither a secret nor a byte slice can.
func fieldType(t reflect.Type) (string, reader) {
	switch t {
	case reflect.TypeFor[string]():
		return "string", readText
	case reflect.TypeFor[Version]():
		return "version", readText
	case reflect.TypeFor[Email]():
		return "email", readText
	case reflect.TypeFor[id.Event]():
		return "event_id", readID
	case reflect.TypeFor[PhoneKeyID]():
		return "id", readID
	case reflect.TypeFor[ObjectID]():
		return "id", func(v reflect.Value) (any, bool) { return readID(v.Field(0)) }
	case reflect.TypeFor[bool]():
		return "bool", func(v reflect.Value) (any, bool) { return v.Bool(), false }
	case reflect.TypeFor[int](), reflect.TypeFor[int64]():
		return "int", func(v reflect.Value) (any, bool) { return whole(v.Int()), false }
	case reflect.TypeFor[Seconds]():
		return "int", func(v reflect.Value) (any, bool) { return v.Int() / int64(time.Second), false }
	case reflect.TypeFor[Millis]():
		return "int", func(v reflect.Value) (any, bool) { return v.Int() / int64(time.Millisecond), false }
	case reflect.TypeFor[Instant]():
		return "time", readInstant
	case reflect.TypeFor[SHA256]():
		return "sha256", readDigest
	case reflect.TypeFor[PhoneDigest]():
		return "phone_digest", readPhone
	case reflect.TypeFor[[]Change]():
		return "changes", readChanges
	}
	if t.Implements(reflect.TypeFor[interface{ Prefix() string }]()) && t.Kind() == reflect.String {
		return "id", readID
	}
	if c, ok := reflect.Zero(t).Interface().(Closed); ok {
		return "enum[" + strings.Join(c.Values(), "|") + "]", readWord
	}
	if t.Kind() == reflect.Slice {
		if name, read := fieldType(t.Elem()); read != nil {
			return "list[" + name + "]", listReader(t.Elem(), read)
		}
	}
	return "", nil
}

func readText(v reflect.Value) (any, bool) { return clean(v.String()), false }

func readID(v reflect.Value) (any, bool) { return clean(v.String()), v.Len() == 0 }

func readWord(v reflect.Value) (any, bool) {
	for v.Kind() == reflect.Struct {
		v = v.Field(0)
	}
	return v.String(), v.Len() == 0
}

func readInstant(v reflect.Value) (any, bool) {
	if v.Int() == 0 {
		return nil, true
	}
	return Instant(v.Int()).String(), false
}

func readDigest(v reflect.Value) (any, bool) {
	var d SHA256
	for i := range d {
		d[i] = byte(v.Index(i).Uint())
	}
	if d == (SHA256{}) {
		return "", true
	}
	return hex.EncodeToString(d[:]), false
}

func readPhone(v reflect.Value) (any, bool) {
	key, digest := v.Field(0).String(), v.Field(1).String()
	return map[string]any{"key_id": clean(key), "digest": digest}, key == "" || digest == ""
}

func readChanges(v reflect.Value) (any, bool) {
	n := min(v.Len(), maxItems)
	out := make([]any, 0, n)
	for i := range n {
		c := v.Index(i)
		out = append(out, map[string]any{
			"field": clean(c.Field(0).String()), "old": clean(c.Field(1).String()), "new": clean(c.Field(2).String()),
		})
	}
	if v.Len() > maxItems {
		out[maxItems-1] = map[string]any{"field": more(v.Len()), "old": "", "new": ""}
	}
	return out, false
}

// listReader reads at most 64 items. A longer list of texts ends in a note that says
// how many are not shown; a longer list of ids is cut.
func listReader(elem reflect.Type, read reader) reader {
	return func(v reflect.Value) (any, bool) {
		n := min(v.Len(), maxItems)
		out := make([]any, 0, n)
		for i := range n {
			item, _ := read(v.Index(i))
			out = append(out, item)
		}
		if v.Len() > maxItems && elem == reflect.TypeFor[string]() {
			out[maxItems-1] = more(v.Len())
		}
		return out, false
	}
}

func more(n int) string { return "+" + strconv.Itoa(n-maxItems+1) + " more" }
