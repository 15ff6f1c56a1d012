// Package eventtest makes one event of every type of the catalog, complete and with
// values that follow from the names of its fields, so that a test can say what it
// expects to find without a list of its own. Whoever reads, stores, converts or
// delivers events tests with these.
package eventtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
)

// At is the time at which all events of this package happened.
var At = time.Date(2026, 3, 14, 9, 26, 53, 589_793_000, time.UTC)

// All gives one event of every type, in catalog order, with every optional field.
func All() []event.Event {
	return slices.Concat(
		connectors(), identity(), accounts(), sessions(), admin(), invitations(), platform(),
		groups(), governance(), phone(), proxy(), internalTier(),
	)
}

// Org is the organization of those events that have one.
func Org() id.Org { return ID[id.Org]("org") }

// Payload encodes ev as the ledger would, with ids and times that are always the same.
func Payload(ev event.Event) ([]byte, error) {
	return event.Encode(ev, ID[id.Event](string(ev.Constant())), ID[id.Log]("log"), ev.Org(), At, At.Add(time.Millisecond))
}

// Carries tells whether got, as a payload decodes, is what the events of All carry in
// the metadata field f.
func Carries(f event.Field, got any) bool {
	if inner, ok := strings.CutPrefix(f.Type, "list["); ok {
		items, _ := got.([]any)
		return len(items) == 1 && Carries(event.Field{Name: f.Name, Type: strings.TrimSuffix(inner, "]")}, items[0])
	}
	if f.Type == "id" || f.Type == "event_id" {
		s, _ := got.(string)
		return s == f.Name || strings.HasSuffix(s, fmt.Sprintf("_%026d", number(f.Name)))
	}
	return reflect.DeepEqual(got, want(f))
}

func want(f event.Field) any {
	if list, ok := strings.CutPrefix(f.Type, "enum["); ok {
		values := strings.Split(strings.TrimSuffix(list, "]"), "|")
		return values[len(values)-1]
	}
	switch f.Type {
	case "bool":
		return flag(f.Name)
	case "int":
		return json.Number(strconv.FormatInt(number(f.Name), 10))
	case "time":
		return moment(f.Name).Format("2006-01-02T15:04:05.000000Z")
	case "sha256":
		d := digest(f.Name)
		return hex.EncodeToString(d[:])
	case "phone_digest":
		d := sha256.Sum256([]byte(f.Name))
		return map[string]any{"key_id": "pd-3", "digest": hex.EncodeToString(d[:])}
	case "changes":
		return []any{map[string]any{"field": f.Name, "old": "one", "new": "two"}}
	default: // string, version, email
		return f.Name
	}
}

// ID makes an id of kind T that always is the same for a name.
func ID[T id.Kind](name string) T {
	var zero T
	return T(fmt.Sprintf("%s_%026d", zero.Prefix(), number(name)))
}

// by is the act of a person, a connector or the system, as the role demands.
func by(as event.ActorType) event.Act {
	a := authz.Actor{
		Kind: authz.Person, User: ID[id.User]("actor"), Name: "ann", Org: Org(),
		WebSession: ID[id.WebSession]("web session"), Request: ID[id.Request]("request"),
		Source: authz.Source{IP: netip.MustParseAddr("192.0.2.7"), UserAgent: "OpenSSH_10.0"},
	}
	switch as {
	case event.System:
		a = authz.Actor{Kind: authz.System, Name: "system", Org: Org(), Request: a.Request}
	case event.Connector:
		a.Kind, a.User, a.Name, a.WebSession = authz.Connector, "", "berlin-1", ""
		return event.By(a, as).Through(ID[id.Connector]("actor"))
	}
	return event.By(a, as)
}

// number is a number below a million that follows from a name.
func number(name string) int64 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int64(h.Sum32() % 1_000_000)
}

func flag(name string) bool { return number(name)%2 == 1 }

func count[T int | int64](name string) T { return T(number(name)) }

func span(name string, unit time.Duration) time.Duration { return time.Duration(number(name)) * unit }

func moment(name string) time.Time { return At.Add(time.Duration(number(name)) * time.Second) }

func digest(name string) event.SHA256 { return sha256.Sum256([]byte(name)) }

func phoneDigest(name string) event.PhoneDigest {
	return event.NewPhoneDigest("pd-3", sha256.Sum256([]byte(name)))
}

func changes(name string) []event.Change {
	return []event.Change{event.Changed(name, "one", "two")}
}
