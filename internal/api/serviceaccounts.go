package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// ServiceAccount is a member that nobody signs in as.
type ServiceAccount struct {
	ID        id.User   `json:"id"`
	Name      string    `json:"name"`
	Handle    string    `json:"handle" doc:"Of the whole installation, made from the name"`
	Role      string    `json:"role" enum:"admin,operator,auditor"`
	Tokens    int       `json:"tokens" doc:"API tokens that are valid now"`
	CreatedAt time.Time `json:"created_at"`
}

// serviceAccountRoutes make members for programs.
func (s *Server) serviceAccountRoutes() {
	const tag = "API tokens"
	handle(s, signedIn, huma.Operation{OperationID: "list-service-accounts", Method: http.MethodGet, Path: "/service-accounts", Summary: "List service accounts", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[ServiceAccount], error) {
			l, err := s.Identity.ServiceAccounts(ctx, a, in.request())
			return pageOf(l, func(x identity.ServiceAccountItem) ServiceAccount {
				return ServiceAccount{ID: x.ID, Name: x.Name, Handle: x.Handle, Role: string(x.Role), Tokens: x.Tokens, CreatedAt: x.CreatedAt}
			}, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "create-service-account", Method: http.MethodPost, Path: "/service-accounts", Summary: "Make a service account", DefaultStatus: 201, Tags: []string{tag},
		Description: "A member that nobody signs in as: it acts by the API tokens that owners and admins issue to it. It joins safes as people do."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Name string `json:"name" maxLength:"64" doc:"2 to 32 of a-z, 0-9 and -, beginning with a letter; unique in the organization"`
				Role string `json:"role" enum:"admin,operator,auditor"`
			}
		}) (*struct{ Body ServiceAccount }, error) {
			p, err := identity.ServiceAccount(a.Org, in.Body.Name)
			if err != nil {
				return nil, err
			}
			m, err := s.Tenancy.AddMember(ctx, a, tenancy.AddMemberArgs{Person: p, Role: authz.Role(in.Body.Role)})
			if err != nil {
				return nil, err
			}
			return &struct{ Body ServiceAccount }{ServiceAccount{ID: m.ID, Name: m.Name, Handle: m.Handle, Role: string(m.Role), CreatedAt: m.JoinedAt}}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "remove-service-account", Method: http.MethodDelete, Path: "/service-accounts/{id}", Summary: "Remove a service account; its tokens and live sessions end", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ID string `path:"id" maxLength:"64"`
		}) (*struct{}, error) {
			if err := s.Identity.IsServiceAccount(ctx, a, id.User(in.ID)); err != nil {
				return nil, err
			}
			return nothing(s.Tenancy.RemoveMember(ctx, a, id.User(in.ID)))
		})
	handle(s, open, huma.Operation{OperationID: "report-leaked-token", Method: http.MethodPost, Path: "/tokens/leaked", Summary: "Report an API token that was found where it should not be", DefaultStatus: 204, Tags: []string{tag},
		Description: "For secret scanners: API tokens match vpat_[A-Za-z0-9_-]{43}. A token that is valid is revoked at once; the answer is the same for one that is not."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Token secret.Secret `json:"token"`
			}
		}) (*struct{}, error) {
			return nothing(s.Identity.ReportLeak(ctx, in.Body.Token, origin(a)))
		})
}
