package governance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
)

// maxExport is how many actions one file holds.
const maxExport = 10_000

// File is a queue as a file.
type File struct {
	ID     id.Export
	Format event.QueueExportFormat
	Name   string
	Body   []byte
}

// row is one action in a file.
type row struct {
	ID            id.Governance `json:"id"`
	Org           id.Org        `json:"org_id"`
	OrgSlug       string        `json:"org,omitempty"`
	Kind          string        `json:"kind"`
	Summary       string        `json:"summary"`
	Subject       string        `json:"subject_id"`
	SubjectName   string        `json:"subject_name"`
	Changes       []Field       `json:"changes"`
	Digest        string        `json:"payload_digest"`
	State         State         `json:"state"`
	RequestedBy   id.User       `json:"requested_by"`
	RequesterName string        `json:"requester"`
	Token         id.Token      `json:"token_id,omitempty"`
	CreatedAt     string        `json:"created_at"`
	ExpiresAt     string        `json:"expires_at"`
	DecidedBy     id.User       `json:"decided_by,omitempty"`
	DecidedByName string        `json:"decider,omitempty"`
	DecidedAt     string        `json:"decided_at,omitempty"`
	Comment       string        `json:"comment,omitempty"`
	Note          string        `json:"superseded_because,omitempty"`
	Effect        id.Event      `json:"effect_event,omitempty"`
}

func rowOf(a Action) row {
	return row{ID: a.ID, Org: a.Org, OrgSlug: a.OrgSlug, Kind: a.Kind, Summary: a.Summary, Subject: a.Subject, SubjectName: a.SubjectName, Changes: a.Fields, Digest: a.Digest,
		State: a.State, RequestedBy: a.RequestedBy, RequesterName: a.RequesterName, Token: a.Token, CreatedAt: label.Stamp(a.CreatedAt), ExpiresAt: label.Stamp(a.ExpiresAt),
		DecidedBy: a.DecidedBy, DecidedByName: a.DecidedByName, DecidedAt: label.Stamp(a.DecidedAt), Comment: a.Comment, Note: a.Note, Effect: a.Effect}
}

// Export writes a queue into a file and tells of it, in the organization's ledgers and the platform's.
func (s *Service) Export(ctx context.Context, actor authz.Actor, d Desk, format event.QueueExportFormat, f Filter) (File, error) {
	as := event.OrgAdmin
	if d == OfPlatform {
		as = event.PlatformAdmin
	} else {
		f.Org = ""
	}
	if d == OfOrganization && actor.Org == "" {
		return File{}, d.check(actor, authz.GovernanceExport, "")
	}
	exported := func(act event.Act, rows int) event.OrgGovernanceQueueExported {
		return event.NewOrgGovernanceQueueExported(act, queueTarget(), format, d == OfPlatform, int64(rows))
	}
	if err := d.check(actor, authz.GovernanceExport, authz.PlatformGovernanceList); err != nil {
		if actor.Kind == authz.Token { // the event knows persons only
			return File{}, err
		}
		act := event.By(actor, as)
		if d == OfPlatform {
			act = act.OnPlatform()
		}
		return File{}, s.refused(ctx, actor, err, exported(act, 0).Denied(event.OrgGovernanceQueueExportedNotPermitted))
	}
	out := File{ID: id.New[id.Export](), Format: format}
	out.Name = "vaultpam-governance-" + string(out.ID) + "." + format.String()
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		var all []Action
		var err error
		if d == OfPlatform {
			all, err = s.readAll(ctx, tx, f, last, maxExport+1)
		} else {
			all, err = s.read(ctx, tx, actor.Org, f, last, maxExport+1)
		}
		if err != nil {
			return err
		}
		if len(all) > maxExport {
			return fault.New(fault.Invalid, "these are more than %d actions: export one state or kind at a time", maxExport)
		}
		if out.Body, err = encode(format, all); err != nil {
			return err
		}
		return s.tellExport(ctx, tx, actor, d, out, all, exported)
	})
	if err != nil {
		return File{}, fmt.Errorf("export the governance queue: %w", err)
	}
	return out, nil
}

func (s *Service) tellExport(ctx context.Context, tx *db.Tx, actor authz.Actor, d Desk, file File, all []Action, exported func(event.Act, int) event.OrgGovernanceQueueExported) error {
	as, sum := event.PlatformAdmin, event.SHA256(sha256.Sum256(file.Body))
	tell := func(act event.Act, rows int) error {
		_, err := s.d.Ledger.Record(ctx, tx, exported(act, rows).WithExportID(file.ID).WithFileSHA256(sum))
		return err
	}
	rows, order := rowsByOrg(all)
	if d == OfOrganization {
		as, order = event.OrgAdmin, []id.Org{actor.Org}
	}
	act := event.By(actor, as)
	if err := tell(act.OnPlatform(), len(all)); err != nil {
		return err
	}
	for _, org := range order {
		if err := tell(act.InOrg(org), rows[org]); err != nil {
			return err
		}
	}
	return nil
}

func encode(format event.QueueExportFormat, all []Action) ([]byte, error) {
	rows := make([]row, len(all))
	for i, a := range all {
		rows[i] = rowOf(a)
	}
	if format == event.QueueExportFormatJSON {
		b, err := json.MarshalIndent(struct {
			Items []row `json:"items"`
		}{rows}, "", "  ")
		return append(b, '\n'), err
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true // RFC 4180
	w.Write([]string{"id", "org_id", "org", "kind", "summary", "subject_id", "subject_name", "changes", "payload_digest", "state", "requested_by", "requester", "token_id",
		"created_at", "expires_at", "decided_by", "decider", "decided_at", "comment", "superseded_because", "effect_event"})
	for i, r := range rows {
		cells := []string{string(r.ID), string(r.Org), r.OrgSlug, r.Kind, r.Summary, r.Subject, r.SubjectName, strings.Join(all[i].lines(), "; "), r.Digest, string(r.State),
			string(r.RequestedBy), r.RequesterName, string(r.Token), r.CreatedAt, r.ExpiresAt, string(r.DecidedBy), r.DecidedByName, r.DecidedAt, r.Comment, r.Note, string(r.Effect)}
		for i := range cells {
			cells[i] = label.Inert(cells[i])
		}
		w.Write(cells)
	}
	w.Flush()
	return b.Bytes(), w.Error()
}
