package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe"
)

// Group is a group of people.
type Group struct {
	ID            id.Group    `json:"id"`
	Name          string      `json:"name"`
	Description   string      `json:"description"`
	Source        string      `json:"source" enum:"local,scim,sso" doc:"Who says who is in it: you (local), your directory (scim), your identity provider at each sign-in (sso)"`
	ProviderID    id.Provider `json:"provider_id,omitempty"`
	ProviderGroup string      `json:"provider_group,omitempty" doc:"The identity provider's name for it"`
	Members       int         `json:"members"`
	Safes         int         `json:"safes" doc:"To how many safes it is bound"`
	Version       int64       `json:"version"`
	CreatedAt     time.Time   `json:"created_at"`
	UpdatedAt     time.Time   `json:"updated_at"`
}

func groupJSON(g group.Group) Group {
	return Group{ID: g.ID, Name: g.Name, Description: g.Description, Source: string(g.Source), ProviderID: g.Provider, ProviderGroup: g.Claim,
		Members: g.Members, Safes: g.Safes, Version: g.Version, CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt}
}

// GroupMember is a person in a group.
type GroupMember struct {
	UserID  id.User   `json:"user_id"`
	Name    string    `json:"name"`
	Handle  string    `json:"handle"`
	Email   string    `json:"email"`
	AddedBy id.User   `json:"added_by,omitempty" doc:"Absent: the directory or the identity provider"`
	AddedAt time.Time `json:"added_at"`
}

func groupMemberJSON(m group.Member) GroupMember {
	return GroupMember{UserID: m.User, Name: m.Name, Handle: m.Handle, Email: m.Email, AddedBy: m.AddedBy, AddedAt: m.AddedAt}
}

// MemberOfGroup is a person in a group, with the group.
type MemberOfGroup struct {
	GroupID   id.Group `json:"group_id"`
	GroupName string   `json:"group_name"`
	GroupMember
}

// GroupSafe is what a group brings.
type GroupSafe struct {
	SafeID id.Safe    `json:"safe_id"`
	Name   string     `json:"name"`
	Role   string     `json:"role" enum:"user,checkout,approver,manager"`
	EndsAt *time.Time `json:"ends_at,omitempty" doc:"The clock ends it then; absent: never"`
}

// SafeGroup is a group that is bound to a safe.
type SafeGroup struct {
	ID        id.GroupAssignment `json:"id"`
	GroupID   id.Group           `json:"group_id"`
	Name      string             `json:"name"`
	Source    string             `json:"source" enum:"local,scim,sso"`
	Members   int                `json:"members"`
	Role      string             `json:"role" enum:"user,checkout,approver,manager"`
	EndsAt    *time.Time         `json:"ends_at,omitempty"`
	Version   int64              `json:"version"`
	CreatedBy id.User            `json:"created_by"`
	CreatedAt time.Time          `json:"created_at"`
}

// Binding is that a group is bound to a safe.
type Binding struct {
	ID        id.GroupAssignment `json:"id"`
	SafeID    id.Safe            `json:"safe_id"`
	SafeName  string             `json:"safe_name"`
	GroupID   id.Group           `json:"group_id"`
	Name      string             `json:"name" doc:"Of the group"`
	Source    string             `json:"source" enum:"local,scim,sso"`
	Role      string             `json:"role" enum:"user,checkout,approver,manager"`
	EndsAt    *time.Time         `json:"ends_at,omitempty"`
	Version   int64              `json:"version"`
	CreatedBy id.User            `json:"created_by"`
	CreatedAt time.Time          `json:"created_at"`
}

// Access is that a person reaches a safe, and by what.
type Access struct {
	SafeID    id.Safe    `json:"safe_id"`
	SafeName  string     `json:"safe_name"`
	UserID    id.User    `json:"user_id"`
	Name      string     `json:"name,omitempty"`
	Handle    string     `json:"handle,omitempty"`
	Email     string     `json:"email,omitempty"`
	Role      string     `json:"role" enum:"user,checkout,approver,manager" doc:"The strongest"`
	Direct    string     `json:"direct_role,omitempty" doc:"As a direct member; absent: not one"`
	ByGroup   string     `json:"group_role,omitempty" doc:"The strongest that groups bring; absent: none does"`
	GroupID   id.Group   `json:"group_id,omitempty" doc:"The group that brings it"`
	GroupName string     `json:"group_name,omitempty"`
	EndsAt    *time.Time `json:"ends_at,omitempty" doc:"When the first of what it is made of ends"`

	Ways []AccessWay `json:"ways,omitempty" doc:"What it is made of, the strongest first; of one person's safes only"`
}

// AccessWay is one thing that gives a person a role on a safe.
type AccessWay struct {
	Role      string     `json:"role" enum:"user,checkout,approver,manager"`
	GroupID   id.Group   `json:"group_id,omitempty" doc:"Absent: a direct membership of the safe"`
	GroupName string     `json:"group_name,omitempty"`
	EndsAt    *time.Time `json:"ends_at,omitempty" doc:"Absent: it does not end by the clock"`
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func accessJSON(r safe.Reach) Access {
	a := Access{SafeID: r.Safe, SafeName: r.SafeName, UserID: r.User, Name: r.Name, Handle: r.Handle, Email: r.Email, Role: string(r.Role),
		Direct: string(r.Direct), ByGroup: string(r.ByGroup), GroupID: r.Group, GroupName: r.GroupName, EndsAt: optionalTime(r.EndsAt)}
	for _, w := range r.Ways {
		a.Ways = append(a.Ways, AccessWay{Role: string(w.Role), GroupID: w.Group, GroupName: w.GroupName, EndsAt: optionalTime(w.EndsAt)})
	}
	return a
}

func safeGroupJSON(a safe.Assignment) SafeGroup {
	return SafeGroup{ID: a.ID, GroupID: a.Group, Name: a.GroupName, Source: a.Source, Members: a.Members, Role: string(a.Role), EndsAt: optionalTime(a.EndsAt),
		Version: a.Version, CreatedBy: a.CreatedBy, CreatedAt: a.CreatedAt}
}

type groupOut struct{ Body Group }

type GroupID struct {
	GroupID string `path:"group_id" maxLength:"64"`
}

func (s *Server) groupRoutes() {
	const tag = "groups"
	one := func(g group.Group, err error) (*groupOut, error) {
		if err != nil {
			return nil, err
		}
		s.Sessions.Notify()
		return &groupOut{groupJSON(g)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-groups", Method: http.MethodGet, Path: "/org/groups", Summary: "List the groups of the active organization", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			Part string `query:"q" maxLength:"100" doc:"Only those with this in their name"`
			User string `query:"user_id" maxLength:"64" doc:"Only those that this person is in"`
		}) (*pageOut[Group], error) {
			l, err := s.Groups.List(ctx, a, group.Filter{Part: in.Part, User: id.User(in.User)}, in.request())
			return pageOf(l, groupJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "create-group", Method: http.MethodPost, Path: "/org/groups", Summary: "Create a group", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Name          string `json:"name"`
				Description   string `json:"description,omitempty"`
				Source        string `json:"source,omitempty" enum:"local,sso" doc:"sso: its members are those whose sign-in names the provider's group"`
				ProviderID    string `json:"provider_id,omitempty" maxLength:"64"`
				ProviderGroup string `json:"provider_group,omitempty" doc:"The identity provider's name for it"`
			}
		}) (*groupOut, error) {
			b := in.Body
			return one(s.Groups.Create(ctx, a, group.CreateArgs{Name: b.Name, Description: b.Description, Source: group.Source(b.Source), Provider: id.Provider(b.ProviderID), Claim: b.ProviderGroup}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-group", Method: http.MethodGet, Path: "/org/groups/{group_id}", Summary: "Get a group", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *GroupID) (*groupOut, error) {
			g, err := s.Groups.Get(ctx, a, id.Group(in.GroupID))
			if err != nil {
				return nil, err
			}
			return &groupOut{groupJSON(g)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "update-group", Method: http.MethodPatch, Path: "/org/groups/{group_id}", Summary: "Change a group; one that begins to follow an identity provider loses its members until they sign in", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			GroupID
			Body struct {
				Name          *string `json:"name,omitempty"`
				Description   *string `json:"description,omitempty"`
				Source        *string `json:"source,omitempty" enum:"local,sso" doc:"With provider_id and provider_group"`
				ProviderID    string  `json:"provider_id,omitempty" maxLength:"64"`
				ProviderGroup string  `json:"provider_group,omitempty"`
				Version       int64   `json:"version,omitempty" doc:"What you saw; a change made since then is a CONFLICT"`
			}
		}) (*groupOut, error) {
			b := in.Body
			return one(s.Groups.Update(ctx, a, id.Group(in.GroupID.GroupID), group.UpdateArgs{Name: b.Name, Description: b.Description, Source: (*group.Source)(b.Source),
				Provider: id.Provider(b.ProviderID), Claim: b.ProviderGroup, Version: b.Version}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "delete-group", Method: http.MethodDelete, Path: "/org/groups/{group_id}", Summary: "Delete a group; what it brought, its members lose", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			GroupID
			VersionIn
		}) (*struct{}, error) {
			err := s.Groups.Delete(ctx, a, id.Group(in.GroupID.GroupID), in.Version)
			s.Sessions.Notify()
			return nothing(err)
		})
	s.groupMemberRoutes(tag)
	s.safeGroupRoutes()
}

func (s *Server) groupMemberRoutes(tag string) {
	handle(s, signedIn, huma.Operation{OperationID: "list-all-group-members", Method: http.MethodGet, Path: "/org/group-members", Summary: "List the members of all groups", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			Source string `query:"source" enum:"local,scim,sso" doc:"Only of groups of this source"`
		}) (*pageOut[MemberOfGroup], error) {
			l, err := s.Groups.EveryMember(ctx, a, group.Source(in.Source), in.request())
			return pageOf(l, func(m group.GroupMember) MemberOfGroup {
				return MemberOfGroup{GroupID: m.Group, GroupName: m.GroupName, GroupMember: groupMemberJSON(m.Member)}
			}, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-group-members", Method: http.MethodGet, Path: "/org/groups/{group_id}/members", Summary: "List the members of a group", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			GroupID
			PageIn
			Part string `query:"q" maxLength:"100" doc:"Only those with this in name, handle or email"`
		}) (*pageOut[GroupMember], error) {
			l, err := s.Groups.Members(ctx, a, id.Group(in.GroupID.GroupID), in.Part, in.request())
			return pageOf(l, groupMemberJSON, err)
		})
	type added struct {
		Body struct {
			Added int `json:"added" doc:"Who was in it already is not counted"`
		}
	}
	handle(s, signedIn, huma.Operation{OperationID: "add-group-members", Method: http.MethodPost, Path: "/org/groups/{group_id}/members", Summary: "Add members to a group: all of them, or nobody", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			GroupID
			Body struct {
				UserIDs []id.User `json:"user_ids" minItems:"1" maxItems:"1000"`
			}
		}) (*added, error) {
			n, err := s.Groups.AddMembers(ctx, a, id.Group(in.GroupID.GroupID), in.Body.UserIDs)
			if err != nil {
				return nil, err
			}
			out := &added{}
			out.Body.Added = n
			return out, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "remove-group-member", Method: http.MethodDelete, Path: "/org/groups/{group_id}/members/{user_id}", Summary: "Remove a member of a group", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			GroupID
			UserID string `path:"user_id" maxLength:"64"`
		}) (*struct{}, error) {
			err := s.Groups.RemoveMember(ctx, a, id.Group(in.GroupID.GroupID), id.User(in.UserID))
			s.Sessions.Notify()
			return nothing(err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-group-safes", Method: http.MethodGet, Path: "/org/groups/{group_id}/safes", Summary: "List the safes that a group is bound to", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *GroupID) (*struct {
			Body struct {
				Items []GroupSafe `json:"items"`
			}
		}, error) {
			list, err := s.Groups.Safes(ctx, a, id.Group(in.GroupID))
			if err != nil {
				return nil, err
			}
			out := &struct {
				Body struct {
					Items []GroupSafe `json:"items"`
				}
			}{}
			out.Body.Items = make([]GroupSafe, len(list))
			for i, b := range list {
				out.Body.Items[i] = GroupSafe{SafeID: b.Safe, Name: b.Name, Role: string(b.Role), EndsAt: optionalTime(b.Ends)}
			}
			return out, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-member-access", Method: http.MethodGet, Path: "/org/members/{user_id}/access", Summary: "What can this person reach: safes, roles, and by what", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			UserID string `path:"user_id" maxLength:"64"`
			PageIn
		}) (*pageOut[Access], error) {
			l, err := s.Safes.WhatCan(ctx, a, id.User(in.UserID), in.request())
			return pageOf(l, accessJSON, err)
		})
}

func (s *Server) safeGroupRoutes() {
	const tag = "safes"
	type boundOut struct{ Body SafeGroup }
	one := func(b safe.Assignment, err error) (*boundOut, error) {
		if err != nil {
			return nil, err
		}
		s.Sessions.Notify()
		return &boundOut{safeGroupJSON(b)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-safe-access", Method: http.MethodGet, Path: "/safes/{id}/access", Summary: "Who can reach this safe: people, roles, and by what", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			PageIn
		}) (*pageOut[Access], error) {
			l, err := s.Safes.WhoCan(ctx, a, id.Safe(in.ID), in.request())
			return pageOf(l, accessJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-all-safe-groups", Method: http.MethodGet, Path: "/org/safe-groups", Summary: "List the groups that are bound to safes, of all safes", Tags: []string{tag},
		Description: "For those who see all safes."},
		func(ctx context.Context, a authz.Actor, in *PageIn) (*pageOut[Binding], error) {
			l, err := s.Safes.EveryAssignment(ctx, a, in.request())
			return pageOf(l, func(b safe.Assignment) Binding {
				return Binding{ID: b.ID, SafeID: b.Safe, SafeName: b.SafeName, GroupID: b.Group, Name: b.GroupName, Source: b.Source, Role: string(b.Role),
					EndsAt: optionalTime(b.EndsAt), Version: b.Version, CreatedBy: b.CreatedBy, CreatedAt: b.CreatedAt}
			}, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-safe-groups", Method: http.MethodGet, Path: "/safes/{id}/groups", Summary: "List the groups that are bound to a safe", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			PageIn
		}) (*pageOut[SafeGroup], error) {
			l, err := s.Safes.Assignments(ctx, a, id.Safe(in.ID), in.request())
			return pageOf(l, safeGroupJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "assign-safe-group", Method: http.MethodPost, Path: "/safes/{id}/groups", Summary: "Bind a group to a safe: each of its members has the role there", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			Body struct {
				GroupID string    `json:"group_id" maxLength:"64"`
				Role    string    `json:"role" enum:"user,checkout,approver,manager"`
				EndsAt  time.Time `json:"ends_at,omitempty" doc:"The clock ends it then; absent: never"`
			}
		}) (*boundOut, error) {
			b := in.Body
			return one(s.Safes.AssignGroup(ctx, a, id.Safe(in.ID), id.Group(b.GroupID), safe.Role(b.Role), b.EndsAt))
		})
	handle(s, signedIn, huma.Operation{OperationID: "change-safe-group", Method: http.MethodPatch, Path: "/safes/{id}/groups/{group_id}", Summary: "Change the role or the end of a group on a safe", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			GroupID
			Body struct {
				Role    *string    `json:"role,omitempty" enum:"user,checkout,approver,manager"`
				EndsAt  *time.Time `json:"ends_at,omitempty"`
				NoEnd   bool       `json:"no_end,omitempty" doc:"Take the end away"`
				Version int64      `json:"version,omitempty" doc:"What you saw; a change made since then is a CONFLICT"`
			}
		}) (*boundOut, error) {
			b := in.Body
			args := safe.AssignmentArgs{Role: (*safe.Role)(b.Role), EndsAt: b.EndsAt, Version: b.Version}
			if b.NoEnd {
				args.EndsAt = &time.Time{}
			}
			return one(s.Safes.ChangeAssignment(ctx, a, id.Safe(in.ID), id.Group(in.GroupID.GroupID), args))
		})
	handle(s, signedIn, huma.Operation{OperationID: "unassign-safe-group", Method: http.MethodDelete, Path: "/safes/{id}/groups/{group_id}", Summary: "Unbind a group from a safe; who reached it by nothing else loses it, and their live sessions end", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SafeID
			GroupID
			VersionIn
		}) (*struct{}, error) {
			err := s.Safes.UnassignGroup(ctx, a, id.Safe(in.ID), id.Group(in.GroupID.GroupID), in.Version)
			s.Sessions.Notify()
			return nothing(err)
		})
}
