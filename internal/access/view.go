package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/access/accesssql"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
)

// Request is a request with what became of it.
type Request struct {
	ID           id.AccessReq
	Kind         Kind
	State        State
	EndReason    string
	Safe         id.Safe
	SafeName     string
	ResourceName string
	Protocol     string
	Host         string
	Port         int
	Username     string // at the target
	Requester    Person
	Role         authz.Role // of the requester, now
	Token        id.Token   // that filed it for them
	Reason       string
	Ticket       string
	RuleNote     string    // why a rule that approves by itself did not
	StartsAt     time.Time // zero: when it is approved
	Duration     time.Duration
	Needed       int
	Have         int
	Approvers    []string // words: safe, person:<id>, group:<id>
	Policy       id.Policy
	Uses         Uses
	Once         bool
	CoolDown     time.Duration
	Version      int64
	CreatedAt    time.Time
	ExpiresAt    time.Time
	EndedAt      time.Time
	Grant        *Grant // when it was opened
	MayDecide    bool   // the actor, now

	// Only of a single request:
	Decisions []Decision
	Comments  []Comment
	Sessions  []Session
	Checkouts []Checkout
}

// Grant is what an approved request opened.
type Grant struct {
	ID        id.AccessGrant
	StartsAt  time.Time
	EndsAt    time.Time
	EndedAt   time.Time // zero: not yet
	EndReason string
}

// Decision is what one person decided.
type Decision struct {
	By      Person
	Approve bool
	Lender  id.User // the right was lent by
	Issuer  id.User // made the token by which it was decided, of a service account
	Comment string
	At      time.Time
}

// Comment is what one person wrote.
type Comment struct {
	ID   id.AccessComment
	By   Person
	Text string
	At   time.Time
}

// Session is one that was opened through the request.
type Session struct {
	ID        id.Session
	State     string
	StartedAt time.Time
	EndedAt   time.Time
	Recording id.Recording
}

// Checkout is one that was opened through the request.
type Checkout struct {
	ID        id.Checkout
	StartedAt time.Time
	ExpiresAt time.Time
	EndedAt   time.Time // zero: it is open
	EndedBy   string
}

func requestOf(r accesssql.GetRequestRow, now int64) Request {
	out := Request{
		ID: id.AccessReq(r.ID), Kind: Kind(r.Kind), State: State(r.State), EndReason: r.EndReason, Safe: id.Safe(r.SafeID), SafeName: r.SafeName,
		ResourceName: r.ResourceName, Protocol: r.Protocol, Host: r.Host, Port: int(r.Port), Username: r.Username,
		Requester: Person{id.User(r.RequesterID), r.Handle, r.PersonName, r.Email}, Role: authz.Role(r.OrgRole), Token: id.Token(r.TokenID),
		Reason: r.Reason, Ticket: r.Ticket, RuleNote: r.RuleNote, StartsAt: zeroTime(r.StartsAt), Duration: time.Duration(r.DurationUs) * time.Microsecond,
		Needed: int(r.ApprovalsNeeded), Have: int(r.ApprovalsHave), Approvers: strings.Fields(r.Approvers), Policy: id.Policy(r.PolicyID),
		Uses: Uses(r.Uses), Once: r.OneSession, CoolDown: time.Duration(r.CoolDownUs) * time.Microsecond, Version: r.Version,
		CreatedAt: db.Time(r.CreatedAt), ExpiresAt: db.Time(r.ExpiresAt), EndedAt: zeroTime(r.EndedAt),
	}
	if out.State == Open && r.ExpiresAt <= now {
		out.State = Expired // the clock's round has only not come to it
	}
	if r.GrantID != "" {
		out.Grant = &Grant{id.AccessGrant(r.GrantID), db.Time(r.GrantStarts), db.Time(r.GrantEnds), zeroTime(r.GrantEnded), r.GrantReason}
	}
	return out
}

func notFound(r id.AccessReq) error {
	return fault.New(fault.NotFound, "there is no access request %.64q that you may see", r)
}

// seat is in what capacity somebody may decide a request.
type seat struct {
	role   authz.SafeRole // own, or SafeApprover for whom the policy names
	own    authz.SafeRole // on the safe
	lent   id.Delegation  // by whose right, when it is lent
	lender id.User
}

// seatOf finds it. Administrators need none.
func (s *Service) seatOf(ctx context.Context, tx *db.Tx, actor authz.Actor, row accesssql.GetRequestRow) (seat, error) {
	var out seat
	var err error
	if out.own, err = roleOn(ctx, tx, actor.Org, id.Safe(row.SafeID), actor.User); err != nil {
		return out, err
	}
	words := strings.Fields(row.Approvers)
	bySafe := slices.Contains(words, "safe")
	if out.role = out.own; !bySafe && out.role.Rank() >= authz.SafeApprover.Rank() {
		out.role = authz.SafeCheckout // the policy names others
	}
	if out.role.Rank() >= authz.SafeApprover.Rank() || authz.May(actor, authz.AccessDecide, authz.Object{Org: actor.Org}) {
		return out, nil
	}
	named := slices.Contains(words, "person:"+string(actor.User))
	for _, w := range words {
		if g, ok := strings.CutPrefix(w, "group:"); ok && !named {
			if named, err = s.isIn(ctx, tx, actor.Org, actor.User, g); err != nil {
				return out, err
			}
		}
	}
	if named {
		out.role = authz.SafeApprover
		return out, nil
	}
	if !bySafe {
		return out, nil
	}
	lent, err := accesssql.New(tx).LentToApprove(ctx, accesssql.LentToApproveParams{OrgID: string(actor.Org), SafeID: row.SafeID, UserID: string(actor.User), Now: s.now()})
	if err != nil {
		return out, fmt.Errorf("read lent rights: %w", err)
	}
	for _, l := range lent {
		if out.lent == "" || l.DelegatorID != row.RequesterID {
			out.role, out.lent, out.lender = authz.SafeApprover, id.Delegation(l.ID), id.User(l.DelegatorID)
		}
	}
	return out, nil
}

func (t seat) object(row accesssql.GetRequestRow) authz.Object {
	return authz.Object{ID: row.SafeID, Org: id.Org(row.OrgID), SafeRole: t.role, Owner: id.User(row.RequesterID)}
}

// read gives a request that the actor may see.
func (s *Service) read(ctx context.Context, actor authz.Actor, r id.AccessReq) (row accesssql.GetRequestRow, at seat, err error) {
	if err := inOrg(actor); err != nil {
		return row, at, err
	}
	if err := authz.Check(actor, authz.AccessList, authz.Object{Org: actor.Org}); err != nil {
		return row, at, err
	}
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, at, err = s.readIn(ctx, tx, actor, r)
		return err
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		err = fmt.Errorf("read access request %s: %w", r, err)
	}
	return row, at, err
}

func (s *Service) readIn(ctx context.Context, tx *db.Tx, actor authz.Actor, r id.AccessReq) (accesssql.GetRequestRow, seat, error) {
	row, err := accesssql.New(tx).GetRequest(ctx, accesssql.GetRequestParams{OrgID: string(actor.Org), ID: string(r)})
	if db.NotFound(err) {
		return row, seat{}, notFound(r)
	}
	if err != nil {
		return row, seat{}, err
	}
	at, err := s.seatOf(ctx, tx, actor, row)
	if err != nil {
		return row, at, err
	}
	o := at.object(row)
	if at.own.Rank() >= authz.SafeApprover.Rank() {
		o.SafeRole = at.own // who runs the safe sees what happens to it, whoever decides
	}
	if !authz.May(actor, authz.AccessView, o) {
		return row, at, notFound(r)
	}
	return row, at, nil
}

// Get gives one request with all that was said and done about it: one's own, those
// that one may decide, and for owners, admins and auditors every one. Others are
// fault.NotFound.
func (s *Service) Get(ctx context.Context, actor authz.Actor, r id.AccessReq) (Request, error) {
	row, at, err := s.read(ctx, actor, r)
	if err != nil {
		return Request{}, err
	}
	out := requestOf(row, s.now())
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		return s.fill(ctx, tx, &out)
	})
	if err != nil {
		return Request{}, fmt.Errorf("read access request %s: %w", r, err)
	}
	decided := slices.ContainsFunc(out.Decisions, func(d Decision) bool { return actor.Behind(d.By.ID) || actor.Behind(d.Issuer) })
	own := actor.Behind(out.Requester.ID) || actor.Behind(id.User(row.TokenIssuer))
	out.MayDecide = out.State == Open && !own && !decided && authz.May(actor, authz.AccessDecide, at.object(row))
	return out, nil
}

func (s *Service) fill(ctx context.Context, tx *db.Tx, out *Request) error {
	q := accesssql.New(tx)
	org := string(tx.Org())
	decisions, err := q.Decisions(ctx, accesssql.DecisionsParams{OrgID: org, RequestID: string(out.ID)})
	if err != nil {
		return err
	}
	out.Decisions = nil
	for _, d := range decisions {
		out.Decisions = append(out.Decisions, Decision{By: Person{ID: id.User(d.UserID), Handle: d.Handle, Name: d.Name}, Approve: d.Verdict == "approve", Lender: id.User(d.LenderID), Issuer: id.User(d.TokenIssuer), Comment: d.Comment, At: db.Time(d.At)})
	}
	comments, err := q.Comments(ctx, accesssql.CommentsParams{OrgID: org, RequestID: string(out.ID)})
	if err != nil {
		return err
	}
	out.Comments = nil
	for _, c := range comments {
		out.Comments = append(out.Comments, Comment{id.AccessComment(c.ID), Person{ID: id.User(c.UserID), Handle: c.Handle, Name: c.Name}, c.Text, db.Time(c.At)})
	}
	return s.fillSessions(ctx, tx, out)
}

// Filter narrows a list. Zero fields do not.
type Filter struct {
	State    State
	Safe     id.Safe
	Mine     bool // the actor's own
	ToDecide bool // open ones that wait for the actor
}

// List gives the requests that the actor may see, newest first; the rule is that of Get.
func (s *Service) List(ctx context.Context, actor authz.Actor, f Filter, p page.Request) (page.List[Request], error) {
	none := page.List[Request]{}
	read, before, err := listing(actor, p)
	if err != nil {
		return none, err
	}
	action := authz.AccessView
	if f.ToDecide {
		action = authz.AccessDecide
	}
	var out []Request
	now := s.now()
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := accesssql.New(tx).ListRequests(ctx, accesssql.ListRequestsParams{OrgID: string(actor.Org), Before: before, State: string(f.State), SafeID: string(f.Safe),
			Mine: f.Mine, ToDecide: f.ToDecide, Me: string(actor.User), Now: now, Whole: authz.May(actor, action, authz.Object{Org: actor.Org}), Read: read})
		out = make([]Request, 0, len(rows))
		for _, r := range rows {
			q := requestOf(accesssql.GetRequestRow(r), now)
			q.MayDecide = f.ToDecide
			out = append(out, q)
		}
		return err
	})
	if err != nil {
		return none, fmt.Errorf("list access requests: %w", err)
	}
	return page.Cut(out, read, func(r Request) string { return string(r.ID) }), nil
}
