package api

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// Safe binds members, a resource, an account on it and a policy.
type Safe struct {
	ID          id.Safe      `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Resource    SafeResource `json:"resource"`
	Account     SafeAccount  `json:"account"`
	Policy      Policy       `json:"policy"`
	MyRole      string       `json:"my_role" doc:"Empty: not a member"`
	Lent        *SafeLoan    `json:"lent,omitempty" doc:"You have no role on it: another member lends it to you, as its user"`
	CanLaunch   bool         `json:"can_launch"`
	BlockedBy   string       `json:"blocked_by,omitempty" doc:"Why not now, when the role would allow it"`
	Blocked     string       `json:"blocked,omitempty" doc:"The same as a sentence"`
	SSHCommand  string       `json:"ssh_command,omitempty" doc:"What to paste into a terminal"`
	Version     int64        `json:"version"`
	CreatedAt   time.Time    `json:"created_at"`
	UpdatedAt   time.Time    `json:"updated_at"`
}

// SafeLoan tells who lends a safe, and until when.
type SafeLoan struct {
	DelegationID id.Delegation `json:"delegation_id"`
	By           AccessPerson  `json:"by"`
	EndsAt       time.Time     `json:"ends_at"`
}

// SafeResource is where a safe leads to.
type SafeResource struct {
	ID       id.Resource `json:"id"`
	Name     string      `json:"name"`
	Protocol string      `json:"protocol"`
	Host     string      `json:"host"`
	Port     int         `json:"port"`
	Pinned   bool        `json:"pinned" doc:"A host key of it is confirmed"`
}

// SafeAccount is whom a safe signs in as.
type SafeAccount struct {
	ID       id.Account `json:"id"`
	Name     string     `json:"name"`
	Username string     `json:"username"`
	Enabled  bool       `json:"enabled"`
}

// SafeMember is a direct member of a safe.
type SafeMember struct {
	UserID  id.User    `json:"user_id"`
	Name    string     `json:"name"`
	Handle  string     `json:"handle"`
	Email   string     `json:"email"`
	Role    string     `json:"role" enum:"user,checkout,approver,manager"`
	AddedBy id.User    `json:"added_by"`
	AddedAt time.Time  `json:"added_at"`
	EndsAt  *time.Time `json:"ends_at,omitempty" doc:"The clock ends it then"`
}

type safeOut struct{ Body Safe }

type SafeID struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) safeJSON(actor authz.Actor, e safe.Entry) Safe {
	out := Safe{
		ID: e.ID, Name: e.Name, Description: e.Description, Policy: policyJSON(e.Policy),
		Resource: SafeResource{ID: e.Resource.ID, Name: e.Resource.Name, Protocol: e.Resource.Protocol, Host: e.Resource.Host, Port: e.Resource.Port, Pinned: e.Resource.Pinned},
		Account:  SafeAccount{ID: e.Account.ID, Name: e.Account.Name, Username: e.Account.Username, Enabled: e.Account.Enabled},
		MyRole:   string(e.Role), CanLaunch: e.CanLaunch, BlockedBy: string(e.BlockedBy), Version: e.Version, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
	if e.BlockedBy != safe.NotBlocked {
		out.Blocked = e.BlockedBy.Sentence()
	}
	if l := e.Loan; l != nil {
		out.Lent = &SafeLoan{DelegationID: l.ID, By: AccessPerson{ID: l.By, Handle: l.ByHandle, Name: l.ByName}, EndsAt: l.Until}
	}
	if e.Role != authz.NoSafeRole || e.Loan != nil {
		login := actor.Name
		if actor.Kind == authz.Token {
			login = actor.Email // a token's name is not a login
		}
		out.SSHCommand = s.sshCommand(login, e.Name)
	}
	return out
}

// sshCommand is what a person pastes to open a safe with OpenSSH.
func (s *Server) sshCommand(handle, safe string) string {
	host, port, err := net.SplitHostPort(s.SSHAddr)
	if err != nil {
		return ""
	}
	if port == "22" {
		return "ssh " + handle + "+" + safe + "@" + host
	}
	return "ssh -p " + port + " " + handle + "+" + safe + "@" + host
}

// oneSafe reads the safe again as the actor sees it, after a change.
func (s *Server) oneSafe(ctx context.Context, a authz.Actor, changed safe.Safe, err error) (*safeOut, error) {
	if err != nil {
		return nil, err
	}
	s.Sessions.Notify()
	return s.getSafe(ctx, a, changed.ID)
}

func (s *Server) getSafe(ctx context.Context, a authz.Actor, sid id.Safe) (*safeOut, error) {
	e, err := s.Safes.Get(ctx, a, sid)
	if err != nil {
		return nil, err
	}
	return &safeOut{s.safeJSON(a, e)}, nil
}

func (s *Server) safeRoutes() {
	const tag = "safes"
	handle(s, signedIn, huma.Operation{OperationID: "list-safes", Method: http.MethodGet, Path: "/safes", Summary: "List the safes that you may see", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			Mine bool   `query:"mine" doc:"Only those that you are a member of, or that are lent to you"`
			Q    string `query:"q" maxLength:"100" doc:"Only those with this in their name, description, resource, host or account"`

			Name     string `query:"name" maxLength:"100" doc:"Only the one of this name"`
			Resource string `query:"resource" maxLength:"64" doc:"Only those that lead to this resource"`
			Account  string `query:"account" maxLength:"64" doc:"Only those that use this account"`
		}) (*pageOut[Safe], error) {
			l, err := s.Safes.List(ctx, a, safe.Filter{Mine: in.Mine, Text: in.Q, Name: in.Name, Resource: id.Resource(in.Resource), Account: id.Account(in.Account)}, in.request())
			return pageOf(l, func(e safe.Entry) Safe { return s.safeJSON(a, e) }, err)
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "create-safe", Method: http.MethodPost, Path: "/safes", Summary: "Create a safe", DefaultStatus: 201, Tags: []string{tag}}),
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Name        string  `json:"name" doc:"Lower-case letters, digits and hyphens: people type it"`
				Description string  `json:"description,omitempty"`
				ResourceID  string  `json:"resource_id" maxLength:"64"`
				AccountID   string  `json:"account_id" maxLength:"64"`
				Policy      *Policy `json:"policy,omitempty"`
			}
		}) (*safeOut, error) {
			b := in.Body
			args := safe.CreateArgs{Name: b.Name, Description: b.Description, Resource: id.Resource(b.ResourceID), Account: id.Account(b.AccountID)}
			if b.Policy != nil {
				p, err := b.Policy.policy()
				if err != nil {
					return nil, err
				}
				args.Policy = &p
			}
			made, err := s.Safes.Create(ctx, a, args)
			return s.oneSafe(ctx, a, made, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-safe", Method: http.MethodGet, Path: "/safes/{id}", Summary: "Get a safe", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *SafeID) (*safeOut, error) {
			return s.getSafe(ctx, a, id.Safe(in.ID))
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "update-safe", Method: http.MethodPatch, Path: "/safes/{id}", Summary: "Change a safe", Tags: []string{tag}}),
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			Body struct {
				Name        *string      `json:"name,omitempty"`
				Description *string      `json:"description,omitempty"`
				ResourceID  *id.Resource `json:"resource_id,omitempty"`
				AccountID   *id.Account  `json:"account_id,omitempty"`
				Version     int64        `json:"version,omitempty"`
			}
		}) (*safeOut, error) {
			b := in.Body
			changed, err := s.Safes.Update(ctx, a, id.Safe(in.ID), safe.UpdateArgs{Name: b.Name, Description: b.Description, Resource: b.ResourceID, Account: b.AccountID, Version: b.Version})
			return s.oneSafe(ctx, a, changed, err)
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "set-safe-policy", Method: http.MethodPut, Path: "/safes/{id}/policy", Summary: "Replace the policy of a safe", Tags: []string{tag}}),
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			VersionIn
			Body Policy
		}) (*safeOut, error) {
			p, err := in.Body.policy()
			if err != nil {
				return nil, err
			}
			changed, err := s.Safes.SetPolicy(ctx, a, id.Safe(in.ID), p, in.Version)
			return s.oneSafe(ctx, a, changed, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "check-safe-policy", Method: http.MethodPost, Path: "/safes/check-policy", Summary: "Check the policy of a safe, and show it with its defaults", Tags: []string{tag},
		Description: "Nothing is saved. Whether the groups and people that it names exist is found out when it is."},
		func(ctx context.Context, a authz.Actor, in *struct{ Body Policy }) (*struct{ Body Policy }, error) {
			if err := authz.Check(a, authz.SafeList, authz.Object{Org: a.Org}); err != nil {
				return nil, err
			}
			p, err := in.Body.policy()
			if err == nil {
				err = p.Validate("")
			}
			if err != nil {
				return nil, err
			}
			return &struct{ Body Policy }{policyJSON(p)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "delete-safe", Method: http.MethodDelete, Path: "/safes/{id}", Summary: "Delete a safe; live sessions in it end", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			VersionIn
		}) (*struct{}, error) {
			err := s.Safes.Delete(ctx, a, id.Safe(in.ID), in.Version)
			s.Sessions.Notify()
			return nothing(err)
		})
	s.safeMemberRoutes(tag)
}

// MemberOfSafe is a direct member of a safe, with the safe.
type MemberOfSafe struct {
	SafeID   id.Safe `json:"safe_id"`
	SafeName string  `json:"safe_name"`
	SafeMember
}

type memberOut struct{ Body SafeMember }

func memberJSON(m safe.Member) SafeMember {
	return SafeMember{UserID: m.User, Name: m.Name, Handle: m.Handle, Email: m.Email, Role: string(m.Role), AddedBy: m.AddedBy, AddedAt: m.AddedAt, EndsAt: optionalTime(m.EndsAt)}
}

func (s *Server) safeMemberRoutes(tag string) {
	one := func(m safe.Member, err error) (*memberOut, error) {
		if err != nil {
			return nil, err
		}
		s.Sessions.Notify()
		return &memberOut{memberJSON(m)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-safe-members", Method: http.MethodGet, Path: "/safes/{id}/members", Summary: "List the direct members of a safe", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			PageIn
		}) (*pageOut[SafeMember], error) {
			l, err := s.Safes.Members(ctx, a, id.Safe(in.ID), in.request())
			return pageOf(l, memberJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-all-safe-members", Method: http.MethodGet, Path: "/org/safe-members", Summary: "List the direct members of all safes", Tags: []string{tag},
		Description: "For those who see all safes."},
		func(ctx context.Context, a authz.Actor, in *PageIn) (*pageOut[MemberOfSafe], error) {
			l, err := s.Safes.EveryMember(ctx, a, in.request())
			return pageOf(l, func(m safe.SafeMember) MemberOfSafe {
				return MemberOfSafe{SafeID: m.Safe, SafeName: m.SafeName, SafeMember: memberJSON(m.Member)}
			}, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "add-safe-member", Method: http.MethodPost, Path: "/safes/{id}/members", Summary: "Add a member", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			Body struct {
				UserID string    `json:"user_id" maxLength:"64"`
				Role   string    `json:"role" enum:"user,checkout,approver,manager"`
				EndsAt time.Time `json:"ends_at,omitempty" doc:"The clock ends it then; absent: never"`
			}
		}) (*memberOut, error) {
			return one(s.Safes.AddMemberUntil(ctx, a, id.Safe(in.ID), id.User(in.Body.UserID), safe.Role(in.Body.Role), in.Body.EndsAt))
		})
	handle(s, signedIn, huma.Operation{OperationID: "set-safe-member-role", Method: http.MethodPut, Path: "/safes/{id}/members/{user_id}", Summary: "Change the role of a member", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			UserID string `path:"user_id" maxLength:"64"`
			Body   struct {
				Role string `json:"role" enum:"user,checkout,approver,manager"`
			}
		}) (*memberOut, error) {
			return one(s.Safes.SetMemberRole(ctx, a, id.Safe(in.ID), id.User(in.UserID), safe.Role(in.Body.Role)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "remove-safe-member", Method: http.MethodDelete, Path: "/safes/{id}/members/{user_id}", Summary: "Remove a member; their live sessions in the safe end", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			UserID string `path:"user_id" maxLength:"64"`
		}) (*struct{}, error) {
			err := s.Safes.RemoveMember(ctx, a, id.Safe(in.ID), id.User(in.UserID))
			s.Sessions.Notify()
			return nothing(err)
		})
}
