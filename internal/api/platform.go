package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/platform"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// PlatformUser is somebody who operates the installation.
type PlatformUser struct {
	UserID id.User   `json:"user_id"`
	Email  string    `json:"email"`
	Handle string    `json:"handle"`
	Name   string    `json:"name"`
	Role   string    `json:"role" enum:"platform_admin,platform_auditor"`
	MFA    bool      `json:"mfa_enrolled" doc:"They have a second factor"`
	Since  time.Time `json:"since"`
}

func platformUser(o platform.Operator) PlatformUser {
	return PlatformUser{UserID: o.ID, Email: o.Email, Handle: o.Handle, Name: o.Name, Role: string(o.Role), MFA: o.MFA, Since: o.Since}
}

// PlatformInvitation asks somebody to operate the installation. Its link is in the message alone.
type PlatformInvitation struct {
	ID        id.Invitation `json:"id"`
	Email     string        `json:"email"`
	Role      string        `json:"role" enum:"platform_admin,platform_auditor"`
	State     string        `json:"state" enum:"pending,accepted,declined,revoked,expired"`
	InvitedBy string        `json:"invited_by" doc:"Handle"`
	CreatedAt time.Time     `json:"created_at"`
	SentAt    time.Time     `json:"sent_at" doc:"When the newest message was queued"`
	ExpiresAt time.Time     `json:"expires_at"`
	Resends   int           `json:"resends"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
}

func platformInvitation(i platform.Invitation) PlatformInvitation {
	return PlatformInvitation{ID: i.ID, Email: i.Email, Role: string(i.Role), State: string(i.State), InvitedBy: i.InvitedBy.Handle,
		CreatedAt: i.CreatedAt, SentAt: i.SentAt, ExpiresAt: i.ExpiresAt, Resends: i.Resends, EndedAt: i.EndedAt}
}

// PlatformLanding is what the link of a platform invitation leads to.
type PlatformLanding struct {
	Inviter   string    `json:"inviter"`
	Email     string    `json:"email"`
	Role      string    `json:"role" enum:"platform_admin,platform_auditor"`
	ExpiresAt time.Time `json:"expires_at"`
	Known     bool      `json:"account_exists" doc:"There is an account with this address: sign in with it, then accept"`
}

func platformLanding(l platform.Landing) PlatformLanding {
	return PlatformLanding{Inviter: l.Inviter, Email: l.Email, Role: string(l.Role), ExpiresAt: l.ExpiresAt, Known: l.Known}
}

// PlatformFlow is an acceptance that was begun.
type PlatformFlow struct {
	PlatformLanding
	Flow          string    `json:"flow" doc:"Shown once; accept with it"`
	FlowExpiresAt time.Time `json:"flow_expires_at"`
}

// PlatformJoined is what an accepted platform invitation gave.
type PlatformJoined struct {
	UserID      id.User   `json:"user_id"`
	Handle      string    `json:"handle"`
	Role        string    `json:"role" enum:"platform_admin,platform_auditor"`
	AccessToken string    `json:"access_token,omitempty" doc:"Of somebody new: it enrols a second factor and opens nothing else; absent with cookie=true"`
	ExpiresAt   time.Time `json:"expires_at,omitzero" doc:"Of the session of somebody new"`
}

type platformJoinedOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      PlatformJoined
}

type PlatformLink struct {
	Body struct {
		Token secret.Secret `json:"token" doc:"From the link in the message, behind the #"`
	}
}

type PlatformUserPath struct {
	UserID string `path:"user_id" maxLength:"64"`
}

type PlatformInvitationPath struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) operatorRoutes() {
	const tag = "platform"
	handle(s, signedIn, huma.Operation{OperationID: "list-platform-users", Method: http.MethodGet, Path: "/platform/users", Summary: "List who operates the installation", Tags: []string{tag},
		Description: "The first page leaves PLATFORM_USERS_LISTED."},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[PlatformUser], error) {
			l, err := s.Platform.Operators(ctx, a, in.request())
			return pageOf(l, platformUser, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "set-platform-role", Method: http.MethodPut, Path: "/platform/users/{user_id}/role", Summary: "Change the role of an operator", DefaultStatus: 204, Tags: []string{tag},
		Description: "The last administrator who is active and has a second factor stays one (LAST_ADMIN). " + freshFactor},
		func(ctx context.Context, a authz.Actor, in *struct {
			PlatformUserPath
			Body struct {
				Role string `json:"role" enum:"platform_admin,platform_auditor"`
			}
		}) (*struct{}, error) {
			return nothing(s.Platform.ChangeRole(ctx, a, id.User(in.UserID), authz.PlatformRole(in.Body.Role)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "remove-platform-user", Method: http.MethodDelete, Path: "/platform/users/{user_id}", Summary: "Take an operator's place away", DefaultStatus: 204, Tags: []string{tag},
		Description: "Their sign-ins end, and so do their API tokens of the platform and the invitations that they have sent. They stay a member of their organizations. Nobody removes themselves (SELF_REMOVAL), and the last administrator stays (LAST_ADMIN). " + freshFactor},
		func(ctx context.Context, a authz.Actor, in *PlatformUserPath) (*struct{}, error) {
			err := s.Platform.Remove(ctx, a, id.User(in.UserID))
			s.Sessions.Notify()
			return nothing(err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "reset-platform-mfa", Method: http.MethodPost, Path: "/platform/users/{user_id}/mfa/reset", Summary: "Clear the second factors of an operator", DefaultStatus: 204, Tags: []string{tag},
		Description: "Their sign-ins and API tokens end, and their next sign-in enrols a new factor. Nobody does it to themselves (SELF_RESET), and not to the last administrator (LAST_ADMIN). " + freshFactor},
		func(ctx context.Context, a authz.Actor, in *PlatformUserPath) (*struct{}, error) {
			err := s.Platform.ResetMFA(ctx, a, id.User(in.UserID))
			s.Sessions.Notify()
			return nothing(err)
		})
	s.platformInvitationRoutes(tag)
	s.platformLinkRoutes(tag)
}

func (s *Server) platformInvitationRoutes(tag string) {
	one := func(i platform.Invitation, err error) (*struct{ Body PlatformInvitation }, error) {
		if err != nil {
			return nil, err
		}
		return &struct{ Body PlatformInvitation }{platformInvitation(i)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-platform-invitations", Method: http.MethodGet, Path: "/platform/invitations", Summary: "List invitations of operators, the newest first", Tags: []string{tag},
		Description: "The first page leaves PLATFORM_INVITATIONS_LISTED."},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			State string `query:"state" enum:"pending,accepted,declined,revoked,expired"`
		}) (*pageOut[PlatformInvitation], error) {
			l, err := s.Platform.Invitations(ctx, a, platform.ListArgs{State: platform.State(in.State), Request: page.Request{Limit: in.Limit, Cursor: in.Cursor}})
			return pageOf(l, platformInvitation, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "invite-platform-user", Method: http.MethodPost, Path: "/platform/invitations", Summary: "Invite somebody to operate the installation", DefaultStatus: 201, Tags: []string{tag},
		Description: "They get a link by e-mail that works once and for seven days. Refusals: ALREADY_OPERATOR, OPEN_INVITATION, DOMAIN_NOT_ALLOWED. " + freshFactor},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Email string `json:"email" maxLength:"320"`
				Role  string `json:"role" enum:"platform_admin,platform_auditor"`
			}
		}) (*struct{ Body PlatformInvitation }, error) {
			return one(s.Platform.Invite(ctx, a, platform.InviteArgs{Email: in.Body.Email, Role: authz.PlatformRole(in.Body.Role)}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "resend-platform-invitation", Method: http.MethodPost, Path: "/platform/invitations/{id}/resend", Summary: "Send an invitation again, with a new link", Tags: []string{tag},
		Description: "The link before it stops working; seven days begin anew. Once a minute and ten times at most. " + freshFactor},
		func(ctx context.Context, a authz.Actor, in *PlatformInvitationPath) (*struct{ Body PlatformInvitation }, error) {
			return one(s.Platform.Resend(ctx, a, id.Invitation(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "revoke-platform-invitation", Method: http.MethodDelete, Path: "/platform/invitations/{id}", Summary: "Withdraw an invitation", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *PlatformInvitationPath) (*struct{}, error) {
			return nothing(s.Platform.Revoke(ctx, a, id.Invitation(in.ID)))
		})
}

// The link flow of somebody who is not signed in, or signed in under the invited address.
func (s *Server) platformLinkRoutes(tag string) {
	const dead = " A link that is not good is INVITATION_UNKNOWN, INVITATION_EXPIRED, INVITATION_REVOKED, INVITATION_SUPERSEDED or INVITATION_USED."
	handle(s, open, huma.Operation{OperationID: "look-at-platform-invitation", Method: http.MethodPost, Path: "/platform/invitations/look", Summary: "What a link leads to", Tags: []string{tag},
		Description: "It changes nothing, for mail scanners open links too." + dead},
		func(ctx context.Context, a authz.Actor, in *PlatformLink) (*struct{ Body PlatformLanding }, error) {
			l, err := s.Platform.Look(ctx, in.Body.Token, origin(a))
			if err != nil {
				return nil, err
			}
			return &struct{ Body PlatformLanding }{platformLanding(l)}, nil
		})
	handle(s, open, huma.Operation{OperationID: "start-platform-invitation", Method: http.MethodPost, Path: "/platform/invitations/start", Summary: "Begin to accept", DefaultStatus: 201, Tags: []string{tag},
		Description: "The flow is good for an hour." + dead},
		func(ctx context.Context, a authz.Actor, in *PlatformLink) (*struct{ Body PlatformFlow }, error) {
			f, err := s.Platform.Start(ctx, in.Body.Token, origin(a))
			if err != nil {
				return nil, err
			}
			return &struct{ Body PlatformFlow }{PlatformFlow{platformLanding(f.Landing), f.Token.RevealString(), f.ExpiresAt}}, nil
		})
	handle(s, open, huma.Operation{OperationID: "accept-platform-invitation", Method: http.MethodPost, Path: "/platform/invitations/accept", Summary: "Accept", Tags: []string{tag},
		Description: "Somebody new chooses a handle and a password. Somebody with an account sends their credential too (otherwise SIGN_IN_REQUIRED), under the invited address (otherwise EMAIL_MISMATCH)." + dead},
		func(ctx context.Context, a authz.Actor, in *struct {
			CookieIn
			Body struct {
				Flow     secret.Secret `json:"flow" doc:"From /platform/invitations/start"`
				Handle   string        `json:"handle,omitempty" maxLength:"64" doc:"Of somebody new"`
				Name     string        `json:"name,omitempty"`
				Password secret.Secret `json:"password,omitempty" doc:"Of somebody new"`
			}
		}) (*platformJoinedOut, error) {
			j, err := s.Platform.Accept(ctx, a, platform.AcceptArgs{Flow: in.Body.Flow, From: origin(a),
				Person: identity.NewPerson{Handle: in.Body.Handle, Name: in.Body.Name, Password: in.Body.Password}})
			if err != nil {
				return nil, err
			}
			out := &platformJoinedOut{Body: PlatformJoined{UserID: j.Person.ID, Handle: j.Person.Handle, Role: string(j.Role)}}
			if j.Session != nil {
				done := s.signedIn(*j.Session, in.Cookie)
				out.SetCookie, out.Body.AccessToken, out.Body.ExpiresAt = done.SetCookie, done.Body.AccessToken, j.Session.ExpiresAt
			}
			return out, nil
		})
	handle(s, open, huma.Operation{OperationID: "decline-platform-invitation", Method: http.MethodPost, Path: "/platform/invitations/decline", Summary: "Turn an invitation down, for good", DefaultStatus: 204, Tags: []string{tag},
		Description: "The link is enough." + dead},
		func(ctx context.Context, a authz.Actor, in *PlatformLink) (*struct{}, error) {
			return nothing(s.Platform.Decline(ctx, in.Body.Token, origin(a)))
		})
}
