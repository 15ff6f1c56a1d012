package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/rotation"
)

// Rotation is one rotation of an account's credential, over all its attempts.
type Rotation struct {
	ID             id.Rotation `json:"id"`
	AccountID      id.Account  `json:"account_id"`
	Trigger        string      `json:"trigger" enum:"schedule,checkin,manual,policy,incident"`
	CredentialKind string      `json:"credential_kind" enum:"password,ssh_key"`
	State          string      `json:"state" enum:"waiting,running,tidying,completed,failed,superseded" doc:"tidying: the new key is in use, and the old one is still to be taken off the target. failed: given up. superseded: the account got another credential by hand, or was deleted"`
	RequestedBy    id.User     `json:"requested_by,omitempty" doc:"Who asked for it; absent: nobody, it was due"`
	Attempt        int         `json:"attempt"`
	NextAttemptAt  time.Time   `json:"next_attempt_at,omitzero" doc:"Absent: none is planned"`
	TargetState    string      `json:"target_state" enum:"unchanged,unknown,changed_unverified,changed" doc:"What is known of the target. unknown and changed_unverified: the next attempt asks it which credential it accepts"`
	NewVersion     int64       `json:"new_version,omitempty" doc:"Version of the new credential, once it is made"`
	OldKey         string      `json:"old_key,omitempty" enum:"left,removed" doc:"Of kind ssh_key, once the new key is in use: whether the target is proved to refuse the old one"`
	Reason         string      `json:"reason,omitempty" enum:"target_unreachable,auth_failed,target_policy_rejected,verification_failed,secret_store_unavailable" doc:"Of the last failure"`
	Detail         string      `json:"detail,omitempty" doc:"The last failure in words"`
	CreatedAt      time.Time   `json:"created_at"`
	StartedAt      time.Time   `json:"started_at,omitzero"`
	EndedAt        time.Time   `json:"ended_at,omitzero"`
}

type rotationOut struct{ Body Rotation }

// RotationPath names one rotation.
type RotationPath struct {
	AccountID
	Rotation string `path:"rotation_id" maxLength:"64"`
}

func rotationJSON(r rotation.Rotation) Rotation {
	return Rotation{ID: r.ID, AccountID: r.Account, Trigger: r.Trigger, CredentialKind: string(r.Kind), State: string(r.State), RequestedBy: r.RequestedBy, Attempt: r.Attempt,
		NextAttemptAt: r.NextAttempt, TargetState: r.Target, NewVersion: r.NewVersion, OldKey: r.OldKey, Reason: r.Reason, Detail: r.Detail, CreatedAt: r.CreatedAt, StartedAt: r.StartedAt, EndedAt: r.EndedAt}
}

func oneRotation(r rotation.Rotation, err error) (*rotationOut, error) {
	if err != nil {
		return nil, err
	}
	return &rotationOut{rotationJSON(r)}, nil
}

func (s *Server) rotationRoutes() {
	const tag = "accounts"
	handle(s, signedIn, huma.Operation{OperationID: "rotate-account", Method: http.MethodPost, Path: "/accounts/{id}/rotate", Summary: "Rotate the credential of an account now", DefaultStatus: 202, Tags: []string{tag},
		Description: "A new credential is made, set at the target, proved by a sign-in, and becomes the current one. It answers when that has begun: look at the rotation for what becomes of it. " +
			"Running sessions stay. " + freshFactor},
		func(ctx context.Context, a authz.Actor, in *AccountID) (*rotationOut, error) {
			return oneRotation(s.Rotations.Rotate(ctx, a, id.Account(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-rotations", Method: http.MethodGet, Path: "/accounts/{id}/rotations", Summary: "List the rotations of an account, newest first", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			AccountID
			PageIn
		}) (*pageOut[Rotation], error) {
			l, err := s.Rotations.List(ctx, a, id.Account(in.ID), in.request())
			return pageOf(l, rotationJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-rotation", Method: http.MethodGet, Path: "/accounts/{id}/rotations/{rotation_id}", Summary: "Get a rotation", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *RotationPath) (*rotationOut, error) {
			return oneRotation(s.Rotations.Get(ctx, a, id.Account(in.ID), id.Rotation(in.Rotation)))
		})
}
