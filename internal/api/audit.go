package api

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
)

// AuditEvent is an event of the ledger: the envelope as it was recorded, its
// place in the tree, and a sentence for people.
type AuditEvent struct {
	SchemaVersion int            `json:"schema_version"`
	ID            id.Event       `json:"id"`
	LogID         id.Log         `json:"log_id"`
	OrgID         id.Org         `json:"org_id" doc:"Empty on the platform's ledger"`
	Seq           int64          `json:"seq" doc:"Place in the ledger, from 0 without gaps; -1 while it has none yet"`
	Time          time.Time      `json:"time" doc:"Of the act; of a pruned event that of its recording"`
	RecordedAt    time.Time      `json:"recorded_at"`
	Constant      event.Constant `json:"constant"`
	Event         string         `json:"event" doc:"The wire string"`
	Category      event.Category `json:"category"`
	Severity      event.Severity `json:"severity"`
	Actor         event.Actor    `json:"actor"`
	Target        event.Target   `json:"target"`
	Source        event.Source   `json:"source"`
	SessionID     string         `json:"session_id"`
	RequestID     id.Request     `json:"request_id"`
	Outcome       event.Outcome  `json:"outcome"`
	Reason        string         `json:"reason"`
	Metadata      map[string]any `json:"metadata"`
	LeafHash      string         `json:"leaf_hash,omitempty" doc:"Hex; what the Merkle tree holds for this event"`
	Sentence      string         `json:"sentence"`
	PrunedAt      time.Time      `json:"pruned_at,omitzero" doc:"The payload's retention ended; the leaf stays"`
	Payload       string         `json:"payload,omitempty" doc:"Only of one event: the recorded bytes that the hash is over"`
	Salt          string         `json:"salt,omitempty" doc:"Only of one event, base64"`
}

func auditJSON(e ledger.Entry) (AuditEvent, error) {
	out := AuditEvent{ID: e.ID, LogID: e.Log, OrgID: e.Org, Constant: event.Constant(e.Constant), Seq: e.Seq, RecordedAt: e.RecordedAt, PrunedAt: e.PrunedAt, Metadata: map[string]any{}}
	if e.Seq >= 0 {
		out.LeafHash = hex.EncodeToString(e.LeafHash[:])
	}
	if e.Payload == nil {
		pruned(&out)
		return out, nil
	}
	v, err := event.Decode(e.Payload)
	if err != nil {
		return out, fmt.Errorf("decode event %s: %w", e.ID, err)
	}
	out.SchemaVersion, out.Time, out.RecordedAt, out.Event = v.SchemaVersion, instant(v.Time), instant(v.RecordedAt), v.Event
	out.Category, out.Severity, out.Actor, out.Target, out.Source = v.Category, v.Severity, v.Actor, v.Target, v.Source
	out.SessionID, out.RequestID, out.Outcome, out.Reason, out.Metadata = v.SessionID, v.RequestID, v.Outcome, v.Reason, v.Metadata
	out.Sentence = event.Sentence(v)
	return out, nil
}

// pruned says what is still known of an event without its payload.
func pruned(out *AuditEvent) {
	out.Time = out.RecordedAt
	if d, known := event.Lookup(out.Constant); known {
		out.Event, out.Category, out.Severity = d.Wire, d.Category, d.Severity
	}
	out.Sentence = fmt.Sprintf("The content of this event was pruned on %s, at the end of its retention; its place in the ledger can still be proved.", out.PrunedAt.UTC().Format("2 January 2006"))
}

type AuditFilter struct {
	Constant []string  `query:"constant" doc:"Event constants, comma separated"`
	Category []string  `query:"category"`
	Severity []string  `query:"severity"`
	Actor    string    `query:"actor" maxLength:"256" doc:"Id or name"`
	Target   string    `query:"target" maxLength:"256" doc:"Id or name"`
	Outcome  string    `query:"outcome" enum:"success,failure,denied"`
	Session  string    `query:"session" maxLength:"64"`
	From     time.Time `query:"from"`
	To       time.Time `query:"to" doc:"Not included"`
	Text     string    `query:"q" maxLength:"256" doc:"Anywhere in the event"`
}

func (f AuditFilter) filter() ledger.Filter {
	return ledger.Filter{Constants: f.Constant, Categories: f.Category, Severities: f.Severity, Actor: f.Actor, Target: f.Target,
		Outcome: f.Outcome, Session: f.Session, From: f.From, To: f.To, Text: f.Text}
}

func (s *Server) auditRoutes() {
	const tag = "audit"
	handle(s, signedIn, huma.Operation{OperationID: "list-audit-events", Method: http.MethodGet, Path: "/audit/events", Summary: "Search the audit ledger", Tags: []string{tag},
		Description: "Newest first unless order=oldest. The first page leaves AUDIT_LOG_VIEWED."},
		func(ctx context.Context, a authz.Actor, in *struct {
			AuditFilter
			PageIn
			Order string `query:"order" enum:"newest,oldest"`
		}) (*pageOut[AuditEvent], error) {
			entries, next, err := s.Review.Search(ctx, a, in.filter(), ledger.Page{Cursor: in.Cursor, Limit: in.Limit, Oldest: in.Order == "oldest"})
			if err != nil {
				return nil, err
			}
			out := &pageOut[AuditEvent]{Page[AuditEvent]{Items: []AuditEvent{}, NextCursor: next}}
			for _, e := range entries {
				j, err := auditJSON(e)
				if err != nil {
					return nil, err
				}
				out.Body.Items = append(out.Body.Items, j)
			}
			return out, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-audit-event", Method: http.MethodGet, Path: "/audit/events/{id}", Summary: "One event, with the recorded bytes", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ID string `path:"id" maxLength:"64"`
		}) (*struct{ Body AuditEvent }, error) {
			e, err := s.Review.Get(ctx, a, id.Event(in.ID))
			if err != nil {
				return nil, err
			}
			j, err := auditJSON(e)
			if err != nil {
				return nil, err
			}
			j.Payload, j.Salt = string(e.Payload), base64.StdEncoding.EncodeToString(e.Salt)
			return &struct{ Body AuditEvent }{j}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "audit-catalog", Method: http.MethodGet, Path: "/audit/catalog", Summary: "Every event that the product can record", Tags: []string{tag}},
		func(context.Context, authz.Actor, *struct{}) (*pageOut[event.Definition], error) {
			return &pageOut[event.Definition]{Page[event.Definition]{Items: event.Catalog()}}, nil
		})
	s.proofRoutes(tag)
	s.exportRoute(tag)
}

// textOut is an answer that is not JSON: a signed note, a proof, a tile.
type textOut struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

type proofOut struct {
	ContentType string `header:"Content-Type"`
	LeafHash    string `header:"X-Leaf-Hash" doc:"Hex; the leaf that the proof is about"`
	Body        []byte
}

func plain(b []byte, err error) (*textOut, error) {
	if err != nil {
		return nil, err
	}
	return &textOut{"text/plain; charset=utf-8", b}, nil
}

func (s *Server) proofRoutes(tag string) {
	handle(s, signedIn, huma.Operation{OperationID: "audit-checkpoint", Method: http.MethodGet, Path: "/audit/checkpoint", Summary: "The signed checkpoint (C2SP tlog-checkpoint)", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Fresh bool `query:"fresh" doc:"Sign everything that is committed first"`
		}) (*textOut, error) {
			cp, err := s.Review.Checkpoint(ctx, a, in.Fresh)
			return plain(cp.Note, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "audit-keys", Method: http.MethodGet, Path: "/audit/keys", Summary: "The keys that sign checkpoints, oldest first", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*pageOut[AuditKey], error) {
			keys, err := s.Review.Keys(ctx, a)
			if err != nil {
				return nil, err
			}
			out := &pageOut[AuditKey]{Page[AuditKey]{Items: []AuditKey{}}}
			for _, k := range keys {
				out.Body.Items = append(out.Body.Items, AuditKey{ID: k.ID, VKey: k.VKey, CreatedAt: k.CreatedAt, SignUntil: k.SignUntil})
			}
			return out, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "audit-inclusion", Method: http.MethodGet, Path: "/audit/proof/inclusion", Summary: "Proof that an event stands in the ledger (C2SP tlog-proof)", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ID string `query:"id" required:"true" maxLength:"64"`
		}) (*proofOut, error) {
			p, leaf, err := s.Review.Inclusion(ctx, a, id.Event(in.ID))
			if err != nil {
				return nil, err
			}
			return &proofOut{"text/plain; charset=utf-8", hex.EncodeToString(leaf[:]), p.Text()}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "audit-consistency", Method: http.MethodGet, Path: "/audit/proof/consistency", Summary: "Proof that a newer tree continues an older one", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			From int64 `query:"from" required:"true" minimum:"1" doc:"Size of the older tree"`
			To   int64 `query:"to" minimum:"0" doc:"Size of a signed checkpoint; absent: the last one"`
		}) (*textOut, error) {
			p, err := s.Review.Consistency(ctx, a, in.From, in.To)
			return plain(p.Text(), err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "audit-tile", Method: http.MethodGet, Path: "/audit/tile/{level}/{n}", Summary: "Up to 256 hashes of the tree", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Level int   `path:"level" minimum:"0" maximum:"7"`
			N     int64 `path:"n" minimum:"0"`
		}) (*textOut, error) {
			b, err := s.Review.Tile(ctx, a, in.Level, in.N)
			if err != nil {
				return nil, err
			}
			return &textOut{"application/octet-stream", b}, nil
		})
}

// AuditKey is a published verifier key of a ledger.
type AuditKey struct {
	ID        id.Key    `json:"id"`
	VKey      string    `json:"vkey" doc:"As C2SP signed-note writes it: name+hash+base64"`
	CreatedAt time.Time `json:"created_at"`
	SignUntil time.Time `json:"sign_until,omitzero" doc:"Absent: the current key"`
}

func (s *Server) exportRoute(tag string) {
	handle(s, signedIn, waits(huma.Operation{OperationID: "export-audit", Method: http.MethodGet, Path: "/audit/export", Summary: "A bundle that `vaultpam audit verify` checks without a network", Tags: []string{tag},
		Description: "An organization's log that reaches back more than 30 days, or that is more than half of all entries, waits for a second person; the platform's own does not. Approved, the same request answers with the bundle: three times within 72 hours."}),
		func(ctx context.Context, a authz.Actor, in *struct {
			From int64 `query:"from_seq" minimum:"0"`
		}) (*huma.StreamResponse, error) {
			x, err := s.AuditExport.Export(ctx, a, in.From)
			if err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(c huma.Context) {
				c.SetHeader("Content-Type", "application/x-ndjson")
				c.SetHeader("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "vaultpam-audit-"+string(x.ID)+".ndjson"))
				if err := x.Write(c.Context(), c.BodyWriter()); err != nil {
					s.log.ErrorContext(c.Context(), "audit export ended early", "export_id", x.ID, "error", err.Error())
					panic(http.ErrAbortHandler) // the client must see that the file is not whole
				}
			}}, nil
		})
}

// instant is the time that an envelope carries, which counts microseconds.
func instant(i event.Instant) time.Time { return time.UnixMicro(int64(i)).UTC() }
