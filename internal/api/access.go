package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/access"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// AccessPerson is somebody in a request.
type AccessPerson struct {
	ID     id.User `json:"id"`
	Handle string  `json:"handle"`
	Name   string  `json:"name"`
	Email  string  `json:"email,omitempty"`
}

// AccessSafe is the safe of a request, and what it leads to.
type AccessSafe struct {
	ID           id.Safe `json:"id"`
	Name         string  `json:"name"`
	ResourceName string  `json:"resource_name,omitempty"`
	Protocol     string  `json:"protocol,omitempty"`
	Host         string  `json:"host,omitempty"`
	Port         int     `json:"port,omitempty"`
	Username     string  `json:"username,omitempty" doc:"At the target"`
}

// AccessGrant is what an approved request opened.
type AccessGrant struct {
	ID        id.AccessGrant `json:"id"`
	StartsAt  time.Time      `json:"starts_at"`
	EndsAt    time.Time      `json:"ends_at"`
	EndedAt   time.Time      `json:"ended_at,omitzero" doc:"Absent while it lasts"`
	EndReason string         `json:"end_reason,omitempty" doc:"expired, revoked, safe_deleted or requester_disabled"`
}

// AccessVote is what one person decided.
type AccessVote struct {
	By      AccessPerson `json:"by"`
	Verdict string       `json:"verdict" enum:"approve,reject"`
	LentBy  id.User      `json:"lent_by,omitempty" doc:"Whose right it was, when it was lent"`
	Comment string       `json:"comment,omitempty"`
	At      time.Time    `json:"at"`
}

// AccessComment is what one person wrote.
type AccessComment struct {
	ID   id.AccessComment `json:"id"`
	By   AccessPerson     `json:"by"`
	Text string           `json:"text"`
	At   time.Time        `json:"at"`
}

// AccessSession is a session that was opened through a request.
type AccessSession struct {
	ID          id.Session   `json:"id"`
	State       string       `json:"state"`
	StartedAt   time.Time    `json:"started_at,omitzero"`
	EndedAt     time.Time    `json:"ended_at,omitzero"`
	RecordingID id.Recording `json:"recording_id,omitempty"`
}

// AccessCheckout is a checkout that was opened through a request.
type AccessCheckout struct {
	ID        id.Checkout `json:"id"`
	StartedAt time.Time   `json:"started_at"`
	ExpiresAt time.Time   `json:"expires_at"`
	EndedAt   time.Time   `json:"ended_at,omitzero"`
	EndedBy   string      `json:"ended_by,omitempty"`
}

// AccessRequest is a request with what became of it.
type AccessRequest struct {
	ID              id.AccessReq     `json:"id"`
	Kind            string           `json:"kind" enum:"approval,rule,emergency" doc:"Who opens it: people; a rule of the safe; in an emergency nobody was asked"`
	State           string           `json:"state" enum:"open,approved,rejected,withdrawn,expired,closed"`
	EndReason       string           `json:"end_reason,omitempty"`
	Safe            AccessSafe       `json:"safe"`
	Requester       AccessPerson     `json:"requester"`
	RequesterRole   string           `json:"requester_role,omitempty" doc:"In the organization, now"`
	TokenID         id.Token         `json:"token_id,omitempty" doc:"The API token that filed it"`
	Reason          string           `json:"reason"`
	Ticket          string           `json:"ticket,omitempty"`
	RuleNote        string           `json:"rule_note,omitempty" doc:"Why a rule of the safe that approves by itself did not"`
	StartsAt        time.Time        `json:"starts_at,omitzero" doc:"Absent: when it is approved"`
	DurationSeconds int64            `json:"duration_seconds"`
	ApprovalsNeeded int              `json:"approvals_needed"`
	ApprovalsHave   int              `json:"approvals_have"`
	Approvers       []string         `json:"approvers" doc:"safe (its approvers and managers), group:<id>, person:<id>; owners and admins always"`
	PolicyID        id.Policy        `json:"policy_id,omitempty" doc:"That asks for approval; absent: the safe's settings"`
	Uses            string           `json:"uses" enum:"session,checkout,both" doc:"What it is for: sessions, a checkout of the credential, or both"`
	OneSession      bool             `json:"one_session" doc:"It opens one session, and reconnects within the cool-down after it"`
	CoolDownSeconds int64            `json:"cool_down_seconds"`
	Version         int64            `json:"version"`
	CreatedAt       time.Time        `json:"created_at"`
	ExpiresAt       time.Time        `json:"expires_at" doc:"When it lapses undecided"`
	EndedAt         time.Time        `json:"ended_at,omitzero"`
	Grant           *AccessGrant     `json:"grant,omitempty"`
	MayDecide       bool             `json:"may_decide" doc:"You may approve or reject it now"`
	Decisions       []AccessVote     `json:"decisions,omitempty" doc:"Only of a single request"`
	Comments        []AccessComment  `json:"comments,omitempty" doc:"Only of a single request"`
	Sessions        []AccessSession  `json:"sessions,omitempty" doc:"Those that were opened through it, newest first; only of a single request"`
	Checkouts       []AccessCheckout `json:"checkouts,omitempty" doc:"Those that were opened through it, newest first; only of a single request"`
}

func accessPerson(p access.Person) AccessPerson {
	return AccessPerson{ID: p.ID, Handle: p.Handle, Name: p.Name, Email: p.Email}
}

func accessRequestJSON(r access.Request) AccessRequest {
	out := AccessRequest{
		ID: r.ID, Kind: string(r.Kind), State: string(r.State), EndReason: r.EndReason,
		Safe:      AccessSafe{ID: r.Safe, Name: r.SafeName, ResourceName: r.ResourceName, Protocol: r.Protocol, Host: r.Host, Port: r.Port, Username: r.Username},
		Requester: accessPerson(r.Requester), RequesterRole: string(r.Role), TokenID: r.Token, Reason: r.Reason, Ticket: r.Ticket, RuleNote: r.RuleNote,
		StartsAt: r.StartsAt, DurationSeconds: int64(r.Duration / time.Second), ApprovalsNeeded: r.Needed, ApprovalsHave: r.Have, Approvers: r.Approvers, PolicyID: r.Policy,
		Uses: string(r.Uses), OneSession: r.Once, CoolDownSeconds: int64(r.CoolDown / time.Second), Version: r.Version, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, EndedAt: r.EndedAt, MayDecide: r.MayDecide,
	}
	if r.Grant != nil {
		g := AccessGrant(*r.Grant)
		out.Grant = &g
	}
	for _, d := range r.Decisions {
		verdict := "reject"
		if d.Approve {
			verdict = "approve"
		}
		out.Decisions = append(out.Decisions, AccessVote{accessPerson(d.By), verdict, d.Lender, d.Comment, d.At})
	}
	for _, c := range r.Comments {
		out.Comments = append(out.Comments, AccessComment{c.ID, accessPerson(c.By), c.Text, c.At})
	}
	for _, x := range r.Sessions {
		out.Sessions = append(out.Sessions, AccessSession{x.ID, x.State, x.StartedAt, x.EndedAt, x.Recording})
	}
	for _, x := range r.Checkouts {
		out.Checkouts = append(out.Checkouts, AccessCheckout(x))
	}
	return out
}

// GrantedAccess is a grant in a list.
type GrantedAccess struct {
	AccessGrant
	RequestID id.AccessReq `json:"request_id"`
	Kind      string       `json:"kind" enum:"approval,rule,emergency"`
	Safe      AccessSafe   `json:"safe"`
	Person    AccessPerson `json:"person"`
}

// AccessPath names an object of access.
type AccessPath struct {
	ID string `path:"id" maxLength:"64"`
}

type accessRequestOut struct{ Body AccessRequest }

func oneAccessRequest(r access.Request, err error) (*accessRequestOut, error) {
	if err != nil {
		return nil, err
	}
	return &accessRequestOut{accessRequestJSON(r)}, nil
}

// AccessSafeIn is how a body names a safe.
type AccessSafeIn struct {
	SafeID id.Safe `json:"safe_id,omitempty" maxLength:"64" doc:"Its id, or"`
	Safe   string  `json:"safe,omitempty" maxLength:"128" doc:"its name"`
}

func (s *Server) safeOf(ctx context.Context, a authz.Actor, in AccessSafeIn) (id.Safe, error) {
	switch {
	case in.SafeID != "":
		return in.SafeID, nil
	case in.Safe == "":
		return "", fault.New(fault.Invalid, "name the safe").WithField("safe_id", "is needed, or the safe's name in safe")
	case a.Org == "":
		return "", fault.New(fault.Invalid, "safes belong to an organization: choose one first")
	}
	sid, err := s.Safes.Resolve(ctx, a.Org, in.Safe)
	if fault.Is(err, fault.NotFound) {
		return id.Safe(fmt.Sprintf("%.64s", in.Safe)), nil // which nobody may ask for, and which is told so alike
	}
	return sid, err
}

func (s *Server) accessRoutes() {
	const tag = "access"
	handle(s, signedIn, huma.Operation{OperationID: "create-access-request", Method: http.MethodPost, Path: "/access/requests", Summary: "Ask for access to a safe", DefaultStatus: 201, Tags: []string{tag},
		Description: "Those who may decide are told by e-mail. Where nobody's approval is needed, the answer is APPROVAL_NOT_NEEDED: just open the safe. A request for a checkout may be made by every member of the safe; where their own role does not reveal credentials, at least one person approves."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				AccessSafeIn
				Reason          string    `json:"reason" minLength:"1" maxLength:"2000" doc:"At most 500 characters"`
				Ticket          string    `json:"ticket,omitempty" maxLength:"500"`
				DurationSeconds int64     `json:"duration_seconds,omitempty" minimum:"0" doc:"Absent: an hour, or what the safe allows at most"`
				StartsAt        time.Time `json:"starts_at,omitempty" required:"false" doc:"Absent: when it is approved"`
				Uses            string    `json:"uses,omitempty" required:"false" enum:"session,checkout,both" doc:"What for: sessions, a checkout of the credential, or both. Default session"`
			}
		}) (*accessRequestOut, error) {
			sid, err := s.safeOf(ctx, a, in.Body.AccessSafeIn)
			if err != nil {
				return nil, err
			}
			return oneAccessRequest(s.Access.Request(ctx, a, access.RequestArgs{Safe: sid, Uses: access.Uses(in.Body.Uses), Reason: in.Body.Reason, Ticket: in.Body.Ticket, Duration: bounded(in.Body.DurationSeconds), StartsAt: in.Body.StartsAt}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-access-requests", Method: http.MethodGet, Path: "/access/requests", Summary: "List the access requests that you may see, newest first", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			State    string  `query:"state" enum:"open,approved,rejected,withdrawn,expired,closed" doc:"Absent: all"`
			SafeID   id.Safe `query:"safe_id" maxLength:"64"`
			Mine     bool    `query:"mine" doc:"Only your own"`
			ToDecide bool    `query:"to_decide" doc:"Only open ones that wait for you"`
		}) (*pageOut[AccessRequest], error) {
			l, err := s.Access.List(ctx, a, access.Filter{State: access.State(in.State), Safe: in.SafeID, Mine: in.Mine, ToDecide: in.ToDecide}, in.request())
			return pageOf(l, accessRequestJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-access-request", Method: http.MethodGet, Path: "/access/requests/{id}", Summary: "One request, with its decisions, comments and sessions", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *AccessPath) (*accessRequestOut, error) {
			return oneAccessRequest(s.Access.Get(ctx, a, id.AccessReq(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "break-glass", Method: http.MethodPost, Path: "/access/emergency", Summary: "Open a safe in an emergency, without approval", DefaultStatus: 201, Tags: []string{tag},
		Description: "Only for people whom the safe names for it, with a second factor proved within the last five minutes (STEP_UP_REQUIRED). Every owner and admin is told at once, the ledger flags an incident, and every session is recorded, whatever the safe says."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				AccessSafeIn
				Reason          string `json:"reason" minLength:"1" maxLength:"2000" doc:"At most 500 characters"`
				Ticket          string `json:"ticket,omitempty" maxLength:"500"`
				DurationSeconds int64  `json:"duration_seconds,omitempty" minimum:"0" doc:"Absent: an hour, or what the safe allows at most"`
			}
		}) (*accessRequestOut, error) {
			sid, err := s.safeOf(ctx, a, in.Body.AccessSafeIn)
			if err != nil {
				return nil, err
			}
			return oneAccessRequest(s.Access.BreakGlass(ctx, a, access.RequestArgs{Safe: sid, Reason: in.Body.Reason, Ticket: in.Body.Ticket, Duration: bounded(in.Body.DurationSeconds)}))
		})
	s.accessDecisionRoutes(tag)
	s.accessGrantRoutes(tag)
	s.delegationRoutes(tag)
}

func bounded(seconds int64) time.Duration {
	return time.Duration(max(-1, min(seconds, maxSeconds))) * time.Second
}

type accessDecisionIn struct {
	AccessPath
	Body *struct {
		Comment string `json:"comment,omitempty" maxLength:"2000" doc:"At most 500 characters. The requester is told it"`
		Version int64  `json:"version,omitempty" doc:"Of the request that you looked at: VERSION_CONFLICT when it has changed since"`
		Link    string `json:"link,omitempty" maxLength:"128" doc:"The token of the e-mail's link that led here. It is used up by the decision"`
	}
}

func (in *accessDecisionIn) args() access.DecideArgs {
	if in.Body == nil {
		return access.DecideArgs{}
	}
	return access.DecideArgs{Comment: in.Body.Comment, Version: in.Body.Version, Link: secret.FromString(in.Body.Link)}
}

// AccessLink is where the link of an e-mail leads.
type AccessLink struct {
	OrgID     id.Org       `json:"organization_id"`
	RequestID id.AccessReq `json:"request_id"`
	ExpiresAt time.Time    `json:"expires_at"`
}

type accessLinkOut struct{ Body AccessLink }

func (s *Server) accessDecisionRoutes(tag string) {
	const how = "Asks for a freshly proved second factor (STEP_UP_REQUIRED). Nobody decides about their own request, nor does anybody to whom the requester has lent access (SELF_APPROVAL), and nobody twice (ALREADY_DECIDED). Who comes too late is told so (REQUEST_CLOSED)."
	handle(s, signedIn, huma.Operation{OperationID: "approve-access-request", Method: http.MethodPost, Path: "/access/requests/{id}/approve", Summary: "Approve a request; the last approval that is needed opens the access", Tags: []string{tag}, Description: how},
		func(ctx context.Context, a authz.Actor, in *accessDecisionIn) (*accessRequestOut, error) {
			return oneAccessRequest(s.Access.Approve(ctx, a, id.AccessReq(in.ID), in.args()))
		})
	handle(s, signedIn, huma.Operation{OperationID: "reject-access-request", Method: http.MethodPost, Path: "/access/requests/{id}/reject", Summary: "Reject a request, which ends it", Tags: []string{tag}, Description: how},
		func(ctx context.Context, a authz.Actor, in *accessDecisionIn) (*accessRequestOut, error) {
			return oneAccessRequest(s.Access.Reject(ctx, a, id.AccessReq(in.ID), in.args()))
		})
	handle(s, signedIn, huma.Operation{OperationID: "open-access-link", Method: http.MethodPost, Path: "/access/links", Summary: "Where the link of an e-mail to an approver leads", Tags: []string{tag},
		Description: "For the person to whom it was sent, signed in; the one of a channel (Slack) for every member; the token is in the fragment of the link. Look at the request in its organization, then decide with the token in link. It is good for one decision and until the request lapses; everything else is ACCESS_LINK."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Token string `json:"token" minLength:"1" maxLength:"128"`
			}
		}) (*accessLinkOut, error) {
			l, err := s.Access.OpenLink(ctx, a, secret.FromString(in.Body.Token))
			if err != nil {
				return nil, err
			}
			return &accessLinkOut{AccessLink{l.Org, l.Request, l.Until}}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "withdraw-access-request", Method: http.MethodPost, Path: "/access/requests/{id}/withdraw", Summary: "Take your own request back", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *AccessPath) (*accessRequestOut, error) {
			return oneAccessRequest(s.Access.Withdraw(ctx, a, id.AccessReq(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "comment-access-request", Method: http.MethodPost, Path: "/access/requests/{id}/comments", Summary: "Write a comment to a request that you may see", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			AccessPath
			Body struct {
				Text string `json:"text" minLength:"1" maxLength:"2000" doc:"At most 500 characters"`
			}
		}) (*accessRequestOut, error) {
			return oneAccessRequest(s.Access.Comment(ctx, a, id.AccessReq(in.ID), in.Body.Text))
		})
}

func (s *Server) accessGrantRoutes(tag string) {
	handle(s, signedIn, huma.Operation{OperationID: "list-access-grants", Method: http.MethodGet, Path: "/access/grants", Summary: "List access that was opened for a time, newest first", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			Active bool `query:"active" doc:"Only what lasts"`
		}) (*pageOut[GrantedAccess], error) {
			l, err := s.Access.Grants(ctx, a, in.Active, in.request())
			return pageOf(l, func(g access.OwnGrant) GrantedAccess {
				return GrantedAccess{AccessGrant(g.Grant), g.Request, string(g.Kind), AccessSafe{ID: g.Safe, Name: g.SafeName}, accessPerson(g.Person)}
			}, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "revoke-access-grant", Method: http.MethodPost, Path: "/access/grants/{id}/revoke", Summary: "End access before its time", DefaultStatus: 204, Tags: []string{tag},
		Description: "One's own, or that to a safe about which one may decide. Live sessions on it end within two seconds."},
		func(ctx context.Context, a authz.Actor, in *struct {
			AccessPath
			Body *struct {
				Comment string `json:"comment,omitempty" maxLength:"2000" doc:"The person is told it"`
			}
		}) (*struct{}, error) {
			comment := ""
			if in.Body != nil {
				comment = in.Body.Comment
			}
			return nil, s.Access.Revoke(ctx, a, id.AccessGrant(in.ID), comment)
		})
}
