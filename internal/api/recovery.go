package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recovery"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// RecoveryStatus is what the person whom a recovery is about may know of it.
type RecoveryStatus struct {
	ID        id.Recovery `json:"id"`
	State     string      `json:"state" enum:"requested,pending,approved,consumed,completed,denied,expired,failed"`
	ExpiresAt time.Time   `json:"expires_at" doc:"End of the present state"`
}

// Recovery is a case as those see it who decide.
type Recovery struct {
	RecoveryStatus
	OrgID  id.Org `json:"org_id,omitempty" doc:"Absent: an operator of the platform"`
	Person struct {
		ID     id.User `json:"id"`
		Email  string  `json:"email"`
		Handle string  `json:"handle"`
		Name   string  `json:"name"`
	} `json:"person"`
	LostMethods []string  `json:"lost_methods"`
	FirstFactor string    `json:"first_factor" enum:"password,identity_provider" doc:"What the person proved to ask for it"`
	SourceIP    string    `json:"source_ip,omitempty" doc:"The address that asked"`
	Comment     string    `json:"comment,omitempty"`
	DecidedBy   id.User   `json:"decided_by,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	VerifiedAt  time.Time `json:"verified_at,omitzero"`
	DecidedAt   time.Time `json:"decided_at,omitzero"`
}

func recoveryStatus(c recovery.Case) RecoveryStatus {
	return RecoveryStatus{ID: c.ID, State: string(c.State), ExpiresAt: c.ExpiresAt}
}

func recoveryJSON(c recovery.Case) Recovery {
	r := Recovery{RecoveryStatus: recoveryStatus(c), OrgID: c.Org, LostMethods: c.Lost, SourceIP: c.Source, Comment: c.Comment, DecidedBy: c.DecidedBy,
		CreatedAt: c.CreatedAt, VerifiedAt: c.VerifiedAt, DecidedAt: c.DecidedAt}
	r.FirstFactor = "password"
	if c.ByProvider {
		r.FirstFactor = "identity_provider"
	}
	r.Person.ID, r.Person.Email, r.Person.Handle, r.Person.Name = c.Person.ID, c.Person.Email, c.Person.Handle, c.Person.Name
	return r
}

func (s *Server) recoveryRoutes() {
	const tag = "sign-in"
	status := func(c recovery.Case, err error) (*struct{ Body RecoveryStatus }, error) {
		if err != nil {
			return nil, err
		}
		return &struct{ Body RecoveryStatus }{recoveryStatus(c)}, nil
	}
	handle(s, open, huma.Operation{OperationID: "request-recovery", Method: http.MethodPost, Path: "/auth/recovery", Summary: "Say that every second factor is lost", DefaultStatus: 201, Tags: []string{tag},
		Description: "Sign in with the password first, and give the challenge that cannot be answered. The word of an identity provider stands in for the password of somebody who belongs to its organization alone, or who has no password to sign in with; who belongs to several then waits for the administrators of the platform. A link goes to the person's e-mail address; what it carries is given to /auth/recovery/verify."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				ChallengeID secret.Secret `json:"challenge_id"`
				LostMethods []string      `json:"lost_methods,omitempty" maxItems:"3" enum:"totp,webauthn,backup_code" doc:"Absent: all"`
			}
		}) (*struct{ Body RecoveryStatus }, error) {
			return status(s.Recovery.Request(ctx, recovery.RequestArgs{Challenge: in.Body.ChallengeID, Lost: in.Body.LostMethods, From: origin(a)}))
		})
	handle(s, open, huma.Operation{OperationID: "verify-recovery", Method: http.MethodPost, Path: "/auth/recovery/verify", Summary: "Prove the mailbox; an administrator decides then", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Proof secret.Secret `json:"proof" doc:"What stands behind the # of the link"`
			}
		}) (*struct{ Body RecoveryStatus }, error) {
			return status(s.Recovery.Verify(ctx, in.Body.Proof, origin(a)))
		})
	handle(s, open, huma.Operation{OperationID: "redeem-recovery", Method: http.MethodPost, Path: "/auth/recovery/redeem", Summary: "Use the one-time grant of an approved recovery", Tags: []string{tag},
		Description: "Sign in again as for the request, and give the new challenge and the grant. The answer is a session that may only enrol a second factor. When that is done, the old ones and all backup codes are gone, and every session and token of the person ends, this one too."},
		func(ctx context.Context, a authz.Actor, in *struct {
			CookieIn
			Body struct {
				ChallengeID secret.Secret `json:"challenge_id"`
				Grant       secret.Secret `json:"grant" doc:"What stands behind the # of the link"`
			}
		}) (*signedInOut, error) {
			w, err := s.Recovery.Redeem(ctx, recovery.RedeemArgs{Challenge: in.Body.ChallengeID, Grant: in.Body.Grant, From: origin(a)})
			if err != nil {
				return nil, err
			}
			return s.signedIn(w, in.Cookie), nil
		})
	s.recoveryDesk(recovery.OfOrganization, "/org/recoveries", "", "in your organization")
	s.recoveryDesk(recovery.OfPlatform, "/platform/recoveries", "platform-", "that the platform decides")
}

// RecoveryPath names a case.
type RecoveryPath struct {
	ID string `path:"id" maxLength:"64"`
}

type recoveryDecision struct {
	RecoveryPath
	Body *struct {
		Comment string `json:"comment,omitempty" maxLength:"500" doc:"Kept with the case and in the event; at a denial the person is told it"`
	}
}

func (s *Server) recoveryDesk(desk recovery.Desk, path, prefix, which string) {
	tag := "organization"
	if desk == recovery.OfPlatform {
		tag = "platform"
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-" + prefix + "recoveries", Method: http.MethodGet, Path: path, Summary: "List the cases of lost second factors " + which + ", newest first", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			State string `query:"state" enum:"pending,approved,consumed,completed,denied,expired" doc:"Absent: all"`
		}) (*pageOut[Recovery], error) {
			l, err := s.Recovery.List(ctx, a, desk, recovery.State(in.State), in.request())
			return pageOf(l, recoveryJSON, err)
		})
	one := func(c recovery.Case, err error) (*struct{ Body Recovery }, error) {
		if err != nil {
			return nil, err
		}
		return &struct{ Body Recovery }{recoveryJSON(c)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "get-" + prefix + "recovery", Method: http.MethodGet, Path: path + "/{id}", Summary: "One case of a lost second factor " + which, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *RecoveryPath) (*struct{ Body Recovery }, error) {
			return one(s.Recovery.Get(ctx, a, desk, id.Recovery(in.ID)))
		})
	decide := func(verb, summary string, f func(ctx context.Context, a authz.Actor, d recovery.Desk, rec id.Recovery, comment string) (recovery.Case, error)) {
		handle(s, signedIn, huma.Operation{OperationID: verb + "-" + prefix + "recovery", Method: http.MethodPost, Path: path + "/{id}/" + verb, Summary: summary, Tags: []string{tag},
			Description: "Asks for a freshly proved second factor (STEP_UP_REQUIRED). Nobody decides their own (SELF_APPROVAL)."},
			func(ctx context.Context, a authz.Actor, in *recoveryDecision) (*struct{ Body Recovery }, error) {
				comment := ""
				if in.Body != nil {
					comment = in.Body.Comment
				}
				return one(f(ctx, a, desk, id.Recovery(in.ID), comment))
			})
	}
	decide("approve", "Let the person set up a new second factor; the grant is mailed to them", s.approveRecovery)
	decide("deny", "Turn the case down", s.denyRecovery)
}

// Described without a server, too: the parts are looked up when they are called.
func (s *Server) approveRecovery(ctx context.Context, a authz.Actor, d recovery.Desk, rec id.Recovery, comment string) (recovery.Case, error) {
	return s.Recovery.Approve(ctx, a, d, rec, comment)
}

func (s *Server) denyRecovery(ctx context.Context, a authz.Actor, d recovery.Desk, rec id.Recovery, comment string) (recovery.Case, error) {
	return s.Recovery.Deny(ctx, a, d, rec, comment)
}
