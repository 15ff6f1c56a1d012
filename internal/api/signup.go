package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/signup"
)

// Signup is an applicant's own registration of an organization.
type Signup struct {
	ID          id.Submission `json:"id"`
	State       string        `json:"state" enum:"draft,submitted,returned,rejected,approved"`
	Email       string        `json:"email"`
	OrgName     string        `json:"org_name,omitempty"`
	Slug        string        `json:"slug,omitempty"`
	Note        string        `json:"note,omitempty"`
	Handle      string        `json:"handle,omitempty"`
	Name        string        `json:"name,omitempty"`
	SubmittedAt time.Time     `json:"submitted_at,omitzero"`
	DecidedAt   time.Time     `json:"decided_at,omitzero"`
	Comment     string        `json:"comment,omitempty" doc:"Why it was rejected or returned"`
}

func signupJSON(c signup.Case) Signup {
	return Signup{ID: c.ID, State: string(c.State), Email: c.Email, OrgName: c.OrgName, Slug: c.Slug, Note: c.Note, Handle: c.Handle, Name: c.Name,
		SubmittedAt: c.SubmittedAt, DecidedAt: c.DecidedAt, Comment: c.Comment}
}

func (s *Server) signupRoutes() {
	const tag = "sign-up"
	one := func(c signup.Case, err error) (*struct{ Body Signup }, error) {
		if err != nil {
			return nil, err
		}
		return &struct{ Body Signup }{signupJSON(c)}, nil
	}
	handle(s, open, huma.Operation{OperationID: "begin-signup", Method: http.MethodPost, Path: "/signup", Summary: "Ask for a link to register an organization", DefaultStatus: 202, Tags: []string{tag},
		Description: "The answer is the same for every address. The link works once, for an hour, and leads back to a registration that is open."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Email string `json:"email" maxLength:"320"`
			}
		}) (*struct{}, error) {
			return nothing(s.Signups.Ask(ctx, in.Body.Email, origin(a)))
		})
	type startedSignup struct {
		Signup
		Access    string    `json:"access" doc:"Show it to the other calls of this registration"`
		ExpiresAt time.Time `json:"access_expires_at"`
		Phone     bool      `json:"phone_required" doc:"A telephone number has to be verified before it can be sent"`
		Account   string    `json:"account" enum:"new,existing" doc:"existing: the owner keeps the account of this address; new: choose a handle and a password"`
	}
	handle(s, open, huma.Operation{OperationID: "start-signup", Method: http.MethodPost, Path: "/signup/start", Summary: "Use the link: open a registration, or go on with it", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *linkIn) (*struct{ Body startedSignup }, error) {
			h, err := s.Signups.Start(ctx, in.Body.Token, origin(a))
			if err != nil {
				return nil, err
			}
			out := startedSignup{signupJSON(h.Case), h.Token.RevealString(), h.ExpiresAt, s.Signups.PhoneDemanded(), "new"}
			if h.Known {
				out.Account = "existing"
			}
			return &struct{ Body startedSignup }{out}, nil
		})
	handle(s, open, huma.Operation{OperationID: "see-signup", Method: http.MethodPost, Path: "/signup/state", Summary: "See how far a registration is", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Access secret.Secret `json:"access"`
			}
		}) (*struct{ Body Signup }, error) {
			return one(s.Signups.Look(ctx, in.Body.Access, origin(a)))
		})
	handle(s, open, huma.Operation{OperationID: "submit-signup", Method: http.MethodPost, Path: "/signup/submit", Summary: "Send a registration, also one that was returned", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Access   secret.Secret `json:"access"`
				OrgName  string        `json:"org_name"`
				Slug     string        `json:"slug" doc:"Short name: 3 to 40 lower-case letters, digits and single hyphens"`
				Note     string        `json:"note,omitempty" doc:"For those who decide"`
				Handle   string        `json:"handle,omitempty" maxLength:"64" doc:"Of the owner, where the address has no account"`
				Name     string        `json:"name,omitempty"`
				Password secret.Secret `json:"password,omitempty" doc:"Of the owner, where the address has no account"`
			}
		}) (*struct{ Body Signup }, error) {
			b := in.Body
			return one(s.Signups.Submit(ctx, b.Access, signup.SubmitArgs{OrgName: b.OrgName, Slug: b.Slug, Note: b.Note,
				Person: identity.NewPerson{Handle: b.Handle, Name: b.Name, Password: b.Password}}, origin(a)))
		})
	type numberOut struct {
		Number    string    `json:"number" doc:"Masked"`
		ExpiresAt time.Time `json:"expires_at" doc:"Of the code"`
	}
	handle(s, open, huma.Operation{OperationID: "ask-signup-phone", Method: http.MethodPost, Path: "/signup/phone", Summary: "Send a code to the applicant's telephone number", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Access secret.Secret `json:"access"`
				Number string        `json:"number" maxLength:"40" doc:"With the country's code, such as +49 ..."`
			}
		}) (*struct{ Body numberOut }, error) {
			r, err := s.Signups.AskPhone(ctx, in.Body.Access, in.Body.Number, origin(a))
			if err != nil {
				return nil, err
			}
			return &struct{ Body numberOut }{numberOut{r.Masked, r.ExpiresAt}}, nil
		})
	handle(s, open, huma.Operation{OperationID: "confirm-signup-phone", Method: http.MethodPost, Path: "/signup/phone/confirm", Summary: "Bring the code", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Access secret.Secret `json:"access"`
				Code   secret.Secret `json:"code"`
			}
		}) (*struct{}, error) {
			return nothing(s.Signups.ConfirmPhone(ctx, in.Body.Access, in.Body.Code, origin(a)))
		})
	s.submissionRoutes()
}

// Submission is an organization that asks to be let in, as the platform's operators see it.
type Submission struct {
	Signup
	Submissions int     `json:"submissions" doc:"How often it was sent"`
	DecidedBy   id.User `json:"decided_by,omitempty"`
	OrgID       id.Org  `json:"org_id,omitempty" doc:"What its approval made"`
}

func submissionJSON(c signup.Case) Submission {
	return Submission{signupJSON(c), c.Submissions, c.DecidedBy, c.Org}
}

// SubmissionPath names a submission.
type SubmissionPath struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) submissionRoutes() {
	const tag = "platform"
	one := func(c signup.Case, err error) (*struct{ Body Submission }, error) {
		if err != nil {
			return nil, err
		}
		return &struct{ Body Submission }{submissionJSON(c)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-submissions", Method: http.MethodGet, Path: "/platform/submissions", Summary: "List the organizations that ask, or asked, to be let in", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			State string `query:"state" enum:"submitted,returned,rejected,approved" doc:"Absent: all"`
		}) (*pageOut[Submission], error) {
			l, err := s.Signups.List(ctx, a, signup.State(in.State), in.request())
			return pageOf(l, submissionJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-submission", Method: http.MethodGet, Path: "/platform/submissions/{id}", Summary: "See an organization that asks to be let in", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *SubmissionPath) (*struct{ Body Submission }, error) {
			return one(s.Signups.Get(ctx, a, id.Submission(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "approve-submission", Method: http.MethodPost, Path: "/platform/submissions/{id}/approve", Summary: "Let an organization in: it is made, with the applicant as its owner", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *SubmissionPath) (*struct{ Body Submission }, error) {
			return one(s.Signups.Approve(ctx, a, id.Submission(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "reject-submission", Method: http.MethodPost, Path: "/platform/submissions/{id}/reject", Summary: "Turn an organization down, or return it for correction", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SubmissionPath
			Body struct {
				Comment     string `json:"comment" doc:"The applicant reads it"`
				MayResubmit bool   `json:"may_resubmit,omitempty" doc:"Returned for correction: it can be sent again"`
			}
		}) (*struct{ Body Submission }, error) {
			return one(s.Signups.Reject(ctx, a, id.Submission(in.ID), signup.RejectArgs{Comment: in.Body.Comment, MayResubmit: in.Body.MayResubmit}))
		})
}
