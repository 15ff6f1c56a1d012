package sso

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
)

// Protocol is how a provider is spoken with.
type Protocol string

// The protocols.
const (
	OIDC Protocol = "oidc"
	SAML Protocol = "saml"
)

// Bounds of a provider's settings.
const (
	maxURL       = 500
	maxRules     = 200
	maxGroupName = 300
	maxPEM       = 32 << 10
	maxProviders = 20 // of one organization
)

// Rule gives the members of a provider's group a role.
type Rule struct {
	Group string     `json:"group"`
	Role  authz.Role `json:"role"`
}

// Settings are what an administrator says of a provider.
type Settings struct {
	Name        string
	Enabled     bool
	Issuer      string // OIDC: the issuer's URL, as its discovery document has it
	ClientID    string
	Scopes      []string // besides openid, email and profile
	GroupsClaim string
	CAPEM       string // certificates that the provider's own is verified against, besides the system's
	Metadata    string // SAML: as the provider publishes it; the issuer is its entity id then
	TrustMFA    bool
	Provision   bool
	DefaultRole authz.Role // None: who matches no rule is refused
	Roles       []Rule     // the first that matches counts; none: roles are given by hand
}

// Provider is an identity provider of one organization.
type Provider struct {
	Settings
	ID        id.Provider
	Org       id.Org
	Protocol  Protocol
	HasSecret bool
	Version   int64
	CreatedAt time.Time
	ChangedAt time.Time

	sealed  []byte
	spKey   []byte // SAML: sealed; what the provider encrypts for
	spCert  []byte
	orgName string // where it was read with it
}

func fromRow(r ssosql.SsoProvider) (Provider, error) {
	p := Provider{
		ID: id.Provider(r.ID), Org: id.Org(r.OrgID), Protocol: Protocol(r.Protocol), HasSecret: len(r.ClientSecret) > 0, sealed: r.ClientSecret, spKey: r.SpKey, spCert: r.SpCert,
		Version: r.Version, CreatedAt: db.Time(r.CreatedAt), ChangedAt: db.Time(r.ChangedAt),
		Settings: Settings{Name: r.Name, Enabled: r.Enabled, Issuer: r.Issuer, ClientID: r.ClientID, Scopes: strings.Fields(r.Scopes), GroupsClaim: r.GroupsClaim,
			CAPEM: r.CaPem, Metadata: r.Metadata, TrustMFA: r.TrustMfa, Provision: r.Provision, DefaultRole: authz.Role(r.DefaultRole)},
	}
	if err := json.Unmarshal([]byte(r.Roles), &p.Roles); err != nil {
		return p, fmt.Errorf("read the rules of provider %s: %w", r.ID, err)
	}
	return p, nil
}

func sealContext(p id.Provider) string { return "sso-client-secret/" + string(p) }

// check brings the settings into their one form and says all that is wrong.
func (a *Settings) check(protocol Protocol) error {
	f := fault.New(fault.Invalid, "the identity provider cannot be set up like this: see the fields that are named")
	if wrong := label.Name(a.Name); wrong != "" {
		f.WithField("name", "%s", wrong)
	}
	if a.GroupsClaim == "" {
		a.GroupsClaim = "groups"
	}
	if !oneWord(a.GroupsClaim, maxGroupName) {
		f.WithField("groups_claim", "must be the name of a claim, without spaces")
	}
	if protocol == OIDC {
		a.checkOIDC(f)
	} else {
		a.checkSAML(f)
	}
	if a.CAPEM != "" {
		if n, err := certificates(a.CAPEM); err != nil || n == 0 {
			f.WithField("ca_pem", "must hold certificates in PEM form")
		}
	}
	if a.DefaultRole != authz.None && !grantable(a.DefaultRole) {
		f.WithField("default_role", "must be admin, operator, auditor or empty")
	}
	if len(a.Roles) > maxRules {
		f.WithField("roles", "must be at most %d rules", maxRules)
	}
	for i, r := range a.Roles {
		if r.Group == "" || len(r.Group) > maxGroupName || strings.ContainsFunc(r.Group, func(r rune) bool { return !unicode.IsPrint(r) }) {
			f.WithField(fmt.Sprintf("roles.%d.group", i), "must name a group of the provider")
		}
		if !grantable(r.Role) {
			f.WithField(fmt.Sprintf("roles.%d.role", i), "must be admin, operator or auditor; an owner is made by an owner")
		}
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

// grantable are the roles that a provider's word can give. An owner is made by an owner.
func grantable(r authz.Role) bool {
	return r == authz.Admin || r == authz.Operator || r == authz.Auditor
}

func (a *Settings) checkOIDC(f *fault.Error) {
	a.Metadata = ""
	if u, err := url.Parse(a.Issuer); err != nil || len(a.Issuer) > maxURL || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		f.WithField("issuer", "must be the issuer's address, of the form https://login.example.com/...")
	}
	if a.Enabled && a.ClientID == "" {
		f.WithField("client_id", "is needed before the provider can be enabled")
	}
	if a.ClientID != "" && !oneWord(a.ClientID, maxURL) {
		f.WithField("client_id", "must be the name that the provider gave this installation")
	}
	a.Scopes = slices.DeleteFunc(slices.Clone(a.Scopes), func(s string) bool { return s == "openid" || s == "email" || s == "profile" || s == "" })
	for _, s := range a.Scopes {
		if !oneWord(s, 100) || len(a.Scopes) > 20 {
			f.WithField("scopes", "must be at most 20 words")
			break
		}
	}
}

func oneWord(s string, limit int) bool {
	return s != "" && len(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// certificates counts those of a PEM text.
func certificates(text string) (n int, err error) {
	if len(text) > maxPEM {
		return 0, fault.New(fault.Invalid, "too long")
	}
	for rest := []byte(text); ; n++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if len(strings.TrimSpace(string(rest))) > 0 {
				err = fault.New(fault.Invalid, "not PEM")
			}
			return n, err
		}
		if _, err := x509.ParseCertificate(block.Bytes); block.Type != "CERTIFICATE" || err != nil {
			return n, fault.New(fault.Invalid, "not a certificate")
		}
	}
}

// SaveArgs describe a provider that is made or changed.
type SaveArgs struct {
	Settings
	Protocol Protocol       // of a new one
	Secret   *secret.Secret // nil: as it is; empty: none
	Version  int64          // what the caller saw; 0: whatever is there
}

func object(org id.Org) authz.Object {
	return authz.Object{Type: authz.OrgObject, ID: string(org), Org: org}
}

// view checks the right to look at the settings.
func (s *Service) view(actor authz.Actor) error {
	if actor.Org == "" {
		return fault.New(fault.NotFound, "no organization is active: choose one of yours")
	}
	return authz.Check(actor, authz.SSOView, object(actor.Org))
}

// manage checks the right to change the settings, with a second factor proved a
// short while ago; a refusal is recorded.
func (s *Service) manage(ctx context.Context, actor authz.Actor) error {
	if actor.Org == "" {
		return fault.New(fault.NotFound, "no organization is active: choose one of yours")
	}
	err := authz.Check(actor, authz.SSOManage, object(actor.Org))
	if err == nil {
		if err = authz.Fresh(actor, authz.SSOManage, s.d.Now()); err == nil {
			return nil
		}
	}
	if actor.Kind == authz.Nobody {
		return err
	}
	ev := event.NewTenantSettingsUpdated(event.By(actor, event.TenantAdmin), event.TenantTarget(actor.Org, ""), event.SettingGroupSSO, nil, nil)
	if rerr := s.d.Ledger.RecordRefusal(ctx, ev.Denied(event.TenantSettingsUpdatedNotPermitted)); rerr != nil {
		return fmt.Errorf("record a refusal: %w", rerr)
	}
	return err
}

// told records a change of the settings.
func (s *Service) told(ctx context.Context, tx *db.Tx, actor authz.Actor, org id.Org, changes []event.Change, weakened []string) error {
	_, err := s.toldBy(ctx, tx, actor, governance.Permit{}, org, changes, weakened)
	return err
}

// toldBy records a change of the settings that a second person may have agreed to, and gives the event.
func (s *Service) toldBy(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, org id.Org, changes []event.Change, weakened []string) (id.Event, error) {
	name, err := ssosql.New(tx).OrganizationName(ctx, string(org))
	if err != nil {
		return "", fmt.Errorf("read the name of %s: %w", org, err)
	}
	as := event.TenantAdmin
	if actor.Org != org {
		as = event.PlatformAdmin
	}
	ev := event.NewTenantSettingsUpdated(event.By(actor, as).InOrg(org), event.TenantTarget(org, name), event.SettingGroupSSO, changes, weakened)
	if p.Given() {
		ev = ev.WithGovernanceActionID(p.Action())
	}
	return s.d.Ledger.Record(ctx, tx, ev)
}

// cut is a page of a short list that was read whole.
func cut[T any](all []T, r page.Request, key func(T) string) (page.List[T], error) {
	n, after, err := r.Resolve()
	if err != nil {
		return page.List[T]{}, err
	}
	all = slices.DeleteFunc(all, func(v T) bool { return key(v) <= after })
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	return page.Cut(all[:min(len(all), int(n))], n, key), nil
}

// Providers lists those of the active organization by name.
func (s *Service) Providers(ctx context.Context, actor authz.Actor, r page.Request) (page.List[Provider], error) {
	if err := s.view(actor); err != nil {
		return page.List[Provider]{}, err
	}
	var out []Provider
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := ssosql.New(tx).ListProviders(ctx, string(actor.Org))
		out = nil
		for _, r := range rows {
			p, perr := fromRow(r)
			if perr != nil {
				return perr
			}
			out = append(out, p)
		}
		return err
	})
	if err != nil {
		return page.List[Provider]{}, fmt.Errorf("list identity providers: %w", err)
	}
	return cut(out, r, func(p Provider) string { return p.Name })
}

// Provider is one of the active organization.
func (s *Service) Provider(ctx context.Context, actor authz.Actor, pid id.Provider) (Provider, error) {
	if err := s.view(actor); err != nil {
		return Provider{}, err
	}
	var out Provider
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = s.find(ctx, tx, actor.Org, pid)
		return err
	})
	return out, err
}

func (s *Service) find(ctx context.Context, tx *db.Tx, org id.Org, pid id.Provider) (Provider, error) {
	row, err := ssosql.New(tx).GetProvider(ctx, ssosql.GetProviderParams{OrgID: string(org), ID: string(pid)})
	if db.NotFound(err) {
		return Provider{}, fault.New(fault.NotFound, "no such identity provider in this organization")
	}
	if err != nil {
		return Provider{}, fmt.Errorf("read provider %s: %w", pid, err)
	}
	return fromRow(row)
}

// Create adds a provider. Its callback address holds its id, so it is made before
// the other side can be told of it: without a client id it stays disabled.
func (s *Service) Create(ctx context.Context, actor authz.Actor, a SaveArgs) (Provider, error) {
	if a.Protocol != OIDC && a.Protocol != SAML {
		return Provider{}, fault.New(fault.Invalid, "%.20q is not a protocol: use oidc or saml", string(a.Protocol)).WithField("protocol", "must be oidc or saml")
	}
	if err := s.manage(ctx, actor); err != nil {
		return Provider{}, err
	}
	p := Provider{Settings: a.Settings, ID: id.New[id.Provider](), Org: actor.Org, Protocol: a.Protocol, Version: 1}
	if err := s.prepare(ctx, &p, a); err != nil {
		return Provider{}, err
	}
	if err := s.firstKey(ctx, &p); err != nil {
		return Provider{}, err
	}
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		p, _, err = s.create(ctx, tx, actor, governance.Permit{}, p)
		return err
	})
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return Provider{}, fmt.Errorf("add an identity provider: %w", err)
	}
	return p, nil
}

func (s *Service) firstKey(ctx context.Context, p *Provider) error {
	p.spKey, p.spCert = []byte{}, []byte{}
	if p.Protocol != SAML {
		return nil
	}
	return s.newKey(ctx, p)
}

// create stores a new provider in the caller's transaction, and gives the event that tells it.
func (s *Service) create(ctx context.Context, tx *db.Tx, actor authz.Actor, permit governance.Permit, p Provider) (Provider, id.Event, error) {
	fail := func(err error) (Provider, id.Event, error) { return Provider{}, "", err }
	q := ssosql.New(tx)
	all, err := q.ListProviders(ctx, string(p.Org))
	if err != nil {
		return fail(fmt.Errorf("list identity providers: %w", err))
	}
	if len(all) >= maxProviders {
		return fail(fault.New(fault.Conflict, "this organization has %d identity providers already: remove one first", len(all)).WithCode("PROVIDER_LIMIT"))
	}
	if err := nameFree(all, p); err != nil {
		return fail(err)
	}
	if err := s.demandProvider(ctx, tx, actor, permit, addProvider, Provider{}, p, p.HasSecret); err != nil {
		return fail(err)
	}
	now := s.now()
	p.Version, p.CreatedAt, p.ChangedAt = 1, db.Time(now), db.Time(now)
	if err := q.InsertProvider(ctx, ssosql.InsertProviderParams{
		OrgID: string(p.Org), ID: string(p.ID), Protocol: string(p.Protocol), Name: p.Name, Enabled: p.Enabled, Issuer: p.Issuer, ClientID: p.ClientID,
		ClientSecret: p.sealed, Scopes: strings.Join(p.Scopes, " "), GroupsClaim: p.GroupsClaim, CaPem: p.CAPEM, Metadata: p.Metadata, TrustMfa: p.TrustMFA,
		Provision: p.Provision, DefaultRole: string(p.DefaultRole), Roles: rules(p.Roles), Now: now, SpKey: p.spKey, SpCert: p.spCert,
	}); db.Unique(err) {
		return fail(nameTaken(err, p.Name))
	} else if err != nil {
		return fail(fmt.Errorf("store an identity provider: %w", err))
	}
	told, err := s.toldBy(ctx, tx, actor, permit, p.Org, diff(Provider{}, p, p.HasSecret), weakened(Provider{}, p))
	return p, told, err
}

// prepare checks what is to be stored, seals the secret and, for an OIDC provider
// that is to be used, asks it who it is.
func (s *Service) prepare(ctx context.Context, p *Provider, a SaveArgs) (err error) {
	if err := p.check(p.Protocol); err != nil {
		return err
	}
	if a.Secret != nil && p.Protocol == OIDC {
		p.sealed = []byte{}
		if !a.Secret.Empty() {
			if len(a.Secret.Reveal()) > 4096 {
				return fault.New(fault.Invalid, "the client secret is too long").WithField("client_secret", "must have at most 4096 bytes")
			}
			if p.sealed, err = s.d.Seal.Seal(ctx, p.Org, sealContext(p.ID), a.Secret.Reveal()); err != nil {
				return err
			}
		}
	}
	if p.sealed == nil {
		p.sealed = []byte{}
	}
	p.HasSecret = len(p.sealed) > 0
	if p.Protocol == OIDC && p.Enabled {
		_, err = s.ask(ctx, *p)
	}
	return err
}

func rules(r []Rule) string {
	if len(r) == 0 {
		return "[]"
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings only
	}
	return string(text)
}

func nameTaken(err error, name string) error {
	return fault.New(fault.Conflict, "an identity provider named %s exists already: choose another name", name).WithCode("NAME_TAKEN").WithField("name", "is taken").Because(err)
}

// Update replaces the settings of a provider.
func (s *Service) Update(ctx context.Context, actor authz.Actor, pid id.Provider, a SaveArgs) (Provider, error) {
	if err := s.manage(ctx, actor); err != nil {
		return Provider{}, err
	}
	var old Provider
	if err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		old, err = s.find(ctx, tx, actor.Org, pid)
		return err
	}); err != nil {
		return Provider{}, err
	}
	if a.Version != 0 && a.Version != old.Version {
		return Provider{}, changedMeanwhile()
	}
	p := old
	p.Settings = a.Settings
	if err := s.prepare(ctx, &p, a); err != nil {
		return Provider{}, err
	}
	if len(diff(old, p, a.Secret != nil)) == 0 {
		return old, nil
	}
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		p, _, err = s.update(ctx, tx, actor, governance.Permit{}, p, a.Secret != nil)
		return err
	})
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return Provider{}, fmt.Errorf("change an identity provider: %w", err)
	}
	return p, nil
}

// update stores a provider in the caller's transaction, and gives the event that tells it.
// p has the version that was looked at; secret tells that its client secret was given.
func (s *Service) update(ctx context.Context, tx *db.Tx, actor authz.Actor, permit governance.Permit, p Provider, secret bool) (Provider, id.Event, error) {
	fail := func(err error) (Provider, id.Event, error) { return Provider{}, "", err }
	old, err := s.find(ctx, tx, p.Org, p.ID)
	if err != nil {
		return fail(err)
	}
	if !permit.Given() && old.Version != p.Version {
		return fail(changedMeanwhile())
	}
	q := ssosql.New(tx)
	all, err := q.ListProviders(ctx, string(p.Org))
	if err != nil {
		return fail(fmt.Errorf("list identity providers: %w", err))
	}
	if err := nameFree(all, p); err != nil {
		return fail(err)
	}
	if !p.Enabled {
		if err := s.stillUsableWithout(ctx, q, old); err != nil {
			return fail(err)
		}
	}
	if err := s.demandProvider(ctx, tx, actor, permit, changeProvider, old, p, secret); err != nil {
		return fail(err)
	}
	now := s.now()
	n, err := q.UpdateProvider(ctx, ssosql.UpdateProviderParams{
		Name: p.Name, Enabled: p.Enabled, Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.sealed, Scopes: strings.Join(p.Scopes, " "),
		GroupsClaim: p.GroupsClaim, CaPem: p.CAPEM, Metadata: p.Metadata, TrustMfa: p.TrustMFA, Provision: p.Provision, DefaultRole: string(p.DefaultRole),
		Roles: rules(p.Roles), Now: now, OrgID: string(p.Org), ID: string(p.ID), Version: p.Version,
	})
	switch {
	case db.Unique(err):
		return fail(nameTaken(err, p.Name))
	case err != nil:
		return fail(fmt.Errorf("store an identity provider: %w", err))
	case n == 0:
		return fail(changedMeanwhile())
	}
	p.Version, p.ChangedAt = p.Version+1, db.Time(now)
	if p.Issuer != old.Issuer { // its names for people mean others now
		if err := s.forget(ctx, q, p.Org, p.ID); err != nil {
			return fail(err)
		}
		if s.d.Groups != nil {
			if err := s.d.Groups.ProviderGone(ctx, tx, actor, p.ID, true); err != nil {
				return fail(err)
			}
		}
	}
	if err := s.stillUsable(ctx, q, p.Org); err != nil {
		return fail(err)
	}
	told, err := s.toldBy(ctx, tx, actor, permit, p.Org, diff(old, p, secret), weakened(old, p))
	return p, told, err
}

// forget drops who is who at a provider, and what is under way with it.
func (s *Service) forget(ctx context.Context, q *ssosql.Queries, org id.Org, pid id.Provider) error {
	if _, err := q.DropIdentitiesOf(ctx, ssosql.DropIdentitiesOfParams{OrgID: string(org), ProviderID: string(pid)}); err != nil {
		return fmt.Errorf("forget the people of a provider: %w", err)
	}
	if err := q.DropBrowsersOf(ctx, ssosql.DropBrowsersOfParams{OrgID: string(org), ProviderID: string(pid)}); err != nil {
		return fmt.Errorf("forget the browsers of a provider: %w", err)
	}
	if err := q.DropFlowsOf(ctx, ssosql.DropFlowsOfParams{OrgID: string(org), ProviderID: string(pid)}); err != nil {
		return fmt.Errorf("forget the sign-ins of a provider: %w", err)
	}
	return nil
}

// Only tells whether an organization's members come in through its provider and by no other door.
func (s *Service) Only(ctx context.Context, tx *db.Tx, org id.Org) (bool, error) {
	return s.required(ctx, ssosql.New(tx), org)
}

// stillUsable refuses to take the last provider from an organization that lets
// nobody in without one.
func (s *Service) stillUsable(ctx context.Context, q *ssosql.Queries, org id.Org) error {
	return s.usable(ctx, q, org, 0)
}

// stillUsableWithout refuses it before it is done.
func (s *Service) stillUsableWithout(ctx context.Context, q *ssosql.Queries, p Provider) error {
	if !p.Enabled {
		return nil
	}
	return s.usable(ctx, q, p.Org, 1)
}

func (s *Service) usable(ctx context.Context, q *ssosql.Queries, org id.Org, goes int64) error {
	required, err := s.required(ctx, q, org)
	if err != nil || !required {
		return err
	}
	n, err := q.CountProviders(ctx, string(org))
	if err != nil {
		return fmt.Errorf("count providers: %w", err)
	}
	if n <= goes {
		return fault.New(fault.Conflict, "members of this organization come in through a provider only, and this is the last that is enabled: lift that requirement first").WithCode("LAST_PROVIDER")
	}
	return nil
}

// Delete removes a provider and forgets who is who at it. People stay members.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, pid id.Provider) error {
	if err := s.manage(ctx, actor); err != nil {
		return err
	}
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.remove(ctx, tx, actor, governance.Permit{}, pid)
		return err
	})
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return fmt.Errorf("remove an identity provider: %w", err)
	}
	return nil
}

// remove deletes a provider in the caller's transaction, and gives the event that tells it.
func (s *Service) remove(ctx context.Context, tx *db.Tx, actor authz.Actor, permit governance.Permit, pid id.Provider) (id.Event, error) {
	org := actor.Org
	old, err := s.find(ctx, tx, org, pid)
	if err != nil {
		return "", err
	}
	q := ssosql.New(tx)
	if err := s.stillUsableWithout(ctx, q, old); err != nil {
		return "", err
	}
	if err := s.demandProvider(ctx, tx, actor, permit, removeProvider, old, Provider{}, false); err != nil {
		return "", err
	}
	if err := s.forget(ctx, q, org, pid); err != nil {
		return "", err
	}
	if s.d.Groups != nil {
		if err := s.d.Groups.ProviderGone(ctx, tx, actor, pid, false); err != nil {
			return "", err
		}
	}
	if _, err := q.DeleteProvider(ctx, ssosql.DeleteProviderParams{OrgID: string(org), ID: string(pid)}); err != nil {
		return "", fmt.Errorf("delete provider %s: %w", pid, err)
	}
	return s.toldBy(ctx, tx, actor, permit, org, []event.Change{event.Changed("provider."+string(pid), old.Name, "")}, nil)
}

// diff tells what differs. The settings of SAML metadata and certificates are told
// as changed, not shown: they are long.
func diff(old, p Provider, secret bool) []event.Change {
	var out []event.Change
	at := "provider." + string(p.ID) + "."
	text := func(field, a, b string) {
		if a != b {
			out = append(out, event.Changed(at+field, a, b))
		}
	}
	flag := func(field string, a, b bool) {
		if a != b {
			out = append(out, event.Changed(at+field, a, b))
		}
	}
	text("name", old.Name, p.Name)
	text("protocol", string(old.Protocol), string(p.Protocol))
	flag("enabled", old.Enabled, p.Enabled)
	text("issuer", old.Issuer, p.Issuer)
	text("client_id", old.ClientID, p.ClientID)
	text("scopes", strings.Join(old.Scopes, " "), strings.Join(p.Scopes, " "))
	text("groups_claim", old.GroupsClaim, p.GroupsClaim)
	text("ca_pem", fingerprint(old.CAPEM), fingerprint(p.CAPEM))
	text("metadata", fingerprint(old.Metadata), fingerprint(p.Metadata))
	flag("trust_mfa", old.TrustMFA, p.TrustMFA)
	flag("provision", old.Provision, p.Provision)
	text("default_role", string(old.DefaultRole), string(p.DefaultRole))
	if a, b := rules(old.Roles), rules(p.Roles); a != b {
		text("roles", clip(a, 2000), clip(b, 2000))
	}
	switch {
	case !secret:
	case old.HasSecret && !p.HasSecret:
		out = append(out, event.SecretCleared(at+"client_secret"))
	case old.HasSecret:
		out = append(out, event.SecretReplaced(at+"client_secret"))
	case p.HasSecret:
		out = append(out, event.SecretSet(at+"client_secret"))
	}
	return out
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}

// weakened names the demands that a change takes away.
func weakened(old, p Provider) []string {
	var out []string
	if p.TrustMFA && !old.TrustMFA {
		out = append(out, "own_second_factor")
	}
	if old.Name != "" && p.DefaultRole != authz.None && old.DefaultRole == authz.None && len(old.Roles) > 0 {
		out = append(out, "group_required")
	}
	return out
}
