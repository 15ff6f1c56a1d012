package sso

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
)

// What waits for a second person: whatever says how people get in. A provider that is not
// enabled lets nobody in and may be drafted alone; that it is enabled waits then, with all
// that it is set to. Its name says nothing to a provider and does not wait.
const (
	addProvider    = "sso_provider_add"
	changeProvider = "sso_provider_change"
	removeProvider = "sso_provider_remove"
	liftRequired   = "sso_lift"
)

// Governed are the changes of single sign-on that wait for a second person.
func (s *Service) Governed() []governance.Kind {
	return []governance.Kind{
		governance.Reading(governance.NewKind(addProvider, "Let people in by a new identity provider", s.readyAdd), s.addFields),
		governance.Reading(governance.Direct(changeProvider, "Change an identity provider", s.applyChange), s.changeFields),
		governance.Reading(governance.Direct(removeProvider, "Remove an identity provider", s.applyRemove), s.removeFields),
		governance.Reading(governance.Direct(liftRequired, "Let members in without the identity provider", s.applyLift), s.liftFields),
	}
}

// providerPayload is a provider as it is to be.
type providerPayload struct {
	ID       id.Provider `json:"id"`
	Protocol Protocol    `json:"protocol"`
	Settings Settings    `json:"settings"`
	Secret   bool        `json:"secret,omitempty"` // Sealed is to be the client secret, or none
	Sealed   []byte      `json:"sealed,omitempty"`
	Version  int64       `json:"version"` // that it was asked about
}

func (v providerPayload) onto(p Provider) Provider {
	p.Settings, p.Version = v.Settings, v.Version
	if v.Secret {
		if p.sealed = v.Sealed; p.sealed == nil {
			p.sealed = []byte{}
		}
		p.HasSecret = len(p.sealed) > 0
	}
	return p
}

// demandProvider asks whether a second person must agree to what next is, other than old;
// one of them is the zero Provider where there is none.
func (s *Service) demandProvider(ctx context.Context, tx *db.Tx, actor authz.Actor, permit governance.Permit, kind string, old, next Provider, secret bool) error {
	fields := providerFields(old, next, secret)
	if !permit.Given() && (!old.Enabled && !next.Enabled || onlyNamed(old, next, secret)) {
		return nil
	}
	c := governance.Change{Kind: kind, Subject: string(old.ID), Name: old.Name, Fields: fields, Summary: "change how people sign in by " + old.Name,
		Payload: providerPayload{ID: next.ID, Protocol: next.Protocol, Settings: next.Settings, Secret: secret, Sealed: next.sealed, Version: old.Version}}
	switch {
	case kind == addProvider:
		c.Subject, c.Name, c.Summary = "new provider "+next.Name, next.Name, "let people sign in by the new identity provider "+next.Name
	case kind == removeProvider:
		c.Summary, c.Payload = "remove the identity provider "+old.Name, old.ID
	case !old.Enabled && next.Enabled:
		c.Summary = "let people sign in by the identity provider " + next.Name
	case old.Enabled && !next.Enabled:
		c.Summary = "let nobody sign in by the identity provider " + old.Name + " any more"
	}
	return s.d.Governance.Demand(ctx, tx, actor, permit, c)
}

func onlyNamed(old, next Provider, secret bool) bool {
	if old.ID == "" || next.ID == "" {
		return false
	}
	next.Name = old.Name
	return len(diff(old, next, secret)) == 0
}

// providerFields tell what next would be and old is. Of one that begins to let people in
// they tell everything, whatever of it was set before. The version is one of them, so that
// nothing else may have changed meanwhile.
func providerFields(old, next Provider, secret bool) []governance.Field {
	was, is := lines(old), lines(next)
	whole := !old.Enabled && next.Enabled
	out := []governance.Field{}
	for i, l := range is {
		f := governance.Field{Field: l[0], From: was[i][1], To: l[1]}
		if f.From != f.To || whole && f.To != "" {
			out = append(out, f)
		}
	}
	switch how := (governance.Field{Field: "client_secret"}); {
	case next.ID == "" && old.HasSecret, secret && old.HasSecret && !next.HasSecret:
		how.To = "cleared"
		out = append(out, how)
	case secret && old.HasSecret:
		how.To = "replaced"
		out = append(out, how)
	case secret && next.HasSecret:
		how.To = "set"
		out = append(out, how)
	case whole && next.HasSecret:
		how.From, how.To = "set", "set"
		out = append(out, how)
	}
	if old.ID != "" {
		f := governance.Field{Field: "version", From: strconv.FormatInt(old.Version, 10)}
		if next.ID != "" {
			f.To = strconv.FormatInt(old.Version+1, 10)
		}
		out = append(out, f)
	}
	return out
}

// lines are what a provider is set to, for people; of the zero Provider nothing.
func lines(p Provider) [][2]string {
	address, certs := spoken(p)
	named := make([]string, len(p.Roles))
	for i, r := range p.Roles {
		named[i] = r.Group + ": " + string(r.Role)
	}
	out := [][2]string{
		{"name", p.Name}, {"protocol", string(p.Protocol)}, {"enabled", strconv.FormatBool(p.Enabled)}, {"issuer", p.Issuer}, {"client_id", p.ClientID}, {"scopes", strings.Join(p.Scopes, " ")},
		{"groups_claim", p.GroupsClaim}, {"ca_pem", fingerprint(p.CAPEM)}, {"metadata", fingerprint(p.Metadata)}, {"sign_in_address", address}, {"signing_certificates", certs},
		{"trust_mfa", strconv.FormatBool(p.TrustMFA)}, {"provision", strconv.FormatBool(p.Provision)}, {"default_role", string(p.DefaultRole)}, {"roles", strings.Join(named, "; ")},
	}
	if p.ID == "" {
		for i := range out {
			out[i][1] = ""
		}
	}
	return out
}

// spoken is what SAML metadata say of where people go and whose signature is believed.
func spoken(p Provider) (address, certs string) {
	if p.Metadata == "" {
		return "", ""
	}
	e, err := parseMetadata(p.Metadata)
	if err != nil {
		return "unreadable", "unreadable"
	}
	var all []string
	for _, d := range e.IDPSSODescriptors {
		for _, k := range d.KeyDescriptors {
			for _, c := range k.KeyInfo.X509Data.X509Certificates {
				if der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(c.Data), "")); err == nil && k.Use != "encryption" {
					sum := sha256.Sum256(der)
					all = append(all, "sha256:"+hex.EncodeToString(sum[:8]))
				}
			}
		}
	}
	return redirectAddress(e), strings.Join(all, " ")
}

// mayStill tells whether who asked may still change single sign-on.
func mayStill(actor authz.Actor) error { return authz.Check(actor, authz.SSOManage, object(actor.Org)) }

func (s *Service) readyAdd(ctx context.Context, permit governance.Permit, v providerPayload) (governance.Effect, error) {
	actor := permit.Actor()
	if err := mayStill(actor); err != nil {
		return nil, err
	}
	p := v.onto(Provider{ID: v.ID, Org: actor.Org, Protocol: v.Protocol})
	if p.sealed == nil {
		p.sealed = []byte{}
	}
	if err := s.firstKey(ctx, &p); err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *db.Tx) (id.Event, error) {
		_, told, err := s.create(ctx, tx, actor, permit, p)
		return told, err
	}, nil
}

func (s *Service) addFields(ctx context.Context, tx *db.Tx, org id.Org, v providerPayload) ([]governance.Field, error) {
	p := v.onto(Provider{ID: v.ID, Org: org, Protocol: v.Protocol})
	all, err := ssosql.New(tx).ListProviders(ctx, string(org))
	if err != nil {
		return nil, fmt.Errorf("list identity providers: %w", err)
	}
	return providerFields(Provider{}, p, v.Secret), nameFree(all, p)
}

func (s *Service) applyChange(ctx context.Context, tx *db.Tx, permit governance.Permit, v providerPayload) (id.Event, error) {
	actor := permit.Actor()
	if err := mayStill(actor); err != nil {
		return "", err
	}
	old, err := s.find(ctx, tx, actor.Org, v.ID)
	if err != nil {
		return "", err
	}
	_, told, err := s.update(ctx, tx, actor, permit, v.onto(old), v.Secret)
	return told, err
}

func (s *Service) changeFields(ctx context.Context, tx *db.Tx, org id.Org, v providerPayload) ([]governance.Field, error) {
	old, err := s.find(ctx, tx, org, v.ID)
	if err != nil {
		return nil, err
	}
	return providerFields(old, v.onto(old), v.Secret), nil
}

func (s *Service) applyRemove(ctx context.Context, tx *db.Tx, permit governance.Permit, pid id.Provider) (id.Event, error) {
	if err := mayStill(permit.Actor()); err != nil {
		return "", err
	}
	return s.remove(ctx, tx, permit.Actor(), permit, pid)
}

func (s *Service) removeFields(ctx context.Context, tx *db.Tx, org id.Org, pid id.Provider) ([]governance.Field, error) {
	old, err := s.find(ctx, tx, org, pid)
	if err != nil {
		return nil, err
	}
	return providerFields(old, Provider{}, false), s.stillUsableWithout(ctx, ssosql.New(tx), old)
}

func (s *Service) demandLift(ctx context.Context, tx *db.Tx, actor authz.Actor, permit governance.Permit, was bool) error {
	name, err := ssosql.New(tx).OrganizationName(ctx, string(actor.Org))
	if err != nil {
		return fmt.Errorf("read the name of %s: %w", actor.Org, err)
	}
	return s.d.Governance.Demand(ctx, tx, actor, permit, governance.Change{Kind: liftRequired, Subject: string(actor.Org), Name: name,
		Summary: "let members in by other ways than the identity provider", Fields: requiredFields(was), Payload: struct{}{}})
}

// requiredFields are what lifting the requirement changes.
func requiredFields(was bool) []governance.Field {
	if !was {
		return []governance.Field{}
	}
	return []governance.Field{{Field: "sso_required", From: "true", To: "false"}}
}

func (s *Service) applyLift(ctx context.Context, tx *db.Tx, permit governance.Permit, _ struct{}) (id.Event, error) {
	actor := permit.Actor()
	if err := mayStill(actor); err != nil {
		return "", err
	}
	return s.setRequired(ctx, tx, actor, permit, actor.Org, false)
}

func (s *Service) liftFields(ctx context.Context, tx *db.Tx, org id.Org, _ struct{}) ([]governance.Field, error) {
	was, err := s.required(ctx, ssosql.New(tx), org)
	return requiredFields(was), err
}

// nameFree refuses a name that another provider has, before somebody agrees to it.
func nameFree(all []ssosql.SsoProvider, p Provider) error {
	for _, r := range all {
		if r.Name == p.Name && r.ID != string(p.ID) {
			return nameTaken(fault.New(fault.Conflict, "it is the name of %s", r.ID), p.Name)
		}
	}
	return nil
}
