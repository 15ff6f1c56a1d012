package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// Hold is a legal hold.
type Hold struct {
	SetBy  string    `json:"set_by" enum:"organization,platform" doc:"Whose administrators set it, and alone can lift it"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	ByID   id.User   `json:"by_id"`
	By     string    `json:"by"`
}

func holdsJSON(all []tenancy.Hold) []Hold {
	out := []Hold{}
	for _, h := range all {
		by := "organization"
		if h.Platform {
			by = "platform"
		}
		out = append(out, Hold{by, h.Reason, h.At, h.By, h.ByName})
	}
	return out
}

// HoldReason says why a legal hold is set or lifted.
type HoldReason struct {
	Body struct {
		Reason string `json:"reason" maxLength:"2000" doc:"Kept in the history of the settings"`
	}
}

func (s *Server) retentionRoutes() {
	const tag = "organization"
	handle(s, signedIn, waits(huma.Operation{OperationID: "set-audit-retention", Method: http.MethodPut, Path: "/org/settings/audit-retention", Summary: "Say how long the content of the audit log is kept", Tags: []string{tag},
		Description: "Also of what is recorded already. The place of an event in the ledger stays, and its proofs hold. Shortening wants a fresh second factor (STEP_UP_REQUIRED), and waits for a second person; not while a legal hold is in force (LEGAL_HOLD)."}),
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Days int `json:"audit_days" doc:"From audit_minimum_days of the settings to 3650; 0: the installation's time"`
			}
		}) (*settingsOut, error) {
			t, err := s.Tenancy.SetRetention(ctx, a, tenancy.AuditPayloads, in.Body.Days)
			if err != nil {
				return nil, err
			}
			return &settingsOut{settingsJSON(t)}, nil
		})
	const held = "While it is in force, neither recordings nor content of the audit log of the organization are deleted, however old they are, and it cannot be deleted itself. It wants a fresh second factor (STEP_UP_REQUIRED). HOLD_STATE: there is one already."
	const lifted = "What is too old is deleted again. It wants a fresh second factor (STEP_UP_REQUIRED). HOLD_STATE: there is none that the caller may lift."
	handle(s, signedIn, huma.Operation{OperationID: "set-legal-hold", Method: http.MethodPut, Path: "/org/legal-hold", Summary: "Set a legal hold: nothing is deleted any more", DefaultStatus: 204, Tags: []string{tag}, Description: held},
		func(ctx context.Context, a authz.Actor, in *HoldReason) (*struct{}, error) {
			return nothing(s.Tenancy.SetHold(ctx, a, in.Body.Reason))
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "lift-legal-hold", Method: http.MethodPost, Path: "/org/legal-hold/lift", Summary: "Lift the legal hold of the organization", DefaultStatus: 204, Tags: []string{tag},
		Description: lifted + " It waits for a second person."}),
		func(ctx context.Context, a authz.Actor, in *HoldReason) (*struct{}, error) {
			return nothing(s.Tenancy.LiftHold(ctx, a, in.Body.Reason))
		})
	s.platformRetentionRoutes(held, lifted)
}

func (s *Server) platformRetentionRoutes(held, lifted string) {
	const tag = "platform"
	handle(s, signedIn, huma.Operation{OperationID: "set-platform-legal-hold", Method: http.MethodPut, Path: "/platform/organizations/{id}/legal-hold", Summary: "Set a legal hold on an organization: nothing of it is deleted any more", DefaultStatus: 204, Tags: []string{tag}, Description: held},
		func(ctx context.Context, a authz.Actor, in *struct {
			OrganizationPath
			HoldReason
		}) (*struct{}, error) {
			return nothing(s.Tenancy.SetPlatformHold(ctx, a, id.Org(in.ID), in.Body.Reason))
		})
	handle(s, signedIn, huma.Operation{OperationID: "lift-platform-legal-hold", Method: http.MethodPost, Path: "/platform/organizations/{id}/legal-hold/lift", Summary: "Lift the legal hold that the platform has set on an organization", DefaultStatus: 204, Tags: []string{tag}, Description: lifted},
		func(ctx context.Context, a authz.Actor, in *struct {
			OrganizationPath
			HoldReason
		}) (*struct{}, error) {
			return nothing(s.Tenancy.LiftPlatformHold(ctx, a, id.Org(in.ID), in.Body.Reason))
		})
	handle(s, signedIn, huma.Operation{OperationID: "set-audit-minimum", Method: http.MethodPut, Path: "/platform/organizations/{id}/audit-minimum", Summary: "Change the least for which an organization may set that its audit log is kept", DefaultStatus: 204, Tags: []string{tag},
		Description: "The period itself is set by the organization. It wants a fresh second factor (STEP_UP_REQUIRED)."},
		func(ctx context.Context, a authz.Actor, in *struct {
			OrganizationPath
			Body struct {
				Days int `json:"audit_minimum_days" doc:"From 30 to 3650; 0: 365"`
			}
		}) (*struct{}, error) {
			_, err := s.Tenancy.SetAuditMinimum(ctx, a, id.Org(in.ID), in.Body.Days)
			return nothing(err)
		})
}
