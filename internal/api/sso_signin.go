package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/sso"
)

// ssoCookieName ties a sign-in at a provider to the browser that began it. It goes
// along when the provider sends the browser back, which the session's cookie does not.
const ssoCookieName = "__Host-vaultpam-sso"

const ssoCookieAge = 15 * 60

// ssoCookie goes along with a redirect from elsewhere; for SAML, where the
// provider's page posts a form, with a post from elsewhere too.
func ssoCookie(v string, p sso.Protocol) http.Cookie {
	c := http.Cookie{Name: ssoCookieName, Value: v, Path: "/", MaxAge: ssoCookieAge, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if p == sso.SAML {
		c.SameSite = http.SameSiteNoneMode
	}
	return c
}

// SSOHint is what somebody says of where they belong.
type SSOHint struct {
	Organization string `json:"organization,omitempty" maxLength:"63" doc:"The organization's short name"`
	Email        string `json:"email,omitempty" maxLength:"320" doc:"Your address; only its domain counts"`
}

func (h SSOHint) hint() sso.Hint { return sso.Hint{Org: h.Organization, Email: h.Email} }

// SSOChoice is a provider that somebody can sign in with.
type SSOChoice struct {
	ProviderID id.Provider `json:"provider_id"`
	Name       string      `json:"name"`
	Protocol   string      `json:"protocol" enum:"oidc,saml"`
}

// SSOBrowser is the cookie of a browser that has begun a sign-in.
type SSOBrowser struct {
	Browser http.Cookie `cookie:"__Host-vaultpam-sso"`
}

func (b SSOBrowser) secret() secret.Secret { return secret.FromString(b.Browser.Value) }

func browserOrigin(a authz.Actor) identity.Origin {
	o := origin(a)
	o.Via = authz.ViaConsole
	return o
}

func (s *Server) ssoSignInRoutes() {
	const tag = "sign-in"
	handle(s, open, huma.Operation{OperationID: "sso-choices", Method: http.MethodPost, Path: "/auth/sso/choices", Summary: "The identity providers that an organization or an address leads to", Tags: []string{tag},
		Description: "Says nothing about people: an address counts by its domain. None is SSO_NOT_CONFIGURED, whatever the cause."},
		func(ctx context.Context, a authz.Actor, in *struct{ Body SSOHint }) (*struct {
			Body struct {
				Items []SSOChoice `json:"items"`
			}
		}, error) {
			all, err := s.SSO.Choices(ctx, in.Body.hint())
			if err != nil {
				return nil, err
			}
			out := &struct {
				Body struct {
					Items []SSOChoice `json:"items"`
				}
			}{}
			for _, c := range all {
				out.Body.Items = append(out.Body.Items, SSOChoice{c.ID, c.Name, string(c.Protocol)})
			}
			return out, nil
		})
	handle(s, open, huma.Operation{OperationID: "sso-start", Method: http.MethodPost, Path: "/auth/sso/start", Summary: "Begin a sign-in through an identity provider", Tags: []string{tag},
		Description: "Send the browser to redirect_url. It comes back to the console at /sign-in/sso, with #ticket=... to be posted to /auth/sso/complete, or with #error=... and the reason. The cookie that is set ties the sign-in to the browser."},
		func(ctx context.Context, a authz.Actor, in *struct {
			SSOBrowser
			Body struct {
				SSOHint
				ProviderID string `json:"provider_id,omitempty" maxLength:"64" doc:"Absent: the first that the organization or the address leads to"`
				ReturnTo   string `json:"return_to,omitempty" maxLength:"1024" doc:"A path of the console, given back by /auth/sso/complete"`
			}
		}) (*struct {
			SetCookie http.Cookie `header:"Set-Cookie"`
			Body      struct {
				RedirectURL string `json:"redirect_url"`
				Provider    string `json:"provider"`
			}
		}, error) {
			r, err := s.SSO.Start(ctx, sso.StartArgs{Hint: in.Body.hint(), Provider: id.Provider(in.Body.ProviderID), ReturnTo: in.Body.ReturnTo, Browser: in.secret(), From: browserOrigin(a)})
			if err != nil {
				return nil, err
			}
			out := &struct {
				SetCookie http.Cookie `header:"Set-Cookie"`
				Body      struct {
					RedirectURL string `json:"redirect_url"`
					Provider    string `json:"provider"`
				}
			}{SetCookie: ssoCookie(r.Browser.RevealString(), r.Protocol)}
			out.Body.RedirectURL, out.Body.Provider = r.URL, r.Name
			return out, nil
		})
	type completed struct {
		SignedIn
		ReturnTo string `json:"return_to,omitempty" doc:"The path that the sign-in began with"`
	}
	handle(s, open, huma.Operation{OperationID: "sso-complete", Method: http.MethodPost, Path: "/auth/sso/complete", Summary: "End a sign-in through an identity provider", Tags: []string{tag},
		Description: "Redeems the ticket of the address, once, within a minute, in the browser that began. The answer is that of /auth/login."},
		func(ctx context.Context, a authz.Actor, in *struct {
			CookieIn
			SSOBrowser
			Body struct {
				Ticket secret.Secret `json:"ticket"`
			}
		}) (*struct {
			SetCookie http.Cookie `header:"Set-Cookie"`
			Body      completed
		}, error) {
			r, err := s.SSO.Complete(ctx, sso.CompleteArgs{Ticket: in.Body.Ticket, Browser: in.secret(), From: browserOrigin(a)})
			if err != nil {
				return nil, err
			}
			out := &struct {
				SetCookie http.Cookie `header:"Set-Cookie"`
				Body      completed
			}{Body: completed{ReturnTo: r.ReturnTo}}
			if r.Challenge != nil {
				out.Body.MFA = challengeJSON(r.Challenge)
				return out, nil
			}
			done := s.signedIn(*r.Session, in.Cookie)
			out.Body.SignedIn, out.SetCookie = done.Body, done.SetCookie
			return out, nil
		})
	s.mux.HandleFunc("GET "+Prefix+"/auth/sso/oidc/{provider}/callback", s.oidcCallback)
	s.mux.HandleFunc("POST "+Prefix+"/auth/sso/oidc/{provider}/backchannel-logout", s.backchannelLogout)
	s.mux.HandleFunc("POST "+Prefix+"/auth/sso/saml/{provider}/acs", s.samlAssertion)
	s.mux.HandleFunc("GET "+Prefix+"/auth/sso/saml/{provider}/metadata", s.samlMetadata)
	s.mux.HandleFunc("GET "+Prefix+"/auth/sso/saml/{provider}/slo", s.samlLogout)
}

// oidcCallback is where a provider sends browsers back to.
func (s *Server) oidcCallback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a := sso.CallbackArgs{
		Provider: id.Provider(clip(r.PathValue("provider"), 64)), State: clip(q.Get("state"), 128), Code: secret.FromString(clip(q.Get("code"), 4096)),
		Issuer: clip(q.Get("iss"), 1024), Error: clip(q.Get("error"), 64), From: browserOrigin(actorOf(r.Context())),
	}
	if c, err := r.Cookie(ssoCookieName); err == nil {
		a.Browser = secret.FromString(c.Value)
	}
	p, err := s.SSO.Callback(r.Context(), a)
	s.backToConsole(w, r, p, err)
}

// samlAssertion is where a SAML provider makes browsers post its answer.
func (s *Server) samlAssertion(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	http.NewResponseController(w).SetReadDeadline(s.Now().Add(bodyTime))
	if err := r.ParseForm(); err != nil {
		s.write(w, r, fault.New(fault.Invalid, "the body is not a form, or too long").Because(err))
		return
	}
	a := sso.AssertionArgs{Provider: id.Provider(clip(r.PathValue("provider"), 64)), State: clip(r.PostForm.Get("RelayState"), 128),
		Response: r.PostForm.Get("SAMLResponse"), From: browserOrigin(actorOf(r.Context()))}
	if c, err := r.Cookie(ssoCookieName); err == nil {
		a.Browser = secret.FromString(c.Value)
	}
	p, err := s.SSO.Assertion(r.Context(), a)
	s.backToConsole(w, r, p, err)
}

// samlMetadata describes this server to a SAML provider.
func (s *Server) samlMetadata(w http.ResponseWriter, r *http.Request) {
	text, err := s.SSO.Metadata(r.Context(), id.Provider(clip(r.PathValue("provider"), 64)))
	if err != nil {
		s.write(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	w.Write(text)
}

// samlLogout is where a SAML provider sends a browser when it signs somebody out; the
// browser goes back with our answer.
func (s *Server) samlLogout(w http.ResponseWriter, r *http.Request) {
	to, err := s.SSO.SAMLLogout(r.Context(), sso.SAMLLogoutArgs{Provider: id.Provider(clip(r.PathValue("provider"), 64)), Query: r.URL.RawQuery, From: browserOrigin(actorOf(r.Context()))})
	if err != nil {
		s.write(w, r, err)
		return
	}
	s.Sessions.Notify()
	if to == "" {
		to = s.PublicURL + "/sign-in"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// backToConsole sends the browser to the console, with the ticket or the reason in
// the fragment, which no server sees.
func (s *Server) backToConsole(w http.ResponseWriter, r *http.Request, p sso.Proved, err error) {
	v := url.Values{}
	switch {
	case err == nil:
		v.Set("ticket", p.Ticket.RevealString())
	default:
		told := s.problem(r.Context(), err)
		v.Set("error", sso.Reason(err))
		v.Set("message", told.Detail)
	}
	http.Redirect(w, r, s.PublicURL+"/sign-in/sso#"+v.Encode(), http.StatusSeeOther)
}

// backchannelLogout is where a provider says that somebody's session with it ended
// (OpenID Connect Back-Channel Logout 1.0, section 2.8).
func (s *Server) backchannelLogout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	err := r.ParseForm()
	if err == nil {
		err = s.SSO.Logout(r.Context(), sso.LogoutArgs{Provider: id.Provider(clip(r.PathValue("provider"), 64)), Token: secret.FromString(r.PostForm.Get("logout_token")), From: origin(actorOf(r.Context()))})
	} else {
		err = fault.New(fault.Invalid, "the body is not a form").Because(err)
	}
	if err == nil {
		s.Sessions.Notify()
		w.WriteHeader(http.StatusOK)
		return
	}
	told := s.problem(r.Context(), err)
	status := told.Status
	if status < 500 && status != http.StatusTooManyRequests {
		status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": "invalid_request", "error_description": told.Detail})
}
