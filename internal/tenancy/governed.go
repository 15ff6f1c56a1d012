package tenancy

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// What waits for a second person.
const (
	liftMFA            = "mfa_lift"
	liftGovernance     = "governance_lift"
	addOwner           = "owner_add"
	deleteOrganization = "organization_delete"
	shortenRetention   = "retention_shorten"
	liftHold           = "hold_lift"
)

// NeedsSecondPerson is the code of what has to be asked for in another way, because a
// second person has to agree.
const NeedsSecondPerson = "NEEDS_SECOND_PERSON"

// Governed are the changes of organizations that wait for a second person.
func (s *Service) Governed() []governance.Kind {
	return []governance.Kind{
		governance.Reading(governance.Direct(liftMFA, "Lift the demand for a second factor", s.applySettings), s.settingsFields),
		governance.Reading(governance.Direct(liftGovernance, "Let sensitive changes go without a second person", s.applySettings), s.settingsFields),
		governance.Reading(governance.Direct(shortenRetention, "Keep recordings or the audit log for a shorter time", s.applyRetention), s.retentionFields),
		governance.Reading(governance.Direct(liftHold, "Lift a legal hold", s.applyLift), s.liftFields),
		governance.Reading(governance.Direct(addOwner, "Add an owner", s.applyOwner), s.ownerFields),
		governance.Reading(governance.Direct(deleteOrganization, "Delete the organization", func(ctx context.Context, tx *db.Tx, p governance.Permit, a DeleteArgs) (id.Event, error) {
			return s.delete(ctx, tx, p.Actor(), p, a)
		}), s.deleteFields),
	}
}

// GovernanceAlways tells whether an organization wants its sensitive changes to wait even
// where nobody else in it could decide.
func (s *Service) GovernanceAlways(ctx context.Context, tx *db.Tx, org id.Org) (bool, error) {
	st, err := s.settings(ctx, tx, org)
	return st.GovernanceAlways, err
}

// settingsPayload is a patch; what it says of a password is sealed already.
type settingsPayload struct {
	Kind     string `json:"kind"`
	Patch    Patch  `json:"patch"`
	Password []byte `json:"password,omitempty"`
	Secret   bool   `json:"secret,omitempty"` // Password is to be set, or cleared
}

// lifted is the kind of what next lifts; empty: nothing that waits.
func lifted(old, next Settings) string {
	switch {
	case old.RequireMFA && !next.RequireMFA:
		return liftMFA
	case old.GovernanceAlways && !next.GovernanceAlways:
		return liftGovernance
	}
	return ""
}

func (s *Service) demandSettings(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, kind string, patch Patch, old, next Settings, all []groupDiff) error {
	if kind == "" {
		return nil
	}
	v := settingsPayload{Kind: kind, Patch: patch, Secret: patch.SMTPPassword != nil}
	if v.Secret {
		v.Password, v.Patch.SMTPPassword = next.sealedPassword, nil
	}
	v.Patch.Version = nil // what differs by then is seen field by field
	c := governance.Change{Kind: kind, Subject: string(actor.Org), Name: next.Name, Payload: v, Summary: "lift the demand for a second factor"}
	if kind == liftGovernance {
		c.Summary = "let sensitive changes go without a second person where nobody else could decide"
	}
	c.Fields = fieldsOf(all)
	return s.d.Governance.Demand(ctx, tx, actor, p, c)
}

func fieldsOf(all []groupDiff) []governance.Field {
	var out []governance.Field
	for _, g := range all {
		for _, d := range g.changes {
			out = append(out, governance.Field{Field: d.Field, From: d.From, To: d.To})
		}
	}
	return out
}

// onto makes the settings that were asked for.
func (v settingsPayload) onto(old Settings) (Settings, error) {
	next, err := v.Patch.apply(old)
	if err == nil && v.Secret {
		next.sealedPassword, next.SMTPPasswordSet = v.Password, len(v.Password) > 0
	}
	return next, err
}

func (s *Service) settingsFields(ctx context.Context, tx *db.Tx, org id.Org, v settingsPayload) ([]governance.Field, error) {
	old, err := s.settingsWithName(ctx, tx, org)
	if err != nil {
		return nil, err
	}
	next, err := v.onto(old)
	return fieldsOf(diff(old, next, v.Secret)), err
}

func (s *Service) applySettings(ctx context.Context, tx *db.Tx, p governance.Permit, v settingsPayload) (id.Event, error) {
	actor := p.Actor()
	if err := authz.Check(actor, authz.OrgUpdate, orgObject(actor.Org)); err != nil {
		return "", err
	}
	old, err := s.settingsWithName(ctx, tx, actor.Org)
	if err != nil {
		return "", err
	}
	next, err := v.onto(old)
	if err != nil {
		return "", err
	}
	all := diff(old, next, v.Secret)
	if err := s.demandSettings(ctx, tx, actor, p, v.Kind, v.Patch, old, next, all); err != nil {
		return "", err
	}
	return s.storeSettings(ctx, tx, event.By(actor, event.TenantAdmin), actor, p, actor.Org, old, next, all)
}

// ownerPayload names who is to own the organization.
type ownerPayload struct {
	User id.User `json:"user"`
}

// demandOwner asks whether a second person must agree to a new owner. Somebody new cannot
// be asked for in one step: their password would have to wait with them.
func (s *Service) demandOwner(ctx context.Context, tx *db.Tx, c change, p governance.Permit, who identity.Profile, unknown bool) error {
	if c.to != authz.Owner || c.from == authz.Owner {
		return nil
	}
	err := s.d.Governance.Demand(ctx, tx, c.actor, p, governance.Change{Kind: addOwner, Subject: string(who.ID), Name: who.Handle, Summary: "make " + who.Handle + " an owner of the organization",
		Fields: ownerFields(who.Handle, c.from), Payload: ownerPayload{who.ID}})
	if unknown && governance.Needed(err) {
		return fault.New(fault.Conflict, "a new owner needs the word of a second person: add them in another role first, then change it to owner, or invite them as owner").WithCode(NeedsSecondPerson).Because(err)
	}
	return err
}

func ownerFields(handle string, from authz.Role) []governance.Field {
	f := governance.Field{Field: "role of " + handle, From: string(from), To: string(authz.Owner)}
	if from == authz.None {
		f.From = "no member"
	}
	return []governance.Field{f}
}

func (s *Service) ownerFields(ctx context.Context, tx *db.Tx, org id.Org, v ownerPayload) ([]governance.Field, error) {
	row, err := memberToBe(ctx, tx, org, v.User)
	if err != nil {
		return nil, err
	}
	if row.Role == string(authz.Owner) {
		return []governance.Field{}, nil
	}
	return ownerFields(row.Handle, authz.Role(row.Role)), nil
}

func memberToBe(ctx context.Context, tx *db.Tx, org id.Org, user id.User) (tenancysql.GetMemberRow, error) {
	row, err := tenancysql.New(tx).GetMember(ctx, tenancysql.GetMemberParams{OrgID: string(org), UserID: string(user)})
	if db.NotFound(err) {
		return row, fault.New(fault.NotFound, "who was to be an owner is no member any more")
	}
	if err != nil {
		return row, fmt.Errorf("read a member: %w", err)
	}
	return row, nil
}

func (s *Service) applyOwner(ctx context.Context, tx *db.Tx, p governance.Permit, v ownerPayload) (id.Event, error) {
	actor := p.Actor()
	row, err := memberToBe(ctx, tx, actor.Org, v.User)
	if err != nil {
		return "", err
	}
	c := change{actor: actor, user: v.User, from: authz.Role(row.Role), to: authz.Owner}
	if err := authz.Check(actor, authz.MemberRole, object(actor.Org, v.User)); err != nil {
		return "", err
	}
	if !actor.Role.Includes(authz.Owner) {
		return "", fault.New(fault.Denied, "%s, who asked for it, is no owner any more", actor.Name)
	}
	if c.from == authz.Owner {
		return "", fault.New(fault.Conflict, "%s is an owner already", row.Handle)
	}
	if err := s.demandOwner(ctx, tx, c, p, memberOf(row).Profile, false); err != nil {
		return "", err
	}
	return s.apply(ctx, tx, c)
}
