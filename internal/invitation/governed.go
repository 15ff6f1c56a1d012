package invitation

import (
	"context"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
)

const inviteOwner = "owner_invite"

// demandOwner asks whether a second person must agree to an invitation that makes an owner.
func (s *Service) demandOwner(ctx context.Context, tx *db.Tx, actor authz.Actor, p governance.Permit, inv Invitation) error {
	if inv.Role != authz.Owner {
		return nil
	}
	return s.d.Governance.Demand(ctx, tx, actor, p, governance.Change{Kind: inviteOwner, Subject: inv.Email, Name: inv.Email, Summary: "invite " + inv.Email + " as an owner of the organization",
		Fields:  []governance.Field{{Field: "role of " + inv.Email, From: "no member", To: string(authz.Owner)}},
		Payload: SendArgs{Email: inv.Email, Role: inv.Role, Safes: inv.Safes, RequireMFA: inv.RequireMFA}})
}

// Governed are the invitations that wait for a second person. The message is written when
// somebody has agreed, so that its link lives its whole time.
func (s *Service) Governed() []governance.Kind {
	return []governance.Kind{governance.NewKind(inviteOwner, "Invite an owner", func(ctx context.Context, p governance.Permit, a SendArgs) (governance.Effect, error) {
		actor := p.Actor()
		inv := s.begun(actor, a)
		if err := authz.Check(actor, authz.MemberInvite, object(actor.Org)); err != nil {
			return nil, err
		}
		if !mayGive(actor.Role, inv.Role) {
			return nil, fault.New(fault.Denied, "%s, who asked for it, is no owner any more", actor.Name)
		}
		token := linkToken.New()
		queue, err := s.letter(ctx, inv, token)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, tx *db.Tx) (id.Event, error) {
			return s.store(ctx, tx, actor, p, inv, token, queue)
		}, nil
	})}
}
