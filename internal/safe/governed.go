package safe

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
)

// What waits for a second person: that sessions of a safe are not recorded, be it
// that recording is turned off or that a safe is made without it.
const recordingOff = "recording_off"

// unrecorded is the payload: the change of a safe, or a new one.
type unrecorded struct {
	Safe        id.Safe      `json:"safe,omitempty"` // empty: a new one
	Name        *string      `json:"name,omitempty"`
	Description *string      `json:"description,omitempty"`
	Resource    *id.Resource `json:"resource,omitempty"`
	Account     *id.Account  `json:"account,omitempty"`
	Policy      string       `json:"policy"` // as the store keeps it
}

// demand asks whether a second person must agree to what next is, other than old. old is
// the zero Safe where next is new.
func (s *Service) demand(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, old, next Safe, a UpdateArgs) error {
	if was := old.ID == "" || old.Policy.Recording; !p.Given() && (!was || next.Policy.Recording) {
		return nil
	}
	policy, err := encodePolicy(next.Policy)
	if err != nil {
		return fmt.Errorf("encode policy: %w", err)
	}
	c := governance.Change{Kind: recordingOff, Subject: string(old.ID), Name: old.Name, Summary: "turn recording off on the safe " + old.Name,
		Payload: unrecorded{Safe: old.ID, Name: a.Name, Description: a.Description, Resource: a.Resource, Account: a.Account, Policy: policy}}
	if old.ID == "" {
		c.Subject, c.Name, c.Summary = "new safe "+next.Name, next.Name, "make the safe "+next.Name+" without recording"
		c.Payload = unrecorded{Name: &next.Name, Description: &next.Description, Resource: &next.Resource.ID, Account: &next.Account.ID, Policy: policy}
	}
	c.Fields = fieldsOf(old, next)
	return s.d.Governance.Demand(ctx, tx, actor, p, c)
}

func fieldsOf(old, next Safe) []governance.Field {
	var out []governance.Field
	for _, d := range diffSafe(old, next) {
		out = append(out, governance.Field{Field: d.field, From: d.from, To: d.to})
	}
	return out
}

func (v unrecorded) creation(p *Policy) CreateArgs {
	return CreateArgs{Name: *v.Name, Description: *v.Description, Resource: *v.Resource, Account: *v.Account, Policy: p}
}

func (v unrecorded) update(p *Policy) UpdateArgs {
	return UpdateArgs{Name: v.Name, Description: v.Description, Resource: v.Resource, Account: v.Account, Policy: p}
}

// Governed are the changes of safes that wait for a second person.
func (s *Service) Governed() []governance.Kind {
	return []governance.Kind{governance.Reading(governance.Direct(recordingOff, "Turn recording off", s.applyUnrecorded), s.unrecordedFields)}
}

func (s *Service) applyUnrecorded(ctx context.Context, tx *db.Tx, p governance.Permit, v unrecorded) (id.Event, error) {
	policy, err := decodePolicy(v.Policy)
	if err != nil {
		return "", err
	}
	if v.Safe == "" {
		_, told, err := s.create(ctx, tx, p.Actor(), p, v.creation(&policy))
		return told, err
	}
	var seen Entry
	_, told, err := s.update(ctx, tx, p.Actor(), p, v.Safe, v.update(&policy), &seen)
	return told, err
}

func (s *Service) unrecordedFields(ctx context.Context, tx *db.Tx, org id.Org, v unrecorded) ([]governance.Field, error) {
	policy, err := decodePolicy(v.Policy)
	if err != nil {
		return nil, err
	}
	if v.Safe == "" {
		next := v.creation(&policy).safe(org)
		return fieldsOf(Safe{}, next), s.named(ctx, tx, next)
	}
	old, _, err := s.find(ctx, tx, authz.SystemActor(org), v.Safe)
	if err != nil {
		return nil, err
	}
	next := old
	v.update(&policy).apply(&next)
	return fieldsOf(old, next), s.named(ctx, tx, next)
}
