package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// Account is a login identity on a resource. No route ever shows its secret.
type Account struct {
	ID                id.Account  `json:"id"`
	Name              string      `json:"name"`
	ResourceID        id.Resource `json:"resource_id"`
	Username          string      `json:"username"`
	Kind              string      `json:"kind" enum:"password,ssh_key"`
	State             string      `json:"state" enum:"enabled,disabled"`
	CredentialVersion int64       `json:"credential_version"`
	PublicKey         string      `json:"public_key,omitempty" doc:"Of kind ssh_key: the line to install at the target"`
	Fingerprint       string      `json:"fingerprint,omitempty"`
	Version           int64       `json:"version"`
	CreatedAt         time.Time   `json:"created_at"`
	UpdatedAt         time.Time   `json:"updated_at"`
	RotationDueSince  time.Time   `json:"rotation_due_since,omitzero" doc:"The credential is to be rotated since then, because an emergency has used it or somebody has seen it; absent: it is not"`
	RotationDueReason string      `json:"rotation_due_reason,omitempty" enum:"incident,checkin,policy" doc:"incident: an emergency has used it. checkin: somebody has held it"`
	RotateEvery       int         `json:"rotate_every" doc:"Days after which the credential is rotated by itself; 0: never"`
	NextRotationAt    time.Time   `json:"next_rotation_at,omitzero" doc:"Absent: none is planned"`
	LastRotationAt    time.Time   `json:"last_rotation_at,omitzero" doc:"When the last rotation put a new credential into use; absent: never"`
}

type accountOut struct{ Body Account }

type AccountID struct {
	ID string `path:"id" maxLength:"64"`
}

func accountJSON(a vault.Account) Account {
	return Account{ID: a.ID, Name: a.Name, ResourceID: a.Resource, Username: a.Username, Kind: string(a.Kind), State: string(a.State),
		CredentialVersion: a.CredentialVersion, PublicKey: a.PublicKey, Fingerprint: a.Fingerprint, Version: a.Version, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, RotationDueSince: a.RotationDue,
		RotationDueReason: a.DueBecause, RotateEvery: a.RotateEvery, NextRotationAt: a.NextRotation, LastRotationAt: a.RotatedAt}
}

func oneAccount(a vault.Account, err error) (*accountOut, error) {
	if err != nil {
		return nil, err
	}
	return &accountOut{accountJSON(a)}, nil
}

func (s *Server) accountRoutes() {
	s.rotationRoutes()
	const tag = "accounts"
	handle(s, signedIn, huma.Operation{OperationID: "list-accounts", Method: http.MethodGet, Path: "/accounts", Summary: "List accounts", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			Resource string `query:"resource" maxLength:"64"`
		}) (*pageOut[Account], error) {
			l, err := s.Vault.List(ctx, a, vault.Filter{Resource: id.Resource(in.Resource)}, in.request())
			return pageOf(l, accountJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "create-account", Method: http.MethodPost, Path: "/accounts", Summary: "Put an account under management", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Name       string        `json:"name"`
				ResourceID string        `json:"resource_id" maxLength:"64"`
				Username   string        `json:"username"`
				Kind       string        `json:"kind" enum:"password,ssh_key"`
				Password   secret.Secret `json:"password,omitempty" doc:"Of kind password"`
				PrivateKey secret.Secret `json:"private_key,omitempty" doc:"Of kind ssh_key: PEM or OpenSSH form"`
				Passphrase secret.Secret `json:"passphrase,omitempty" doc:"Of the private key; used once, not kept"`
			}
		}) (*accountOut, error) {
			b := in.Body
			return oneAccount(s.Vault.Create(ctx, a, vault.CreateArgs{Name: b.Name, Resource: id.Resource(b.ResourceID), Username: b.Username,
				Kind: vault.Kind(b.Kind), Password: b.Password, PrivateKey: b.PrivateKey, Passphrase: b.Passphrase}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-account", Method: http.MethodGet, Path: "/accounts/{id}", Summary: "Get an account", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *AccountID) (*accountOut, error) {
			return oneAccount(s.Vault.Get(ctx, a, id.Account(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "update-account", Method: http.MethodPatch, Path: "/accounts/{id}", Summary: "Change an account or replace its credential", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			AccountID
			Body struct {
				Name        *string       `json:"name,omitempty"`
				Username    *string       `json:"username,omitempty"`
				Password    secret.Secret `json:"password,omitempty"`
				PrivateKey  secret.Secret `json:"private_key,omitempty"`
				Passphrase  secret.Secret `json:"passphrase,omitempty"`
				RotateEvery *int          `json:"rotate_every,omitempty" doc:"Days from 1 to 365 after which the credential is rotated by itself, counted from when it was put into use; 0: never"`
				Version     int64         `json:"version,omitempty"`
			}
		}) (*accountOut, error) {
			b := in.Body
			return oneAccount(s.Vault.Update(ctx, a, id.Account(in.ID), vault.UpdateArgs{Name: b.Name, Username: b.Username,
				Password: b.Password, PrivateKey: b.PrivateKey, Passphrase: b.Passphrase, RotateEvery: b.RotateEvery, Version: b.Version}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "disable-account", Method: http.MethodPost, Path: "/accounts/{id}/disable", Summary: "Take an account out of use; its live sessions end", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *AccountID) (*accountOut, error) {
			return s.woken(oneAccount(s.Vault.Disable(ctx, a, id.Account(in.ID))))
		})
	handle(s, signedIn, huma.Operation{OperationID: "enable-account", Method: http.MethodPost, Path: "/accounts/{id}/enable", Summary: "Put a disabled account into use again", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *AccountID) (*accountOut, error) {
			return oneAccount(s.Vault.Enable(ctx, a, id.Account(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "delete-account", Method: http.MethodDelete, Path: "/accounts/{id}", Summary: "Delete an account that no safe needs", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			AccountID
			VersionIn
		}) (*struct{}, error) {
			return nothing(s.Vault.Delete(ctx, a, id.Account(in.ID), in.Version))
		})
}

// woken lets the clock of live sessions look at once at what an act took away.
func (s *Server) woken(out *accountOut, err error) (*accountOut, error) {
	if err == nil {
		s.Sessions.Notify()
	}
	return out, err
}
