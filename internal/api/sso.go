package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/sso"
)

// SSORule gives the members of a provider's group a role.
type SSORule struct {
	Group string `json:"group" maxLength:"300"`
	Role  string `json:"role" enum:"admin,operator,auditor"`
}

// SSOSettings are what an administrator says of an identity provider.
type SSOSettings struct {
	Name        string    `json:"name"`
	Enabled     bool      `json:"enabled"`
	Issuer      string    `json:"issuer,omitempty" maxLength:"500" doc:"OIDC: the issuer's address, exactly as its discovery document has it; SAML: the entity id, from the metadata"`
	ClientID    string    `json:"client_id,omitempty" maxLength:"500" doc:"OIDC: the name that the provider gave this installation"`
	Scopes      []string  `json:"scopes,omitempty" maxItems:"20" doc:"OIDC: asked for besides openid, email and profile"`
	GroupsClaim string    `json:"groups_claim,omitempty" maxLength:"300" doc:"The claim that carries groups; absent: groups"`
	CAPEM       string    `json:"ca_pem,omitempty" maxLength:"32768" doc:"Certificates that the provider's own is verified against, besides the system's"`
	Metadata    string    `json:"metadata,omitempty" maxLength:"204800" doc:"SAML: the provider's metadata, as it publishes it"`
	TrustMFA    bool      `json:"trust_mfa" doc:"When the provider says that it asked for a second factor, ours is not asked for; only for people who belong to this organization alone"`
	Provision   bool      `json:"provision" doc:"Who is not a member yet becomes one at their first sign-in"`
	DefaultRole string    `json:"default_role,omitempty" enum:"admin,operator,auditor" doc:"For those whom no rule gives a role; absent: they are refused"`
	Roles       []SSORule `json:"roles,omitempty" maxItems:"200" doc:"The first rule that matches counts, at every sign-in; absent: roles are given by hand"`
}

func (b SSOSettings) settings() sso.Settings {
	out := sso.Settings{Name: b.Name, Enabled: b.Enabled, Issuer: b.Issuer, ClientID: b.ClientID, Scopes: b.Scopes, GroupsClaim: b.GroupsClaim, CAPEM: b.CAPEM, Metadata: b.Metadata,
		TrustMFA: b.TrustMFA, Provision: b.Provision, DefaultRole: authz.Role(b.DefaultRole)}
	for _, r := range b.Roles {
		out.Roles = append(out.Roles, sso.Rule{Group: r.Group, Role: authz.Role(r.Role)})
	}
	return out
}

// SSOProvider is an identity provider of the active organization.
type SSOProvider struct {
	SSOSettings
	ID        id.Provider `json:"id"`
	Protocol  string      `json:"protocol" enum:"oidc,saml"`
	HasSecret bool        `json:"has_secret" doc:"A client secret is stored; it is never shown"`
	Callback  string      `json:"callback_url" doc:"Where the provider sends people back to; register it there"`
	EntityID  string      `json:"entity_id,omitempty" doc:"SAML: what this server is to the provider, and where its metadata is"`
	Logout    string      `json:"logout_url,omitempty" doc:"OIDC: for the provider's back-channel logout"`
	Version   int64       `json:"version"`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
}

func (s *Server) ssoProvider(p sso.Provider) SSOProvider {
	out := SSOProvider{ID: p.ID, Protocol: string(p.Protocol), HasSecret: p.HasSecret, Version: p.Version, CreatedAt: p.CreatedAt, UpdatedAt: p.ChangedAt,
		SSOSettings: SSOSettings{Name: p.Name, Enabled: p.Enabled, Issuer: p.Issuer, ClientID: p.ClientID, Scopes: p.Scopes, GroupsClaim: p.GroupsClaim,
			CAPEM: p.CAPEM, Metadata: p.Metadata, TrustMFA: p.TrustMFA, Provision: p.Provision, DefaultRole: string(p.DefaultRole)}}
	for _, r := range p.Roles {
		out.Roles = append(out.Roles, SSORule{Group: r.Group, Role: string(r.Role)})
	}
	base := s.PublicURL + Prefix + "/auth/sso/" + string(p.Protocol) + "/" + string(p.ID)
	if p.Protocol == sso.SAML {
		out.Callback, out.EntityID = base+"/acs", base+"/metadata"
	} else {
		out.Callback, out.Logout = base+"/callback", base+"/backchannel-logout"
	}
	return out
}

// SSODomain is a mail domain of the active organization.
type SSODomain struct {
	Domain      string    `json:"domain"`
	Verified    bool      `json:"verified"`
	VerifiedAt  time.Time `json:"verified_at,omitzero"`
	RecordName  string    `json:"record_name" doc:"The TXT record that proves the domain"`
	RecordValue string    `json:"record_value"`
}

func ssoDomain(d sso.Domain) SSODomain {
	return SSODomain{Domain: d.Name, Verified: !d.VerifiedAt.IsZero(), VerifiedAt: d.VerifiedAt, RecordName: d.RecordName, RecordValue: d.Record}
}

// SSOLink is who a person is at a provider.
type SSOLink struct {
	UserID     id.User   `json:"user_id"`
	Email      string    `json:"email"`
	Handle     string    `json:"handle"`
	Name       string    `json:"name"`
	Subject    string    `json:"subject" doc:"The provider's own name for the person"`
	LinkedAt   time.Time `json:"linked_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// SSORequirement tells whether members come in through a provider only.
type SSORequirement struct {
	Required bool `json:"required" doc:"Members come in through an identity provider and by no other door"`
}

// ProviderPath names an identity provider.
type ProviderPath struct {
	ProviderID string `path:"provider_id" maxLength:"64"`
}

// DomainPath names a mail domain.
type DomainPath struct {
	Domain string `path:"domain" maxLength:"254"`
}

func (s *Server) ssoRoutes() {
	s.ssoSignInRoutes()
	s.ssoProviderRoutes()
	s.ssoDomainRoutes()
	const tag = "single sign-on"
	handle(s, signedIn, huma.Operation{OperationID: "sso-requirement", Method: http.MethodGet, Path: "/org/sso", Summary: "Whether members come in through an identity provider only", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body SSORequirement }, error) {
			on, err := s.SSO.Required(ctx, a)
			return &struct{ Body SSORequirement }{SSORequirement{on}}, err
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "set-sso-requirement", Method: http.MethodPut, Path: "/org/sso", Summary: "Let members in through an identity provider only, or lift that", Tags: []string{tag},
		Description: "To switch it on, be signed in through the organization's provider: it shows that the provider works. To lift it waits for a second person. Needs a fresh second factor."}),
		func(ctx context.Context, a authz.Actor, in *struct{ Body SSORequirement }) (*struct{ Body SSORequirement }, error) {
			return &struct{ Body SSORequirement }{in.Body}, s.SSO.Require(ctx, a, in.Body.Required)
		})
	handle(s, signedIn, huma.Operation{OperationID: "lift-sso-requirement", Method: http.MethodDelete, Path: "/platform/organizations/{org_id}/sso-requirement", Summary: "Let an organization's members in without its provider", DefaultStatus: 204, Tags: []string{"platform"},
		Description: "The way back when the provider is gone and nobody gets in. For platform administrators with a fresh second factor."},
		func(ctx context.Context, a authz.Actor, in *struct {
			OrgID string `path:"org_id" maxLength:"64"`
		}) (*struct{}, error) {
			return nothing(s.SSO.Lift(ctx, a, id.Org(in.OrgID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "unlink-sso-person", Method: http.MethodDelete, Path: "/org/sso/people/{user_id}", Summary: "Forget who a person is at the organization's providers", DefaultStatus: 204, Tags: []string{tag},
		Description: "Their next sign-in links them anew by their address: for an account that was made again at the provider."},
		func(ctx context.Context, a authz.Actor, in *MemberPath) (*struct{}, error) {
			return nothing(s.SSO.Unlink(ctx, a, id.User(in.UserID)))
		})
}

func (s *Server) ssoProviderRoutes() {
	const tag = "single sign-on"
	one := func(p sso.Provider, err error) (*struct{ Body SSOProvider }, error) {
		if err != nil {
			return nil, err
		}
		return &struct{ Body SSOProvider }{s.ssoProvider(p)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-sso-providers", Method: http.MethodGet, Path: "/org/sso/providers", Summary: "List the identity providers of the active organization", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[SSOProvider], error) {
			l, err := s.SSO.Providers(ctx, a, in.request())
			return pageOf(l, s.ssoProvider, err)
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "create-sso-provider", Method: http.MethodPost, Path: "/org/sso/providers", Summary: "Add an identity provider", DefaultStatus: 201, Tags: []string{tag},
		Description: "The answer holds the callback address to register at the provider. Create it disabled, register it there, then give its client id and enable it; one that is enabled at once waits for a second person. Needs a fresh second factor."}),
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				SSOSettings
				Protocol     string        `json:"protocol" enum:"oidc,saml"`
				ClientSecret secret.Secret `json:"client_secret,omitempty" doc:"Sealed; never shown again"`
			}
		}) (*struct{ Body SSOProvider }, error) {
			return one(s.SSO.Create(ctx, a, sso.SaveArgs{Settings: in.Body.settings(), Protocol: sso.Protocol(in.Body.Protocol), Secret: &in.Body.ClientSecret}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-sso-provider", Method: http.MethodGet, Path: "/org/sso/providers/{provider_id}", Summary: "Show an identity provider", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *ProviderPath) (*struct{ Body SSOProvider }, error) {
			return one(s.SSO.Provider(ctx, a, id.Provider(in.ProviderID)))
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "update-sso-provider", Method: http.MethodPut, Path: "/org/sso/providers/{provider_id}", Summary: "Replace the settings of an identity provider", Tags: []string{tag},
		Description: "Another issuer forgets who is who at the old one. What an enabled provider is set to, but for its name, and that one is enabled, waits for a second person. Needs a fresh second factor."}),
		func(ctx context.Context, a authz.Actor, in *struct {
			ProviderPath
			Body struct {
				SSOSettings
				ClientSecret *secret.Secret `json:"client_secret,omitempty" doc:"Absent: as it is; empty: none"`
				Version      int64          `json:"version,omitempty" doc:"What you saw; absent: whatever is there"`
			}
		}) (*struct{ Body SSOProvider }, error) {
			return one(s.SSO.Update(ctx, a, id.Provider(in.ProviderID), sso.SaveArgs{Settings: in.Body.settings(), Secret: in.Body.ClientSecret, Version: in.Body.Version}))
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "delete-sso-provider", Method: http.MethodDelete, Path: "/org/sso/providers/{provider_id}", Summary: "Remove an identity provider; people stay members", DefaultStatus: 204, Tags: []string{tag}}),
		func(ctx context.Context, a authz.Actor, in *ProviderPath) (*struct{}, error) {
			return nothing(s.SSO.Delete(ctx, a, id.Provider(in.ProviderID)))
		})
	type finding struct {
		What   string `json:"what" enum:"settings,discovery,keys,metadata,certificate,domain"`
		OK     bool   `json:"ok"`
		Detail string `json:"detail"`
	}
	handle(s, signedIn, huma.Operation{OperationID: "test-sso-provider", Method: http.MethodPost, Path: "/org/sso/providers/{provider_id}/test", Summary: "Look whether an identity provider could be used now", Tags: []string{tag},
		Description: "Asks an OpenID provider what it says of itself, or reads the metadata of a SAML provider. It changes nothing. Only a sign-in shows that the client secret and the addresses registered there are right."},
		func(ctx context.Context, a authz.Actor, in *ProviderPath) (*struct {
			Body struct {
				Usable   bool      `json:"usable" doc:"Nothing that was looked at is wrong"`
				Findings []finding `json:"findings" nullable:"false"`
			}
		}, error) {
			list, err := s.SSO.Test(ctx, a, id.Provider(in.ProviderID))
			if err != nil {
				return nil, err
			}
			out := &struct {
				Body struct {
					Usable   bool      `json:"usable" doc:"Nothing that was looked at is wrong"`
					Findings []finding `json:"findings" nullable:"false"`
				}
			}{}
			out.Body.Usable = true
			for _, f := range list {
				out.Body.Usable = out.Body.Usable && f.OK
				out.Body.Findings = append(out.Body.Findings, finding(f))
			}
			return out, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-sso-people", Method: http.MethodGet, Path: "/org/sso/providers/{provider_id}/people", Summary: "List who is who at an identity provider", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ProviderPath
			PageIn
		}) (*pageOut[SSOLink], error) {
			l, err := s.SSO.Links(ctx, a, id.Provider(in.ProviderID), in.request())
			return pageOf(l, func(l sso.Link) SSOLink {
				return SSOLink{UserID: l.ID, Email: l.Email, Handle: l.Handle, Name: l.Name, Subject: l.Subject, LinkedAt: l.LinkedAt, LastUsedAt: l.LastUsedAt}
			}, err)
		})
}

func (s *Server) ssoDomainRoutes() {
	const tag = "single sign-on"
	one := func(d sso.Domain, err error) (*struct{ Body SSODomain }, error) {
		if err != nil {
			return nil, err
		}
		return &struct{ Body SSODomain }{ssoDomain(d)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-sso-domains", Method: http.MethodGet, Path: "/org/sso/domains", Summary: "List the mail domains of the active organization", Tags: []string{tag},
		Description: "An identity provider speaks only for addresses of domains that are verified."},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[SSODomain], error) {
			l, err := s.SSO.Domains(ctx, a, in.request())
			return pageOf(l, ssoDomain, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "add-sso-domain", Method: http.MethodPost, Path: "/org/sso/domains", Summary: "Name a mail domain, and get the DNS record that proves it", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Domain string `json:"domain" maxLength:"254"`
			}
		}) (*struct{ Body SSODomain }, error) {
			return one(s.SSO.AddDomain(ctx, a, in.Body.Domain))
		})
	handle(s, signedIn, huma.Operation{OperationID: "verify-sso-domain", Method: http.MethodPost, Path: "/org/sso/domains/{domain}/verify", Summary: "Look for the DNS record of a mail domain", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *DomainPath) (*struct{ Body SSODomain }, error) {
			return one(s.SSO.VerifyDomain(ctx, a, in.Domain))
		})
	handle(s, signedIn, huma.Operation{OperationID: "remove-sso-domain", Method: http.MethodDelete, Path: "/org/sso/domains/{domain}", Summary: "Take a mail domain away", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *DomainPath) (*struct{}, error) {
			return nothing(s.SSO.RemoveDomain(ctx, a, in.Domain))
		})
}
