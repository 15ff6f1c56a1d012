package governance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance/governancesql"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// envelope is what is sealed. The salt keeps the digest in the event from telling a short payload.
type envelope struct {
	Salt    string          `json:"salt"`
	Payload json.RawMessage `json:"payload"`
}

func sealContext(g id.Governance) string { return "governance-payload/" + string(g) }

// Queue files the change that Demand held back, and answers with *Waiting. Any other error,
// and nil, it returns as it is. Call it when the transaction is over.
func (s *Service) Queue(ctx context.Context, actor authz.Actor, err error) error {
	var n *needed
	if s == nil || !errors.As(err, &n) {
		return err
	}
	a, err := s.file(ctx, actor, n.Change)
	if err != nil {
		return err
	}
	return &Waiting{a}
}

func (s *Service) file(ctx context.Context, actor authz.Actor, c Change) (Action, error) {
	g := id.New[id.Governance]()
	now := s.d.Now().UTC().Truncate(time.Microsecond)
	payload, err := json.Marshal(c.Payload)
	if err != nil {
		return Action{}, fmt.Errorf("encode a governance payload: %w", err)
	}
	plain, err := json.Marshal(envelope{secret.Token(16).RevealString(), payload})
	if err != nil {
		return Action{}, fmt.Errorf("encode a governance payload: %w", err)
	}
	digest := sha256.Sum256(plain)
	sealed, err := s.d.Seal.Seal(ctx, actor.Org, sealContext(g), plain)
	if err != nil {
		return Action{}, fmt.Errorf("seal a governance payload: %w", err)
	}
	changes, err := json.Marshal(c.Fields)
	if err != nil {
		return Action{}, fmt.Errorf("encode changes: %w", err)
	}
	row := governancesql.GovernanceAction{
		OrgID: string(actor.Org), ID: string(g), Kind: c.Kind, Subject: c.Subject, SubjectName: c.Name, Summary: c.Summary, Changes: string(changes), Payload: sealed,
		PayloadDigest: hex.EncodeToString(digest[:]), State: string(Open), RequesterID: string(actor.User), RequesterName: actor.Name, RequesterToken: string(actor.Token),
		RequesterScopes: strings.Join(actor.Scopes, " "), RequesterIssuer: string(actor.Issuer), RequesterAgent: actor.Source.UserAgent, CreatedAt: db.Micros(now), ExpiresAt: db.Micros(now.Add(Life)),
	}
	if actor.Source.IP.IsValid() {
		row.RequesterIp = actor.Source.IP.Unmap().String()
	}
	a := s.actionOf(row)
	letters, err := s.lettersToDeciders(ctx, a)
	if err != nil {
		return Action{}, err
	}
	ev := event.NewOrgGovernanceActionRequested(event.By(actor, event.TenantAdmin), a.target(), a.Kind, a.Summary, event.SHA256(digest)).WithExpiresAt(a.ExpiresAt)
	var open Action
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		if open, err = s.insert(ctx, tx, row); err != nil {
			return err
		}
		for _, l := range letters {
			if err := s.d.Mail.Queue(ctx, tx, l); err != nil {
				return err
			}
		}
		_, err := s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if errors.Is(err, errDuplicate) {
		f := fault.New(fault.Conflict, "%s asked for this already: %s waits for a second person until %s", open.RequesterName, open.ID, open.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC")).WithCode(Duplicate)
		return Action{}, s.refused(ctx, actor, f, ev.Denied(event.OrgGovernanceActionRequestedDuplicateOpenAction))
	}
	if err != nil {
		return Action{}, fmt.Errorf("file a governance action: %w", err)
	}
	return a, nil
}

var errDuplicate = errors.New("an action for this is open")

// insert stores a new action; with errDuplicate it gives the open one that is in its way.
func (s *Service) insert(ctx context.Context, tx *db.Tx, r governancesql.GovernanceAction) (open Action, err error) {
	q := governancesql.New(tx)
	was, err := q.OpenFor(ctx, governancesql.OpenForParams{OrgID: r.OrgID, Kind: r.Kind, Subject: r.Subject})
	switch {
	case err == nil && was.ExpiresAt > s.now():
		return s.actionOf(was), errDuplicate
	case err == nil: // the clock's turn has come, and we are first
		if err := s.expire(ctx, tx, was); err != nil {
			return Action{}, err
		}
	case !db.NotFound(err):
		return Action{}, fmt.Errorf("look for an open action: %w", err)
	}
	n, err := q.CountOpen(ctx, r.OrgID)
	if err != nil {
		return Action{}, fmt.Errorf("count open actions: %w", err)
	}
	if n >= maxOpen {
		return Action{}, fault.New(fault.Conflict, "%d changes of this organization wait for a second person: decide some first", n).WithCode(TooMany)
	}
	n, err = q.InsertAction(ctx, governancesql.InsertActionParams{
		OrgID: r.OrgID, ID: r.ID, Kind: r.Kind, Subject: r.Subject, SubjectName: r.SubjectName, Summary: r.Summary, Changes: r.Changes, Payload: r.Payload,
		PayloadDigest: r.PayloadDigest, RequesterID: r.RequesterID, RequesterName: r.RequesterName, RequesterToken: r.RequesterToken, RequesterScopes: r.RequesterScopes,
		RequesterIssuer: r.RequesterIssuer, RequesterIp: r.RequesterIp, RequesterAgent: r.RequesterAgent, Now: r.CreatedAt, ExpiresAt: r.ExpiresAt})
	if err != nil {
		return Action{}, fmt.Errorf("store an action: %w", err)
	}
	if n == 0 { // somebody was faster
		if was, err = q.OpenFor(ctx, governancesql.OpenForParams{OrgID: r.OrgID, Kind: r.Kind, Subject: r.Subject}); err != nil {
			return Action{}, fmt.Errorf("look for an open action: %w", err)
		}
		return s.actionOf(was), errDuplicate
	}
	return Action{}, nil
}

// lettersToDeciders tells those who can decide that an action waits for them.
func (s *Service) lettersToDeciders(ctx context.Context, a Action) ([]notify.Prepared, error) {
	var who []governancesql.DecidersRow
	var name string
	err := s.d.DB.ReadOrg(ctx, a.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		if who, err = s.deciders(ctx, tx, a.Org, a.RequestedBy, a.Issuer); err != nil {
			return err
		}
		name, err = governancesql.New(tx).OrgName(ctx, string(a.Org))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list who decides: %w", err)
	}
	out := make([]notify.Prepared, 0, len(who))
	for _, p := range who[:min(len(who), maxNotified)] {
		l, err := s.d.Mail.Prepare(ctx, a.Org, notify.Message{To: notify.Recipient{Email: p.Email, Name: p.Name}, Expires: a.ExpiresAt, Data: notify.GovernanceWaiting{
			Requester: a.RequesterName, Organization: name, Summary: a.Summary, Changes: a.lines(), Path: "/organization/governance/" + string(a.ID), ExpiresAt: a.ExpiresAt}})
		if err != nil {
			return nil, fmt.Errorf("write to those who decide: %w", err)
		}
		out = append(out, l)
	}
	return out, nil
}

// lines are the fields for people.
func (a Action) lines() []string {
	out := make([]string, len(a.Fields))
	for i, f := range a.Fields {
		out[i] = fmt.Sprintf("%s: %s -> %s", f.Field, shown(f.From), shown(f.To))
	}
	return out
}
