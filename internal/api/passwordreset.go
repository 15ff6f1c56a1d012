package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// passwordResetRoutes set a password by a link that is mailed.
func (s *Server) passwordResetRoutes(tag string) {
	handle(s, open, huma.Operation{OperationID: "request-password-reset", Method: http.MethodPost, Path: "/auth/password-reset", Summary: "Ask for a link that sets your password", DefaultStatus: 202, Tags: []string{tag},
		Description: "For who has lost their password, or signed in through an identity provider and has none. The answer is the same whether there is such an account or not. Where there is one, a link goes to its address: it works once, for 30 minutes. Where only an identity provider lets the person in, the message says so."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Email string `json:"email" maxLength:"320"`
			}
		}) (*struct{}, error) {
			return nothing(s.Identity.RequestReset(ctx, in.Body.Email, origin(a)))
		})
	handle(s, open, huma.Operation{OperationID: "complete-password-reset", Method: http.MethodPost, Path: "/auth/password-reset/complete", Summary: "Set your password with the token of the link", DefaultStatus: 204, Tags: []string{tag},
		Description: "It ends all your sign-ins and opens none: sign in next, with your second factor. RESET_LINK_INVALID, RESET_LINK_USED and RESET_LINK_EXPIRED say what is wrong with a link; a password that is refused leaves it as it is."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Token    secret.Secret `json:"token" doc:"What stands behind the # of the link"`
				Password secret.Secret `json:"password"`
			}
		}) (*struct{}, error) {
			return nothing(s.Identity.CompleteReset(ctx, in.Body.Token, in.Body.Password, origin(a)))
		})
}
