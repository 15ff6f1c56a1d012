package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/access"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
)

// AccessDelegation is access that one member lends to another.
type AccessDelegation struct {
	ID        id.Delegation `json:"id"`
	Safe      AccessSafe    `json:"safe"`
	Lender    AccessPerson  `json:"lender"`
	Delegate  AccessPerson  `json:"delegate"`
	Right     string        `json:"right" enum:"access,approve" doc:"To open the safe as its user, or to decide about requests"`
	ParentID  id.Delegation `json:"parent_id,omitempty" doc:"It is lent on from this one"`
	Reason    string        `json:"reason,omitempty"`
	StartsAt  time.Time     `json:"starts_at"`
	EndsAt    time.Time     `json:"ends_at"`
	CreatedAt time.Time     `json:"created_at"`
	EndedAt   time.Time     `json:"ended_at,omitzero" doc:"Absent while it lasts"`
	EndReason string        `json:"end_reason,omitempty" doc:"revoked_by_delegator, revoked_by_delegate, revoked_by_admin, expired or delegator_lost_right"`
}

type delegationOut struct{ Body AccessDelegation }

func delegationJSON(d access.Delegation) AccessDelegation {
	return AccessDelegation{ID: d.ID, Safe: AccessSafe{ID: d.Safe, Name: d.SafeName}, Lender: accessPerson(d.Lender), Delegate: accessPerson(d.Delegate), Right: string(d.Right), ParentID: d.Parent,
		Reason: d.Reason, StartsAt: d.StartsAt, EndsAt: d.EndsAt, CreatedAt: d.CreatedAt, EndedAt: d.EndedAt, EndReason: d.EndReason}
}

func (s *Server) delegationRoutes(tag string) {
	handle(s, signedIn, huma.Operation{OperationID: "create-access-delegation", Method: http.MethodPost, Path: "/access/delegations", Summary: "Lend your own access to a safe, or your right to decide about it, to another member", DefaultStatus: 201, Tags: []string{tag},
		Description: "Never more than you have, and never longer; what was lent to you only where the safe allows that it is lent on (DELEGATION_FORBIDDEN). Who has it lent opens the safe under the same conditions and asks for the same approvals, and only while you could open it yourself. It ends with your own access. Asks for a freshly proved second factor (STEP_UP_REQUIRED)."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				AccessSafeIn
				UserID   id.User   `json:"user_id" maxLength:"64" doc:"To whom"`
				Right    string    `json:"right,omitempty" enum:"access,approve" doc:"Absent: access"`
				Reason   string    `json:"reason,omitempty" maxLength:"2000" doc:"At most 500 characters"`
				StartsAt time.Time `json:"starts_at,omitempty" required:"false" doc:"Absent: now"`
				EndsAt   time.Time `json:"ends_at" doc:"At most 30 days ahead"`
			}
		}) (*delegationOut, error) {
			sid, err := s.safeOf(ctx, a, in.Body.AccessSafeIn)
			if err != nil {
				return nil, err
			}
			right := access.Right(in.Body.Right)
			if right == "" {
				right = access.LendAccess
			}
			d, err := s.Access.Delegate(ctx, a, access.DelegateArgs{Safe: sid, To: in.Body.UserID, Right: right, Reason: in.Body.Reason, StartsAt: in.Body.StartsAt, EndsAt: in.Body.EndsAt})
			if err != nil {
				return nil, err
			}
			return &delegationOut{delegationJSON(d)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-access-delegations", Method: http.MethodGet, Path: "/access/delegations", Summary: "List what is lent, by you and to you, newest first", Tags: []string{tag}, Description: "Owners, admins and auditors see all of the organization."},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			Active bool `query:"active" doc:"Only what lasts"`
		}) (*pageOut[AccessDelegation], error) {
			l, err := s.Access.Delegations(ctx, a, in.Active, in.request())
			return pageOf(l, delegationJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "revoke-access-delegation", Method: http.MethodPost, Path: "/access/delegations/{id}/revoke", Summary: "End what is lent before its time", DefaultStatus: 204, Tags: []string{tag},
		Description: "By who lends it, who has it, or an administrator. What was lent on from it ends too, and live sessions on it within two seconds."},
		func(ctx context.Context, a authz.Actor, in *AccessPath) (*struct{}, error) {
			return nil, s.Access.RevokeDelegation(ctx, a, id.Delegation(in.ID))
		})
}
