package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// What a person signs in with: second factors, SSH keys, API tokens.

// Factor is an enrolled second factor.
type Factor struct {
	ID         id.Factor `json:"id"`
	Kind       string    `json:"kind" enum:"totp,webauthn"`
	Name       string    `json:"name"`
	Passkey    bool      `json:"passkey,omitempty" doc:"It can sign in by itself, without a password"`
	Synced     bool      `json:"synced,omitempty" doc:"It may be synchronized to other devices"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

type codesOut struct {
	Body struct {
		BackupCodes []string `json:"backup_codes,omitempty" doc:"Shown once"`
	}
}

func codes(c []secret.Secret, err error) (*codesOut, error) {
	if err != nil {
		return nil, err
	}
	out := &codesOut{}
	for _, code := range c {
		out.Body.BackupCodes = append(out.Body.BackupCodes, code.RevealString())
	}
	return out, nil
}

func (s *Server) factorRoutes() {
	const tag = "second factors"
	type factors struct {
		Items     []Factor `json:"items"`
		CodesLeft int      `json:"backup_codes_left"`
	}
	handle(s, enrolling, huma.Operation{OperationID: "list-factors", Method: http.MethodGet, Path: "/mfa/factors", Summary: "Your second factors", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body factors }, error) {
			st, err := s.Identity.Factors(ctx, a)
			if err != nil {
				return nil, err
			}
			out := factors{Items: []Factor{}, CodesLeft: st.CodesLeft}
			for _, f := range st.Factors {
				out.Items = append(out.Items, Factor{ID: f.ID, Kind: string(f.Kind), Name: f.Name, Passkey: f.Passkey, Synced: f.Synced, CreatedAt: f.CreatedAt, LastUsedAt: f.LastUsedAt})
			}
			return &struct{ Body factors }{out}, nil
		})
	type pending struct {
		FactorID   id.Factor `json:"factor_id"`
		Secret     string    `json:"secret" doc:"Base32; shown once"`
		OTPAuthURI string    `json:"otpauth_uri" doc:"For a QR code; shown once"`
	}
	handle(s, enrolling, huma.Operation{OperationID: "begin-totp", Method: http.MethodPost, Path: "/mfa/totp", Summary: "Begin to enrol an authenticator app", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body *struct {
				Name string `json:"name,omitempty" doc:"To tell several apart"`
			}
		}) (*struct{ Body pending }, error) {
			name := ""
			if in.Body != nil {
				name = in.Body.Name
			}
			p, err := s.Identity.BeginTOTP(ctx, a, name)
			if err != nil {
				return nil, err
			}
			return &struct{ Body pending }{pending{p.Factor, p.Secret.RevealString(), p.URI.RevealString()}}, nil
		})
	handle(s, enrolling, huma.Operation{OperationID: "confirm-totp", Method: http.MethodPost, Path: "/mfa/totp/{id}/confirm", Summary: "Finish the enrolment with a first code", Tags: []string{tag},
		Description: "The first factor of a person brings ten backup codes, and turns a session that could only enrol into a full one."},
		func(ctx context.Context, a authz.Actor, in *struct {
			ID   string `path:"id" maxLength:"64"`
			Body struct {
				Code secret.Secret `json:"code"`
			}
		}) (*codesOut, error) {
			return codes(s.Identity.ConfirmTOTP(ctx, a, id.Factor(in.ID), in.Body.Code))
		})
	s.webAuthnRoutes(tag)
	handle(s, signedIn, huma.Operation{OperationID: "rename-factor", Method: http.MethodPatch, Path: "/mfa/factors/{id}", Summary: "Give a second factor another label", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ID   string `path:"id" maxLength:"64"`
			Body struct {
				Name string `json:"name"`
			}
		}) (*struct{}, error) {
			return nothing(s.Identity.RenameFactor(ctx, a, id.Factor(in.ID), in.Body.Name))
		})
	handle(s, signedIn, huma.Operation{OperationID: "remove-factor", Method: http.MethodDelete, Path: "/mfa/factors/{id}", Summary: "Remove a second factor; all your sessions end", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ID string `path:"id" maxLength:"64"`
		}) (*struct{}, error) {
			return nothing(s.Identity.RemoveFactor(ctx, a, id.Factor(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "regenerate-backup-codes", Method: http.MethodPost, Path: "/mfa/backup-codes", Summary: "Replace your backup codes", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*codesOut, error) {
			return codes(s.Identity.RegenerateCodes(ctx, a))
		})
}

// webAuthnRoutes enrol security keys and passkeys.
func (s *Server) webAuthnRoutes(tag string) {
	type begun struct {
		EnrolmentID string               `json:"enrolment_id" doc:"Give it back with what the authenticator made"`
		PublicKey   *mfa.CreationOptions `json:"public_key" doc:"What to give to navigator.credentials.create, by PublicKeyCredential.parseCreationOptionsFromJSON"`
		ExpiresAt   time.Time            `json:"expires_at"`
	}
	handle(s, enrolling, huma.Operation{OperationID: "begin-webauthn", Method: http.MethodPost, Path: "/mfa/webauthn", Summary: "Begin to enrol a security key or passkey", DefaultStatus: 201, Tags: []string{tag},
		Description: "WEBAUTHN_UNAVAILABLE when the installation is reached by an IP address: browsers bind credentials to host names."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body *struct {
				Name    string `json:"name,omitempty" doc:"To tell several apart"`
				Passkey bool   `json:"passkey,omitempty" doc:"It has to be able to sign in by itself, without a password"`
			}
		}) (*struct{ Body begun }, error) {
			var args identity.NewKeyArgs
			if in.Body != nil {
				args = identity.NewKeyArgs{Name: in.Body.Name, Passkey: in.Body.Passkey}
			}
			c, err := s.Identity.BeginWebAuthn(ctx, a, args)
			if err != nil {
				return nil, err
			}
			return &struct{ Body begun }{begun{c.Handle.RevealString(), c.Creation, c.ExpiresAt}}, nil
		})
	type enrolled struct {
		FactorID id.Factor `json:"factor_id"`
		Codes    []string  `json:"backup_codes,omitempty" doc:"With the first factor; shown once"`
	}
	handle(s, enrolling, huma.Operation{OperationID: "confirm-webauthn", Method: http.MethodPost, Path: "/mfa/webauthn/confirm", Summary: "Finish the enrolment with what the authenticator made", Tags: []string{tag},
		Description: "The first factor of a person brings ten backup codes, and turns a session that could only enrol into a full one."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				EnrolmentID secret.Secret `json:"enrolment_id"`
				Credential  publicKey     `json:"credential" doc:"What navigator.credentials.create gave, by its toJSON"`
			}
		}) (*struct{ Body enrolled }, error) {
			k, err := s.Identity.ConfirmWebAuthn(ctx, a, in.Body.EnrolmentID, in.Body.Credential.bytes())
			if err != nil {
				return nil, err
			}
			out := enrolled{FactorID: k.Factor}
			for _, c := range k.Codes {
				out.Codes = append(out.Codes, c.RevealString())
			}
			return &struct{ Body enrolled }{out}, nil
		})
}

// SSHKey is a registered public key.
type SSHKey struct {
	ID          id.SSHKey `json:"id"`
	Name        string    `json:"name"`
	Algorithm   string    `json:"algorithm"`
	Fingerprint string    `json:"fingerprint"`
	CreatedAt   time.Time `json:"created_at"`
	LastUsedAt  time.Time `json:"last_used_at,omitzero"`
}

func sshKeyJSON(k identity.SSHKey) SSHKey {
	return SSHKey{ID: k.ID, Name: k.Name, Algorithm: k.Algorithm, Fingerprint: k.Fingerprint, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt}
}

func (s *Server) sshKeyRoutes() {
	const tag = "SSH keys"
	handle(s, signedIn, huma.Operation{OperationID: "list-ssh-keys", Method: http.MethodGet, Path: "/ssh-keys", Summary: "Your registered SSH keys", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*pageOut[SSHKey], error) {
			keys, err := s.Identity.SSHKeys(ctx, a)
			if err != nil {
				return nil, err
			}
			out := &pageOut[SSHKey]{Page[SSHKey]{Items: []SSHKey{}}}
			for _, k := range keys {
				out.Body.Items = append(out.Body.Items, sshKeyJSON(k))
			}
			return out, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "add-ssh-key", Method: http.MethodPost, Path: "/ssh-keys", Summary: "Register a public key: it opens the SSH gateway for you", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Name      string `json:"name"`
				PublicKey string `json:"public_key" maxLength:"16384" doc:"A line of a .pub file"`
			}
		}) (*struct{ Body SSHKey }, error) {
			k, err := s.Identity.AddSSHKey(ctx, a, in.Body.Name, in.Body.PublicKey)
			if err != nil {
				return nil, err
			}
			return &struct{ Body SSHKey }{sshKeyJSON(k)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "remove-ssh-key", Method: http.MethodDelete, Path: "/ssh-keys/{id}", Summary: "Remove a key", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ID string `path:"id" maxLength:"64"`
		}) (*struct{}, error) {
			return nothing(s.Identity.RemoveSSHKey(ctx, a, id.SSHKey(in.ID)))
		})
}

// Token is an API token, without the token itself.
type Token struct {
	ID         id.Token  `json:"id"`
	Name       string    `json:"name"`
	OwnerID    id.User   `json:"owner_id"`
	Owner      string    `json:"owner" doc:"Handle"`
	Service    bool      `json:"service_account,omitempty" doc:"Its owner is a service account"`
	Scopes     []string  `json:"scopes"`
	Networks   []string  `json:"networks,omitempty" doc:"It may be used from these only"`
	CreatedAt  time.Time `json:"created_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	Token      string    `json:"token,omitempty" doc:"Only in the answer that creates it"`
}

func tokenJSON(t identity.Token) Token {
	out := Token{ID: t.ID, Name: t.Name, OwnerID: t.Owner, Owner: t.OwnerHandle, Service: t.Service(), Scopes: t.Scopes, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt}
	for _, n := range t.Networks {
		out.Networks = append(out.Networks, n.String())
	}
	return out
}

func (s *Server) tokenRoutes() {
	const tag = "API tokens"
	handle(s, signedIn, huma.Operation{OperationID: "list-tokens", Method: http.MethodGet, Path: "/tokens", Summary: "List API tokens", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			All bool `query:"all" doc:"Those of all members; for owners and admins"`
		}) (*pageOut[Token], error) {
			l, err := s.Identity.ListTokens(ctx, a, in.All, in.request())
			return pageOf(l, tokenJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "create-token", Method: http.MethodPost, Path: "/tokens", Summary: "Issue an API token", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Name          string   `json:"name"`
				Scopes        []string `json:"scopes" maxItems:"64" doc:"What it may do, such as safes:read or sessions:launch"`
				ExpiresInDays int      `json:"expires_in_days" doc:"1 to 180"`
				Networks      []string `json:"networks,omitempty" maxItems:"32" doc:"Where it may be used from, such as 192.0.2.0/24; absent: anywhere"`
				Service       id.User  `json:"service_account_id,omitempty" maxLength:"64" doc:"The service account that it is for; for owners and admins. Absent: you"`
			}
		}) (*struct{ Body Token }, error) {
			days := max(-1, min(in.Body.ExpiresInDays, 100_000))
			t, value, err := s.Identity.CreateToken(ctx, a, identity.CreateTokenArgs{Name: in.Body.Name, Scopes: in.Body.Scopes, Life: time.Duration(days) * 24 * time.Hour,
				Networks: in.Body.Networks, Owner: in.Body.Service})
			if err != nil {
				return nil, err
			}
			out := tokenJSON(t)
			out.Token = value.RevealString()
			return &struct{ Body Token }{out}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "revoke-token", Method: http.MethodDelete, Path: "/tokens/{id}", Summary: "Revoke a token", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ID string `path:"id" maxLength:"64"`
		}) (*struct{}, error) {
			return nothing(s.Identity.RevokeToken(ctx, a, id.Token(in.ID)))
		})
}
