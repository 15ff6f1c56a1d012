package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/platform"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// Member is a person in the active organization.
type Member struct {
	UserID   id.User   `json:"user_id"`
	Email    string    `json:"email"`
	Handle   string    `json:"handle"`
	Name     string    `json:"name"`
	Role     string    `json:"role" enum:"owner,admin,operator,auditor"`
	Active   bool      `json:"active" doc:"False: they or their membership are suspended"`
	JoinedAt time.Time `json:"joined_at"`
	Service  bool      `json:"service_account,omitempty" doc:"It acts by API tokens only"`

	SuspendedAt time.Time `json:"suspended_at,omitzero" doc:"When their membership was suspended; absent: it is not"`
}

func orgMember(m tenancy.Member) Member {
	return Member{UserID: m.ID, Email: m.Email, Handle: m.Handle, Name: m.Name, Role: string(m.Role), Active: m.Active, JoinedAt: m.JoinedAt, Service: m.Service, SuspendedAt: m.SuspendedAt}
}

// ListedMember is a member with what only lists tell.
type ListedMember struct {
	Member
	MFA bool `json:"mfa_enrolled" doc:"They have a second factor"`
}

type NewPerson struct {
	Email    string        `json:"email" maxLength:"320"`
	Handle   string        `json:"handle" maxLength:"64"`
	Name     string        `json:"name,omitempty"`
	Password secret.Secret `json:"password,omitempty" doc:"For somebody who is not known yet"`
}

func (p NewPerson) person() identity.NewPerson {
	return identity.NewPerson{Email: p.Email, Handle: p.Handle, Name: p.Name, Password: p.Password}
}

type MemberPath struct {
	UserID string `path:"user_id" maxLength:"64"`
}

func (s *Server) organizationRoutes() {
	const tag = "organization"
	one := func(m tenancy.Member, err error) (*struct{ Body Member }, error) {
		if err != nil {
			return nil, err
		}
		s.Sessions.Notify()
		return &struct{ Body Member }{orgMember(m)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-members", Method: http.MethodGet, Path: "/org/members", Summary: "List the members of the active organization", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			Q    string `query:"q" maxLength:"200" doc:"In name, e-mail address or handle; or the whole id"`
			Role string `query:"role" enum:"owner,admin,operator,auditor" doc:"Absent: all"`
			Kind string `query:"kind" enum:"person,service_account" doc:"Absent: both"`
		}) (*pageOut[ListedMember], error) {
			l, err := s.Tenancy.FindMembers(ctx, a, tenancy.MemberSearch{Text: in.Q, Role: authz.Role(in.Role), People: in.Kind == "person", Services: in.Kind == "service_account"}, in.request())
			return pageOf(l, func(m tenancy.Member) ListedMember { return ListedMember{orgMember(m), m.MFA} }, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "add-member", Method: http.MethodPost, Path: "/org/members", Summary: "Add a member", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				NewPerson
				Role string `json:"role" enum:"owner,admin,operator,auditor"`
			}
		}) (*struct{ Body Member }, error) {
			return one(s.Tenancy.AddMember(ctx, a, tenancy.AddMemberArgs{Person: in.Body.person(), Role: authz.Role(in.Body.Role)}))
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "set-member-role", Method: http.MethodPut, Path: "/org/members/{user_id}/role", Summary: "Change a member's role", Tags: []string{tag}}),
		func(ctx context.Context, a authz.Actor, in *struct {
			MemberPath
			Body struct {
				Role string `json:"role" enum:"owner,admin,operator,auditor"`
			}
		}) (*struct{ Body Member }, error) {
			return one(s.Tenancy.ChangeRole(ctx, a, id.User(in.UserID), authz.Role(in.Body.Role)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "remove-member", Method: http.MethodDelete, Path: "/org/members/{user_id}", Summary: "Remove a member; their live sessions end", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *MemberPath) (*struct{}, error) {
			err := s.Tenancy.RemoveMember(ctx, a, id.User(in.UserID))
			s.Sessions.Notify()
			return nothing(err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "suspend-member", Method: http.MethodPost, Path: "/org/members/{user_id}/suspend", Summary: "Suspend a member; their live sessions end", Tags: []string{tag},
		Description: "They keep role, safes and API tokens, and can use none of them in this organization until they are resumed. Their live sessions end within two seconds. LAST_OWNER and SELF_SUSPENSION are refused."},
		func(ctx context.Context, a authz.Actor, in *struct {
			MemberPath
			Body *struct {
				Comment string `json:"comment,omitempty" maxLength:"2000" doc:"Why; it stands in the audit log"`
			}
		}) (*struct{ Body Member }, error) {
			comment := ""
			if in.Body != nil {
				comment = in.Body.Comment
			}
			return one(s.Tenancy.SuspendMember(ctx, a, id.User(in.UserID), comment))
		})
	handle(s, signedIn, huma.Operation{OperationID: "resume-member", Method: http.MethodPost, Path: "/org/members/{user_id}/resume", Summary: "Let a suspended member in again", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *MemberPath) (*struct{ Body Member }, error) {
			return one(s.Tenancy.ResumeMember(ctx, a, id.User(in.UserID)))
		})
	s.platformRoutes()
}

// Organization is a tenant, as operators of the platform see it.
type Organization struct {
	ID          id.Org    `json:"id"`
	Slug        string    `json:"slug"`
	Name        string    `json:"name"`
	Active      bool      `json:"active"`
	Deleted     bool      `json:"deleted,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	SuspendedAt time.Time `json:"suspended_at,omitzero"`
	Comment     string    `json:"comment,omitempty" doc:"Why it is suspended, as its operators wrote"`
}

func orgJSON(o tenancy.Organization) Organization {
	return Organization{ID: o.ID, Slug: o.Slug, Name: o.Name, Active: o.Active, Deleted: o.Deleted, CreatedAt: o.CreatedAt, SuspendedAt: o.SuspendedAt, Comment: o.Comment}
}

// OrganizationOverview is a tenant with its size.
type OrganizationOverview struct {
	Organization
	Members     int  `json:"members"`
	Invited     int  `json:"invited" doc:"Open invitations; each holds a seat"`
	SeatLimit   int  `json:"seat_limit" doc:"How many members there may be; 0: no limit"`
	SSORequired bool `json:"sso_required" doc:"Members come in through the organization's identity provider only"`
	// What the platform's administrators may change of how its log is kept.
	AuditMinimumDays int    `json:"audit_minimum_days" doc:"The least that it may set for how long the content of its audit log is kept"`
	LegalHolds       []Hold `json:"legal_holds" doc:"Only of one organization. While there is one, nothing is deleted because it is old"`
}

func overviewJSON(o tenancy.Overview) OrganizationOverview {
	return OrganizationOverview{orgJSON(o.Organization), o.Members, o.Invited, o.Seats, o.SSORequired, o.AuditMinimum, holdsJSON(o.Holds)}
}

func (s *Server) platformRoutes() {
	const tag = "platform"
	type person struct {
		ID     id.User `json:"id"`
		Email  string  `json:"email"`
		Handle string  `json:"handle"`
		Name   string  `json:"name"`
	}
	handle(s, open, huma.Operation{OperationID: "platform-setup", Method: http.MethodPost, Path: "/platform/setup", Summary: "Use the one-time set-up link: create the first platform administrator", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				NewPerson
				Token secret.Secret `json:"token" doc:"From the link that the server printed at its first start"`
			}
		}) (*struct{ Body person }, error) {
			p, err := s.Platform.Setup(ctx, platform.SetupArgs{Token: in.Body.Token, Person: in.Body.person(), From: origin(a)})
			if err != nil {
				return nil, err
			}
			return &struct{ Body person }{person{p.ID, p.Email, p.Handle, p.Name}}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-organizations", Method: http.MethodGet, Path: "/platform/organizations", Summary: "List organizations", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[OrganizationOverview], error) {
			l, err := s.Tenancy.List(ctx, a, in.request())
			return pageOf(l, overviewJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-platform-organization", Method: http.MethodGet, Path: "/platform/organizations/{id}", Summary: "Show an organization: its state, size and limit", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *OrganizationPath) (*struct{ Body OrganizationOverview }, error) {
			o, err := s.Tenancy.Overview(ctx, a, id.Org(in.ID))
			if err != nil {
				return nil, err
			}
			return &struct{ Body OrganizationOverview }{overviewJSON(o)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "create-organization", Method: http.MethodPost, Path: "/platform/organizations", Summary: "Create an organization with its first owner", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Slug  string    `json:"slug" doc:"Lower-case letters, digits and hyphens; stands in SSH logins and addresses"`
				Name  string    `json:"name"`
				Owner NewPerson `json:"owner"`
			}
		}) (*struct{ Body Organization }, error) {
			o, _, err := s.Tenancy.Create(ctx, a, tenancy.CreateArgs{Slug: in.Body.Slug, Name: in.Body.Name, Owner: in.Body.Owner.person()})
			if err != nil {
				return nil, err
			}
			return &struct{ Body Organization }{orgJSON(o)}, nil
		})
}
