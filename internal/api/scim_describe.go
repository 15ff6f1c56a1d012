package api

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/scim"
)

// What this server says of itself to directories (RFC 7643, sections 5 to 7), and
// the routes with which administrators let them in.

// described is a page of the description: the same for every directory, and never filtered
// (RFC 7644, section 4).
func described(page func(r *http.Request) (any, error)) scimHandler {
	return func(r *http.Request, _ scim.Client, _ []byte) (int, any, error) {
		if r.URL.Query().Has("filter") {
			return 0, nil, fault.New(fault.Denied, "the description of this server is not filtered")
		}
		answer, err := page(r)
		return http.StatusOK, answer, err
	}
}

func listed(all []obj) any {
	items := make([]any, len(all))
	for i, one := range all {
		items[i] = one
	}
	return newSCIMList(len(all), 1, items)
}

// named is the one of a list that the request's path names.
func named(r *http.Request, all []obj) (any, error) {
	for _, one := range all {
		if one["id"] == r.PathValue("id") {
			return one, nil
		}
	}
	return nil, fault.New(fault.NotFound, "there is no %.200q here", r.PathValue("id"))
}

// obj is a JSON object whose form RFC 7643 gives.
type obj = map[string]any

func (s *Server) scimConfig(*http.Request) (any, error) {
	yes, no := obj{"supported": true}, obj{"supported": false}
	return obj{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"}, "documentationUri": "https://datatracker.ietf.org/doc/html/rfc7644",
		"patch": yes, "bulk": obj{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": obj{"supported": true, "maxResults": scim.MaxCount}, "changePassword": no, "sort": no, "etag": yes,
		"authenticationSchemes": []any{obj{"type": "oauthbearertoken", "name": "Bearer token", "description": "A SCIM token of the organization",
			"specUri": "https://datatracker.ietf.org/doc/html/rfc6750", "primary": true}},
		"meta": obj{"resourceType": "ServiceProviderConfig", "location": s.PublicURL + SCIMPrefix + "/ServiceProviderConfig"},
	}, nil
}

func (s *Server) scimTypes() []obj {
	one := func(name, endpoint, schema string) obj {
		return obj{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": name, "name": name, "endpoint": endpoint, "schema": schema,
			"description": name, "schemaExtensions": []any{},
			"meta": obj{"resourceType": "ResourceType", "location": s.PublicURL + SCIMPrefix + "/ResourceTypes/" + name}}
	}
	return []obj{one("User", "/Users", scim.UserSchema), one("Group", "/Groups", scim.GroupSchema)}
}

// scimSchemas are the attributes that are kept. Others are taken and passed over.
func (s *Server) scimSchemas() []obj {
	attribute := func(name, kind, about string, more obj, sub ...obj) obj {
		a := obj{"name": name, "type": kind, "description": about, "required": false, "multiValued": false, "mutability": "readWrite", "returned": "default"}
		if kind == "string" {
			a["caseExact"], a["uniqueness"] = false, "none"
		}
		if len(sub) > 0 {
			a["subAttributes"] = sub
		}
		maps.Copy(a, more)
		return a
	}
	text := func(name, about string, more obj) obj { return attribute(name, "string", about, more) }
	schema := func(urn, name string, attributes ...obj) obj {
		return obj{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "id": urn, "name": name, "description": name, "attributes": attributes,
			"meta": obj{"resourceType": "Schema", "location": s.PublicURL + SCIMPrefix + "/Schemas/" + urn}}
	}
	needed, many, read := obj{"required": true}, obj{"multiValued": true}, obj{"mutability": "readOnly"}
	reference := func(to string) obj {
		return attribute("$ref", "reference", "Where it is", obj{"mutability": "readOnly", "referenceTypes": []string{to}, "caseExact": true, "uniqueness": "none"})
	}
	return []obj{
		schema(scim.UserSchema, "User",
			text("userName", "The directory's name for the person; an e-mail address where emails is absent", obj{"required": true, "uniqueness": "server"}),
			text("externalId", "The directory's id of the person", obj{"caseExact": true}),
			text("displayName", "What to call them", nil),
			attribute("active", "boolean", "Whether they have a place in the organization", nil),
			attribute("name", "complex", "Their name, in parts", nil, text("givenName", "", nil), text("familyName", "", nil), text("formatted", "", nil)),
			attribute("emails", "complex", "Their addresses; the primary one is kept, else the first", many, text("value", "", needed), text("type", "", nil), attribute("primary", "boolean", "", nil)),
			attribute("groups", "complex", "Their groups", obj{"multiValued": true, "mutability": "readOnly"}, text("value", "", read), text("display", "", read), reference("Group"))),
		schema(scim.GroupSchema, "Group",
			text("displayName", "What rules of the organization call it", obj{"required": true, "uniqueness": "server"}),
			text("externalId", "The directory's id of the group", obj{"caseExact": true}),
			attribute("members", "complex", "The users in it", many, text("value", "A user's id", obj{"required": true, "mutability": "immutable"}), text("display", "", read), reference("User"))),
	}
}

// SCIMRule gives the members of a directory's group a role.
type SCIMRule struct {
	Group string `json:"group" maxLength:"300"`
	Role  string `json:"role" enum:"admin,operator,auditor"`
}

// SCIMSettings say what a directory's groups are worth.
type SCIMSettings struct {
	DefaultRole string     `json:"default_role,omitempty" enum:"admin,operator,auditor" doc:"For those whom no rule gives a role; absent: they have no place"`
	Roles       []SCIMRule `json:"roles,omitempty" maxItems:"200" doc:"The first rule that matches counts, at once for everybody"`
}

// SCIMState is how the active organization's directory pushes people here.
type SCIMState struct {
	SCIMSettings
	BaseURL string `json:"base_url" doc:"What the directory is given as the tenant's or base address"`
}

// SCIMToken lets a directory in.
type SCIMToken struct {
	ID         id.Token  `json:"id"`
	Name       string    `json:"name"`
	CreatedBy  id.User   `json:"created_by"`
	CreatedAt  time.Time `json:"created_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	Token      string    `json:"token,omitempty" doc:"Shown once, when it is made"`
}

func scimToken(t scim.Token) SCIMToken {
	return SCIMToken{ID: t.ID, Name: t.Name, CreatedBy: t.CreatedBy, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt}
}

// SCIMPerson is somebody whom the organization's directory has pushed.
type SCIMPerson struct {
	UserID     id.User   `json:"user_id"`
	UserName   string    `json:"user_name" doc:"As the directory writes it"`
	Email      string    `json:"email"`
	Name       string    `json:"name"`
	ExternalID string    `json:"external_id,omitempty" doc:"The directory's own id of them"`
	Active     bool      `json:"active" doc:"The directory lets them in"`
	Role       string    `json:"role,omitempty" enum:"owner,admin,operator,auditor" doc:"Absent: they have no place here"`
	PushedAt   time.Time `json:"pushed_at"`
	ChangedAt  time.Time `json:"changed_at"`
}

// SCIMGroup is a group that the organization's directory has pushed.
type SCIMGroup struct {
	ID         id.Group  `json:"id"`
	Name       string    `json:"name"`
	ExternalID string    `json:"external_id,omitempty"`
	Members    int       `json:"members"`
	ChangedAt  time.Time `json:"changed_at"`
}

func (s *Server) scimPushedRoutes(tag string) {
	handle(s, signedIn, huma.Operation{OperationID: "list-scim-people", Method: http.MethodGet, Path: "/org/scim/people", Summary: "List whom the organization's directory has pushed", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[SCIMPerson], error) {
			l, err := s.SCIM.Pushed(ctx, a, in.request())
			return pageOf(l, func(u scim.Pushed) SCIMPerson {
				return SCIMPerson{UserID: u.ID, UserName: u.UserName, Email: u.Email, Name: u.Shown(), ExternalID: u.ExternalID, Active: u.Active, Role: string(u.Role), PushedAt: u.PushedAt, ChangedAt: u.ChangedAt}
			}, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-scim-groups", Method: http.MethodGet, Path: "/org/scim/groups", Summary: "List which groups the organization's directory has pushed", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[SCIMGroup], error) {
			l, err := s.SCIM.PushedGroups(ctx, a, in.request())
			return pageOf(l, func(g scim.PushedGroup) SCIMGroup {
				return SCIMGroup{ID: g.ID, Name: g.Display, ExternalID: g.ExternalID, Members: g.Members, ChangedAt: g.ChangedAt}
			}, err)
		})
}

func (s *Server) scimAdminRoutes() {
	const tag = "SCIM"
	state := func(set scim.Settings) *struct{ Body SCIMState } {
		out := SCIMState{BaseURL: s.PublicURL + SCIMPrefix, SCIMSettings: SCIMSettings{DefaultRole: string(set.DefaultRole)}}
		for _, r := range set.Roles {
			out.Roles = append(out.Roles, SCIMRule{r.Group, string(r.Role)})
		}
		return &struct{ Body SCIMState }{out}
	}
	handle(s, signedIn, huma.Operation{OperationID: "scim-settings", Method: http.MethodGet, Path: "/org/scim", Summary: "How the organization's directory pushes people here", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body SCIMState }, error) {
			set, err := s.SCIM.Settings(ctx, a)
			if err != nil {
				return nil, err
			}
			return state(set), nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "set-scim-settings", Method: http.MethodPut, Path: "/org/scim", Summary: "Say what the directory's groups are worth", Tags: []string{tag},
		Description: "Holds at once for everybody whom the directory has pushed. Needs a fresh second factor."},
		func(ctx context.Context, a authz.Actor, in *struct{ Body SCIMSettings }) (*struct{ Body SCIMState }, error) {
			set := scim.Settings{DefaultRole: authz.Role(in.Body.DefaultRole)}
			for _, r := range in.Body.Roles {
				set.Roles = append(set.Roles, scim.Rule{Group: r.Group, Role: authz.Role(r.Role)})
			}
			if err := s.SCIM.SetSettings(ctx, a, set); err != nil {
				return nil, err
			}
			s.Sessions.Notify()
			return state(set), nil
		})
	s.scimPushedRoutes(tag)
	handle(s, signedIn, huma.Operation{OperationID: "list-scim-tokens", Method: http.MethodGet, Path: "/org/scim/tokens", Summary: "List the tokens of the organization's directory", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[SCIMToken], error) {
			l, err := s.SCIM.Tokens(ctx, a, in.request())
			return pageOf(l, scimToken, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "create-scim-token", Method: http.MethodPost, Path: "/org/scim/tokens", Summary: "Make a token for the organization's directory; it is shown once", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Name string `json:"name"`
				Days int    `json:"expires_in_days" minimum:"1" maximum:"365"`
			}
		}) (*struct{ Body SCIMToken }, error) {
			t, shown, err := s.SCIM.CreateToken(ctx, a, in.Body.Name, time.Duration(in.Body.Days)*24*time.Hour)
			if err != nil {
				return nil, err
			}
			out := scimToken(t)
			out.Token = shown.RevealString()
			return &struct{ Body SCIMToken }{out}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "revoke-scim-token", Method: http.MethodDelete, Path: "/org/scim/tokens/{token_id}", Summary: "Revoke a token of the organization's directory", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			TokenID string `path:"token_id" maxLength:"64"`
		}) (*struct{}, error) {
			return nothing(s.SCIM.RevokeToken(ctx, a, id.Token(in.TokenID)))
		})
}
