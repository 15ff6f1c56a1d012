package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/access/accesssql"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// State is how far a request has come.
type State string

// The states; all but the first are ends.
const (
	Open      State = "open"
	Approved  State = "approved"
	Rejected  State = "rejected"
	Withdrawn State = "withdrawn"
	Expired   State = "expired"
	Closed    State = "closed" // its person or its safe is gone
)

// Kind is who opens the access that a request asks for.
type Kind string

// The kinds.
const (
	ByApproval  Kind = "approval"
	ByRule      Kind = "rule"      // a rule of the safe approved it
	ByEmergency Kind = "emergency" // nobody was asked
)

// Uses is what a request asks for, and its grant opens.
type Uses string

// The uses.
const (
	ForSession  Uses = "session"
	ForCheckout Uses = "checkout" // the credential is shown
	ForBoth     Uses = "both"
)

// Checkout tells whether a credential may be checked out among the uses.
func (u Uses) Checkout() bool { return u != ForSession }

// RequestArgs ask for access.
type RequestArgs struct {
	Safe     id.Safe
	Uses     Uses // empty: ForSession
	Reason   string
	Ticket   string
	Duration time.Duration // whole seconds; 0: as long as the safe allows, at most an hour
	StartsAt time.Time     // zero: when it is approved
}

const defaultDuration = time.Hour

// Request asks for access to a safe.
func (s *Service) Request(ctx context.Context, actor authz.Actor, a RequestArgs) (Request, error) {
	if err := inOrg(actor); err != nil {
		return Request{}, err
	}
	if err := errorsOf(checkText("reason", a.Reason, true), checkText("ticket", a.Ticket, false)); err != nil {
		return Request{}, err
	}
	switch a.Uses {
	case "":
		a.Uses = ForSession
	case ForSession, ForCheckout, ForBoth:
	default:
		return Request{}, fault.New(fault.Invalid, "%.40q is not what a request can be for", string(a.Uses)).WithField("uses", "must be %q, %q or %q", ForSession, ForCheckout, ForBoth)
	}
	f, err := s.ask(ctx, actor, a)
	if err != nil {
		return Request{}, err
	}
	s.askTicket(ctx, actor.Org, f)
	letters := s.prepare(ctx, actor.Org, f.letters())
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		if err := s.stillByRule(ctx, tx, actor, f); err != nil {
			return err
		}
		return s.file(ctx, tx, actor, f, letters)
	})
	if errors.Is(err, errMeanwhile) {
		return Request{}, s.refuse(ctx, actor, f.event(actor).Denied(event.UserAccessRequestCreatedNotEligible), errMeanwhile)
	}
	if db.Unique(err) {
		return Request{}, s.refuse(ctx, actor, f.event(actor).Denied(event.UserAccessRequestCreatedDuplicateOpenRequest), errDuplicate)
	}
	if err != nil {
		return Request{}, fmt.Errorf("file an access request: %w", err)
	}
	return s.Get(ctx, actor, f.id)
}

var errDuplicate = fault.New(fault.Conflict, "you have asked for this safe already, and nobody has decided yet: withdraw that request first, or wait").WithCode(CodeDuplicate)

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// filing is a request before it is stored.
type filing struct {
	RequestArgs
	id        id.AccessReq
	need      Need
	facts     accesssql.SafeFactsRow
	from      time.Time
	now       time.Time
	eligible  bool     // may ask at all
	member    bool     // of the safe, or has it lent
	reveals   bool     // their role holds what they ask for
	rule      id.Group // whose members are approved at once; empty: none
	ticket    bool     // it is approved at once, because its ticket is open
	ruleNote  string   // why it is not, where that would be
	approvers []Person
	links     map[id.User]secret.Secret // of the approvers
	enter     secret.Secret             // of the channels where people read
	requester Person
}

func (f *filing) event(actor authz.Actor) event.UserAccessRequestCreated {
	mode := event.ApprovalModeSingle
	if f.need.Approvals > 1 {
		mode = event.ApprovalModeFourEyes
	}
	ev := event.NewUserAccessRequestCreated(event.By(actor, event.User), event.SafeTarget(f.Safe, f.facts.Name), f.id, mode, max(1, f.need.Approvals), f.from, f.from.Add(f.Duration)).
		WithJustification(f.Reason)
	if f.Ticket != "" {
		ev = ev.WithTicketRef(f.Ticket)
	}
	return ev
}

// until is when a request lapses that nobody decides.
func (f *filing) until() time.Time {
	end := f.now.Add(f.need.Access.Policy.Approval.Wait)
	if last := f.StartsAt.Add(f.Duration); !f.StartsAt.IsZero() && last.Before(end) {
		end = last
	}
	return end
}

// byRule tells whether a rule of the safe approves it.
func (f *filing) byRule() bool { return f.rule != "" || f.ticket }

func (f *filing) letters() []letter {
	if f.byRule() {
		return nil
	}
	f.links, f.enter = map[id.User]secret.Secret{}, linkToken.New()
	out := make([]letter, len(f.approvers))
	for i, p := range f.approvers {
		f.links[p.ID] = linkToken.New()
		out[i] = letter{p, notify.AccessWaiting{Requester: f.requester.Handle, Email: f.requester.Email, Safe: f.facts.Name, Resource: f.facts.ResourceName, Reason: f.Reason, Ticket: f.Ticket, Rule: f.ruleNote,
			For: short(f.Duration), Uses: string(f.Uses), Needed: f.need.Approvals, Request: string(f.id), Link: f.links[p.ID], Enter: f.enter, ExpiresAt: f.until()}, f.until()}
	}
	return out
}

// short is a duration without its zero parts.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// ask finds out what a request needs, and whether it may be made. A refusal has its event.
func (s *Service) ask(ctx context.Context, actor authz.Actor, a RequestArgs) (*filing, error) {
	f, unknown, err := s.look(ctx, actor, a)
	if err != nil {
		return nil, err
	}
	return f, s.mayAsk(ctx, actor, f, f.eligible, unknown)
}

// look finds out what opening a safe would need. unknown is what somebody is told who
// may not know that there is such a safe.
func (s *Service) look(ctx context.Context, actor authz.Actor, a RequestArgs) (_ *filing, unknown, err error) {
	f := &filing{RequestArgs: a, id: id.New[id.AccessReq](), now: s.d.Now()}
	if f.from = a.StartsAt; f.from.Before(f.now) {
		f.from, f.StartsAt = f.now, time.Time{}
	}
	unknown = unknownSafe(a.Safe)
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error { return s.lookIn(ctx, tx, actor, f) })
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil, nil, unknown
		}
		return nil, nil, fmt.Errorf("look at the safe that is asked for: %w", err)
	}
	return f, unknown, nil
}

func unknownSafe(sid id.Safe) error {
	return fault.New(fault.NotFound, "there is no safe %.64q that you may ask for", sid)
}

func (s *Service) lookIn(ctx context.Context, tx *db.Tx, actor authz.Actor, f *filing) (err error) {
	a := f.RequestArgs
	q := accesssql.New(tx)
	f.facts, err = q.SafeFacts(ctx, accesssql.SafeFactsParams{OrgID: string(actor.Org), ID: string(a.Safe)})
	if db.NotFound(err) || err == nil && f.facts.DeletedAt != 0 {
		return unknownSafe(a.Safe)
	}
	if err != nil {
		return err
	}
	if f.need, err = s.d.Needs.Need(ctx, tx, actor, a.Safe, a.Uses, f.from); fault.Is(err, fault.NotFound) {
		return unknownSafe(a.Safe)
	} else if err != nil {
		return err
	}
	me, err := q.ActiveMember(ctx, accesssql.ActiveMemberParams{OrgID: string(actor.Org), UserID: string(actor.User)})
	if err != nil {
		return err
	}
	f.requester = Person{id.User(me.ID), me.Handle, me.Name, me.Email}
	policy := f.need.Access.Policy.Approval
	lent, err := s.Lent(ctx, tx, actor.Org, actor.User, a.Safe)
	if err != nil {
		return err
	}
	f.reveals = !a.Uses.Checkout() || f.need.Access.Role.Rank() >= safe.Checkout.Rank()
	f.member = f.need.Access.Role != safe.NoRole || len(lent) > 0 && a.Uses == ForSession
	if f.eligible = f.member; f.eligible && !f.reveals {
		f.need.Approvals = max(1, f.need.Approvals) // it is more than their role holds
	}
	if !f.eligible && policy.RequestBy == safe.ByOrganization {
		f.eligible, f.need.Approvals = true, max(1, f.need.Approvals) // who is no member is never let in unseen
	}
	if f.Duration == 0 {
		f.Duration = min(defaultDuration, policy.Longest)
	}
	if f.reveals { // a rule gives nobody more than their role holds
		f.rule, err = s.ruleFor(ctx, tx, actor, policy)
	}
	if err != nil {
		return err
	}
	f.approvers, err = s.approversOf(ctx, tx, actor.Org, a.Safe, f.need.Approvers, actor.User)
	f.approvers = slices.DeleteFunc(f.approvers, func(p Person) bool { return actor.Behind(p.ID) })
	return err
}

func (s *Service) mayAsk(ctx context.Context, actor authz.Actor, f *filing, eligible bool, unknown error) error {
	o := authz.Object{ID: string(f.Safe), Org: actor.Org, SafeRole: f.need.Access.Role}
	no := func(why event.UserAccessRequestCreatedReason, err error) error {
		return s.refuse(ctx, actor, f.event(actor).Denied(why), err)
	}
	longest := f.need.Access.Policy.Approval.Longest
	switch err := authz.Check(actor, authz.AccessRequest, o); {
	case err != nil:
		return no(event.UserAccessRequestCreatedNotEligible, err)
	case !eligible && !authz.May(actor, authz.SafeView, o):
		return no(event.UserAccessRequestCreatedNotEligible, unknown)
	case !eligible:
		return no(event.UserAccessRequestCreatedNotEligible, fault.New(fault.Denied, "only members of this safe may ask for access to it: ask one of its managers to add you").WithCode(CodeNotEligible))
	case f.Duration < time.Minute || f.Duration > longest || f.Duration%time.Second != 0:
		return fault.New(fault.Invalid, "for this safe, access may be asked for one minute to %s", short(longest)).
			WithField("duration_seconds", "must be whole seconds from 60 to %d", longest/time.Second)
	case f.StartsAt.After(f.now.Add(safe.MaxWait)):
		return fault.New(fault.Invalid, "access may be asked for at most %d days ahead", safe.MaxWait/(24*time.Hour)).WithField("starts_at", "is too far ahead")
	case f.need.OffHours:
		return no(event.UserAccessRequestCreatedOutsideValidHours, fault.New(fault.Denied, "this safe cannot be opened at that hour: ask for a time within its valid hours").WithCode(CodeOffHours))
	case f.need.Apart:
		return no(event.UserAccessRequestCreatedNotEligible, fault.New(fault.Denied, "other people approve a session on this safe than a checkout: ask for each in a request of its own").WithCode(CodeNotEligible))
	case f.need.Refused != nil:
		return no(event.UserAccessRequestCreatedNotEligible, fault.New(fault.Denied, "no approval would let you in: %s", fault.MessageOf(f.need.Refused)).WithCode(CodeNotEligible))
	case f.need.Approvals == 0:
		return fault.New(fault.Conflict, "you may open this safe without anybody's approval: just open it").WithCode(CodeNotNeeded)
	}
	return nil
}

// file stores a request, and what a rule of the safe makes of it.
func (s *Service) file(ctx context.Context, tx *db.Tx, actor authz.Actor, f *filing, letters []notify.Prepared) error {
	policy := f.need.Access.Policy.Approval
	row := accesssql.InsertRequestParams{OrgID: string(actor.Org), ID: string(f.id), SafeID: string(f.Safe), RequesterID: string(actor.User), TokenID: string(actor.Token),
		Kind: string(ByApproval), State: string(Open), Reason: f.Reason, Ticket: f.Ticket, DurationUs: f.Duration.Microseconds(), ApprovalsNeeded: int64(f.need.Approvals),
		Approvers: wordsOf(f.need.Approvers), PolicyID: string(f.need.Policy), OneSession: policy.Once, CoolDownUs: policy.CoolDown.Microseconds(), AsMember: policy.RequestBy == safe.ByMembers, Uses: string(f.Uses), RuleNote: f.ruleNote,
		Now: db.Micros(f.now), ExpiresAt: db.Micros(f.until())}
	if !f.StartsAt.IsZero() {
		row.StartsAt = db.Micros(f.StartsAt)
	}
	if f.byRule() {
		row.Kind, row.State, row.EndedAt = string(ByRule), string(Approved), row.Now
	}
	if err := accesssql.New(tx).InsertRequest(ctx, row); err != nil {
		return err
	}
	if _, err := s.d.Ledger.Record(ctx, tx, f.event(actor)); err != nil {
		return err
	}
	if f.byRule() {
		g := grantOf(accesssql.GetRequestRow{OrgID: row.OrgID, ID: row.ID, SafeID: row.SafeID, RequesterID: row.RequesterID, Kind: row.Kind, Ticket: row.Ticket, StartsAt: row.StartsAt,
			DurationUs: row.DurationUs, OneSession: row.OneSession, CoolDownUs: row.CoolDownUs, AsMember: row.AsMember, Uses: row.Uses}, nil, row.Now)
		return s.openByItself(ctx, tx, authz.SystemActor(actor.Org), event.System, g, f.facts.Name, f.id)
	}
	for user, token := range f.links {
		err := accesssql.New(tx).InsertLink(ctx, accesssql.InsertLinkParams{OrgID: row.OrgID, RequestID: row.ID, UserID: string(user), TokenHash: linkToken.Hash(token.RevealString()),
			Now: row.Now, ExpiresAt: row.ExpiresAt})
		if err != nil {
			return err
		}
	}
	if !f.enter.Empty() {
		err := accesssql.New(tx).InsertChannelLink(ctx, accesssql.InsertChannelLinkParams{OrgID: row.OrgID, RequestID: row.ID, TokenHash: linkToken.Hash(f.enter.RevealString()),
			UsesLeft: row.ApprovalsNeeded, Now: row.Now, ExpiresAt: row.ExpiresAt})
		if err != nil {
			return err
		}
	}
	return s.queue(ctx, tx, letters)
}

// wordsOf are approvers as they are stored: each with a space before and after it.
func wordsOf(approvers []string) string {
	if len(approvers) == 0 {
		approvers = []string{"safe"}
	}
	return " " + strings.Join(approvers, " ") + " "
}

// approversOf are those who are told of a request: whom the policy names, and where
// that is nobody, the administrators.
func (s *Service) approversOf(ctx context.Context, tx *db.Tx, org id.Org, sid id.Safe, words []string, requester id.User) ([]Person, error) {
	q := accesssql.New(tx)
	rows, err := q.Approvers(ctx, accesssql.ApproversParams{OrgID: string(org), SafeID: string(sid)})
	if err != nil {
		return nil, fmt.Errorf("list approvers: %w", err)
	}
	var named, admins []Person
	bySafe := len(words) == 0 || slices.Contains(words, "safe")
	for _, r := range rows {
		p := Person{id.User(r.ID), r.Handle, r.Name, r.Email}
		switch role := authz.SafeRole(r.SafeRole); {
		case p.ID == requester:
		case bySafe && role.Rank() >= authz.SafeApprover.Rank():
			named = append(named, p)
		case r.Role == string(authz.Owner) || r.Role == string(authz.Admin):
			admins = append(admins, p)
		}
	}
	add := func(p Person) {
		if p.ID != requester && !slices.ContainsFunc(named, func(o Person) bool { return o.ID == p.ID }) {
			named = append(named, p)
		}
	}
	if bySafe {
		rows, err := q.LentApprovers(ctx, accesssql.LentApproversParams{OrgID: string(org), SafeID: string(sid), Now: s.now()})
		if err != nil {
			return nil, fmt.Errorf("list who decides for others: %w", err)
		}
		for _, r := range rows {
			if id.User(r.DelegatorID) != requester {
				add(Person{id.User(r.ID), r.Handle, r.Name, r.Email})
			}
		}
	}
	for _, w := range words {
		kind, of, _ := strings.Cut(w, ":")
		switch kind {
		case "person":
			m, err := q.ActiveMember(ctx, accesssql.ActiveMemberParams{OrgID: string(org), UserID: of})
			if err == nil {
				add(Person{id.User(m.ID), m.Handle, m.Name, m.Email})
			} else if !db.NotFound(err) {
				return nil, fmt.Errorf("read an approver: %w", err)
			}
		case "group":
			people, err := s.inGroup(ctx, tx, org, of)
			if err != nil {
				return nil, err
			}
			for _, p := range people {
				add(p)
			}
		}
	}
	if len(named) == 0 {
		named = admins
	}
	return named[:min(len(named), maxNotified)], nil
}

// Withdraw takes one's own open request back.
func (s *Service) Withdraw(ctx context.Context, actor authz.Actor, r id.AccessReq) (Request, error) {
	return s.end(ctx, actor, r, DecideArgs{}, func(row accesssql.GetRequestRow, _ seat) (State, event.AccessRequestRejectedReason, error) {
		if id.User(row.RequesterID) != actor.User {
			return "", event.AccessRequestRejectedNotPermitted, fault.New(fault.Denied, "only who asked may withdraw a request: reject it instead")
		}
		return Withdrawn, event.AccessRequestRejectedWithdrawn, authz.Check(actor, authz.AccessRequest, authz.Object{ID: row.SafeID, Org: actor.Org})
	})
}

// Comment adds what somebody wrote to a request that they may see.
func (s *Service) Comment(ctx context.Context, actor authz.Actor, r id.AccessReq, text string) (Request, error) {
	if err := checkText("comment", text, true); err != nil {
		return Request{}, err
	}
	row, seat, err := s.read(ctx, actor, r)
	if err != nil {
		return Request{}, err
	}
	act := event.By(actor, as(actor, seat.role))
	told := event.NewAccessRequestCommented(act, event.SafeTarget(id.Safe(row.SafeID), row.SafeName), r)
	if err := authz.Check(actor, authz.AccessRequest, authz.Object{ID: row.SafeID, Org: actor.Org, SafeRole: seat.role}); err != nil {
		return Request{}, s.refuse(ctx, actor, told.Denied(event.AccessRequestCommentedNotPermitted), err)
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := accesssql.New(tx)
		n, err := q.CountComments(ctx, accesssql.CountCommentsParams{OrgID: string(actor.Org), RequestID: string(r)})
		if err != nil {
			return err
		}
		if n >= maxComments {
			return fault.New(fault.Exhausted, "this request has %d comments, which is the most that it can have", maxComments)
		}
		if err := q.InsertComment(ctx, accesssql.InsertCommentParams{OrgID: string(actor.Org), ID: string(id.New[id.AccessComment]()), RequestID: string(r), UserID: string(actor.User), Text: text, Now: s.now()}); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, told)
		return err
	})
	if err != nil {
		return Request{}, fmt.Errorf("comment on an access request: %w", err)
	}
	return s.Get(ctx, actor, r)
}
