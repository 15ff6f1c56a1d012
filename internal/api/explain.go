package api

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
)

// AccessDecision is what a launch or a checkout is answered, and why.
type AccessDecision struct {
	Use      string         `json:"use" enum:"session,checkout" doc:"What was asked for"`
	Decision string         `json:"decision" enum:"allow,deny,require_approval"`
	Why      string         `json:"why,omitempty" doc:"The class of a refusal, such as outside_valid_hours, mfa_required, no_approval, policy_denied"`
	Sentence string         `json:"sentence,omitempty" doc:"What the person is told"`
	Reasons  []AccessReason `json:"reasons" doc:"The policies that determined it, the weightiest first"`
	Approval *NeedsApproval `json:"approval" doc:"What a policy asks for; null when none does"`
	GrantID  id.AccessGrant `json:"grant_id,omitempty" doc:"The approved request that the permission rests on"`
	Session  *Policy        `json:"session,omitempty" doc:"Of a session: what it may do: the safe's settings, narrowed by the options of the policy that lets in"`
}

// AccessReason is one policy that determined a decision.
type AccessReason struct {
	ID        string `json:"id" doc:"Of the organization's policy; builtin:... for the product's own rules"`
	Kind      string `json:"kind" enum:"organization,safe,builtin,role,account"`
	Name      string `json:"name"`
	Version   int64  `json:"version,omitempty"`
	Statement string `json:"statement,omitempty" doc:"Its @id, or its number in the text"`
	Effect    string `json:"effect" enum:"allow,deny,require_approval"`
	Message   string `json:"message,omitempty"`
	Why       string `json:"why,omitempty" doc:"Of a deny: what would have to be different"`
}

// NeedsApproval is what a policy asks for.
type NeedsApproval struct {
	Count     int       `json:"count" doc:"How many different people"`
	Approvers []string  `json:"approvers" doc:"safe, group:<id>, person:<id>"`
	PolicyID  id.Policy `json:"policy_id"`
}

func decisionJSON(d policy.Decision) AccessDecision {
	out := AccessDecision{Use: string(d.Use), Decision: string(d.Outcome), Why: string(d.Why), Sentence: d.Sentence(), GrantID: d.Grant, Reasons: []AccessReason{}}
	for _, r := range d.Reasons {
		out.Reasons = append(out.Reasons, AccessReason{ID: r.ID, Kind: r.Kind, Name: r.Name, Version: r.Version, Statement: r.Statement, Effect: string(r.Effect), Message: r.Message, Why: string(r.Why)})
	}
	if a := d.Approval; a != nil {
		out.Approval = &NeedsApproval{Count: a.Count, PolicyID: a.Policy, Approvers: []string{}}
		for _, who := range a.Approvers {
			out.Approval.Approvers = append(out.Approval.Approvers, who.String())
		}
	}
	if d.Outcome != policy.Denied && d.Use == policy.ForSession {
		p := policyJSON(d.Settings)
		out.Session = &p
	}
	return out
}

// Explanation is what would happen if somebody opened a safe.
type Explanation struct {
	AccessDecision
	User         NamedRef[id.User]   `json:"user"`
	Safe         NamedRef[id.Safe]   `json:"safe"`
	SafeRole     string              `json:"safe_role" doc:"Empty: not a member of the safe"`
	Role         string              `json:"role" doc:"In the organization"`
	Groups       []id.Group          `json:"groups"`
	At           time.Time           `json:"at"`
	From         string              `json:"from,omitempty"`
	CanApprove   []NamedRef[id.User] `json:"can_approve" doc:"People whom the policy names and who could approve, at most 200, never the person themselves; owners and admins always can"`
	MoreApprove  bool                `json:"can_approve_more,omitempty" doc:"It names more people than these"`
	PolicySet    int64               `json:"policy_set" doc:"The number of the organization's policies that this was decided under; it grows with each change"`
	SettingsText string              `json:"settings_text" doc:"What the engine makes of the safe's own conditions, as Cedar"`
}

// Moment is when, and what about, a question of access is.
type Moment struct {
	At     time.Time `query:"at" doc:"Absent: now"`
	From   string    `query:"from" maxLength:"64" doc:"Address that the person connects from; absent: one that no network contains"`
	MFAAge string    `query:"mfa" maxLength:"16" doc:"How long ago a second factor was proved, such as 10m; absent: just now; never"`
	Ticket string    `query:"ticket" maxLength:"128"`
	Use    string    `query:"use" enum:"session,checkout" doc:"What they would want of the safe; absent: a session. For a checkout the credential is shown to them"`
}

func (m Moment) when() (policy.When, error) {
	w := policy.When{At: m.At, Ticket: m.Ticket, Use: policy.Use(m.Use)}
	if m.From != "" {
		a, err := netip.ParseAddr(m.From)
		if err != nil {
			return w, fault.New(fault.Invalid, "%.64q is not an address", m.From).WithField("from", "must be an IP address")
		}
		w.From = a
	}
	switch m.MFAAge {
	case "":
		w.Factor = true
	case "never":
	default:
		d, err := time.ParseDuration(m.MFAAge)
		if err != nil || d < 0 {
			return w, fault.New(fault.Invalid, "%.16q is not a time", m.MFAAge).WithField("mfa", "must be a time such as 10m, or never")
		}
		w.FactorS, w.Factor = int64(d/time.Second), d < time.Second
	}
	return w, nil
}

// Reach is what one person may do with one safe.
type Reach struct {
	AccessDecision
	User     NamedRef[id.User] `json:"user"`
	Safe     NamedRef[id.Safe] `json:"safe"`
	SafeRole string            `json:"safe_role" doc:"Empty: none; one of the openings lets them in"`
	Openings []Opening         `json:"openings" doc:"What opens the safe for a time besides the role"`
}

// Opening is a request that was approved, or a loan.
type Opening struct {
	Kind         string             `json:"kind" enum:"request,emergency,loan"`
	EndsAt       time.Time          `json:"ends_at" doc:"Not included"`
	RequestID    id.AccessReq       `json:"request_id,omitempty"`
	DelegationID id.Delegation      `json:"delegation_id,omitempty"`
	Lender       *NamedRef[id.User] `json:"lender,omitempty" doc:"Of a loan"`
}

func reachJSON(r policy.Reach) Reach {
	out := Reach{AccessDecision: decisionJSON(r.Decision), User: NamedRef[id.User]{r.User.ID, r.User.Handle}, Safe: NamedRef[id.Safe]{r.Safe.ID, r.Safe.Name}, SafeRole: string(r.Role), Openings: []Opening{}}
	for _, o := range r.Openings {
		open := Opening{Kind: "request", EndsAt: o.Until, RequestID: o.Request, DelegationID: o.Delegation}
		switch {
		case o.Delegation != "":
			open.Kind, open.Lender = "loan", &NamedRef[id.User]{o.Lender.ID, o.Lender.Handle}
		case o.Emergency:
			open.Kind = "emergency"
		}
		out.Openings = append(out.Openings, open)
	}
	return out
}

func (s *Server) explainRoutes() {
	const tag = "access"
	handle(s, signedIn, huma.Operation{OperationID: "explain-access", Method: http.MethodGet, Path: "/org/access/explain", Summary: "Whether somebody may open a safe, or check its credential out, and why", Tags: []string{tag},
		Description: "Decided by the code that decides launches and checkouts. Administrators and auditors ask about everybody, managers of a safe about it, and everybody about themselves."},
		func(ctx context.Context, a authz.Actor, in *struct {
			User string `query:"user" required:"true" maxLength:"64"`
			Safe string `query:"safe" required:"true" maxLength:"64"`
			Moment
		}) (*struct{ Body Explanation }, error) {
			w, err := in.when()
			if err != nil {
				return nil, err
			}
			e, err := s.Policies.Explain(ctx, a, id.User(in.User), id.Safe(in.Safe), w)
			if err != nil {
				return nil, err
			}
			q := e.Question
			out := Explanation{AccessDecision: decisionJSON(e.Decision), User: NamedRef[id.User]{q.Who.ID, q.Who.Handle}, Safe: NamedRef[id.Safe]{q.Safe.ID, q.Safe.Name},
				SafeRole: string(q.Safe.Role), Role: string(q.Who.Role), Groups: append([]id.Group{}, q.Who.Groups...), At: q.Moment.At, CanApprove: []NamedRef[id.User]{},
				PolicySet: e.Decision.Set, SettingsText: policy.SettingsText(q.Safe.Settings)}
			if q.Moment.Source.IsValid() {
				out.From = q.Moment.Source.String()
			}
			out.MoreApprove = e.More
			for _, p := range e.Approvers {
				out.CanApprove = append(out.CanApprove, NamedRef[id.User]{p.ID, p.Handle})
			}
			return &struct{ Body Explanation }{out}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "who-can", Method: http.MethodGet, Path: "/org/access/who-can", Summary: "Everybody with a role on a safe, or for whom a request or a loan opens it now, and what a launch of theirs, or a checkout, is answered", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Safe string `query:"safe" required:"true" maxLength:"64"`
			Moment
			PageIn
		}) (*pageOut[Reach], error) {
			w, err := in.when()
			if err != nil {
				return nil, err
			}
			l, err := s.Policies.WhoCan(ctx, a, id.Safe(in.Safe), w, in.request())
			return pageOf(l, reachJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "what-can", Method: http.MethodGet, Path: "/org/access/what-can", Summary: "Every safe on which somebody has a role, or which a request or a loan opens for them now, and what a launch of theirs, or a checkout, is answered", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			User string `query:"user" required:"true" maxLength:"64"`
			Moment
			PageIn
		}) (*pageOut[Reach], error) {
			w, err := in.when()
			if err != nil {
				return nil, err
			}
			l, err := s.Policies.WhatCan(ctx, a, id.User(in.User), w, in.request())
			return pageOf(l, reachJSON, err)
		})
	s.simulateRoute(tag)
}

// Simulation is which past launches would be decided otherwise.
type Simulation struct {
	From     time.Time      `json:"from"`
	Launches int            `json:"launches" doc:"That were decided again"`
	Whole    bool           `json:"whole" doc:"False: there were more, and only the newest 10000 were taken"`
	Changed  int            `json:"changed"`
	By       map[string]int `json:"by" doc:"How often each change, such as allow to deny"`
	Examples []Otherwise    `json:"examples" doc:"The newest of the changed, at most 200"`
}

// Otherwise is one past launch that would be decided otherwise.
type Otherwise struct {
	EventID id.Event          `json:"event_id" doc:"Of the launch, in the audit log"`
	At      time.Time         `json:"at"`
	User    NamedRef[id.User] `json:"user"`
	Safe    NamedRef[id.Safe] `json:"safe"`
	Was     string            `json:"was" doc:"As it was decided then"`
	Now     AccessDecision    `json:"now" doc:"Under the policies of today"`
	Would   AccessDecision    `json:"would" doc:"Under the proposal"`
}

// ProposedPolicy is a new policy, another text or place of one, or its end.
type ProposedPolicy struct {
	ID     id.Policy `json:"id,omitempty" maxLength:"64" doc:"Absent: a new policy"`
	Delete bool      `json:"delete,omitempty"`
	PolicyDraft
}

// ProposedGroupMember is somebody who would join or leave a group.
type ProposedGroupMember struct {
	Group id.Group `json:"group_id" maxLength:"64"`
	User  id.User  `json:"user_id" maxLength:"64"`
	In    bool     `json:"in" doc:"False: taken out"`
}

// ProposedGroupRole is a group that would have another role on a safe.
type ProposedGroupRole struct {
	Safe  id.Safe  `json:"safe_id" maxLength:"64"`
	Group id.Group `json:"group_id" maxLength:"64"`
	Role  string   `json:"role" enum:",user,checkout,approver,manager" doc:"Empty: taken away"`
}

// ProposedMember is a direct member of a safe who would have another role.
type ProposedMember struct {
	Safe id.Safe `json:"safe_id" maxLength:"64"`
	User id.User `json:"user_id" maxLength:"64"`
	Role string  `json:"role" enum:",user,checkout,approver,manager" doc:"Empty: taken away"`
}

func (s *Server) simulateRoute(tag string) {
	handle(s, signedIn, huma.Operation{OperationID: "simulate-access", Method: http.MethodPost, Path: "/org/access/simulate", Summary: "Decide past launches again under a proposed change", Tags: []string{tag},
		Description: "Nothing is changed. Each launch of the last days is decided under the policies of today and as it would be, with the person, safe and moment of then. Where a change of members or groups is about a launch, the role on the safe is what the members and groups of today would add up to after it."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Days     int                   `json:"days,omitempty" minimum:"0" maximum:"90" doc:"How far back; 30 when absent"`
				Policies []ProposedPolicy      `json:"policies,omitempty" maxItems:"100"`
				Members  []ProposedMember      `json:"members,omitempty" maxItems:"100"`
				Groups   []ProposedGroupMember `json:"group_members,omitempty" maxItems:"100"`
				Bindings []ProposedGroupRole   `json:"group_roles,omitempty" maxItems:"100"`
				Deleted  []id.Group            `json:"deleted_groups,omitempty" maxItems:"100" doc:"With all that they bring"`
			}
		}) (*struct{ Body Simulation }, error) {
			p := policy.Proposal{Days: in.Body.Days, Deleted: in.Body.Deleted}
			if p.Days == 0 {
				p.Days = 30
			}
			for _, x := range in.Body.Policies {
				p.Policies = append(p.Policies, policy.ProposedPolicy{ID: x.ID, Delete: x.Delete, Draft: x.draft()})
			}
			for _, m := range in.Body.Members {
				p.Members = append(p.Members, policy.ProposedMember{Safe: m.Safe, User: m.User, Role: authz.SafeRole(m.Role)})
			}
			for _, x := range in.Body.Groups {
				p.Groups = append(p.Groups, policy.ProposedGroupMember(x))
			}
			for _, x := range in.Body.Bindings {
				p.Bindings = append(p.Bindings, policy.ProposedBinding{Safe: x.Safe, Group: x.Group, Role: authz.SafeRole(x.Role)})
			}
			r, err := s.Policies.Simulate(ctx, a, p)
			if err != nil {
				return nil, err
			}
			out := Simulation{From: r.From, Launches: r.Launches, Whole: r.Whole, Changed: r.Changed, By: r.By, Examples: []Otherwise{}}
			for _, o := range r.Examples {
				out.Examples = append(out.Examples, Otherwise{EventID: o.Event, At: o.At, User: NamedRef[id.User]{o.User.ID, o.User.Handle}, Safe: NamedRef[id.Safe]{o.Safe.ID, o.Safe.Name},
					Was: string(o.Was), Now: decisionJSON(o.Now), Would: decisionJSON(o.Would)})
			}
			return &struct{ Body Simulation }{out}, nil
		})
}
