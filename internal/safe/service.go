package safe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe/safesql"
)

// Ledger records what happens to safes.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordAll(ctx context.Context, tx *db.Tx, evs []event.Event) ([]id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Resources knows the resources that safes lead to; resource.Service is one.
type Resources interface {
	// Hold keeps a resource from being deleted until tx ends, and gives its protocol.
	Hold(ctx context.Context, tx *db.Tx, org id.Org, r id.Resource) (protocol string, err error)
}

// Accounts knows the accounts that safes use; vault.Service is one.
type Accounts interface {
	// Hold keeps an account from being deleted until tx ends, and gives its resource.
	Hold(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (id.Resource, error)
}

// LiveSessions counts the sessions that an act will end.
type LiveSessions interface {
	OfMember(ctx context.Context, tx *db.Tx, org id.Org, s id.Safe, u id.User) (int, error)
	InSafe(ctx context.Context, tx *db.Tx, org id.Org, s id.Safe) (map[id.User]int, error)
	OfUser(ctx context.Context, tx *db.Tx, org id.Org, u id.User) (map[id.Safe]int, error)
}

// Judge decides what keeps an actor from opening safes that they have a role on;
// policy.Service is one.
type Judge interface {
	Blocked(ctx context.Context, tx *db.Tx, actor authz.Actor, entries []Entry) ([]Block, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	DB        *db.DB
	Ledger    Ledger
	Resources Resources
	Accounts  Accounts
	Live      LiveSessions     // nil: there are no sessions
	Ended     func()           // told when the clock took access away; nil: nobody waits
	Log       *slog.Logger     // nil: none
	Judge     Judge            // nil: nothing keeps who has a role
	Loans     Loans            // nil: nothing is lent
	Now       func() time.Time // nil: time.Now

	Governance *governance.Service // nil: nothing waits for a second person
}

// Service keeps the safes. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Resources == nil || d.Accounts == nil {
		return nil, errors.New("safe: DB, Ledger, Resources and Accounts are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Ended == nil {
		d.Ended = func() {}
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{d: d}, nil
}

// The codes of conflicts.
const (
	NameTaken       = "NAME_TAKEN"
	VersionConflict = "VERSION_CONFLICT"
	AlreadyMember   = "ALREADY_MEMBER"
	LastManager     = "LAST_MANAGER"
)

// CreateArgs describe a new safe.
type CreateArgs struct {
	Name        string
	Description string
	Resource    id.Resource
	Account     id.Account // on that resource
	Policy      *Policy    // nil: Default
}

// Create makes a safe without members.
func (s *Service) Create(ctx context.Context, actor authz.Actor, a CreateArgs) (Safe, error) {
	sf := a.safe(actor.Org)
	if err := sf.check(); err != nil {
		return Safe{}, err
	}
	if err := authz.Check(actor, authz.SafeCreate, authz.Object{Org: actor.Org}); err != nil {
		return Safe{}, s.refuse(ctx, actor, sf.attached(actor).Denied(event.PolicyAssignmentChangedNotPermitted), err)
	}
	var out Safe
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		out, _, err = s.create(ctx, tx, actor, governance.Permit{}, a)
		return err
	})
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return Safe{}, fmt.Errorf("create safe: %w", err)
	}
	return out, nil
}

func (a CreateArgs) safe(org id.Org) Safe {
	sf := Safe{
		ID: id.New[id.Safe](), Org: org, Name: a.Name, Description: a.Description, Policy: Default(), PolicyID: id.New[id.Policy](),
		Resource: ResourceRef{ID: a.Resource}, Account: AccountRef{ID: a.Account},
	}
	if a.Policy != nil {
		sf.Policy = *a.Policy
	}
	return sf
}

// attached tells of a new safe.
func (sf Safe) attached(actor authz.Actor) event.PolicyAssignmentChanged {
	return event.NewPolicyAssignmentChanged(event.By(actor, event.TenantAdmin), sf.policyTarget(), sf.ID, event.AssignmentChangeAttached,
		events(diffSafe(Safe{}, sf)), weakened(Default(), sf.Policy))
}

func (s *Service) create(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, a CreateArgs) (Safe, id.Event, error) {
	fail := func(err error) (Safe, id.Event, error) { return Safe{}, "", err }
	sf := a.safe(actor.Org)
	if err := authz.Check(actor, authz.SafeCreate, authz.Object{Org: actor.Org}); err != nil {
		return fail(err)
	}
	policy, err := encodePolicy(sf.Policy)
	if err != nil {
		return fail(fmt.Errorf("encode policy: %w", err))
	}
	if err := s.bind(ctx, tx, sf); err != nil {
		return fail(err)
	}
	err = safesql.New(tx).InsertSafe(ctx, safesql.InsertSafeParams{
		OrgID: string(sf.Org), ID: string(sf.ID), Name: sf.Name, Description: sf.Description, ResourceID: string(sf.Resource.ID),
		AccountID: string(sf.Account.ID), PolicyID: string(sf.PolicyID), Policy: policy, Now: db.Micros(s.d.Now()), CreatedBy: string(actor.User),
	})
	if err != nil {
		return fail(nameTaken(err, sf.Name))
	}
	if err := s.demand(ctx, tx, actor, p, Safe{}, sf, UpdateArgs{}); err != nil { // after what is unique: nobody asks for what cannot be
		return fail(err)
	}
	ev := sf.attached(actor)
	if p.Given() {
		ev = ev.WithGovernanceActionID(p.Action())
	}
	told, err := s.d.Ledger.Record(ctx, tx, ev)
	if err != nil {
		return fail(err)
	}
	out, _, err := s.find(ctx, tx, actor, sf.ID)
	return out, told, err
}

// bind keeps resource and account of a safe until tx ends, and checks that the one is on the other.
func (s *Service) bind(ctx context.Context, tx *db.Tx, sf Safe) error {
	if _, err := s.d.Resources.Hold(ctx, tx, sf.Org, sf.Resource.ID); err != nil {
		return onField(err, "resource_id")
	}
	on, err := s.d.Accounts.Hold(ctx, tx, sf.Org, sf.Account.ID)
	if err != nil {
		return onField(err, "account_id")
	}
	if on != sf.Resource.ID {
		return fault.New(fault.Invalid, "the account is on another resource than the safe's; choose an account on it").
			WithField("account_id", "must be an account on the safe's resource")
	}
	return s.named(ctx, tx, sf)
}

// inOrg refuses who is not active in an organization.
func inOrg(actor authz.Actor) error {
	if actor.Org != "" {
		return nil
	}
	if err := authz.Check(actor, authz.SafeList, authz.Object{}); err != nil {
		return err
	}
	return fault.New(fault.Invalid, "safes belong to an organization: choose one first")
}

// Get gives a safe and the actor's role on it.
func (s *Service) Get(ctx context.Context, actor authz.Actor, sid id.Safe) (Entry, error) {
	if err := inOrg(actor); err != nil {
		return Entry{}, err
	}
	var e Entry
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		sf, role, err := s.find(ctx, tx, actor, sid)
		if err != nil {
			return err
		}
		list := []Entry{{Safe: sf, Role: role}}
		if role == NoRole {
			lent, err := s.loans(ctx, tx, actor, sid)
			if err != nil {
				return err
			}
			list[0].Loan = lent[sid]
		}
		err = s.judge(ctx, tx, actor, list)
		e = list[0]
		return err
	})
	if err == nil {
		err = authz.Check(actor, authz.SafeView, e.object())
	}
	if err != nil {
		return Entry{}, err
	}
	return e, nil
}

// Resolve finds a safe by its name or its id, for whoever decides next whether
// the actor may use it. fault.NotFound when there is none.
func (s *Service) Resolve(ctx context.Context, org id.Org, nameOrID string) (id.Safe, error) {
	var found string
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		q := safesql.New(tx)
		if sid, e := id.Parse[id.Safe](nameOrID); e == nil {
			var row safesql.GetSafeRow
			row, err = q.GetSafe(ctx, safesql.GetSafeParams{OrgID: string(org), ID: string(sid)})
			found = row.ID
			return err
		}
		found, err = q.SafeIDByName(ctx, safesql.SafeIDByNameParams{OrgID: string(org), Name: nameOrID})
		return err
	})
	if db.NotFound(err) {
		return "", fault.New(fault.NotFound, "no safe named %.64q in this organization", nameOrID)
	}
	if err != nil {
		return "", fmt.Errorf("find safe: %w", err)
	}
	return id.Safe(found), nil
}

// Filter narrows a list.
type Filter struct {
	Mine bool   // only those that the actor may open: as a member, or because somebody lends them
	Text string // in the name, the description, the resource or the account; empty: any

	Name     string // exactly; empty: any
	Resource id.Resource
	Account  id.Account
}

// List gives, in the order of their names, the safes that the actor may see:
// all of them for who may see any, otherwise those that they are a member of or have lent.
func (s *Service) List(ctx context.Context, actor authz.Actor, f Filter, p page.Request) (page.List[Entry], error) {
	if err := authz.Check(actor, authz.SafeList, authz.Object{Org: actor.Org}); err != nil {
		return page.List[Entry]{}, err
	}
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Entry]{}, err
	}
	everything := !f.Mine && authz.May(actor, authz.SafeView, authz.Object{Org: actor.Org})
	var out []Entry
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := safesql.New(tx).ListSafes(ctx, safesql.ListSafesParams{
			OrgID: string(actor.Org), UserID: string(actor.User), After: after, Everything: everything, Read: read,
			Low: pattern(strings.ToLower(f.Text)), Typed: pattern(f.Text),
			Named: strings.ToLower(f.Name), ResourceID: string(f.Resource), AccountID: string(f.Account),
		})
		if err != nil {
			return fmt.Errorf("list safes: %w", err)
		}
		out = make([]Entry, 0, len(rows))
		for _, row := range rows {
			sf, role, err := fromRow(actor.Org, safesql.GetSafeRow(row))
			if err != nil {
				return err
			}
			out = append(out, Entry{Safe: sf, Role: role})
		}
		if out, err = s.withLent(ctx, tx, actor, out, f, after, int(read)); err != nil {
			return err
		}
		return s.judge(ctx, tx, actor, out)
	})
	if err != nil {
		return page.List[Entry]{}, err
	}
	return page.Cut(out, read, func(e Entry) string { return e.Name }), nil
}

// maxMine bounds the list that a person chooses from in a terminal.
const maxMine = 1000

// Mine gives the safes whose member the actor is in a role that may launch, or that they have lent, with
// what stands in the way at this moment.
func (s *Service) Mine(ctx context.Context, actor authz.Actor) ([]Entry, error) {
	var out []Entry
	for p := (page.Request{Limit: page.Max}); ; {
		l, err := s.List(ctx, actor, Filter{Mine: true}, p)
		if err != nil {
			return nil, err
		}
		for _, e := range l.Items {
			if authz.May(actor, authz.SessionLaunch, e.object()) {
				out = append(out, e)
			}
		}
		if p.Cursor = l.Next; p.Cursor == "" || len(out) >= maxMine {
			return out[:min(len(out), maxMine)], nil
		}
	}
}

// judge tells for each safe what the actor may do with it at this moment.
func (s *Service) judge(ctx context.Context, tx *db.Tx, actor authz.Actor, list []Entry) error {
	blocks := make([]Block, len(list))
	if s.d.Judge != nil && len(list) > 0 {
		var err error
		if blocks, err = s.d.Judge.Blocked(ctx, tx, actor, list); err != nil {
			return fmt.Errorf("decide what keeps somebody from safes: %w", err)
		}
	}
	for i := range list {
		e := &list[i]
		if !authz.May(actor, authz.SessionLaunch, e.object()) {
			continue
		}
		switch {
		case !e.Account.Enabled:
			e.BlockedBy = AccountDisabled
		case !e.Resource.Pinned:
			e.BlockedBy = HostKeyUnpinned
		default:
			e.BlockedBy = blocks[i]
		}
		e.CanLaunch = e.BlockedBy == NotBlocked
	}
	return nil
}

// object is the safe as the actor stands to it: who has it lent is as its user.
func (e Entry) object() authz.Object {
	role := e.Role
	if role == NoRole && e.Loan != nil {
		role = User
	}
	return authz.Object{ID: string(e.ID), Org: e.Org, SafeRole: role}
}

// find reads a safe and the actor's role on it.
func (s *Service) find(ctx context.Context, tx *db.Tx, actor authz.Actor, sid id.Safe) (Safe, Role, error) {
	row, err := safesql.New(tx).GetSafe(ctx, safesql.GetSafeParams{OrgID: string(actor.Org), ID: string(sid), UserID: string(actor.User)})
	if db.NotFound(err) {
		return Safe{}, NoRole, notFound(sid)
	}
	if err != nil {
		return Safe{}, NoRole, fmt.Errorf("read safe: %w", err)
	}
	sf, role, err := fromRow(actor.Org, row)
	if err != nil {
		return Safe{}, NoRole, err
	}
	role, err = s.current(ctx, tx, actor.Org, place{sid, actor.User}, role, row.RoleEnds)
	return sf, role, err
}

func fromRow(org id.Org, row safesql.GetSafeRow) (Safe, Role, error) {
	p, err := decodePolicy(row.Policy)
	if err != nil {
		return Safe{}, NoRole, fmt.Errorf("safe %s: %w", row.ID, err)
	}
	return Safe{
		ID: id.Safe(row.ID), Org: org, Name: row.Name, Description: row.Description, PolicyID: id.Policy(row.PolicyID), Policy: p,
		Version: row.Version, CreatedAt: db.Time(row.CreatedAt), UpdatedAt: db.Time(row.UpdatedAt),
		Resource: ResourceRef{ID: id.Resource(row.ResourceID), Name: row.ResourceName, Protocol: row.Protocol, Host: row.Host, Port: int(row.Port), Pinned: row.Pinned, Labels: labels(row.Labels)},
		Account:  AccountRef{ID: id.Account(row.AccountID), Name: row.AccountName, Username: row.Username, Enabled: row.AccountState == "enabled"},
	}, Role(row.Role), nil
}

// check finds what is wrong with the safe's own values.
func (sf Safe) check() error {
	f := fault.New(fault.Invalid, "the safe is not valid: see the fields that are named")
	if wrong := label.Slug(sf.Name); wrong != "" {
		f.WithField("name", "%s", wrong)
	}
	if wrong := label.Note(sf.Description); wrong != "" {
		f.WithField("description", "%s", wrong)
	}
	if err := sf.Policy.Validate("policy."); err != nil {
		f.Fields = append(f.Fields, fault.As(err).Fields...)
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

func (sf Safe) policyTarget() event.PolicyRef { return event.PolicyTarget(sf.PolicyID, sf.Name) }

// refuse records a refusal by authz and returns its cause; what cannot be
// recorded is refused all the same, with the error of recording. Other errors,
// and refusals of nobody in particular, leave no event.
func (s *Service) refuse(ctx context.Context, actor authz.Actor, ev event.Event, cause error) error {
	if !fault.Is(cause, fault.Denied) || actor.Org == "" {
		return cause
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return cause
}

func notFound(sid id.Safe) error {
	return fault.New(fault.NotFound, "no safe with the id %.64q in this organization", sid)
}

func changedMeanwhile() error {
	return fault.New(fault.Conflict, "the safe was changed by somebody else meanwhile; look at it again, then change it").WithCode(VersionConflict)
}

func nameTaken(err error, name string) error {
	if db.Unique(err) {
		return fault.New(fault.Conflict, "safe %q exists already; choose another name", name).WithCode(NameTaken).WithField("name", "is taken").Because(err)
	}
	return err
}

// onField turns a missing referred object into a wrong value of the field that named it.
func onField(err error, field string) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Invalid, "%s", fault.MessageOf(err)).WithField(field, "must be of this organization").Because(err)
	}
	return err
}

// OnResource names the safes that lead to a resource: they need it.
func OnResource(ctx context.Context, tx *db.Tx, org id.Org, r id.Resource) ([]string, error) {
	names, err := safesql.New(tx).SafesOnResource(ctx, safesql.SafesOnResourceParams{OrgID: string(org), ResourceID: string(r)})
	return quoted(names), err
}

// OnAccount names the safes that use an account: they need it.
func OnAccount(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) ([]string, error) {
	names, err := safesql.New(tx).SafesOnAccount(ctx, safesql.SafesOnAccountParams{OrgID: string(org), AccountID: string(a)})
	return quoted(names), err
}

func quoted(names []string) []string {
	for i, n := range names {
		names[i] = fmt.Sprintf("safe %q", n)
	}
	return names
}

// labels reads the labels of a resource as the store keeps them.
func labels(s string) []string {
	var out []string
	if json.Unmarshal([]byte(s), &out) != nil {
		return nil
	}
	return out
}

// Meant is the id of the safe that somebody means by its id or, without one, by its
// name. An id that is none and a name that no safe has give an empty id, to which
// nobody has access.
func Meant(ctx context.Context, tx *db.Tx, given id.Safe, name string) (id.Safe, error) {
	if given != "" {
		sid, err := id.Parse[id.Safe](string(given))
		if err != nil {
			return "", nil
		}
		return sid, nil
	}
	found, err := safesql.New(tx).SafeNamed(ctx, safesql.SafeNamedParams{OrgID: string(tx.Org()), Name: name})
	if db.NotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find the safe named %q: %w", name, err)
	}
	return id.Safe(found), nil
}
