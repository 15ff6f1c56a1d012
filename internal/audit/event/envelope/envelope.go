package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/vaultpam/vaultpam/internal/id"
)

// Envelope is an event as it is kept. The number that the sequencer gives it later
// is not part of it, since the payload is never changed.
type Envelope struct {
	SchemaVersion int            `json:"schema_version"`
	ID            id.Event       `json:"id"`
	LogID         id.Log         `json:"log_id"`
	OrgID         id.Org         `json:"org_id"` // empty on the platform's ledger
	Time          Instant        `json:"time"`   // of the act
	RecordedAt    Instant        `json:"recorded_at"`
	Constant      Constant       `json:"constant"`
	Event         string         `json:"event"` // the wire string
	Category      Category       `json:"category"`
	Severity      Severity       `json:"severity"`
	Actor         Actor          `json:"actor"`
	Target        Target         `json:"target"`
	Source        Source         `json:"source"`
	SessionID     string         `json:"session_id"` // privileged session or web session; empty outside of both
	RequestID     id.Request     `json:"request_id"`
	Outcome       Outcome        `json:"outcome"`
	Reason        string         `json:"reason"` // empty only on success
	Metadata      map[string]any `json:"metadata"`
}

// Actor is who did it. An id is empty for the system and for a person who is not signed in.
type Actor struct {
	Type          ActorType     `json:"type"`
	ID            string        `json:"id"`
	Name          string        `json:"name"`
	Authenticated bool          `json:"authenticated"`
	TokenID       id.Token      `json:"token_id,omitempty"`
	DelegationID  id.Delegation `json:"delegation_id,omitempty"`
}

// Target is the object that the event is about.
type Target struct {
	Type TargetType `json:"type"`
	ID   string     `json:"id"`
	Name string     `json:"name"`
}

// Source is where the act came from.
type Source struct {
	IP          string       `json:"ip"`
	UserAgent   string       `json:"user_agent,omitempty"`
	ConnectorID id.Connector `json:"connector_id,omitempty"`
}

// Encode makes the payload of ev: canonical JSON, at most MaxPayload bytes. org is
// the organization of the ledger, empty for the platform's; at is the time of the act
// unless the act brings its own. An error means that the event breaks a rule of the
// catalog; then neither it nor its act may be committed.
func Encode(ev Event, evt id.Event, log id.Log, org id.Org, at, recordedAt time.Time) ([]byte, error) {
	env, err := seal(ev, org)
	if err != nil {
		return nil, err
	}
	env.ID, env.LogID, env.OrgID = evt, log, org
	env.Time, env.RecordedAt = Moment(at), Moment(recordedAt)
	if t := ev.Act().happenedAt; !t.IsZero() {
		env.Time = Moment(t)
	}
	if evt == "" || log == "" || env.Time == 0 || env.RecordedAt == 0 {
		return nil, fmt.Errorf("audit event %s: id, ledger and both times are needed", env.Constant)
	}
	payload, err := env.Canonical()
	if err != nil {
		return nil, fmt.Errorf("audit event %s: %w", env.Constant, err)
	}
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("audit event %s: payload has %d bytes, at most %d are allowed", env.Constant, len(payload), MaxPayload)
	}
	return payload, nil
}

// seal checks ev against its definition and fills the envelope's part that the event determines.
func seal(ev Event, org id.Org) (Envelope, error) {
	v := reflect.Indirect(reflect.ValueOf(ev))
	if !v.IsValid() {
		return Envelope{}, errors.New("audit event is nil")
	}
	b := ev.base()
	if b.spec == nil || b.spec.typ != v.Type() {
		return Envelope{}, fmt.Errorf("audit event %s was not built by its constructor", v.Type())
	}
	d := b.spec.def
	actor := b.act.actorIn(d.ActorTypes)
	switch {
	case b.act.as == "":
		return Envelope{}, fmt.Errorf("audit event %s: no act", d.Constant)
	case !slices.Contains(d.ActorTypes, actor.Type):
		return Envelope{}, fmt.Errorf("audit event %s: actor type %s is not one of %v", d.Constant, actor.Type, d.ActorTypes)
	case b.to.Type != d.TargetType:
		return Envelope{}, fmt.Errorf("audit event %s: target type %s is not %s", d.Constant, b.to.Type, d.TargetType)
	case !slices.Contains(d.Outcomes, b.outcome):
		return Envelope{}, fmt.Errorf("audit event %s: outcome %s is not one of %v", d.Constant, b.outcome, d.Outcomes)
	case b.reason == "" && b.outcome != Success:
		return Envelope{}, fmt.Errorf("audit event %s: outcome %s needs a reason", d.Constant, b.outcome)
	case b.reason != "" && !slices.Contains(d.Reasons, b.reason):
		return Envelope{}, fmt.Errorf("audit event %s: reason %q is not one of %v", d.Constant, b.reason, d.Reasons)
	case d.Log == OrgLog && org == "":
		return Envelope{}, fmt.Errorf("audit event %s: belongs to an organization's ledger and has none", d.Constant)
	case d.Log == PlatformLog && org != "":
		return Envelope{}, fmt.Errorf("audit event %s: belongs to the platform's ledger, not to %s", d.Constant, org)
	}
	meta, err := metadataOf(b, v)
	if err != nil {
		return Envelope{}, err
	}
	return Envelope{
		SchemaVersion: SchemaVersion,
		Constant:      d.Constant, Event: d.Wire, Category: d.Category, Severity: d.SeverityOf(b.outcome),
		Actor: actor, Target: b.to, Source: b.act.source,
		SessionID: b.act.session, RequestID: b.act.request,
		Outcome: b.outcome, Reason: b.reason, Metadata: meta,
	}, nil
}

// metadataOf reads the metadata fields of the event struct v.
func metadataOf(b Base, v reflect.Value) (map[string]any, error) {
	fields := b.spec.meta()
	out := make(map[string]any, len(fields))
	for _, f := range fields {
		fv := v.Field(f.index)
		if f.Optional {
			if !fv.Field(0).Bool() {
				continue
			}
			fv = fv.Field(1)
		}
		value, absent := f.read(fv)
		if absent && f.Optional {
			continue
		}
		if absent && (b.outcome == Success || f.mandatory()) {
			return nil, fmt.Errorf("audit event %s: metadata %s is missing", b.spec.def.Constant, f.Name)
		}
		out[f.Name] = value
	}
	return out, nil
}

// mandatory tells whether a field must have a value even when the act was refused: there may
// be no object yet that an id or a time could be of, but the kind of an act is always known.
func (f metaField) mandatory() bool {
	return f.Type == "phone_digest" || len(f.Type) > 5 && f.Type[:5] == "enum["
}

// Decode reads a payload. It accepts only what Encode could have written: canonical
// JSON with exactly the envelope's fields. Numbers in the metadata are json.Number.
func Decode(payload []byte) (Envelope, error) {
	var e Envelope
	if len(payload) > MaxPayload {
		return Envelope{}, fmt.Errorf("audit payload has %d bytes, at most %d are allowed", len(payload), MaxPayload)
	}
	if !utf8.Valid(payload) {
		return Envelope{}, errors.New("audit payload is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(&e); err != nil {
		return Envelope{}, fmt.Errorf("read audit payload: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return Envelope{}, errors.New("audit payload has something after its end")
	}
	if e.Metadata == nil {
		return Envelope{}, errors.New("audit payload has no metadata")
	}
	if e.SchemaVersion != SchemaVersion {
		return Envelope{}, fmt.Errorf("audit payload has schema version %d, this release reads %d", e.SchemaVersion, SchemaVersion)
	}
	again, err := e.Canonical()
	if err != nil {
		return Envelope{}, err
	}
	if !bytes.Equal(again, payload) {
		return Envelope{}, errors.New("audit payload is not in canonical form, or a field of the envelope is missing")
	}
	return e, nil
}
