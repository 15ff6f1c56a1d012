package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy/policysql"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// Ledger records what happens to policies.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Safes answers what a person or a group is to a safe, and its settings; safe.Service is one.
type Safes interface {
	Access(ctx context.Context, tx *db.Tx, org id.Org, user id.User, s id.Safe) (safe.Access, error)
	WaysTo(ctx context.Context, tx *db.Tx, user id.User, s id.Safe) ([]safe.Way, error)
	BoundRole(ctx context.Context, tx *db.Tx, s id.Safe, group id.Group) (authz.SafeRole, error)
}

// Grants knows the access requests of a person that were approved and are not over:
// for one safe, or (empty) for any.
type Grants interface {
	GrantsOf(ctx context.Context, tx *db.Tx, org id.Org, user id.User, s id.Safe) ([]SafeGrant, error)
	// OpenedFor are the people who have one for a safe.
	OpenedFor(ctx context.Context, tx *db.Tx, s id.Safe) ([]id.User, error)
}

// SafeGrant is a grant and the safe that it is for.
type SafeGrant struct {
	Safe id.Safe
	Grant
}

// Deps are the parts that a Service is made of.
type Deps struct {
	DB     *db.DB
	Ledger Ledger
	Safes  Safes
	Grants Grants           // nil: no request is ever approved
	Now    func() time.Time // nil: time.Now
}

// Service keeps the policies of organizations and answers for them. It is safe for
// concurrent use.
type Service struct {
	d    Deps
	mu   sync.RWMutex
	sets map[id.Org]*Set
}

// New checks the parts.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Safes == nil {
		return nil, errors.New("policy: DB, Ledger and Safes are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d, sets: map[id.Org]*Set{}}, nil
}

// maxSets bounds the compiled sets that are kept.
const maxSets = 2000

// set is the organization's policies at a version of them, compiled once.
func (s *Service) set(ctx context.Context, tx *db.Tx, org id.Org, version int64) (*Set, error) {
	s.mu.RLock()
	have := s.sets[org]
	s.mu.RUnlock()
	if have != nil && have.Version == version {
		return have, nil
	}
	list, err := s.sources(ctx, tx, org)
	if err != nil {
		return nil, err
	}
	made := Compile(version, list)
	s.mu.Lock()
	if len(s.sets) >= maxSets {
		clear(s.sets)
	}
	s.sets[org] = made
	s.mu.Unlock()
	return made, nil
}

// sources reads all policies of an organization. What is read may be newer than
// the version that the caller knows, never older.
func (s *Service) sources(ctx context.Context, tx *db.Tx, org id.Org) ([]Source, error) {
	q := policysql.New(tx)
	rows, err := q.AllPolicies(ctx, string(org))
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	assigned, err := q.AllAssignments(ctx, string(org))
	if err != nil {
		return nil, fmt.Errorf("read assignments of policies: %w", err)
	}
	of := map[string][]id.Safe{}
	for _, a := range assigned {
		of[a.PolicyID] = append(of[a.PolicyID], id.Safe(a.SafeID))
	}
	out := make([]Source, len(rows))
	for i, r := range rows {
		out[i] = Source{ID: id.Policy(r.ID), Name: r.Name, Text: r.Text, Version: r.Version, Priority: r.Priority, Enabled: r.Enabled, Everywhere: r.Everywhere, Safes: of[r.ID]}
	}
	return out, nil
}

// SetVersion is the number of the organization's policies as they are now; 0 when there was never one.
func (s *Service) SetVersion(ctx context.Context, tx *db.Tx, org id.Org) (int64, error) {
	v, err := policysql.New(tx).SetVersion(ctx, string(org))
	if db.NotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the policies: %w", err)
	}
	return v, nil
}

// Asker is who wants to open a safe, or is in it.
type Asker struct {
	Actor  authz.Actor
	At     time.Time
	MFAFor time.Time // the moment at which the second factor must be fresh; zero: At
	Ticket string
	Live   bool // a session runs: its second factor was asked at the launch
	Use    Use  // what they want of it; zero: a session
}

// Verdict is the answer to an asker, with what it was decided upon.
type Verdict struct {
	Access   safe.Access // as it was read; its Policy is the safe's settings, not the session's
	Question Question
	Decision Decision
	Set      *Set
}

// Ask decides from the rows as they are. fault.NotFound when the safe is gone.
func (s *Service) Ask(ctx context.Context, tx *db.Tx, a Asker, sid id.Safe) (Verdict, error) {
	v, err := s.question(ctx, tx, a, sid)
	if err != nil {
		return Verdict{}, err
	}
	grants, err := s.grants(ctx, tx, tx.Org(), a.Actor.User, sid)
	if err != nil {
		return Verdict{}, err
	}
	if v.Question.Moment.Grants, err = s.held(ctx, tx, a, sid, v.Access.Role, grants[sid]); err != nil {
		return Verdict{}, err
	}
	v.Decision = v.Set.Decide(&v.Question)
	return v, nil
}

// held leaves out what is lent to who has a role of their own, and what a lender could
// not open themselves at this moment, from this place.
func (s *Service) held(ctx context.Context, tx *db.Tx, a Asker, sid id.Safe, role authz.SafeRole, grants []Grant) ([]Grant, error) {
	var out []Grant
	lent := false
	for _, g := range grants {
		if !g.covers(a.Use) {
			continue
		}
		if g.Delegation == "" {
			out = append(out, g)
			continue
		}
		holds := role == authz.NoSafeRole
		for i, lender := range g.Lenders {
			if !holds {
				break
			}
			v, err := s.question(ctx, tx, Asker{Actor: authz.Actor{Kind: authz.Person, User: lender, Org: tx.Org(), Source: a.Actor.Source}, At: a.At, Ticket: a.Ticket, Live: true}, sid)
			if err != nil {
				return nil, err
			}
			if i < len(g.Lenders)-1 {
				v.Question.Moment.Grants = []Grant{{Until: g.Until}}
			}
			holds = v.Set.Decide(&v.Question).Outcome != Denied
		}
		if holds {
			out, lent = append(out, g), true
		}
	}
	return slices.DeleteFunc(out, func(g Grant) bool { return g.NeedsLoan && !lent }), nil
}

// Shut tells whether somebody has lost a safe, as Set.Shut says; lent when they have it
// from another. Somebody unknown, and a safe that is gone, are shut.
func (s *Service) Shut(ctx context.Context, tx *db.Tx, user id.User, sid id.Safe, lent bool) (bool, error) {
	now := s.d.Now()
	v, err := s.question(ctx, tx, Asker{Actor: authz.Actor{Kind: authz.Person, User: user, Org: tx.Org()}, At: now, Live: true}, sid)
	if fault.Is(err, fault.NotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if lent {
		v.Question.Moment.Grants = []Grant{{Until: now.Add(time.Hour)}}
	}
	return v.Set.Shut(&v.Question), nil
}

// question reads all that a decision depends on, but for what was granted.
func (s *Service) question(ctx context.Context, tx *db.Tx, a Asker, sid id.Safe) (Verdict, error) {
	org := tx.Org()
	acc, err := s.d.Safes.Access(ctx, tx, org, a.Actor.User, sid)
	if err != nil {
		return Verdict{}, err
	}
	row, err := policysql.New(tx).Facts(ctx, policysql.FactsParams{OrgID: string(org), SafeID: string(sid), UserID: string(a.Actor.User)})
	if err != nil {
		return Verdict{}, fmt.Errorf("read what policies look at: %w", err)
	}
	if row.PersonState != "active" {
		row.Role = "" // suspended: as if in no organization
	}
	v := Verdict{Access: acc, Question: Question{Org: org,
		Who: person(a.Actor, row.Handle, row.Email, authz.Role(row.Role)),
		Safe: Target{ID: sid, Name: acc.SafeName, Role: acc.Role, Type: row.Protocol, ResourceName: row.ResourceName, Host: row.Host, Labels: labelList(row.Labels),
			AccountEnabled: acc.AccountEnabled, Settings: acc.Policy, Version: acc.Version},
		Moment: a.moment(), Use: a.Use}}
	if v.Question.Who.Groups, err = group.Of(ctx, tx, org, a.Actor.User); err != nil {
		return Verdict{}, err
	}
	if v.Set, err = s.set(ctx, tx, org, row.SetVersion); err != nil {
		return Verdict{}, err
	}
	return v, nil
}

func person(a authz.Actor, handle, email string, role authz.Role) Person {
	return Person{ID: a.User, Handle: handle, Email: email, Role: role, Token: a.Kind == authz.Token, Scopes: a.Scopes}
}

func (a Asker) moment() Moment {
	m := Moment{At: a.At, Source: a.Actor.Source.IP, Ticket: a.Ticket}
	for_ := a.MFAFor
	if for_.IsZero() {
		for_ = a.At
	}
	switch {
	case a.Live:
	case a.Actor.Kind == authz.Token:
		m.MFAAge = NeverProved // a token proves no second factor, whatever its owner did
	default:
		m.MFAAge = MFAAge(a.Actor.MFAAt, for_)
	}
	return m
}

func (s *Service) grants(ctx context.Context, tx *db.Tx, org id.Org, user id.User, sid id.Safe) (map[id.Safe][]Grant, error) {
	if s.d.Grants == nil {
		return nil, nil
	}
	list, err := s.d.Grants.GrantsOf(ctx, tx, org, user, sid)
	if err != nil {
		return nil, fmt.Errorf("read the approved requests of %s: %w", user, err)
	}
	out := map[id.Safe][]Grant{}
	for _, g := range list {
		out[g.Safe] = append(out[g.Safe], g.Grant)
	}
	return out, nil
}

// labelList reads the labels of a resource, as the store keeps them. What cannot be
// read is no label; a policy that allows by one does not match then.
func labelList(s string) []string {
	var out []string
	if json.Unmarshal([]byte(s), &out) != nil {
		return nil
	}
	return out
}

// Blocked tells for each safe what keeps the actor from opening it now, in one pass
// over the policies.
func (s *Service) Blocked(ctx context.Context, tx *db.Tx, actor authz.Actor, entries []safe.Entry) ([]safe.Block, error) {
	org := tx.Org()
	version, err := s.SetVersion(ctx, tx, org)
	if err != nil {
		return nil, err
	}
	set, err := s.set(ctx, tx, org, version)
	if err != nil {
		return nil, err
	}
	groups, err := group.Of(ctx, tx, org, actor.User)
	if err != nil {
		return nil, err
	}
	grants, err := s.grants(ctx, tx, org, actor.User, "")
	if err != nil {
		return nil, err
	}
	asker := Asker{Actor: actor, At: s.d.Now()}
	out := make([]safe.Block, len(entries))
	for i, e := range entries {
		q := Question{Org: org, Who: person(actor, actor.Name, actor.Email, actor.Role), Moment: asker.moment(), Safe: Target{ID: e.ID, Name: e.Name, Role: e.Role,
			Type: e.Resource.Protocol, ResourceName: e.Resource.Name, Host: e.Resource.Host, Labels: e.Resource.Labels, AccountEnabled: e.Account.Enabled, Settings: e.Policy}}
		q.Who.Groups = groups
		if q.Moment.Grants, err = s.held(ctx, tx, asker, e.ID, e.Role, grants[e.ID]); err != nil {
			return nil, err
		}
		d := set.Decide(&q)
		out[i] = d.Block()
	}
	return out, nil
}

// Block is the decision in the words of safes; NotBlocked when it lets in.
func (d *Decision) Block() safe.Block {
	switch d.Why {
	case NotRefused:
		return safe.NotBlocked
	case OutsideHours:
		return safe.OutsideValidHours
	case WrongSource:
		return safe.SourceNotAllowed
	case MFARequired:
		return safe.MFARequired
	case AccountDisabled:
		return safe.AccountDisabled
	case NoApproval:
		return safe.ApprovalRequired
	}
	return safe.PolicyDenied
}

// Err is what package authz says when the rights of roles refuse; otherwise nil.
func (d *Decision) Err() error { return d.err }

// Remember keeps what a launch was decided upon, in the transaction of its event.
func (s *Service) Remember(ctx context.Context, tx *db.Tx, told id.Event, v Verdict) error {
	question, err := json.Marshal(v.Question)
	if err != nil {
		return fmt.Errorf("encode the question of a launch: %w", err)
	}
	settings, err := safe.EncodePolicy(v.Question.Safe.Settings)
	if err != nil {
		return fmt.Errorf("encode the settings of a safe: %w", err)
	}
	err = policysql.New(tx).InsertDecision(ctx, policysql.InsertDecisionParams{
		OrgID: string(tx.Org()), EventID: string(told), At: db.Micros(v.Question.Moment.At), UserID: string(v.Question.Who.ID), SafeID: string(v.Question.Safe.ID),
		Outcome: string(v.Decision.Outcome), Why: string(v.Decision.Why), PolicyID: string(v.Decision.By), Question: string(question), Settings: settings,
	})
	if err != nil {
		return fmt.Errorf("keep the decision of a launch: %w", err)
	}
	return nil
}

// KeepDecisions is how long launches can be decided again.
const KeepDecisions = 90 * 24 * time.Hour

// Forget deletes decisions that are older than that, in every organization.
func (s *Service) Forget(ctx context.Context) error {
	return s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := policysql.New(tx).PurgeDecisions(ctx, db.Micros(s.d.Now().Add(-KeepDecisions)))
		return err
	})
}
