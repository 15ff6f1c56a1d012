package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// SignedIn is the answer of a sign-in: an access token, or a second factor to be proved first.
type SignedIn struct {
	AccessToken       string        `json:"access_token,omitempty" doc:"Absent with cookie=true"`
	ExpiresIn         int64         `json:"expires_in,omitempty" doc:"Seconds, at the latest"`
	MFA               *MFAChallenge `json:"mfa,omitempty" doc:"Answer it with /auth/mfa"`
	EnrolmentRequired bool          `json:"enrolment_required,omitempty" doc:"This session may only enrol a second factor"`

	RefreshToken     string `json:"refresh_token,omitempty" doc:"Of a device: gives the next pair at /auth/refresh, once"`
	RefreshExpiresIn int64  `json:"refresh_expires_in,omitempty" doc:"Seconds; the sign-in ends then"`
}

// MFAChallenge asks for a second factor.
type MFAChallenge struct {
	ChallengeID string    `json:"challenge_id"`
	Methods     []string  `json:"methods" doc:"totp, webauthn, backup_code: those that the person has"`
	ExpiresAt   time.Time `json:"expires_at"`

	PublicKey *mfa.RequestOptions `json:"public_key,omitempty" doc:"With the method webauthn: what to give to navigator.credentials.get, by PublicKeyCredential.parseRequestOptionsFromJSON"`
}

type signedInOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      SignedIn
}

// CookieIn chooses how the session's token travels.
type CookieIn struct {
	Cookie bool `query:"cookie" doc:"Set the console's cookie instead of giving the token"`
}

func challengeJSON(c *mfa.Challenge) *MFAChallenge {
	return &MFAChallenge{ChallengeID: c.Handle.RevealString(), Methods: c.Methods, ExpiresAt: c.ExpiresAt, PublicKey: c.WebAuthn}
}

func (s *Server) signedIn(w identity.Session, cookie bool) *signedInOut {
	left := w.ExpiresAt.Sub(s.Now())
	out := &signedInOut{Body: SignedIn{ExpiresIn: int64(left.Seconds()), EnrolmentRequired: w.Enrolment}}
	if cookie {
		out.SetCookie = sessionCookie(w.Token.RevealString(), int(left.Seconds()))
	} else {
		out.Body.AccessToken = w.Token.RevealString()
	}
	return out
}

func sessionCookie(v string, age int) http.Cookie {
	return http.Cookie{Name: CookieName, Value: v, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

func origin(a authz.Actor) identity.Origin {
	return identity.Origin{Source: a.Source, Via: a.Via, Request: a.Request}
}

func (s *Server) authRoutes() {
	const tag = "sign-in"
	handle(s, open, huma.Operation{OperationID: "login", Method: http.MethodPost, Path: "/auth/login", Summary: "Sign in with e-mail and password", Tags: []string{tag},
		Description: "Every failure is AUTH_FAILED in the same words and like time. A password alone opens nothing: the answer is a second factor to prove, or a session that may only enrol one."},
		func(ctx context.Context, a authz.Actor, in *struct {
			CookieIn
			Body struct {
				Email    string        `json:"email" maxLength:"320" doc:"E-mail address or handle"`
				Password secret.Secret `json:"password"`
			}
		}) (*signedInOut, error) {
			r, err := s.Identity.SignIn(ctx, identity.SignInArgs{Email: in.Body.Email, Password: in.Body.Password, From: origin(a)})
			if err != nil {
				return nil, err
			}
			if r.Challenge != nil {
				return &signedInOut{Body: SignedIn{MFA: challengeJSON(r.Challenge)}}, nil
			}
			return s.signedIn(*r.Session, in.Cookie), nil
		})
	handle(s, open, huma.Operation{OperationID: "answer-mfa", Method: http.MethodPost, Path: "/auth/mfa", Summary: "Answer the challenge of a sign-in", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			CookieIn
			Body mfaAnswer
		}) (*signedInOut, error) {
			w, err := s.Identity.CompleteMFA(ctx, identity.CompleteMFAArgs{Challenge: in.Body.ChallengeID, Method: mfa.Method(in.Body.Method), Code: in.Body.Code,
				Assertion: in.Body.Credential.bytes(), From: origin(a)})
			if err != nil {
				return nil, err
			}
			return s.signedIn(w, in.Cookie), nil
		})
	handle(s, enrolling, huma.Operation{OperationID: "logout", Method: http.MethodPost, Path: "/auth/logout", Summary: "End this session", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct {
			SetCookie http.Cookie `header:"Set-Cookie"`
		}, error) {
			if err := s.Identity.SignOut(ctx, a); err != nil {
				return nil, err
			}
			return &struct {
				SetCookie http.Cookie `header:"Set-Cookie"`
			}{sessionCookie("", -1)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "step-up", Method: http.MethodPost, Path: "/auth/step-up", Summary: "Ask for a second factor again", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body *struct {
				SafeID string `json:"safe_id,omitempty" maxLength:"64" doc:"The safe whose policy asks"`
			}
		}) (*struct{ Body MFAChallenge }, error) {
			var args identity.StepUpArgs
			if in.Body != nil {
				args.Safe = id.Safe(in.Body.SafeID)
			}
			c, err := s.Identity.StepUp(ctx, a, args)
			if err != nil {
				return nil, err
			}
			return &struct{ Body MFAChallenge }{*challengeJSON(&c)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "answer-step-up", Method: http.MethodPost, Path: "/auth/step-up/answer", Summary: "Answer a step-up", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ Body mfaAnswer }) (*struct{}, error) {
			return nothing(s.Identity.CompleteStepUp(ctx, a, identity.StepUpAnswer{
				Challenge: in.Body.ChallengeID, Method: mfa.Method(in.Body.Method), Code: in.Body.Code, Assertion: in.Body.Credential.bytes()}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "change-password", Method: http.MethodPost, Path: "/auth/password", Summary: "Change your password; your other sessions end", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Current secret.Secret `json:"current"`
				New     secret.Secret `json:"new"`
			}
		}) (*struct{}, error) {
			return nothing(s.Identity.ChangePassword(ctx, a, in.Body.Current, in.Body.New))
		})
	s.passwordResetRoutes(tag)
	s.passkeyRoutes(tag)
	s.meRoute(tag)
}

// passkeyRoutes sign in without a password.
func (s *Server) passkeyRoutes(tag string) {
	type ceremony struct {
		ChallengeID string              `json:"challenge_id"`
		PublicKey   *mfa.RequestOptions `json:"public_key" doc:"What to give to navigator.credentials.get, by PublicKeyCredential.parseRequestOptionsFromJSON"`
		ExpiresAt   time.Time           `json:"expires_at"`
	}
	handle(s, open, huma.Operation{OperationID: "begin-passkey", Method: http.MethodPost, Path: "/auth/passkey", Summary: "Begin to sign in with a passkey", Tags: []string{tag},
		Description: "The question is the same for everybody, and says nothing about anybody. WEBAUTHN_UNAVAILABLE when the installation is reached by an IP address."},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body ceremony }, error) {
			c, err := s.Identity.BeginPasskey(ctx, origin(a))
			if err != nil {
				return nil, err
			}
			return &struct{ Body ceremony }{ceremony{c.Handle.RevealString(), c.Request, c.ExpiresAt}}, nil
		})
	handle(s, open, huma.Operation{OperationID: "answer-passkey", Method: http.MethodPost, Path: "/auth/passkey/answer", Summary: "Sign in with a passkey", Tags: []string{tag},
		Description: "The passkey and the PIN or finger that its device asked for are both factors: no other is asked for. Every failure is AUTH_FAILED."},
		func(ctx context.Context, a authz.Actor, in *struct {
			CookieIn
			Body struct {
				ChallengeID secret.Secret `json:"challenge_id"`
				Credential  publicKey     `json:"credential" doc:"What navigator.credentials.get gave, by its toJSON"`
			}
		}) (*signedInOut, error) {
			w, err := s.Identity.CompletePasskey(ctx, identity.CompletePasskeyArgs{Handle: in.Body.ChallengeID, Assertion: in.Body.Credential.bytes(), From: origin(a)})
			if err != nil {
				return nil, err
			}
			return s.signedIn(w, in.Cookie), nil
		})
}

type mfaAnswer struct {
	ChallengeID secret.Secret `json:"challenge_id"`
	Method      string        `json:"method,omitempty" enum:"totp,backup_code,webauthn" doc:"Absent: what the code looks like"`
	Code        secret.Secret `json:"code,omitempty" doc:"Of an authenticator app, or a backup code"`
	Credential  publicKey     `json:"credential,omitempty" doc:"For webauthn: what navigator.credentials.get gave, by its toJSON"`
}

// publicKey is a PublicKeyCredential as browsers write it.
type publicKey map[string]any

// bytes is the credential for the domain that checks it; nil when there is none.
func (p publicKey) bytes() []byte {
	if p == nil {
		return nil
	}
	b, err := json.Marshal(p)
	if err != nil {
		return []byte("{}") // what came from JSON goes back; nothing holds of this
	}
	return b
}

// Me is what you may know about yourself.
type Me struct {
	User struct {
		ID     id.User `json:"id"`
		Email  string  `json:"email"`
		Handle string  `json:"handle"`
		Name   string  `json:"name"`
	} `json:"user"`
	Org          *MyOrg `json:"org" doc:"The active organization; null on the platform"`
	PlatformRole string `json:"platform_role,omitempty"`
	MFA          struct {
		Enrolled   bool      `json:"enrolled"`
		VerifiedAt time.Time `json:"verified_at,omitzero"`
		CodesLeft  int       `json:"backup_codes_left"`
	} `json:"mfa"`
	Via    string   `json:"via" enum:"session,token"`
	Scopes []string `json:"scopes,omitempty" doc:"Of the API token that asks"`
	SSH    struct {
		Addr string `json:"addr" doc:"Where the SSH gateway is"`
	} `json:"ssh"`
}

// MyOrg is your place in an organization.
type MyOrg struct {
	ID   id.Org `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
	Role string `json:"role" enum:"owner,admin,operator,auditor"`
}

func myOrg(m identity.Membership) MyOrg {
	return MyOrg{ID: m.Org, Slug: m.Slug, Name: m.Name, Role: string(m.Role)}
}

func (s *Server) meRoute(tag string) {
	handle(s, enrolling, huma.Operation{OperationID: "me", Method: http.MethodGet, Path: "/auth/me", Summary: "Who you are here", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body Me }, error) {
			m, err := s.Identity.Me(ctx, a)
			if err != nil {
				return nil, err
			}
			out := Me{PlatformRole: string(a.PlatformRole), Via: "session"}
			out.User.ID, out.User.Email, out.User.Handle, out.User.Name = m.ID, m.Email, m.Handle, m.Name
			if m.Active != nil {
				o := myOrg(*m.Active)
				out.Org = &o
			}
			out.MFA.Enrolled, out.MFA.VerifiedAt, out.MFA.CodesLeft = len(m.MFA.Factors) > 0, a.MFAAt, m.MFA.CodesLeft
			if a.Kind == authz.Token {
				out.Via, out.Scopes = "token", a.Scopes
			}
			out.SSH.Addr = s.SSHAddr
			return &struct{ Body Me }{out}, nil
		})
	handle(s, enrolling, huma.Operation{OperationID: "memberships", Method: http.MethodGet, Path: "/org/memberships", Summary: "The organizations that you belong to", Tags: []string{"organization"}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body Memberships }, error) {
			m, err := s.Identity.Me(ctx, a)
			if err != nil {
				return nil, err
			}
			out := Memberships{Memberships: []Membership{}}
			if m.Active != nil {
				out.ActiveOrgID = m.Active.Org
			}
			for _, x := range m.Memberships {
				out.Memberships = append(out.Memberships, Membership{OrgID: x.Org, Slug: x.Slug, Name: x.Name, Role: string(x.Role)})
			}
			return &struct{ Body Memberships }{out}, nil
		})
}

// Memberships is where you belong.
type Memberships struct {
	ActiveOrgID id.Org       `json:"active_org_id,omitempty"`
	Memberships []Membership `json:"memberships"`
}

// Membership is a place in one organization.
type Membership struct {
	OrgID id.Org `json:"org_id"`
	Slug  string `json:"slug"`
	Name  string `json:"name"`
	Role  string `json:"role"`
}
