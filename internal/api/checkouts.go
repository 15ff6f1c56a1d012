package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/checkout"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// Checkout is a credential that somebody holds or held; never the secret.
type Checkout struct {
	ID              id.Checkout       `json:"id"`
	Safe            NamedRef[id.Safe] `json:"safe"`
	Account         SessionAccount    `json:"account"`
	CredentialKind  string            `json:"credential_kind" enum:"password,ssh_key"`
	User            SessionUser       `json:"user"`
	SourceIP        string            `json:"source_ip"`
	AccessRequestID id.AccessReq      `json:"access_request_id,omitempty" doc:"The approved request that it was opened through"`
	Reason          string            `json:"reason"`
	Ticket          string            `json:"ticket,omitempty"`
	StartedAt       time.Time         `json:"started_at"`
	ExpiresAt       time.Time         `json:"expires_at" doc:"When it ends by itself"`
	HandedAt        time.Time         `json:"handed_at,omitzero" doc:"When the credential was first shown; absent: it was not"`
	SecretVersion   int64             `json:"secret_version,omitempty" doc:"Of the credential that was shown last"`
	Reveals         int               `json:"reveals" doc:"How often it was shown"`
	Active          bool              `json:"active"`
	EndedAt         time.Time         `json:"ended_at,omitzero"`
	EndedBy         string            `json:"ended_by,omitempty" enum:"holder,admin,expiry,account_disabled,failed" doc:"admin: a person's order, or that the holder lost the right; failed: the credential was never shown"`
	EndedByName     string            `json:"ended_by_name,omitempty" doc:"Of the person who ended it"`
	EndComment      string            `json:"end_comment,omitempty"`
}

// ShownCredential is a credential in the clear, for this one answer.
type ShownCredential struct {
	Username   string `json:"username" doc:"At the target"`
	Kind       string `json:"kind" enum:"password,ssh_key"`
	Password   string `json:"password,omitempty"`
	PrivateKey string `json:"private_key,omitempty" doc:"In OpenSSH form, without a passphrase"`
	Version    int64  `json:"version"`
}

// OpenedCheckout is a checkout with its credential.
type OpenedCheckout struct {
	Checkout   Checkout        `json:"checkout"`
	Credential ShownCredential `json:"credential"`
}

func (s *Server) checkoutJSON(c checkout.Checkout) Checkout {
	return Checkout{
		ID: c.ID, Safe: NamedRef[id.Safe]{c.Safe, c.SafeName}, Account: SessionAccount{c.Account, c.AccountName, c.Username}, CredentialKind: string(c.Kind),
		User: SessionUser{ID: c.User, Name: c.UserName, Email: c.UserEmail, Token: c.Token}, SourceIP: c.SourceIP, AccessRequestID: c.Request,
		Reason: c.Reason, Ticket: c.Ticket, StartedAt: c.StartedAt, ExpiresAt: c.ExpiresAt, HandedAt: c.HandedAt, SecretVersion: c.SecretVersion, Reveals: c.Reveals,
		Active: c.EndedAt.IsZero() && c.ExpiresAt.After(s.Now()), EndedAt: c.EndedAt, EndedBy: string(c.EndedBy), EndedByName: c.EndedByName, EndComment: c.EndComment,
	}
}

type checkoutOut struct{ Body Checkout }

func (s *Server) oneCheckout(c checkout.Checkout, err error) (*checkoutOut, error) {
	if err != nil {
		return nil, err
	}
	return &checkoutOut{s.checkoutJSON(c)}, nil
}

type openedCheckoutOut struct {
	CacheControl string `header:"Cache-Control" doc:"no-store"`
	Body         OpenedCheckout
}

func (s *Server) shown(v checkout.Shown, err error) (*openedCheckoutOut, error) {
	if err != nil {
		return nil, err
	}
	defer v.Credential.Wipe()
	out := ShownCredential{Username: v.Credential.Username, Kind: string(v.Credential.Kind), Version: v.Credential.Version}
	if v.Credential.Kind == vault.SSHKey {
		out.PrivateKey = v.Credential.PrivateKey.RevealString()
	} else {
		out.Password = v.Credential.Password.RevealString()
	}
	return &openedCheckoutOut{"no-store", OpenedCheckout{s.checkoutJSON(v.Checkout), out}}, nil
}

func (s *Server) checkoutRoutes() {
	const tag = "checkouts"
	const once = " The credential is in this answer's body and nowhere else: it is not kept for a repeat with the same Idempotency-Key, which is answered with ANSWER_NOT_KEPT."
	handle(s, signedIn, holdsSecret(huma.Operation{OperationID: "create-checkout", Method: http.MethodPost, Path: "/checkouts", Summary: "Check the credential of a safe out, and see it", DefaultStatus: 201, Tags: []string{tag},
		Description: "Needs the role checkout on the safe or a stronger one, or an approved request that is for a checkout; the policies decide as for a session, and a second factor must have been proved within the last five minutes (STEP_UP_REQUIRED). One person at a time holds the credential of an account (CHECKED_OUT). After the check-in it is due for rotation." + once}),
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				AccessSafeIn
				Reason          string `json:"reason" minLength:"1" maxLength:"2000" doc:"At most 500 characters"`
				Ticket          string `json:"ticket,omitempty" maxLength:"500"`
				DurationSeconds int64  `json:"duration_seconds,omitempty" minimum:"0" doc:"Absent: as long as the safe allows. What is longer is shortened to that, and to the end of the request that it rests on"`
			}
		}) (*openedCheckoutOut, error) {
			if in.Body.SafeID == "" && in.Body.Safe == "" {
				return nil, fault.New(fault.Invalid, "name the safe").WithField("safe_id", "is needed, or the safe's name in safe")
			}
			return s.shown(s.Checkouts.Open(ctx, a, checkout.Args{Safe: in.Body.SafeID, Name: in.Body.Safe, Reason: in.Body.Reason, Ticket: in.Body.Ticket, Duration: bounded(in.Body.DurationSeconds)}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-checkouts", Method: http.MethodGet, Path: "/checkouts", Summary: "List the checkouts that you may see, newest first", Tags: []string{tag},
		Description: "Your own; those of safes that you manage; for owners, admins and auditors all."},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			Active  bool         `query:"active" doc:"Only open ones"`
			Safe    id.Safe      `query:"safe" maxLength:"64"`
			Account id.Account   `query:"account" maxLength:"64"`
			User    id.User      `query:"user" maxLength:"64"`
			Request id.AccessReq `query:"access_request" maxLength:"64"`
		}) (*pageOut[Checkout], error) {
			l, err := s.Checkouts.List(ctx, a, checkout.Filter{Active: in.Active, Safe: in.Safe, Account: in.Account, User: in.User, Request: in.Request}, in.request())
			return pageOf(l, s.checkoutJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-checkout", Method: http.MethodGet, Path: "/checkouts/{id}", Summary: "Get a checkout", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *AccessPath) (*checkoutOut, error) {
			return s.oneCheckout(s.Checkouts.Get(ctx, a, id.Checkout(in.ID)))
		})
	handle(s, signedIn, holdsSecret(huma.Operation{OperationID: "reveal-checkout", Method: http.MethodPost, Path: "/checkouts/{id}/reveal", Summary: "See the credential that you have checked out again", Tags: []string{tag},
		Description: "Asks for the right and a fresh second factor as the checkout did. When it is over, the answer is CHECKOUT_OVER." + once}),
		func(ctx context.Context, a authz.Actor, in *AccessPath) (*openedCheckoutOut, error) {
			return s.shown(s.Checkouts.Reveal(ctx, a, id.Checkout(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "check-in", Method: http.MethodPost, Path: "/checkouts/{id}/check-in", Summary: "End a checkout", Tags: []string{tag},
		Description: "One's own; for owners, admins and managers of the safe everybody's. The credential is due for rotation then."},
		func(ctx context.Context, a authz.Actor, in *struct {
			AccessPath
			Body *struct {
				Comment string `json:"comment,omitempty" maxLength:"2000" doc:"At most 500 characters"`
			}
		}) (*checkoutOut, error) {
			comment := ""
			if in.Body != nil {
				comment = in.Body.Comment
			}
			return s.oneCheckout(s.Checkouts.CheckIn(ctx, a, id.Checkout(in.ID), comment))
		})
}
