package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/invitation"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// InvitationSafe is a safe that an invitation brings.
type InvitationSafe struct {
	SafeID id.Safe `json:"safe_id" maxLength:"64"`
	Role   string  `json:"role" enum:"user,checkout,approver,manager"`
}

// Invitation is somebody who is asked to join the organization.
type Invitation struct {
	ID         id.Invitation    `json:"id"`
	Email      string           `json:"email"`
	Role       string           `json:"role" enum:"owner,admin,operator,auditor"`
	Safes      []InvitationSafe `json:"safes"`
	RequireMFA bool             `json:"require_mfa"`
	State      string           `json:"state" enum:"pending,accepted,revoked,expired"`
	InvitedBy  string           `json:"invited_by" doc:"Handle"`
	CreatedAt  time.Time        `json:"created_at"`
	SentAt     time.Time        `json:"sent_at" doc:"When its newest message was queued"`
	ExpiresAt  time.Time        `json:"expires_at"`
	Resends    int              `json:"resends"`
	EndedAt    time.Time        `json:"ended_at,omitzero"`
	MemberID   id.User          `json:"member_id,omitempty" doc:"Who accepted it"`
}

func invitationJSON(i invitation.Invitation) Invitation {
	out := Invitation{ID: i.ID, Email: i.Email, Role: string(i.Role), Safes: []InvitationSafe{}, RequireMFA: i.RequireMFA, State: string(i.State), InvitedBy: i.Inviter.Handle,
		CreatedAt: i.CreatedAt, SentAt: i.SentAt, ExpiresAt: i.ExpiresAt, Resends: i.Resends, EndedAt: i.EndedAt, MemberID: i.Member}
	for _, p := range i.Safes {
		out.Safes = append(out.Safes, InvitationSafe{p.Safe, string(p.Role)})
	}
	return out
}

// NewInvitation asks somebody to join.
type NewInvitation struct {
	Email      string           `json:"email" maxLength:"320"`
	Role       string           `json:"role" enum:"owner,admin,operator,auditor"`
	Safes      []InvitationSafe `json:"safes,omitempty" maxItems:"50" doc:"Whose members they become"`
	RequireMFA bool             `json:"require_mfa,omitempty" doc:"Who has an account must have proved a second factor of their own to accept"`
}

func (n NewInvitation) args() invitation.SendArgs {
	a := invitation.SendArgs{Email: n.Email, Role: authz.Role(n.Role), RequireMFA: n.RequireMFA}
	for _, p := range n.Safes {
		a.Safes = append(a.Safes, invitation.Place{Safe: p.SafeID, Role: authz.SafeRole(p.Role)})
	}
	return a
}

// InvitationResult is what became of one of several invitations.
type InvitationResult struct {
	Email      string      `json:"email"`
	Invitation *Invitation `json:"invitation,omitempty" doc:"When it was sent"`
	Problem    *Problem    `json:"problem,omitempty" doc:"Why it was not"`
}

type invitationOut struct{ Body Invitation }

// InvitationPath names an invitation.
type InvitationPath struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) invitationRoutes() {
	const tag = "invitations"
	one := func(i invitation.Invitation, err error) (*invitationOut, error) {
		if err != nil {
			return nil, err
		}
		return &invitationOut{invitationJSON(i)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-invitations", Method: http.MethodGet, Path: "/org/invitations", Summary: "List the invitations of the active organization", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			State string `query:"state" enum:"pending,accepted,revoked,expired" doc:"Absent: all"`
		}) (*pageOut[Invitation], error) {
			l, err := s.Invitations.List(ctx, a, invitation.State(in.State), in.request())
			return pageOf(l, invitationJSON, err)
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "send-invitation", Method: http.MethodPost, Path: "/org/invitations", Summary: "Invite somebody", DefaultStatus: 201, Tags: []string{tag},
		Description: "They get an e-mail with a link that works once, for seven days."}),
		func(ctx context.Context, a authz.Actor, in *struct{ Body NewInvitation }) (*invitationOut, error) {
			return one(s.Invitations.Send(ctx, a, in.Body.args()))
		})
	handle(s, signedIn, huma.Operation{OperationID: "send-invitations", Method: http.MethodPost, Path: "/org/invitations/bulk", Summary: "Invite several people", Tags: []string{tag},
		Description: "Each for themselves: what is wrong with one does not keep the others back."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Invitations []NewInvitation `json:"invitations" minItems:"1" maxItems:"200"`
			}
		}) (*struct {
			Body struct {
				Results []InvitationResult `json:"results"`
			}
		}, error) {
			all := make([]invitation.SendArgs, len(in.Body.Invitations))
			for i, n := range in.Body.Invitations {
				all[i] = n.args()
			}
			done, err := s.Invitations.SendMany(ctx, a, all)
			if err != nil {
				return nil, err
			}
			out := &struct {
				Body struct {
					Results []InvitationResult `json:"results"`
				}
			}{}
			for _, r := range done {
				x := InvitationResult{Email: r.Email}
				if r.Invitation != nil {
					j := invitationJSON(*r.Invitation)
					x.Invitation = &j
				} else {
					x.Problem = s.problem(ctx, r.Err)
				}
				out.Body.Results = append(out.Body.Results, x)
			}
			return out, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "resend-invitation", Method: http.MethodPost, Path: "/org/invitations/{id}/resend", Summary: "Send a pending invitation again; its old link is void", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *InvitationPath) (*invitationOut, error) {
			return one(s.Invitations.Resend(ctx, a, id.Invitation(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "revoke-invitation", Method: http.MethodDelete, Path: "/org/invitations/{id}", Summary: "Withdraw a pending invitation", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *InvitationPath) (*struct{}, error) {
			return nothing(s.Invitations.Revoke(ctx, a, id.Invitation(in.ID)))
		})
	s.acceptRoutes(tag)
}

// InvitationLanding is what a live link leads to.
type InvitationLanding struct {
	Organization string    `json:"organization"`
	OrgSlug      string    `json:"org_slug"`
	InvitedBy    string    `json:"invited_by"`
	Email        string    `json:"email"`
	Role         string    `json:"role" enum:"owner,admin,operator,auditor"`
	RequireMFA   bool      `json:"require_mfa"`
	ExpiresAt    time.Time `json:"expires_at"`
	Account      string    `json:"account" enum:"new,existing" doc:"existing: sign in under this address to accept; new: choose a handle and a password"`
}

func landingJSON(l invitation.Landing) InvitationLanding {
	out := InvitationLanding{Organization: l.OrgName, OrgSlug: l.OrgSlug, InvitedBy: l.Inviter, Email: l.Email, Role: string(l.Role), RequireMFA: l.RequireMFA, ExpiresAt: l.ExpiresAt, Account: "new"}
	if l.Known {
		out.Account = "existing"
	}
	return out
}

// Joined is what an accepted invitation gave.
type Joined struct {
	Org      MyOrg     `json:"org"`
	UserID   id.User   `json:"user_id"`
	SignedIn *SignedIn `json:"signed_in,omitempty" doc:"For somebody new: a session that may only enrol a second factor"`
}

type joinedOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Joined
}

func (s *Server) joined(j invitation.Joined, cookie bool) *joinedOut {
	out := &joinedOut{Body: Joined{Org: MyOrg{ID: j.Org, Slug: j.OrgSlug, Name: j.OrgName, Role: string(j.Role)}, UserID: j.Person.ID}}
	if j.Session != nil {
		in := s.signedIn(*j.Session, cookie)
		out.SetCookie, out.Body.SignedIn = in.SetCookie, &in.Body
	}
	return out
}

type linkIn struct {
	Body struct {
		Token secret.Secret `json:"token" doc:"From the link: what stands behind #"`
	}
}

func (s *Server) acceptRoutes(tag string) {
	handle(s, open, huma.Operation{OperationID: "look-at-invitation", Method: http.MethodPost, Path: "/invitations/look", Summary: "Say what an invitation's link leads to; it changes nothing", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *linkIn) (*struct{ Body InvitationLanding }, error) {
			l, err := s.Invitations.Look(ctx, in.Body.Token, origin(a))
			if err != nil {
				return nil, err
			}
			return &struct{ Body InvitationLanding }{landingJSON(l)}, nil
		})
	type startedInvitation struct {
		InvitationLanding
		FlowID    id.Flow   `json:"flow_id"`
		Flow      string    `json:"flow" doc:"Show it to /invitations/accept"`
		FlowUntil time.Time `json:"flow_expires_at"`
	}
	handle(s, open, huma.Operation{OperationID: "start-invitation", Method: http.MethodPost, Path: "/invitations/start", Summary: "Begin to accept an invitation", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *linkIn) (*struct{ Body startedInvitation }, error) {
			f, err := s.Invitations.Start(ctx, in.Body.Token, origin(a))
			if err != nil {
				return nil, err
			}
			return &struct{ Body startedInvitation }{startedInvitation{landingJSON(f.Landing), f.ID, f.Token.RevealString(), f.ExpiresAt}}, nil
		})
	handle(s, open, huma.Operation{OperationID: "accept-invitation", Method: http.MethodPost, Path: "/invitations/accept", Summary: "Accept an invitation", Tags: []string{tag},
		Description: "Signed in under the invited address; or, where the address has no account, with a handle and a password. The answer to somebody new is a session that may enrol a second factor."},
		func(ctx context.Context, a authz.Actor, in *struct {
			CookieIn
			Body struct {
				Flow     secret.Secret `json:"flow"`
				Handle   string        `json:"handle,omitempty" maxLength:"64"`
				Name     string        `json:"name,omitempty"`
				Password secret.Secret `json:"password,omitempty"`
			}
		}) (*joinedOut, error) {
			b := in.Body
			j, err := s.Invitations.Accept(ctx, a, invitation.AcceptArgs{Flow: b.Flow, From: origin(a),
				Person: identity.NewPerson{Handle: b.Handle, Name: b.Name, Password: b.Password}})
			if err != nil {
				return nil, err
			}
			return s.joined(j, in.Cookie), nil
		})
	type offeredInvitation struct {
		ID           id.Invitation `json:"id"`
		Organization string        `json:"organization"`
		Role         string        `json:"role" enum:"owner,admin,operator,auditor"`
		InvitedBy    string        `json:"invited_by"`
		ExpiresAt    time.Time     `json:"expires_at"`
	}
	handle(s, signedIn, huma.Operation{OperationID: "my-invitations", Method: http.MethodGet, Path: "/invitations", Summary: "The open invitations to your own address", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct {
			Body struct {
				Items []offeredInvitation `json:"items"`
			}
		}, error) {
			all, err := s.Invitations.For(ctx, a)
			if err != nil {
				return nil, err
			}
			out := &struct {
				Body struct {
					Items []offeredInvitation `json:"items"`
				}
			}{}
			out.Body.Items = []offeredInvitation{}
			for _, i := range all {
				out.Body.Items = append(out.Body.Items, offeredInvitation{i.ID, i.OrgName(), string(i.Role), i.Inviter.Handle, i.ExpiresAt})
			}
			return out, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "accept-my-invitation", Method: http.MethodPost, Path: "/invitations/{id}/accept", Summary: "Accept an invitation to your own address, without its link", Tags: []string{tag},
		Description: "Only for an address that you have proved before, by a link that was mailed there."},
		func(ctx context.Context, a authz.Actor, in *InvitationPath) (*joinedOut, error) {
			j, err := s.Invitations.AcceptMine(ctx, a, id.Invitation(in.ID))
			if err != nil {
				return nil, err
			}
			return s.joined(j, false), nil
		})
}
