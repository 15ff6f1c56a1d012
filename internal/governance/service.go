package governance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance/governancesql"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
)

// Life is how long an action waits.
const Life = 7 * 24 * time.Hour

const (
	maxOpen     = 200 // actions of one organization
	maxNotified = 20  // people who are told of one action
	maxComment  = 500
)

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Sealer encrypts at rest. It is called outside of transactions only.
type Sealer interface {
	Seal(ctx context.Context, org id.Org, context string, plain []byte) ([]byte, error)
	Open(ctx context.Context, org id.Org, context string, sealed []byte) ([]byte, error)
}

// Members knows who belongs to an organization; tenancy.Directory is one.
type Members interface {
	RoleIn(ctx context.Context, tx *db.Tx, org id.Org, user id.User) (authz.Role, error)
}

// Mail tells people.
type Mail interface {
	Prepare(ctx context.Context, org id.Org, m notify.Message) (notify.Prepared, error)
	Queue(ctx context.Context, tx *db.Tx, p notify.Prepared) error
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log     *slog.Logger
	DB      *db.DB
	Ledger  Ledger
	Seal    Sealer
	Members Members
	Mail    Mail
	// Always tells whether an organization has set that its sensitive changes always wait.
	Always func(ctx context.Context, tx *db.Tx, org id.Org) (bool, error)
	Now    func() time.Time // nil: time.Now
}

// Service keeps the queue. It is safe for concurrent use once every kind is registered.
// A nil Service asks nobody: every change is made at once.
type Service struct {
	d     Deps
	kinds map[string]Kind
}

// New checks the parts. It opens nothing; see Register and Run.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Seal == nil || d.Members == nil || d.Mail == nil {
		return nil, errors.New("governance: DB, Ledger, Seal, Members and Mail are needed")
	}
	if d.Always == nil {
		d.Always = func(context.Context, *db.Tx, id.Org) (bool, error) { return false, nil }
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d, kinds: map[string]Kind{}}, nil
}

// Register makes kinds of change known, before the first is asked for.
func (s *Service) Register(kinds ...Kind) {
	for _, k := range kinds {
		if _, twice := s.kinds[k.Name]; twice || k.ready == nil {
			panic("governance: kind " + k.Name + " is registered twice, or without an effect")
		}
		s.kinds[k.Name] = k
	}
}

func (s *Service) now() int64 { return db.Micros(s.d.Now()) }

// Demand is asked inside the transaction that makes a sensitive change, before it is made.
// nil: go on. An error ends the transaction: hand it to Queue when that is over. With a
// Permit the change is compared with the one that was agreed to.
func (s *Service) Demand(ctx context.Context, tx *db.Tx, actor authz.Actor, p Permit, c Change) error {
	if s == nil {
		return nil
	}
	if p.Given() {
		if p.kind != c.Kind || p.subject != c.Subject {
			return fmt.Errorf("governance: the permit of %s is for %s of %s, not for %s of %s", p.action, p.kind, p.subject, c.Kind, c.Subject)
		}
		if what := differing(p.fields, c.Fields); what != "" {
			return &stale{what}
		}
		return nil
	}
	if actor.Kind == authz.System {
		return nil // a consequence; whoever caused it was asked
	}
	if _, known := s.kinds[c.Kind]; !known {
		return fmt.Errorf("governance: the kind %s is not registered", c.Kind)
	}
	always, err := s.d.Always(ctx, tx, actor.Org)
	if err != nil {
		return err
	}
	if !always {
		others, err := s.deciders(ctx, tx, actor.Org, actor.User, actor.Issuer)
		if err != nil {
			return err
		}
		if len(others) == 0 {
			return nil
		}
	}
	return &needed{c}
}

// deciders are those who could decide an action of requester: owners and administrators
// with a second factor, but not who made the token by which it is asked for.
func (s *Service) deciders(ctx context.Context, tx *db.Tx, org id.Org, requester, issuer id.User) ([]governancesql.DecidersRow, error) {
	rows, err := governancesql.New(tx).Deciders(ctx, governancesql.DecidersParams{OrgID: string(org), RequesterID: string(requester), RequesterIssuer: string(issuer)})
	if err != nil {
		return nil, fmt.Errorf("list who decides: %w", err)
	}
	return rows, nil
}

// actionOf is a row as it stands at now: what is due has ended, whether the clock's round
// has come to it or not.
func (s *Service) actionOf(r governancesql.GovernanceAction) Action {
	a := Action{
		ID: id.Governance(r.ID), Org: id.Org(r.OrgID), Kind: r.Kind, Title: r.Kind, Subject: r.Subject, SubjectName: r.SubjectName, Summary: r.Summary, Fields: []Field{},
		Digest: r.PayloadDigest, State: State(r.State), RequestedBy: id.User(r.RequesterID), RequesterName: r.RequesterName, Token: id.Token(r.RequesterToken), Issuer: id.User(r.RequesterIssuer),
		CreatedAt: db.Time(r.CreatedAt), ExpiresAt: db.Time(r.ExpiresAt), DecidedBy: id.User(r.DecidedBy), DecidedByName: r.DecidedByName, Comment: r.Comment,
		Note: r.Note, Effect: id.Event(r.EffectEvent), sealed: r.Payload,
	}
	if k, ok := s.kinds[r.Kind]; ok {
		a.Title = k.Title
	}
	if r.DecidedAt != 0 {
		a.DecidedAt = db.Time(r.DecidedAt)
	}
	if a.State == Open && r.ExpiresAt <= s.now() {
		a.State, a.DecidedAt = Expired, a.ExpiresAt
	}
	if err := json.Unmarshal([]byte(r.Changes), &a.Fields); err != nil || a.Fields == nil {
		a.Fields = []Field{{Field: "unreadable"}} // written by us as a list of texts
	}
	return a
}

func (a Action) target() event.GovernanceRef { return event.GovernanceTarget(a.ID, a.Title) }

// requester is who asked, with the role that they have now.
func requester(r governancesql.GovernanceAction, role authz.Role, request id.Request, now time.Time) authz.Actor {
	a := authz.Actor{Kind: authz.Person, User: id.User(r.RequesterID), Name: r.RequesterName, Org: id.Org(r.OrgID), Role: role, Request: request, MFAAt: now,
		Source: authz.Source{UserAgent: r.RequesterAgent}}
	if ip, err := netip.ParseAddr(r.RequesterIp); err == nil {
		a.Source.IP = ip
	}
	if r.RequesterToken != "" {
		a.Kind, a.Token, a.Scopes, a.Issuer = authz.Token, id.Token(r.RequesterToken), strings.Fields(r.RequesterScopes), id.User(r.RequesterIssuer)
	}
	return a
}

// refused records a refusal and returns why.
func (s *Service) refused(ctx context.Context, actor authz.Actor, why error, ev event.Event) error {
	if actor.Kind == authz.Nobody {
		return why // turned away by the door; no act
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

func noAction(g id.Governance) error {
	return fault.New(fault.NotFound, "no governance action %.64q here", g)
}
