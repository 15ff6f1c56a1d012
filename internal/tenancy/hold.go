package tenancy

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// The codes of faults about legal holds.
const (
	LegalHold = "LEGAL_HOLD" // something may not be while a hold is in force
	HoldState = "HOLD_STATE" // a hold is there already, or is not
)

// Hold is a legal hold: while one is in force, neither payloads of the audit log nor
// recordings of the organization are deleted, however old they are.
type Hold struct {
	Platform bool // set by an administrator of the platform, who alone may lift it
	Reason   string
	At       time.Time
	By       id.User
	ByName   string
}

func holds(ctx context.Context, tx *db.Tx, org id.Org) ([]Hold, error) {
	rows, err := tenancysql.New(tx).LegalHolds(ctx, string(org))
	if err != nil {
		return nil, fmt.Errorf("read the legal holds of %s: %w", org, err)
	}
	var out []Hold
	for _, r := range rows {
		out = append(out, Hold{Platform: r.ByPlatform, Reason: r.Reason, At: db.Time(r.SetAt), By: id.User(r.SetBy), ByName: r.SetByName})
	}
	return out, nil
}

// Held tells whether a legal hold is in force. It is asked in the transaction that deletes
// what is too old: until that ends, no hold can be set, so that none is set too late.
func (s *Service) Held(ctx context.Context, tx *db.Tx, org id.Org) (bool, error) {
	if err := alone(ctx, tx, org); err != nil {
		return false, err
	}
	all, err := holds(ctx, tx, org)
	return len(all) > 0, err
}

// alone keeps others from setting a hold, and from deleting what is too old, until the
// transaction ends.
func alone(ctx context.Context, tx *db.Tx, org id.Org) error {
	n, err := tenancysql.New(tx).HoldRetention(ctx, string(org))
	if err != nil {
		return fmt.Errorf("wait for the retention of %s: %w", org, err)
	}
	if n == 0 {
		return noOrganization()
	}
	return nil
}

// unheld refuses what a legal hold forbids. what is a participle: "deleted".
func (s *Service) unheld(ctx context.Context, tx *db.Tx, org id.Org, what string) error {
	all, err := holds(ctx, tx, org)
	if err != nil || len(all) == 0 {
		return err
	}
	return underHold(all, what)
}

func underHold(all []Hold, what string) error {
	by := "an administrator of the organization"
	if all[len(all)-1].Platform {
		by = "an administrator of the platform"
	}
	return fault.New(fault.Conflict, "a legal hold is in force, set by %s on %s: nothing of the organization can be %s until it is lifted", by, all[len(all)-1].At.Format("2 January 2006"), what).WithCode(LegalHold)
}

// holdAct is one act on a hold of either side.
type holdAct struct {
	org      id.Org
	platform bool
	to       event.LegalHold
	reason   string
}

// events are one for each class of data that a hold is about.
func (h holdAct) events(act event.Act) []event.RetentionPolicyChanged {
	var out []event.RetentionPolicyChanged
	for _, class := range []event.DataClass{event.DataClassAudit, event.DataClassRecordings} {
		out = append(out, event.NewRetentionPolicyChanged(act, event.PolicyTarget("", "legal hold"), class, false, h.to))
	}
	return out
}

// SetHold sets a legal hold on the actor's organization. It wants a reason and a fresh
// second factor, and holds at once, also for a deletion that is under way.
func (s *Service) SetHold(ctx context.Context, actor authz.Actor, reason string) error {
	return s.holdByOrg(ctx, actor, holdAct{actor.Org, false, event.LegalHoldSet, reason})
}

// LiftHold lifts the hold that the organization's administrators have set. It waits for a
// second person.
func (s *Service) LiftHold(ctx context.Context, actor authz.Actor, reason string) error {
	return s.holdByOrg(ctx, actor, holdAct{actor.Org, false, event.LegalHoldLifted, reason})
}

// SetPlatformHold sets a legal hold on an organization, for administrators of the platform.
func (s *Service) SetPlatformHold(ctx context.Context, actor authz.Actor, org id.Org, reason string) error {
	return s.holdByPlatform(ctx, actor, holdAct{org, true, event.LegalHoldSet, reason})
}

// LiftPlatformHold lifts the hold that an administrator of the platform has set.
func (s *Service) LiftPlatformHold(ctx context.Context, actor authz.Actor, org id.Org, reason string) error {
	return s.holdByPlatform(ctx, actor, holdAct{org, true, event.LegalHoldLifted, reason})
}

func (s *Service) holdByOrg(ctx context.Context, actor authz.Actor, h holdAct) error {
	err := authz.Check(actor, authz.OrgUpdate, orgObject(h.org))
	if err == nil {
		err = s.inPerson(actor)
	}
	if err != nil && h.org == "" {
		return err
	}
	if err != nil {
		return s.refused(ctx, actor, err, h.events(event.By(actor, event.TenantAdmin))[0].Denied(event.RetentionPolicyChangedNotPermitted))
	}
	if err := checkReason(h.reason); err != nil {
		return err
	}
	err = s.d.DB.InOrg(ctx, h.org, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.applyHold(ctx, tx, actor, governance.Permit{}, h)
		return err
	})
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return fmt.Errorf("change a legal hold: %w", err)
	}
	return nil
}

func (s *Service) holdByPlatform(ctx context.Context, actor authz.Actor, h holdAct) error {
	from := actor
	actor.Org, actor.Role = "", authz.None
	if err := s.platformInPerson(actor); err != nil {
		return s.refusedOn(ctx, from, h.org, err, func(act event.Act, _ string) event.Event {
			return h.events(act)[0].Denied(event.RetentionPolicyChangedNotPermitted)
		})
	}
	if err := checkReason(h.reason); err != nil {
		return err
	}
	err := s.d.DB.InOrg(ctx, h.org, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.applyHold(ctx, tx, actor, governance.Permit{}, h)
		return err
	})
	if err != nil {
		return fmt.Errorf("change a legal hold: %w", err)
	}
	return nil
}

// platformInPerson asks for an administrator of the platform who has proved a second
// factor lately, and for no token.
func (s *Service) platformInPerson(actor authz.Actor) error {
	if err := authz.Check(actor, authz.PlatformOrgSuspend, authz.Object{Type: authz.PlatformObject}); err != nil {
		return err
	}
	if actor.Kind == authz.Token {
		return personsOnly()
	}
	return authz.Fresh(actor, authz.PlatformOrgSuspend, s.d.Now())
}

// refusedOn records a refused act of the platform in the ledger of the organization that
// it names. It tells who it was of those whom the organization may know, which are its
// own people and the operators of the platform. An act that names no organization is told
// to the platform.
func (s *Service) refusedOn(ctx context.Context, actor authz.Actor, org id.Org, why error, build func(act event.Act, name string) event.Event) error {
	if actor.Kind == authz.Nobody {
		return why
	}
	var name string
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		name, err = Directory{}.Name(ctx, tx, org)
		return err
	})
	switch as := event.TenantAdmin; {
	case fault.Is(err, fault.NotFound):
		actor.Org, actor.Role = "", authz.None
		return s.refused(ctx, actor, why, event.NewOrganizationStateChanged(event.By(actor, event.PlatformAdmin), event.TenantTarget(org, ""), event.OrganizationChangeLimited).
			Denied(event.OrganizationStateChangedNotPermitted))
	case err != nil:
		return fmt.Errorf("read the name of %s: %w", org, err)
	default:
		from := actor
		if actor.PlatformRole.Valid() {
			as = event.PlatformAdmin
		} else if actor.Org != org {
			from = authz.Actor{Kind: authz.Nobody, Source: actor.Source, Via: actor.Via, Request: actor.Request}
		}
		return s.refused(ctx, actor, why, build(event.By(from, as).InOrg(org), name))
	}
}

func checkReason(s string) error {
	wrong := label.Note(s)
	if s == "" {
		wrong = "is needed"
	}
	if wrong != "" {
		return fault.New(fault.Invalid, "the reason %s", wrong).WithField("reason", "%s", wrong)
	}
	return nil
}

func (s *Service) applyHold(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, h holdAct) (told id.Event, err error) {
	if err := alone(ctx, tx, h.org); err != nil {
		return "", err
	}
	q, from, to := tenancysql.New(tx), "", h.reason
	all, err := holds(ctx, tx, h.org)
	if err != nil {
		return "", err
	}
	for _, old := range all {
		if old.Platform == h.platform {
			from = old.Reason
		}
	}
	n := int64(0)
	if h.to == event.LegalHoldSet {
		n, err = q.InsertLegalHold(ctx, tenancysql.InsertLegalHoldParams{OrgID: string(h.org), ByPlatform: h.platform, Reason: h.reason, Now: s.now(), SetBy: string(actor.User), SetByName: actor.Name})
	} else if from != "" {
		to = ""
		if err := s.demandLift(ctx, tx, actor, p, h, from); err != nil {
			return "", err
		}
		n, err = q.DeleteLegalHold(ctx, tenancysql.DeleteLegalHoldParams{OrgID: string(h.org), ByPlatform: h.platform})
		tx.AfterCommit(s.d.OnRetention)
	}
	if err != nil {
		return "", fmt.Errorf("store a legal hold: %w", err)
	}
	if n == 0 {
		return "", holdState(all, h)
	}
	kept := actor
	kept.Org = h.org
	changes := []event.Change{event.Changed("legal_hold", from, to)}
	if h.to == event.LegalHoldLifted {
		changes = append(changes, event.Changed("lifted_because", "", h.reason))
	}
	if err := (SettingLog{s.d.Now}).Keep(ctx, tx, kept, event.SettingGroupOther, changes); err != nil {
		return "", err
	}
	act := event.By(actor, event.TenantAdmin)
	if h.platform {
		act = event.By(actor, event.PlatformAdmin).InOrg(h.org)
	}
	for _, ev := range h.events(act) {
		if p.Given() {
			ev = ev.WithGovernanceActionID(p.Action())
		}
		if told, err = s.d.Ledger.Record(ctx, tx, ev); err != nil {
			return "", err
		}
	}
	return told, nil
}

func holdState(all []Hold, h holdAct) error {
	f := fault.New(fault.Conflict, "there is no legal hold to lift")
	switch {
	case h.to == event.LegalHoldSet:
		f = fault.New(fault.Conflict, "there is a legal hold already")
	case !h.platform && len(all) > 0:
		f = fault.New(fault.Conflict, "the legal hold was set by an administrator of the platform, who alone can lift it")
	case h.platform && len(all) > 0:
		f = fault.New(fault.Conflict, "the legal hold was set by the organization, whose administrators alone can lift it")
	}
	return f.WithCode(HoldState)
}

// liftPayload is why a hold is to be lifted.
type liftPayload struct {
	Reason string `json:"reason"`
}

// demandLift asks whether a second person must agree to the end of an organization's hold.
func (s *Service) demandLift(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, h holdAct, was string) error {
	if h.platform {
		return nil
	}
	name, err := Directory{}.Name(ctx, tx, h.org)
	if err != nil {
		return err
	}
	return s.d.Governance.Demand(ctx, tx, actor, p, governance.Change{Kind: liftHold, Subject: string(h.org), Name: name, Payload: liftPayload{h.reason},
		Summary: "lift the legal hold, so that what is too old is deleted again: " + h.reason,
		Fields:  endOfHold(was)})
}

func endOfHold(reason string) []governance.Field {
	return []governance.Field{{Field: "legal hold", From: reason, To: ""}}
}

func (s *Service) liftFields(ctx context.Context, tx *db.Tx, org id.Org, v liftPayload) ([]governance.Field, error) {
	all, err := holds(ctx, tx, org)
	if err != nil {
		return nil, err
	}
	for _, h := range all {
		if !h.Platform {
			return endOfHold(h.Reason), nil
		}
	}
	return nil, holdState(all, holdAct{org, false, event.LegalHoldLifted, v.Reason})
}

func (s *Service) applyLift(ctx context.Context, tx *db.Tx, p governance.Permit, v liftPayload) (id.Event, error) {
	actor := p.Actor()
	if err := authz.Check(actor, authz.OrgUpdate, orgObject(actor.Org)); err != nil {
		return "", err
	}
	return s.applyHold(ctx, tx, actor, p, holdAct{actor.Org, false, event.LegalHoldLifted, v.Reason})
}
