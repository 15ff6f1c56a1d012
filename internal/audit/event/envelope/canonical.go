package envelope

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Canonical is e as canonical JSON (RFC 8785). It is written here rather than by a
// general library, which takes ten times as long and is on the path of every act of
// the product; tests hold the two equal. Numbers are whole, as in every event, so
// the hard part of the RFC does not arise.
func (e Envelope) Canonical() ([]byte, error) {
	w := writer{buf: make([]byte, 0, 1536)}
	w.object(func() {
		w.key("actor").object(func() {
			w.key("authenticated").value(e.Actor.Authenticated)
			w.optional("delegation_id", string(e.Actor.DelegationID))
			w.key("id").text(e.Actor.ID)
			w.key("name").text(e.Actor.Name)
			w.optional("token_id", string(e.Actor.TokenID))
			w.key("type").text(string(e.Actor.Type))
		})
		w.key("category").text(string(e.Category))
		w.key("constant").text(string(e.Constant))
		w.key("event").text(e.Event)
		w.key("id").text(string(e.ID))
		w.key("log_id").text(string(e.LogID))
		w.key("metadata").value(e.Metadata)
		w.key("org_id").text(string(e.OrgID))
		w.key("outcome").text(string(e.Outcome))
		w.key("reason").text(e.Reason)
		w.key("recorded_at").text(e.RecordedAt.String())
		w.key("request_id").text(string(e.RequestID))
		w.key("schema_version").value(int64(e.SchemaVersion))
		w.key("session_id").text(e.SessionID)
		w.key("severity").text(string(e.Severity))
		w.key("source").object(func() {
			w.optional("connector_id", string(e.Source.ConnectorID))
			w.key("ip").text(e.Source.IP)
			w.optional("user_agent", e.Source.UserAgent)
		})
		w.key("target").object(func() {
			w.key("id").text(e.Target.ID)
			w.key("name").text(e.Target.Name)
			w.key("type").text(string(e.Target.Type))
		})
		w.key("time").text(e.Time.String())
	})
	return w.buf, w.err
}

// writer appends canonical JSON. Its caller writes the keys of an object in order.
type writer struct {
	buf []byte
	err error
}

func (w *writer) object(members func()) {
	w.buf = append(w.buf, '{')
	members()
	w.buf = append(w.buf, '}')
}

// key writes the name of a member, and the comma before it if it is not the first.
func (w *writer) key(name string) *writer {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.text(name)
	w.buf = append(w.buf, ':')
	return w
}

func (w *writer) optional(name, value string) {
	if value != "" {
		w.key(name).text(value)
	}
}

// value writes whatever metadata can hold, as read from an event or from a payload.
func (w *writer) value(v any) {
	switch v := v.(type) {
	case nil:
		w.buf = append(w.buf, "null"...)
	case string:
		w.text(v)
	case bool:
		w.buf = strconv.AppendBool(w.buf, v)
	case int64:
		w.buf = strconv.AppendInt(w.buf, v, 10)
	case json.Number:
		n, err := strconv.ParseInt(v.String(), 10, 64)
		if err != nil || n != whole(n) {
			w.fail(fmt.Errorf("%.40q is not a whole number that JSON keeps exactly", v))
		}
		w.buf = strconv.AppendInt(w.buf, n, 10)
	case []any:
		w.buf = append(w.buf, '[')
		for i, item := range v {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			w.value(item)
		}
		w.buf = append(w.buf, ']')
	case map[string]any:
		w.object(func() {
			for _, name := range slices.SortedFunc(maps.Keys(v), byUTF16) {
				w.key(name).value(v[name])
			}
		})
	default:
		w.fail(fmt.Errorf("%T cannot be metadata", v))
	}
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

const hexDigits = "0123456789abcdef"

// text escapes what RFC 8785, section 3.2.2.2 says, and nothing else.
func (w *writer) text(s string) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	w.buf = append(w.buf, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			w.buf = append(w.buf, '\\', c)
		case c >= 0x20:
			w.buf = append(w.buf, c)
		default:
			if j := strings.IndexByte("\b\t\n\f\r", c); j >= 0 {
				w.buf = append(w.buf, '\\', "btnfr"[j])
			} else {
				w.buf = append(w.buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
		}
	}
	w.buf = append(w.buf, '"')
}

// byUTF16 orders names as RFC 8785, section 3.2.3 does: by UTF-16 code units. For
// ASCII, which all our names are, that is the order of bytes.
func byUTF16(a, b string) int {
	if isASCII(a) && isASCII(b) {
		return cmp.Compare(a, b)
	}
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}
