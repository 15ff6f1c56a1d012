package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/scim"
)

// What this server says of itself to directories (RFC 7643, sections 5 to 7), and
// the routes with which administrators let them in.

func (s *Server) scimConfig(*http.Request, scim.Client, []byte) (int, any, error) {
	no := map[string]any{"supported": false}
	return http.StatusOK, map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":   map[string]any{"supported": true}, "bulk": map[string]any{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": map[string]any{"supported": true, "maxResults": scim.MaxCount}, "changePassword": no, "sort": no, "etag": no,
		"authenticationSchemes": []any{map[string]any{"type": "oauthbearertoken", "name": "Bearer token", "description": "A SCIM token of the organization", "primary": true}},
		"meta":                  map[string]any{"resourceType": "ServiceProviderConfig", "location": s.PublicURL + SCIMPrefix + "/ServiceProviderConfig"},
	}, nil
}

func (s *Server) scimTypes(*http.Request, scim.Client, []byte) (int, any, error) {
	one := func(name, endpoint, schema string) any {
		return map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": name, "name": name, "endpoint": endpoint, "schema": schema,
			"meta": map[string]any{"resourceType": "ResourceType", "location": s.PublicURL + SCIMPrefix + "/ResourceTypes/" + name}}
	}
	return http.StatusOK, newSCIMList(2, 1, []any{one("User", "/Users", scim.UserSchema), one("Group", "/Groups", scim.GroupSchema)}), nil
}

func (s *Server) scimSchemas(*http.Request, scim.Client, []byte) (int, any, error) {
	attribute := func(name, kind string, required, many bool, sub ...any) any {
		a := map[string]any{"name": name, "type": kind, "required": required, "multiValued": many, "mutability": "readWrite", "returned": "default", "caseExact": false, "uniqueness": "none"}
		if len(sub) > 0 {
			a["subAttributes"] = sub
		}
		return a
	}
	schema := func(urn, name string, attributes ...any) any {
		return map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "id": urn, "name": name, "attributes": attributes,
			"meta": map[string]any{"resourceType": "Schema", "location": s.PublicURL + SCIMPrefix + "/Schemas/" + urn}}
	}
	return http.StatusOK, newSCIMList(2, 1, []any{
		schema(scim.UserSchema, "User", attribute("userName", "string", true, false), attribute("displayName", "string", false, false), attribute("active", "boolean", false, false),
			attribute("name", "complex", false, false, attribute("givenName", "string", false, false), attribute("familyName", "string", false, false)),
			attribute("emails", "complex", true, true, attribute("value", "string", true, false), attribute("primary", "boolean", false, false))),
		schema(scim.GroupSchema, "Group", attribute("displayName", "string", true, false), attribute("members", "complex", false, true, attribute("value", "string", true, false))),
	}), nil
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
