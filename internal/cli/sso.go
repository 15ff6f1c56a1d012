package cli

import (
	"context"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type ssoCmd struct {
	connection
	Providers ssoProvidersCmd `cmd:"" default:"1" help:"List identity providers."`
	Show      ssoShowCmd      `cmd:"" help:"Show an identity provider, and what to register there."`
	Test      ssoTestCmd      `cmd:"" help:"Look whether an identity provider could be used now."`
	Add       ssoAddCmd       `cmd:"" help:"Add an identity provider."`
	Set       ssoSetCmd       `cmd:"" help:"Change what the flags say of an identity provider."`
	Remove    ssoRemoveCmd    `cmd:"" help:"Remove an identity provider; people stay members."`
	People    ssoPeopleCmd    `cmd:"" help:"List who is who at an identity provider."`
	Unlink    ssoUnlinkCmd    `cmd:"" help:"Forget who a person is at the identity providers."`
	Require   ssoRequireCmd   `cmd:"" help:"Let members in through an identity provider only, or lift that."`
	Domains   ssoDomainsCmd   `cmd:"" help:"The mail domains of your organization."`
}

// ssoProvider is an identity provider as the API tells it.
type ssoProvider struct {
	ssoSettings
	ID        string `json:"id"`
	Protocol  string `json:"protocol"`
	HasSecret bool   `json:"has_secret"`
	Callback  string `json:"callback_url"`
	EntityID  string `json:"entity_id"`
	Logout    string `json:"logout_url"`
	Version   int64  `json:"version"`
}

type ssoSettings struct {
	Name        string    `json:"name"`
	Enabled     bool      `json:"enabled"`
	Issuer      string    `json:"issuer,omitempty"`
	ClientID    string    `json:"client_id,omitempty"`
	Scopes      []string  `json:"scopes,omitempty"`
	GroupsClaim string    `json:"groups_claim,omitempty"`
	CAPEM       string    `json:"ca_pem,omitempty"`
	Metadata    string    `json:"metadata,omitempty"`
	TrustMFA    bool      `json:"trust_mfa"`
	Provision   bool      `json:"provision"`
	DefaultRole string    `json:"default_role,omitempty"`
	Roles       []ssoRule `json:"roles,omitempty"`
}

type ssoRule struct {
	Group string `json:"group"`
	Role  string `json:"role"`
}

func (p ssoProvider) names() []string { return []string{p.ID, p.Name} }

func (r *remote) findProvider(ctx context.Context, want string) (ssoProvider, error) {
	return find[ssoProvider](ctx, r, "/org/sso/providers", "identity provider", want)
}

func (p *program) provider(ctx context.Context, name string) (*remote, ssoProvider, error) {
	r, err := p.remote(ctx)
	if err != nil {
		return nil, ssoProvider{}, err
	}
	found, err := r.findProvider(ctx, name)
	return r, found, err
}

type ssoProvidersCmd struct{}

// Run lists providers.
func (ssoProvidersCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/org/sso/providers", nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"NAME", "PROTOCOL", "ENABLED", "ISSUER", "ID"}, empty: "There are no identity providers."}
	return showList(p, l, t, func(s ssoProvider) []string { return []string{s.Name, s.Protocol, yesNo(s.Enabled), s.Issuer, s.ID} })
}

type ssoShowCmd struct {
	Provider string `arg:"" complete:"provider" help:"Name or id."`
}

// Run shows a provider.
func (c *ssoShowCmd) Run(ctx context.Context, p *program) error {
	r, s, err := p.provider(ctx, c.Provider)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, path("/org/sso/providers/%s", s.ID), nil)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.showProvider(s) })
}

type ssoTestCmd struct {
	Provider string `arg:"" complete:"provider" help:"Name or id."`
}

// Run tests a provider; it fails when something is wrong.
func (c *ssoTestCmd) Run(ctx context.Context, p *program) error {
	r, s, err := p.provider(ctx, c.Provider)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/org/sso/providers/%s/test", s.ID), nil)
	if err != nil {
		return err
	}
	var said struct {
		Usable   bool `json:"usable"`
		Findings []struct {
			What   string `json:"what"`
			OK     bool   `json:"ok"`
			Detail string `json:"detail"`
		} `json:"findings"`
	}
	if err := a.Into(&said); err != nil {
		return err
	}
	err = p.show(a, func() {
		for _, f := range said.Findings {
			p.sayf("%-4s %s: %s", map[bool]string{true: "ok", false: "not"}[f.OK], f.What, f.Detail)
		}
	})
	if err == nil && !said.Usable {
		return fault.New(fault.Conflict, "%s cannot be used as it is", s.Name)
	}
	return err
}

func (p *program) showProvider(s ssoProvider) {
	rows := [][2]string{{"provider", s.Name}, {"id", s.ID}, {"protocol", s.Protocol}, {"enabled", yesNo(s.Enabled)}, {"issuer", s.Issuer},
		{"client id", s.ClientID}, {"client secret", yesNo(s.HasSecret)}, {"scopes", strings.Join(s.Scopes, " ")}, {"groups claim", s.GroupsClaim},
		{"its second factor counts", yesNo(s.TrustMFA)}, {"makes members", yesNo(s.Provision)}, {"default role", s.DefaultRole}}
	for _, r := range s.Roles {
		rows = append(rows, [2]string{"group " + r.Group, r.Role})
	}
	p.facts(append(rows, [2]string{"callback to register there", s.Callback}, [2]string{"entity id, with the metadata", s.EntityID}, [2]string{"logout to register there", s.Logout}))
}

// ssoFlags change a provider. A flag that is not given changes nothing.
type ssoFlags struct {
	Enable       *bool    `negatable:"" help:"Let people in through it."`
	Issuer       string   `placeholder:"URL" help:"The issuer's address, exactly as its discovery document has it."`
	ClientID     string   `name:"client-id" placeholder:"ID" help:"The name that the provider gave this installation."`
	ClientSecret string   `name:"client-secret-file" complete:"file" placeholder:"FILE" help:"Read the client secret from this file; - is standard input."`
	Metadata     string   `name:"metadata-file" complete:"file" placeholder:"FILE" help:"SAML: the provider's metadata, as it publishes it."`
	Scopes       []string `name:"scope" placeholder:"SCOPE" help:"Ask for this besides openid, email and profile; several are possible."`
	GroupsClaim  string   `placeholder:"NAME" help:"The claim that carries groups."`
	CAFile       string   `name:"provider-ca" complete:"file" placeholder:"FILE" help:"Certificates that the provider's own is verified against, besides the system's."`
	TrustMFA     *bool    `name:"trust-mfa" negatable:"" help:"A second factor that the provider reports counts."`
	Provision    *bool    `negatable:"" help:"Who is not a member yet becomes one."`
	DefaultRole  string   `placeholder:"ROLE" enum:",admin,operator,auditor,none" default:"" help:"For those whom no rule gives a role; none refuses them."`
	Roles        []string `name:"role" placeholder:"GROUP=ROLE" help:"The role of a group; several are possible, and the first that matches counts. They replace those that are there."`
}

// apply puts the flags into s. secret is nil when none was given.
func (f ssoFlags) apply(p *program, s *ssoSettings) (secret *string, err error) {
	set := func(to *bool, v *bool) {
		if v != nil {
			*to = *v
		}
	}
	set(&s.Enabled, f.Enable)
	set(&s.TrustMFA, f.TrustMFA)
	set(&s.Provision, f.Provision)
	s.Issuer, s.ClientID, s.GroupsClaim = first(f.Issuer, s.Issuer), first(f.ClientID, s.ClientID), first(f.GroupsClaim, s.GroupsClaim)
	if len(f.Scopes) > 0 {
		s.Scopes = f.Scopes
	}
	if s.DefaultRole = first(f.DefaultRole, s.DefaultRole); s.DefaultRole == "none" {
		s.DefaultRole = ""
	}
	if len(f.Roles) > 0 {
		s.Roles = nil
	}
	for _, r := range f.Roles {
		at := strings.LastIndexByte(r, '=')
		if at < 1 {
			return nil, fault.New(fault.Invalid, "%q is not of the form GROUP=ROLE", r)
		}
		s.Roles = append(s.Roles, ssoRule{Group: r[:at], Role: r[at+1:]})
	}
	if f.CAFile != "" {
		pem, err := os.ReadFile(f.CAFile)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s cannot be read: %v", f.CAFile, cause(err))
		}
		s.CAPEM = string(pem)
	}
	if f.Metadata != "" {
		text, err := os.ReadFile(f.Metadata)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s cannot be read: %v", f.Metadata, cause(err))
		}
		s.Metadata = string(text)
	}
	if f.ClientSecret != "" {
		v, err := p.readSecret(f.ClientSecret)
		if err != nil {
			return nil, err
		}
		text := strings.TrimRight(v.RevealString(), "\r\n")
		secret = &text
	}
	return secret, nil
}

type ssoAddCmd struct {
	Name     string `arg:"" help:"What people read on the way: the name of your company's sign-in."`
	Protocol string `enum:"oidc,saml" default:"oidc" help:"How the provider is spoken with: oidc or saml."`
	ssoFlags
}

// Run adds a provider.
func (c *ssoAddCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s := ssoSettings{Name: c.Name}
	secret, err := c.apply(p, &s)
	if err != nil {
		return err
	}
	body := struct {
		ssoSettings
		Protocol     string  `json:"protocol"`
		ClientSecret *string `json:"client_secret,omitempty"`
	}{s, c.Protocol, secret}
	a, err := r.post(ctx, "/org/sso/providers", body)
	if err != nil {
		return err
	}
	var made ssoProvider
	if err := a.Into(&made); err != nil {
		return err
	}
	return p.show(a, func() {
		p.showProvider(made)
		if !made.Enabled {
			p.notef("Register this at the provider, then give what it gives and enable it: vaultpam sso set %s ... --enable", made.ID)
		}
	})
}

type ssoSetCmd struct {
	Provider string `arg:"" complete:"provider" help:"Name or id."`
	Rename   string `placeholder:"NAME" help:"Another name."`
	ssoFlags
}

// Run changes a provider.
func (c *ssoSetCmd) Run(ctx context.Context, p *program) error {
	r, s, err := p.provider(ctx, c.Provider)
	if err != nil {
		return err
	}
	s.Name = first(c.Rename, s.Name)
	secret, err := c.apply(p, &s.ssoSettings)
	if err != nil {
		return err
	}
	body := struct {
		ssoSettings
		Version      int64   `json:"version"`
		ClientSecret *string `json:"client_secret,omitempty"`
	}{s.ssoSettings, s.Version, secret}
	a, err := r.call(ctx, http.MethodPut, path("/org/sso/providers/%s", s.ID), nil, body)
	if err != nil {
		return err
	}
	var now ssoProvider
	if err := a.Into(&now); err != nil {
		return err
	}
	return p.show(a, func() { p.showProvider(now) })
}

type ssoRemoveCmd struct {
	Provider string `arg:"" complete:"provider" help:"Name or id."`
}

// Run removes a provider.
func (c *ssoRemoveCmd) Run(ctx context.Context, p *program) error {
	r, s, err := p.provider(ctx, c.Provider)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/org/sso/providers/%s", s.ID), nil, nil); err != nil {
		return err
	}
	p.done("Identity provider %s is removed.", s.Name)
	return nil
}

type ssoPeopleCmd struct {
	Provider string `arg:"" complete:"provider" help:"Name or id."`
}

// Run lists the people of a provider.
func (c *ssoPeopleCmd) Run(ctx context.Context, p *program) error {
	r, s, err := p.provider(ctx, c.Provider)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, path("/org/sso/providers/%s/people", s.ID), nil, 0)
	if err != nil {
		return err
	}
	type link struct {
		Handle     string    `json:"handle"`
		Email      string    `json:"email"`
		Subject    string    `json:"subject"`
		LastUsedAt time.Time `json:"last_used_at"`
	}
	t := table{head: []string{"HANDLE", "E-MAIL", "SUBJECT", "LAST SIGN-IN"}, empty: "Nobody has come in through it yet."}
	return showList(p, l, t, func(k link) []string { return []string{k.Handle, k.Email, k.Subject, when(k.LastUsedAt)} })
}

type ssoUnlinkCmd struct {
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
}

// Run unlinks a person.
func (c *ssoUnlinkCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	m, err := r.findPerson(ctx, c.Person)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/org/sso/people/%s", m.UserID), nil, nil); err != nil {
		return err
	}
	p.done("%s is linked anew at the next sign-in.", m.Handle)
	return nil
}

type ssoRequireCmd struct {
	State string `arg:"" enum:"on,off" help:"on or off. To switch it on, be signed in through the provider."`
}

// Run sets the requirement.
func (c *ssoRequireCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.call(ctx, http.MethodPut, "/org/sso", nil, map[string]bool{"required": c.State == "on"})
	if err != nil {
		return err
	}
	return p.show(a, func() {
		if c.State == "on" {
			p.sayf("Members come in through an identity provider only.")
			return
		}
		p.sayf("Members come in by password too.")
	})
}

type ssoDomainsCmd struct {
	List   ssoDomainsListCmd   `cmd:"" default:"1" help:"List mail domains."`
	Add    ssoDomainsAddCmd    `cmd:"" help:"Name a mail domain, and get the DNS record that proves it."`
	Verify ssoDomainsVerifyCmd `cmd:"" help:"Look for the DNS record of a mail domain."`
	Remove ssoDomainsRemoveCmd `cmd:"" help:"Take a mail domain away."`
}

// ssoDomain is a mail domain as the API tells it.
type ssoDomain struct {
	Domain      string `json:"domain"`
	Verified    bool   `json:"verified"`
	RecordName  string `json:"record_name"`
	RecordValue string `json:"record_value"`
}

type ssoDomainsListCmd struct{}

// Run lists domains.
func (ssoDomainsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/org/sso/domains", nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"DOMAIN", "VERIFIED", "TXT RECORD", "VALUE"}, empty: "There are no mail domains."}
	return showList(p, l, t, func(d ssoDomain) []string { return []string{d.Domain, yesNo(d.Verified), d.RecordName, d.RecordValue} })
}

type ssoDomainsAddCmd struct {
	Domain string `arg:"" help:"Such as example.com."`
}

// Run adds a domain.
func (c *ssoDomainsAddCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, "/org/sso/domains", map[string]string{"domain": c.Domain})
	if err != nil {
		return err
	}
	var d ssoDomain
	if err := a.Into(&d); err != nil {
		return err
	}
	return p.show(a, func() {
		p.facts([][2]string{{"publish the TXT record", d.RecordName}, {"with the value", d.RecordValue}, {"then", "vaultpam sso domains verify " + d.Domain}})
	})
}

type ssoDomainsVerifyCmd struct {
	Domain string `arg:"" help:"A domain that was added."`
}

// Run verifies a domain.
func (c *ssoDomainsVerifyCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/org/sso/domains/%s/verify", c.Domain), nil)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s is verified.", c.Domain) })
}

type ssoDomainsRemoveCmd struct {
	Domain string `arg:"" help:"A domain that was added."`
}

// Run removes a domain.
func (c *ssoDomainsRemoveCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/org/sso/domains/%s", c.Domain), nil, nil); err != nil {
		return err
	}
	p.done("%s is no domain of this organization any more.", c.Domain)
	return nil
}
